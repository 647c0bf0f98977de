import dataclasses
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from edged.rulebook import file as rules_file
from edged.rulebook.fields import hours
from edged.rulebook.file import RuleSet
from edged.rulebook.format import DeviceShape, DoorShape, PlanShape, SettingsShape, StoreShape
from edged.rulebook.people import BookingShape, ContractShape, MemberShape
from edged.store import limits
from policy.model import (
    Booking,
    BookingStatus,
    Contract,
    Device,
    Door,
    Hours,
    IssuerKey,
    KeyRole,
    Member,
    Plan,
    RuleSettings,
    Side,
    Store,
    Warn,
)

CONFIG = Path(__file__).parents[3] / "config"
EXAMPLE = (CONFIG / "rules.example.json").read_bytes()
HEX = "0f" * 32


def document() -> dict[str, Any]:
    """Load the example, which is free of faults."""
    loaded: dict[str, Any] = json.loads(EXAMPLE)
    return loaded


def spelled(changes: dict[str, Any]) -> bytes:
    """Spell the example with changes: dotted path -> new value, `...` = take it out."""
    changed = document()
    for path, value in changes.items():
        *above, last = path.split("/")
        place: Any = changed
        for step in above:
            place = place[int(step) if isinstance(place, list) else step]
        if value is ...:
            del place[last]
        elif isinstance(place, list):
            place[int(last)] = value
        else:
            place[last] = value
    return json.dumps(changed, ensure_ascii=False).encode()


def faults(data: bytes) -> list[tuple[str, str]]:
    found = rules_file.read(data)
    assert isinstance(found, list)
    return [(fault.path, str(fault.code)) for fault in found]


def good(data: bytes) -> RuleSet:
    found = rules_file.read(data)
    assert isinstance(found, RuleSet)
    return found


def test_the_example_is_read_into_the_nouns() -> None:
    found = good(EXAMPLE)
    rules = found.rules
    assert (rules.tenant, rules.version) == ("example-gym", 1)
    assert rules.issued_at == datetime(2026, 10, 31, 15, 0, tzinfo=UTC)
    assert rules.stores["S1"].bands["LATE"] == Hours(1320, 1560)
    assert str(rules.stores["S1"].tz) == "Asia/Tokyo"
    assert date(2026, 11, 3) in rules.stores["S1"].holidays
    assert rules.plans["DAY8"].bands[0].days.weekdays == frozenset(range(5))
    assert rules.devices["front-out"].side is Side.OUT
    assert rules.keys[1].role is KeyRole.MEMBER
    assert len(rules.keys[1].public or b"") == 32
    assert found.members["M2"] == Member(
        id="M2",
        handle=bytes.fromhex("00112233445566a2"),
        contracts=(
            Contract(
                "C2",
                "DAY8",
                date(2026, 4, 1),
                date(2027, 3, 31),
                ((date(2026, 8, 1), date(2026, 8, 31)),),
            ),
        ),
        bookings=(
            Booking(
                "B1",
                "S1",
                "YOGA",
                datetime(2026, 11, 4, 9, 0, tzinfo=UTC),
                datetime(2026, 11, 4, 10, 0, tzinfo=UTC),
                BookingStatus.CONFIRMED,
                paid=True,
            ),
        ),
        notices=frozenset({Warn.PAYMENT_UNPAID}),
    )
    assert list(found.members) == ["M1", "M2", "M3", "M4"]
    assert len(found.members) == 4


@pytest.mark.parametrize(
    ("shape", "noun"),
    [
        (StoreShape, Store),
        (PlanShape, Plan),
        (DoorShape, Door),
        (DeviceShape, Device),
        (MemberShape, Member),
        (ContractShape, Contract),
        (BookingShape, Booking),
        (SettingsShape, RuleSettings),
    ],
)
def test_every_field_of_a_noun_can_be_said(shape: type[BaseModel], noun: type) -> None:
    fields = {field.name for field in dataclasses.fields(noun)}
    looked_up = {"plain"} if noun is Member else set()  # leads to the member, and is no part of it
    assert set(shape.model_fields) - looked_up | {"id"} == fields | {"id"}


