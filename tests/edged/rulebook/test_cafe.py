"""Seats, products and rooms in a rules file."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from policy.check import Names
from policy.check_cafe import check_seats
from policy.model import Member
from policy.rooms import RoomBooking, RoomStatus
from policy.seats import Holding, Io, Product, ProductKind, Seat
from tests.edged.rulebook.test_file import EXAMPLE, faults, good, spelled

SINCE = datetime(2026, 11, 1, tzinfo=UTC)


def member(found: RuleSet) -> Member:
    return found.members["M4"]


def test_a_seat_and_its_product_know_each_other() -> None:
    found = member(good(EXAMPLE))
    end = datetime(2026, 11, 30, 15, tzinfo=UTC)
    fixed = ProductKind.PERIOD_FIXED
    assert found.products == (Product("P1", "M4", fixed, None, end, own_seat="9", in_seat="9"),)
    assert found.seats == (Seat("9", Holding("M4", "P1", fixed, Io.IN, SINCE), "S1"),)


def test_a_rooms_booking_has_its_users() -> None:
    rules = good(EXAMPLE).rules
    assert rules.stores["S1"].room_bookings == (
        RoomBooking(
            "RB1",
            "ROOM1",
            datetime(2026, 11, 4, 5, tzinfo=UTC),
            datetime(2026, 11, 4, 7, tzinfo=UTC),
            RoomStatus.PAID,
            "",
            ("M1", "M4"),
            handle=rules.stores["S1"].room_bookings[0].handle,
            changed_at=datetime(2026, 10, 30, 3, tzinfo=UTC),
        ),
    )
    assert rules.devices["desk"].loyalty


SEAT = {"id": "8", "store": "S1", "product": "P1", "io": "IN", "since": "2026-11-01T00:00:00Z"}
M1, M4 = "members/M1", "members/M4"
SHAPES: dict[str, dict[str, Any]] = {
    "members.M4.seats[0].io": {f"{M4}/seats/0/io": "in"},
    "members.M4.seats[0].since": {f"{M4}/seats/0/since": "today"},
    "members.M4.products[0].kind": {f"{M4}/products/0/kind": "PERIOD"},
    "stores.S1.room_bookings.RB1.status": {"stores/S1/room_bookings/RB1/status": "UNPAID"},
    "stores.S1.room_bookings.RB1.users[0]": {"stores/S1/room_bookings/RB1/users": ["a b"]},
}
MEANINGS: list[tuple[dict[str, Any], str, str]] = [
    ({f"{M4}/seats/0/store": "S2"}, "members.M4.seats[0].store", "UNKNOWN_REFERENCE"),
    ({f"{M4}/seats/0/product": "P2"}, "members.M4.seats[0].product", "UNKNOWN_REFERENCE"),
    ({f"{M4}/products/0/kind": "LOCKER"}, "members.M4.seats[0].product", "UNKNOWN_REFERENCE"),
    (
        {f"{M4}/seats": [{**SEAT, "id": "9"}, SEAT]},
        "members.M4.seats[0].product",
        "DUPLICATE_ID",
    ),
    (
        {f"{M4}/products": [{"id": "P1", "kind": "SINGLE"}, {"id": "P1", "kind": "SINGLE"}]},
        "members.M4.products",
        "DUPLICATE_ID",
    ),
    (
        {f"{M4}/products/0/valid_from": "2026-12-01T00:00:00+09:00"},
        "members.M4.products[0].valid_to",
        "END_BEFORE_START",
    ),
    ({f"{M4}/products/0/minutes_left": -1}, "members.M4.products[0].minutes_left", "OUT_OF_RANGE"),
    (
        {"stores/S1/room_bookings/RB1/end": "2026-11-04T14:00:00+09:00"},
        "stores.S1.room_bookings.RB1.end",
        "END_BEFORE_START",
    ),
    (
        {
            f"{M1}/products": [{"id": "P9", "kind": "PERIOD_FREE"}],
            f"{M1}/seats": [{**SEAT, "id": "9", "product": "P9"}],
        },
        "members.M4.seats[0].id",
        "DUPLICATE_SEAT",
    ),
    (
        {
            f"{M1}/tickets": [
                {"id": "C2", "type": "ENTRY", "remaining": 1, "valid_from": "2026-11-01"}
            ]
        },
        "members.M2.contracts[0].id",
        "DUPLICATE_CONTRACT",
    ),
    (
        {
            f"{M4}/tickets": [
                {"id": "C2", "type": "ENTRY", "remaining": 1, "valid_from": "2026-11-01"}
            ]
        },
        "members.M4.tickets[0].id",
        "DUPLICATE_TICKET",
    ),
]


@pytest.mark.parametrize(("path", "changes"), SHAPES.items(), ids=SHAPES)
def test_a_shape_that_is_wrong_is_named(path: str, changes: dict[str, Any]) -> None:
    assert faults(spelled(changes)) == [(path, "BAD_VALUE")]


@pytest.mark.parametrize(("changes", "path", "code"), MEANINGS, ids=[row[1] for row in MEANINGS])
def test_what_makes_no_sense_is_named(changes: dict[str, Any], path: str, code: str) -> None:
    assert faults(spelled(changes)) == [(path, code)]


def test_the_same_seat_elsewhere_is_another_one() -> None:
    found = rules_file.read(
        spelled(
            {
                "stores/S2": {"tz": "Asia/Seoul"},
                f"{M1}/products": [{"id": "P9", "kind": "PERIOD_FREE"}],
                f"{M1}/seats": [{**SEAT, "id": "9", "product": "P9", "store": "S2"}],
            }
        )
    )
    assert isinstance(found, RuleSet)


def test_a_seat_that_nobody_holds_has_no_fault() -> None:
    found = good(EXAMPLE)
    free = replace(member(found), seats=(Seat("9", None, "S1"),))
    assert check_seats(found.rules, free, Names()) == []
