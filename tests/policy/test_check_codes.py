from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from policy.check import FaultCode, Names, check_rules
from policy.check_codes import check_codes, check_member_codes
from policy.codes import Pattern, RotatingKey
from policy.model import (
    Booking,
    BookingStatus,
    CodeKind,
    Device,
    IssuerKey,
    KeyRole,
    Member,
    Rules,
    Side,
    Store,
)
from policy.rooms import RoomBooking, RoomStatus
from tests.edged.fakes import NOON
from tests.policy.test_check import GOOD

TZ = ZoneInfo("Asia/Tokyo")
EPOCH = IssuerKey(9, KeyRole.ROTATING, None)
STORE = Store("S1", TZ, {}, number=7, rooms={"R1": bytes(8), "R2": b"room---2"})
CARDS = {CodeKind.CARD: Pattern(8, 16)}
READER = Device("D1", "S1", Side.IN, codes=frozenset({CodeKind.CARD, CodeKind.M1}))
RULES = replace(
    GOOD, stores={"S1": STORE}, keys={9: EPOCH}, plain=CARDS, devices={"D1": READER}, doors={}
)
BOOKED = Booking("B1", "S1", "YOGA", NOON, NOON, BookingStatus.CONFIRMED, paid=True)
ROOM = RoomBooking("RB1", "R1", NOON, NOON, RoomStatus.PAID, "", ())
MEMBER = Member("M1", bytes(8), rotating=(RotatingKey(9, "S1", bytes(32)),))


def found(rules: Rules) -> list[tuple[str, str]]:
    return [(fault.path, fault.code) for fault in check_codes(rules)]


def test_good_rules_have_no_fault() -> None:
    assert found(RULES) == []
    assert check_member_codes(RULES, MEMBER, Names()) == []
    assert [fault for fault in check_rules(RULES) if fault.path.startswith("keys")] == []


@pytest.mark.parametrize(
    ("rules", "path", "code"),
    [
        (
            replace(RULES, stores={"S1": replace(STORE, number=65_536)}),
            "stores.S1.number",
            FaultCode.OUT_OF_RANGE,
        ),
        (
            replace(RULES, stores={"S1": STORE, "S2": replace(STORE, id="S2")}),
            "stores.S2.number",
            FaultCode.DUPLICATE_ID,
        ),
        (
            replace(RULES, stores={"S1": replace(STORE, rooms={"R1": bytes(8), "R2": bytes(8)})}),
            "stores.S1.rooms.R2",
            FaultCode.DUPLICATE_HANDLE,
        ),
        (
            replace(
                RULES,
                stores={"S1": replace(STORE, room_bookings=(replace(ROOM, handle=bytes(8)),))},
            ),
            "stores.S1.room_bookings.RB1.changed_at",
            FaultCode.MISSING_CHANGE,
        ),
        (
            replace(RULES, plain={**CARDS, CodeKind.M1: Pattern(8, 16)}),
            "plain.M1",
            FaultCode.UNKNOWN_REFERENCE,
        ),
        (
            replace(RULES, plain={CodeKind.CARD: Pattern(3, 16)}),
            "plain.CARD.min_chars",
            FaultCode.OUT_OF_RANGE,
        ),
        (
            replace(RULES, plain={CodeKind.CARD: Pattern(8, 65)}),
            "plain.CARD.max_chars",
            FaultCode.OUT_OF_RANGE,
        ),
        (
            replace(RULES, plain={CodeKind.CARD: Pattern(8, 7)}),
            "plain.CARD.max_chars",
            FaultCode.OUT_OF_RANGE,
        ),
        (replace(RULES, plain={}), "devices.D1.codes", FaultCode.UNKNOWN_REFERENCE),
    ],
)
def test_a_fault_of_the_rules_names_its_place(rules: Rules, path: str, code: str) -> None:
    assert found(rules) == [(path, code)]


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        (replace(RULES, keys={}), "members.M1.rotating.9"),
        (
            replace(RULES, keys={9: IssuerKey(9, KeyRole.MEMBER, bytes(32))}),
            "members.M1.rotating.9",
        ),
        (replace(RULES, stores={}), "members.M1.rotating.9.S1"),
        (
            replace(RULES, stores={"S1": replace(STORE, number=None)}),
            "members.M1.rotating.9.S1",
        ),
    ],
)
def test_a_members_secret_is_of_a_known_epoch_and_store(rules: Rules, path: str) -> None:
    faults = check_member_codes(rules, MEMBER, Names())
    assert [(one.path, one.code) for one in faults] == [(path, FaultCode.UNKNOWN_REFERENCE)]
    assert not any("00" * 4 in one.message for one in faults)


def test_what_is_wrong_with_codes_is_told_in_a_sentence() -> None:
    nameless = replace(RULES, stores={"S1": replace(STORE, number=None)})
    (fault,) = check_member_codes(nameless, MEMBER, Names())
    assert fault.message == "the store has no number, by which such codes name it"
    member = replace(MEMBER, bookings=(replace(BOOKED, handle=bytes(8)),))
    (fault,) = check_member_codes(RULES, member, Names())
    assert fault.message == "a booking with a handle says when it was last changed"
    (fault,) = check_codes(replace(RULES, plain={**CARDS, CodeKind.M1: Pattern(8, 16)}))
    assert fault.message == "a code with a proof has no pattern of its own"


def test_codes_may_all_have_one_length() -> None:
    assert found(replace(RULES, plain={CodeKind.CARD: Pattern(8, 8)})) == []


def test_a_store_that_no_code_names_needs_no_number() -> None:
    assert found(replace(RULES, stores={"S1": replace(STORE, number=None)})) == []


def test_what_could_not_be_read_is_known() -> None:
    unread = Names(stores=frozenset({"S1"}))
    assert check_member_codes(replace(RULES, stores={}), MEMBER, unread) == []


def test_a_members_booking_with_a_handle_says_when_it_was_changed() -> None:
    member = replace(MEMBER, bookings=(BOOKED, replace(BOOKED, id="B2", handle=bytes(8))))
    (fault,) = check_member_codes(RULES, member, Names())
    told = (fault.path, fault.code)
    assert told == ("members.M1.bookings[1].changed_at", FaultCode.MISSING_CHANGE)


@pytest.mark.parametrize(
    ("key", "good"),
    [
        (EPOCH, True),
        (replace(EPOCH, public=bytes(32)), False),
        (IssuerKey(9, KeyRole.BOOKING, None), False),
        (IssuerKey(9, KeyRole.BOOKING, bytes(32)), True),
    ],
)
def test_only_an_epoch_has_no_public_key(key: IssuerKey, good: bool) -> None:
    faults = [one for one in check_rules(replace(RULES, keys={9: key})) if "keys" in one.path]
    assert (faults == []) is good