def test_what_is_left_out_is_what_the_noun_has() -> None:
    least = {
        "doors/D": {"store": "S1"},
        "devices/D": {"store": "S1", "side": "IN"},
        "plans/P": {},
        "members/M": {"handle": "00" * 8},
        "settings": {},
    }
    found = good(spelled(least))
    assert found.rules.doors["D"] == Door("D", "S1")
    assert found.rules.devices["D"] == Device("D", "S1", Side.IN)
    assert found.rules.plans["P"] == Plan("P")
    assert found.rules.settings == RuleSettings()
    assert found.members["M"] == Member("M", bytes(8))


def test_a_room_door_does_not_count_unless_it_says_so() -> None:
    data = spelled({"devices/front-in/room": "R1"})
    assert not good(data).rules.devices["front-in"].counts
    data = spelled({"devices/front-in/room": "R1", "devices/front-in/counts": True})
    assert good(data).rules.devices["front-in"].counts


@pytest.mark.parametrize(
    "text",
    [
        "0:00-0:00",
        "10:00-10:00",
        "24:00-26:00",
        "10:00-34:01",
        "10:60-11:00",
        "10-17",
        "10:00 - 17:00",
        "-1:00-2:00",
        "10:00-17:00\n",
        "\u0661\u0660:00-17:00",
        "",
    ],
)
def test_hours_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="hours"):
        hours(text)
    assert faults(spelled({"stores/S1/bands/DAY": text})) == [("stores.S1.bands.DAY", "BAD_VALUE")]


@pytest.mark.parametrize(
    "public", [HEX, HEX.upper(), "Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8"]
)
def test_a_key_is_hex_or_base64url(public: str) -> None:
    data = spelled({"keys/1/public": public})
    assert good(data).rules.keys[1] == IssuerKey(1, KeyRole.MEMBER, bytes.fromhex(HEX))


A = "plans/DAY8"
C1 = "members/M1/contracts/0"
FAULTS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"tenant": ...}, [("tenant", "MISSING")]),
    ({"tenant": "a b"}, [("tenant", "BAD_VALUE")]),
    ({"version": 0}, [("version", "BAD_VALUE")]),
    ({"version": True}, [("version", "BAD_VALUE")]),
    ({"version": "1"}, [("version", "BAD_VALUE")]),
    ({"issued_at": "2026-11-01"}, [("issued_at", "BAD_VALUE")]),
    ({"issued_at": "2026-11-01T00:00:00"}, [("issued_at", "BAD_VALUE")]),
    ({"issued_at": "2026-13-01T00:00:00Z"}, [("issued_at", "BAD_VALUE")]),
    ({"issued_at": "0001-01-01T00:00:00+14:00"}, [("issued_at", "BAD_VALUE")]),
    ({"issued_at": 1_700_000_000}, [("issued_at", "BAD_VALUE")]),
    ({"secret": 1}, [("secret", "UNKNOWN_FIELD")]),
    ({"settings/overlap": "some"}, [("settings.overlap", "BAD_VALUE")]),
    ({"settings/debounce_s": 61}, [("settings.debounce_s", "OUT_OF_RANGE")]),
    ({"keys": []}, [("keys", "BAD_VALUE")]),
    ({"keys/x": {"role": "member", "public": HEX}}, [("keys.x", "BAD_VALUE")]),
    ({"keys/256": {"role": "member", "public": HEX}}, [("keys.256", "OUT_OF_RANGE")]),
    ({"keys/1/public": "AA"}, [("keys.1.public", "BAD_VALUE")]),
    ({"keys/1/public": "A" * 42 + "B"}, [("keys.1.public", "BAD_VALUE")]),
    ({"keys/1/role": "root"}, [("keys.1.role", "BAD_VALUE")]),
    ({"stores/S1/tz": "Asia"}, [("stores.S1.tz", "BAD_VALUE")]),
    ({"stores/S1/tz": "../etc/passwd"}, [("stores.S1.tz", "BAD_VALUE")]),
    ({"stores/S1/tz": "Asia/Nowhere"}, [("stores.S1.tz", "BAD_VALUE")]),
    ({"stores/S1/holidays/2026-02-30": ""}, [("stores.S1.holidays.2026-02-30", "BAD_VALUE")]),
    ({"stores/S1/closed/0": "1999-12-31"}, [("stores.S1.closed[0]", "BAD_VALUE")]),
    ({"stores/S1/name": "a\u001bb"}, [("stores.S1.name", "BAD_VALUE")]),
    ({f"{A}/bands/0/limit": -1}, [("plans.DAY8.bands[0].limit", "NEGATIVE_LIMIT")]),
    ({f"{A}/bands/0/limit": "8"}, [("plans.DAY8.bands[0].limit", "BAD_VALUE")]),
    ({f"{A}/bands/0/holiday": "SOME"}, [("plans.DAY8.bands[0].holiday", "BAD_VALUE")]),
    ({f"{A}/bands/0/weekdays": "111"}, [("plans.DAY8.bands[0].weekdays", "BAD_VALUE")]),
    ({f"{A}/bands/0/kind": "a/b"}, [("plans.DAY8.bands[0].kind", "BAD_VALUE")]),
    ({f"{A}/type": "school"}, [("plans.DAY8.restrict", "SCHOOL_PLAN_LIMITS")]),
    ({f"{A}/stores": ["S9"]}, [("plans.DAY8.stores", "UNKNOWN_REFERENCE")]),
    ({"doors/front/pulse_ms": 499}, [("doors.front.pulse_ms", "OUT_OF_RANGE")]),
    ({"devices/front-in/door": "back"}, [("devices.front-in.door", "UNKNOWN_REFERENCE")]),
    ({"devices/front-in/codes": ["R2"]}, [("devices.front-in.codes[0]", "BAD_VALUE")]),
    ({"members": []}, [("members", "BAD_VALUE")]),
    ({"members/a b": {"handle": "00" * 8}}, [("members.a b", "BAD_VALUE")]),
    ({"members/M1": 5}, [("members.M1", "BAD_VALUE")]),
    ({"members/M1/handle": "00"}, [("members.M1.handle", "BAD_VALUE")]),
    ({"members/M1/handle": "00112233445566A2"}, [("members.M2.handle", "DUPLICATE_HANDLE")]),
    ({f"{C1}/id": "C2"}, [("members.M2.contracts[0].id", "DUPLICATE_CONTRACT")]),
    ({f"{C1}/plan": "P9"}, [("members.M1.contracts[0].plan", "UNKNOWN_REFERENCE")]),
    ({f"{C1}/paused": [["2026-08-01"]]}, [("members.M1.contracts[0].paused[0][1]", "MISSING")]),
    ({f"{C1}/end": "2025-12-31"}, [("members.M1.contracts[0].end", "END_BEFORE_START")]),
    ({"members/M2/notices": ["EXIT_LATE"]}, [("members.M2.notices[0]", "BAD_VALUE")]),
    ({"members/M1/name": "Bob"}, [("members.M1.name", "UNKNOWN_FIELD")]),
]  # fmt: skip


