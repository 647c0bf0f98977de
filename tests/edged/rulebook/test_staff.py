"""What the rules file says of those who work here."""

import dataclasses
from datetime import date
from typing import Any

import pytest

from edged.rulebook.people import StaffShape
from policy.model import KeyRole, Staff, StaffRole
from tests.edged.rulebook.test_file import EXAMPLE, HEX, faults, good, spelled

S2 = {"tz": "Asia/Tokyo", "handle": "00112233445566B1"}


def test_the_example_names_its_staff() -> None:
    rules = good(EXAMPLE).rules
    assert rules.stores["S1"].handle == bytes.fromhex("00112233445566b1")
    assert rules.keys[2].role is KeyRole.STAFF
    assert sorted(rules.staff) == ["W1", "W2"]
    assert rules.staff["W2"] == Staff(
        id="W2",
        handle=bytes.fromhex("00112233445566c2"),
        roles=frozenset({StaffRole.OPEN}),
        stores=frozenset({"S1"}),
        version=2,
        valid_from=date(2026, 10, 1),
        valid_to=date(2027, 3, 31),
    )


def test_every_field_of_a_person_can_be_said() -> None:
    fields = {field.name for field in dataclasses.fields(Staff)}
    assert set(StaffShape.model_fields) | {"id"} == fields


def test_what_is_left_out_is_what_the_noun_has() -> None:
    found = good(spelled({"staff/W": {"handle": "00" * 8, "roles": []}}))
    assert found.rules.staff["W"] == Staff("W", bytes(8), frozenset())


def test_a_pin_is_kept_as_its_hash_and_not_shown() -> None:
    person = good(spelled({"staff/W1/pin_hash": HEX.upper()})).rules.staff["W1"]
    assert person.pin_hash == bytes.fromhex(HEX)
    assert "pin" not in repr(person)


FAULTS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"stores/S1/handle": "00"}, [("stores.S1.handle", "BAD_VALUE")]),
    ({"stores/S2": S2}, [("stores.S2.handle", "DUPLICATE_HANDLE")]),
    ({"staff": []}, [("staff", "BAD_VALUE")]),
    ({"staff/a b": {"handle": "00" * 8, "roles": []}}, [("staff.a b", "BAD_VALUE")]),
    ({"staff/W1/handle": ...}, [("staff.W1.handle", "MISSING")]),
    ({"staff/W1/handle": "00112233445566C2"}, [("staff.W2.handle", "DUPLICATE_HANDLE")]),
    ({"staff/W1/roles": ...}, [("staff.W1.roles", "MISSING")]),
    ({"staff/W1/roles/0": "boss"}, [("staff.W1.roles[0]", "BAD_VALUE")]),
    ({"staff/W1/pin": "1234"}, [("staff.W1.pin", "UNKNOWN_FIELD")]),
    ({"staff/W1/pin_hash": "1234"}, [("staff.W1.pin_hash", "BAD_VALUE")]),
    ({"staff/W2/stores": ["S1", "S9"]}, [("staff.W2.stores", "UNKNOWN_REFERENCE")]),
    ({"staff/W2/version": 65_536}, [("staff.W2.version", "OUT_OF_RANGE")]),
    ({"staff/W2/valid_to": "2026-09-30"}, [("staff.W2.valid_to", "END_BEFORE_START")]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), FAULTS)
def test_each_fault_names_its_field(
    changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert faults(spelled(changes)) == expected
