"""Every fault that seats, products and room bookings may have (spec/rules.md 2.7)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from policy.check import Fault, FaultCode, Names
from policy.check_cafe import check_rooms, check_seats
from policy.model import Member
from policy.rooms import RoomBooking, RoomStatus
from policy.seats import Holding, Io, Product, ProductKind, Seat
from tests.policy.worlds import MEMBER, NOON, STORE, rules_of

HOUR = timedelta(hours=1)
PASS = Product("P1", "M1", ProductKind.PERIOD_FREE, NOON, NOON + HOUR, in_seat="9")
SEAT = Seat("9", Holding("M1", "P1", ProductKind.PERIOD_FREE, Io.IN, NOON), "S1")
STUDENT = replace(MEMBER, products=(PASS,), seats=(SEAT,))
UNKNOWN, TWICE = FaultCode.UNKNOWN_REFERENCE, FaultCode.DUPLICATE_ID
BOOKED = RoomBooking("BK1", "R1", NOON, NOON + HOUR, RoomStatus.PAID, "boss", ("M1",))


@pytest.mark.parametrize(
    ("member", "path", "code", "message"),
    [
        (
            replace(STUDENT, products=(PASS, replace(PASS, own_seat="9"))),
            "products",
            TWICE,
            "'P1' stands 2 times",
        ),
        (
            replace(STUDENT, products=(replace(PASS, valid_to=NOON),)),
            "products[0].valid_to",
            FaultCode.END_BEFORE_START,
            f"{NOON} is not after {NOON}",
        ),
        (
            replace(STUDENT, products=(PASS, replace(PASS, id="P2", minutes_left=-1))),
            "products[1].minutes_left",
            FaultCode.OUT_OF_RANGE,
            "-1: minutes are 0 or more",
        ),
        (
            replace(STUDENT, seats=(replace(SEAT, store="S9"),)),
            "seats[0].store",
            UNKNOWN,
            "the rules have no store 'S9'",
        ),
        (
            replace(STUDENT, products=(replace(PASS, id="P2"),)),
            "seats[0].product",
            UNKNOWN,
            "the member has no product 'P1'",
        ),
        (
            replace(STUDENT, products=(replace(PASS, kind=ProductKind.LOCKER),)),
            "seats[0].product",
            UNKNOWN,
            "a LOCKER product gives no seat",
        ),
        (
            replace(STUDENT, seats=(SEAT, replace(SEAT, id="8"))),
            "seats[1].product",
            TWICE,
            "it holds the seat '9' as well",
        ),
    ],
)
def test_a_fault_of_a_members_seats_names_its_field(
    member: Member, path: str, code: FaultCode, message: str
) -> None:
    told = check_seats(rules_of(), member, Names())
    assert told == [Fault(f"members.M1.{path}", code, message)]


@pytest.mark.parametrize(
    "product",
    [
        PASS,
        replace(PASS, valid_from=None),
        replace(PASS, valid_to=None),
        replace(PASS, minutes_left=0),
        replace(PASS, valid_to=NOON + timedelta(microseconds=1)),
    ],
)
def test_what_is_good_has_no_fault(product: Product) -> None:
    student = replace(STUDENT, products=(product,), seats=(Seat("8", store="S1"), SEAT))
    assert check_seats(rules_of(), student, Names()) == []


def test_every_product_and_every_seat_is_looked_at() -> None:
    products = (PASS, replace(PASS, valid_from=None, minutes_left=-2))
    member = replace(MEMBER, products=products, seats=(replace(SEAT, store="S9"),) * 2)
    assert [
        fault.path.partition("M1.")[2] for fault in check_seats(rules_of(), member, Names())
    ] == [
        "products",
        "products[1].minutes_left",
        "seats[0].store",
        "seats[1].store",
    ]


def test_a_store_that_could_not_be_read_is_not_unknown_on_top() -> None:
    member = replace(STUDENT, seats=(replace(SEAT, store="S9"),))
    assert check_seats(rules_of(), member, Names(stores=frozenset({"S9"}))) == []


def test_a_room_is_booked_for_a_while() -> None:
    empty = replace(BOOKED, id="BK2", end=NOON)
    rules = rules_of(store=replace(STORE, room_bookings=(BOOKED, empty)))
    assert check_rooms(rules) == [
        Fault(
            "stores.S1.room_bookings.BK2.end",
            FaultCode.END_BEFORE_START,
            f"{NOON} is not after {NOON}",
        )
    ]