@pytest.mark.threat("A11", "A24")
@pytest.mark.parametrize(("changes", "expected"), FAULTS)
def test_every_fault_names_its_place(
    changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert faults(spelled(changes)) == expected


def test_all_faults_come_at_once_and_bring_no_others() -> None:
    """A plan that can't be read is no unknown plan to the contracts that name it."""
    changes = {
        "tenant": "",
        "settings/overlap": 1,
        "keys/1/public": "",
        "stores/S1/tz": "Nowhere",
        "plans/FULLTIME/bands/0/kind": 5,
        f"{A}/bands/0/limit": -1,
        "doors/front/relock": "never",
        "members/M1/handle": None,
        "members/M2/contracts/0/end": "2026-03-31",
        "members/M3/withdrawn": "yes",
    }
    assert sorted(faults(spelled(changes))) == [
        ("doors.front.relock", "BAD_VALUE"),
        ("keys.1.public", "BAD_VALUE"),
        ("members.M1.handle", "BAD_VALUE"),
        ("members.M2.contracts[0].end", "END_BEFORE_START"),
        ("members.M3.withdrawn", "BAD_VALUE"),
        ("plans.DAY8.bands[0].limit", "NEGATIVE_LIMIT"),
        ("plans.FULLTIME.bands[0].kind", "BAD_VALUE"),
        ("settings.overlap", "BAD_VALUE"),
        ("stores.S1.tz", "BAD_VALUE"),
        ("tenant", "BAD_VALUE"),
    ]


@pytest.mark.parametrize("section", ["stores", "plans", "doors", "devices", "settings"])
@pytest.mark.parametrize("value", [None, 5, "x", [1]])
def test_a_section_that_is_no_object_is_one_fault_of_its_own(section: str, value: object) -> None:
    assert (section, "BAD_VALUE") in faults(spelled({section: value}))


def test_too_many_records_do_not_make_their_ids_unknown() -> None:
    plans = {f"P{i}": {} for i in range(limits.RECORDS)} | document()["plans"]
    assert faults(spelled({"plans": plans})) == [("plans", "TOO_MANY")]


def test_too_many_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = [date.fromordinal(740_000 + i).isoformat() for i in range(limits.ENTRIES + 1)]
    assert faults(spelled({"stores/S1/closed": closed})) == [("stores.S1.closed", "TOO_MANY")]
    monkeypatch.setattr(limits, "MEMBERS", 2)
    assert faults(EXAMPLE) == [("members", "TOO_MANY")]


def test_the_list_of_faults_has_an_end() -> None:
    members: dict[str, dict[str, str]] = {f"M{i}": {} for i in range(limits.FAULTS + 50)}
    assert len(faults(spelled({"members": members}))) == limits.FAULTS


@pytest.mark.threat("A8")
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"format": "edged-rules/2"}',
        b"\xff" + EXAMPLE,
        EXAMPLE[:-2],
        EXAMPLE + b"{}",
        EXAMPLE.decode().encode("utf-16"),
        b"[" * 100_000,
        EXAMPLE.replace(b'"version": 1', b'"version": 1, "version": 2'),
        EXAMPLE.replace(b'"handle"', b'"withdrawn": true, "withdrawn": false, "handle"', 1),
        EXAMPLE.replace(b'"version": 1', b'"version": 1.0'),
        EXAMPLE.replace(b'"version": 1', b'"version": NaN'),
        EXAMPLE.replace(b'"version": 1', b'"version": -Infinity'),
        EXAMPLE.replace(b'"version": 1', b'"version": 1e400'),
        EXAMPLE.replace(b'"version": 1', b'"version": ' + b"9" * 5_000),
        EXAMPLE.replace(b"Main Street", rb"\ud800"),
    ],
)
def test_what_is_no_rules_file_is_said_so(data: bytes) -> None:
    assert faults(data) == [("", "NOT_A_RULES_FILE")]


def test_a_file_over_the_limit_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RULES_FILE_BYTES", len(EXAMPLE))
    good(EXAMPLE)
    assert faults(EXAMPLE + b" ") == [("", "NOT_A_RULES_FILE")]


def test_a_fault_can_be_shown_on_a_terminal() -> None:
    for field in ("\u001b[2J", "\u202e", "x" * 1_000):
        found = rules_file.read(spelled({f"stores/S1/{field}": 1}))
        assert isinstance(found, list)
        (fault,) = found
        assert fault.path.isprintable()
        assert fault.message.isprintable()
        assert len(fault.path) < 100


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(rules_file.read(data), list)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
PLACES = [path for changes, _ in FAULTS for path in changes]


@pytest.mark.threat("A8")
@given(st.dictionaries(st.sampled_from(PLACES), JSON, max_size=1))
def test_no_value_anywhere_raises(changes: dict[str, Any]) -> None:
    assert isinstance(rules_file.read(spelled(changes)), list | RuleSet)


def test_the_fingerprint_is_of_the_content_and_not_of_the_layout() -> None:
    turned = dict(reversed(document().items()))
    turned["members"] = dict(reversed(turned["members"].items()))
    compact = json.dumps(turned, separators=(",", ":"), ensure_ascii=True).encode()
    assert good(compact).fingerprint == good(EXAMPLE).fingerprint
    seen = {good(EXAMPLE).fingerprint}
    for changes in ({"version": 2}, {"members/M3/withdrawn": False}, {"members/M3": ...}):
        seen.add(good(spelled(changes)).fingerprint)
    assert len(seen) == 4


def test_what_a_rule_set_stores_reads_as_itself() -> None:
    found = good(EXAMPLE)
    assert rules_file.rules_of(found.base) == found.rules
    assert rules_file.member_of("M2", found.records["M2"]) == found.members["M2"]


def test_the_committed_schema_is_up_to_date() -> None:
    assert (CONFIG / "rules.schema.json").read_text() == rules_file.schema()


def test_the_example_fits_the_schema_and_a_fault_does_not() -> None:
    schema = json.loads((CONFIG / "rules.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    assert not list(validator.iter_errors(document()))
    for changes in ({"secret": 1}, {"members/M1/handle": "x"}, {f"{A}/bands/0/weekdays": ""}):
        assert list(validator.iter_errors(json.loads(spelled(changes))))
