"""Booking codes, which stand alone (spec/credentials.md B1; spec/rules.md 3.2 E8)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.by_code import Claim, decide
from policy.model import (
    Booking,
    BookingStatus,
    ClockPolicy,
    Device,
    Gender,
    Member,
    Mode,
    Qualifier,
    Reason,
    Rules,
    RuleSettings,
    Scene,
    Side,
    StalePolicy,
    Store,
    Verdict,
    Warn,
)
from policy.rooms import RoomBooking, RoomStatus
from policy.trace import check

MINUTE = timedelta(minutes=1)
TWO = datetime(2026, 11, 4, 14, 0, tzinfo=ZoneInfo("Asia/Tokyo")).astimezone(UTC)
FOUR = TWO + 120 * MINUTE
ISSUED = TWO - 24 * 60 * MINUTE
BOOKED, HERE, ROOM, ELSEWHERE = (bytes([n]) * 8 for n in (1, 2, 3, 4))
CLAIM = Claim(BOOKED, HERE, ROOM, TWO, FOUR, ISSUED)
STORE = Store("S1", ZoneInfo("Asia/Tokyo"), {}, handle=HERE, rooms={"R1": ROOM, "R2": ELSEWHERE})
OTHER = Store("S2", ZoneInfo("Asia/Tokyo"), {}, handle=ELSEWHERE)
DOOR = Device("in", "S1", Side.IN)
RULES = Rules(
    "acme", 1, ISSUED, RuleSettings(), {"S1": STORE, "S2": OTHER}, {}, {}, {"in": DOOR}, {}
)
GUEST, USER = None, Member("u1", b"u1......")
SCENE = Scene(TWO + MINUTE)
KNOWN = RoomBooking(
    "BK1", "R1", TWO, FOUR, RoomStatus.PAID, "", ("u1",), handle=BOOKED, changed_at=ISSUED
)
OF_USER = Booking(
    "BK2",
    "S1",
    "YOGA",
    TWO,
    FOUR,
    BookingStatus.CONFIRMED,
    paid=True,
    room="R1",
    handle=BOOKED,
    changed_at=ISSUED,
)


def knowing(*known: RoomBooking, store: str = "S1", **settings: Any) -> Rules:
    stores = {**RULES.stores, store: replace(RULES.stores[store], room_bookings=known)}
    return replace(RULES, stores=stores, settings=replace(RULES.settings, **settings))


def reason(
    rules: Rules = RULES,
    device: Device = DOOR,
    claim: Claim = CLAIM,
    member: Member | None = GUEST,
    scene: Scene = SCENE,
) -> Reason:
    return decide(rules, device, claim, member, scene).reason


@pytest.mark.parametrize("who", [GUEST, USER], ids=["guest", "member"])
def test_a_code_stands_alone_and_counts_nothing(who: Member | None) -> None:
    decision = decide(RULES, DOOR, CLAIM, who, SCENE)
    assert (decision.verdict, decision.reason) == (Verdict.ALLOW, Reason.OK)
    assert (decision.via, decision.keys) == (f"booking:{BOOKED.hex()}", ())
    assert (decision.visit is None) is (who is None)
    if decision.visit is not None:
        assert decision.visit.until == FOUR + 15 * MINUTE


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (TWO - MINUTE / 60, Reason.CODE_NOT_YET_VALID),
        (TWO, Reason.OK),
        (FOUR - MINUTE / 60, Reason.OK),
        (FOUR, Reason.CODE_EXPIRED),
    ],
)
def test_it_opens_in_its_window(at: datetime, told: Reason) -> None:
    assert reason(scene=Scene(at)) is told


@pytest.mark.parametrize(
    ("device", "claim", "told"),
    [
        (DOOR, replace(CLAIM, room=None), Reason.OK),
        (DOOR, CLAIM, Reason.OK),  # the way to the room (3.3-1)
        (replace(DOOR, room="R1"), CLAIM, Reason.OK),
        (replace(DOOR, room="R2"), CLAIM, Reason.DEVICE_NOT_QUALIFIED),
        (replace(DOOR, room="R3"), CLAIM, Reason.DEVICE_NOT_QUALIFIED),
        (replace(DOOR, room="R3"), replace(CLAIM, room=b"XXXX"), Reason.DEVICE_NOT_QUALIFIED),
        (replace(DOOR, room="R1"), replace(CLAIM, room=None), Reason.DEVICE_NOT_QUALIFIED),
        (DOOR, replace(CLAIM, store=ELSEWHERE), Reason.STORE_NOT_ALLOWED),
        (replace(DOOR, store="S2"), CLAIM, Reason.STORE_NOT_ALLOWED),
        (DOOR, replace(CLAIM, used_up=True), Reason.CODE_USED),
    ],
)
def test_it_opens_its_store_and_its_room(device: Device, claim: Claim, told: Reason) -> None:
    assert reason(device=device, claim=claim) is told


def test_a_room_without_a_handle_is_nobodys() -> None:
    nameless = replace(RULES, stores={"S1": replace(STORE, rooms={})})
    device = replace(DOOR, room="R1")
    assert reason(nameless, device) is Reason.DEVICE_NOT_QUALIFIED
    claim = replace(CLAIM, room=None)
    assert reason(nameless, device, claim) is Reason.DEVICE_NOT_QUALIFIED


@pytest.mark.parametrize(
    ("qualify", "told"),
    [
        (Qualifier.ANY_MEMBER, Reason.OK),
        (Qualifier.BOOKING, Reason.OK),
        (Qualifier.ROOM, Reason.OK),
        (Qualifier.PLAN, Reason.DEVICE_NOT_QUALIFIED),
        (Qualifier.SEAT, Reason.DEVICE_NOT_QUALIFIED),
        (Qualifier.STAFF, Reason.DEVICE_NOT_QUALIFIED),
    ],
)
def test_the_device_has_to_take_bookings(qualify: Qualifier, told: Reason) -> None:
    assert reason(device=replace(DOOR, qualify=frozenset({qualify}))) is told


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (GUEST, Reason.DEVICE_GENDER),
        (USER, Reason.DEVICE_GENDER),
        (replace(USER, gender=Gender.F), Reason.OK),
    ],
)
def test_a_door_for_one_gender_wants_to_know(member: Member | None, told: Reason) -> None:
    assert reason(device=replace(DOOR, gender=Gender.F), member=member) is told


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (replace(USER, withdrawn=True), Reason.MEMBER_WITHDRAWN),
        (replace(USER, suspended=True), Reason.MEMBER_SUSPENDED),
        (replace(USER, id_suspended=True), Reason.IDENTITY_SUSPENDED),
    ],
)
def test_who_is_stopped_comes_in_by_no_booking(member: Member, told: Reason) -> None:
    assert reason(member=member) is told


# --- what was heard of the booking since


@pytest.mark.parametrize("later", [-1, 0, 1])
@pytest.mark.parametrize(
    ("status", "told"),
    [
        (RoomStatus.PAID, Reason.OK),
        (RoomStatus.RESERVED, Reason.BOOKING_UNPAID),
        (RoomStatus.CANCELLED, Reason.BOOKING_CANCELLED),
        (RoomStatus.AUTO_CANCELLED, Reason.BOOKING_CANCELLED),
        (RoomStatus.FINISHED, Reason.BOOKING_OVER),
    ],
)
def test_of_the_code_and_a_room_booking_the_newer_counts(
    status: RoomStatus, told: Reason, later: int
) -> None:
    known = replace(KNOWN, status=status, changed_at=ISSUED + later * MINUTE)
    assert reason(knowing(known), member=USER) is (told if later >= 0 else Reason.OK)


@pytest.mark.parametrize("later", [-1, 0, 1])
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, Reason.OK),
        ({"status": BookingStatus.CHECKED_IN}, Reason.OK),
        ({"paid": False}, Reason.BOOKING_UNPAID),
        ({"status": BookingStatus.FINISHED}, Reason.BOOKING_OVER),
        ({"status": BookingStatus.WAITLISTED}, Reason.BOOKING_CANCELLED),
        ({"status": BookingStatus.NO_SHOW, "paid": False}, Reason.BOOKING_CANCELLED),
        ({"store": "S2"}, Reason.STORE_NOT_ALLOWED),
        ({"end": TWO + MINUTE}, Reason.BOOKING_OVER),
        ({"start": TWO + 16.5 * MINUTE}, Reason.TOO_EARLY),
        ({"start": TWO + 16 * MINUTE}, Reason.OK),
    ],
)
def test_of_the_code_and_the_users_booking_the_newer_counts(
    changes: dict[str, Any], told: Reason, later: int
) -> None:
    said = {**changes, "changed_at": ISSUED + later * MINUTE}
    known = replace(OF_USER, **said)
    member = replace(USER, bookings=(known,))
    assert reason(member=member) is (told if later >= 0 else Reason.OK)


@pytest.mark.parametrize(
    ("known", "store", "told"),
    [
        (replace(KNOWN, users=("u2",)), "S1", Reason.NOT_A_REGISTERED_USER),
        (KNOWN, "S2", Reason.STORE_NOT_ALLOWED),
        (replace(KNOWN, room="R2"), "S1", Reason.DEVICE_NOT_QUALIFIED),
        (replace(KNOWN, start=TWO + 16.5 * MINUTE), "S1", Reason.TOO_EARLY),
        (replace(KNOWN, end=TWO + MINUTE), "S1", Reason.BOOKING_OVER),
        (replace(KNOWN, handle=ELSEWHERE), "S1", Reason.OK),  # another one
        (replace(KNOWN, changed_at=None, status=RoomStatus.CANCELLED), "S1", Reason.OK),
    ],
)
def test_a_room_that_was_moved_counts_where_it_is_now(
    known: RoomBooking, store: str, told: Reason
) -> None:
    assert reason(knowing(known, store=store), replace(DOOR, room="R1"), member=USER) is told


def test_a_moved_booking_opens_the_room_that_it_has_now() -> None:
    device = replace(DOOR, room="R2")
    assert reason(device=device, member=USER) is Reason.DEVICE_NOT_QUALIFIED
    assert reason(knowing(replace(KNOWN, room="R2")), device, member=USER) is Reason.OK
    moved = replace(USER, bookings=(replace(OF_USER, room="R2"),))
    assert reason(device=device, member=moved) is Reason.OK
    stays = replace(USER, bookings=(OF_USER,))
    assert reason(device=device, member=stays) is Reason.DEVICE_NOT_QUALIFIED


def test_a_user_whom_nobody_knows_is_none_of_a_known_booking() -> None:
    assert reason(knowing(KNOWN)) is Reason.NOT_A_REGISTERED_USER


def test_what_is_used_up_is_told_after_what_happened_to_the_booking() -> None:
    used = replace(CLAIM, used_up=True)
    cancelled = replace(KNOWN, status=RoomStatus.CANCELLED)
    assert reason(knowing(cancelled), claim=used, member=USER) is Reason.BOOKING_CANCELLED
    assert reason(knowing(KNOWN), claim=used, member=USER) is Reason.CODE_USED


# --- closed days, old rules, no clock, and devices that only report


@pytest.mark.parametrize("blocks", [True, False])
def test_on_a_closed_day_no_booking_opens(blocks: bool) -> None:
    closed = replace(STORE, closed=frozenset({TWO.date()}))
    settings = RuleSettings(closed_days_block_bookings=blocks)
    rules = replace(RULES, stores={"S1": closed}, settings=settings)
    assert reason(rules) is (Reason.STORE_CLOSED if blocks else Reason.OK)


@pytest.mark.parametrize("policy", StalePolicy)
@pytest.mark.parametrize("hours", [72, 73])
def test_old_rules_are_told_or_refused(policy: StalePolicy, hours: int) -> None:
    rules = replace(RULES, settings=RuleSettings(stale_policy=policy))
    decision = decide(rules, DOOR, CLAIM, GUEST, replace(SCENE, rules_age_h=hours))
    refused = policy is StalePolicy.DENY and hours > 72
    assert decision.reason is (Reason.RULES_STALE if refused else Reason.OK)
    assert decision.warnings == ((Warn.RULES_STALE,) if hours > 72 else ())


@pytest.mark.parametrize(
    ("member", "policy", "at", "told"),
    [
        (USER, ClockPolicy.MEMBERS, TWO - 60 * MINUTE, Reason.OK),
        (USER, ClockPolicy.MEMBERS, FOUR, Reason.CODE_EXPIRED),
        (USER, ClockPolicy.DENY, TWO, Reason.CLOCK_UNTRUSTED),
        (GUEST, ClockPolicy.MEMBERS, TWO, Reason.CLOCK_UNTRUSTED),
    ],
)
def test_without_a_clock_members_come_in_unless_it_is_over(
    member: Member | None, policy: ClockPolicy, at: datetime, told: Reason
) -> None:
    rules = replace(RULES, settings=RuleSettings(clock_policy=policy))
    scene = Scene(at, clock_trusted=False, rules_age_h=1_000)
    decision = decide(rules, DOOR, CLAIM, member, scene)
    assert decision.reason is told
    allowed = told is Reason.OK
    assert decision.unsettled is allowed
    assert decision.warnings == ((Warn.CLOCK_UNTRUSTED,) if allowed else ())


@pytest.mark.parametrize(
    ("claim", "who", "scene", "told"),
    [
        (CLAIM, USER, SCENE, None),
        (CLAIM, GUEST, SCENE, None),
        (CLAIM, USER, replace(SCENE, clock_trusted=False), None),
        (CLAIM, USER, Scene(FOUR), Reason.CODE_EXPIRED),
        (replace(CLAIM, store=ELSEWHERE), GUEST, SCENE, Reason.STORE_NOT_ALLOWED),
    ],
)
def test_it_says_of_which_booking_it_asked_and_what_was_against_it(
    claim: Claim, who: Member | None, scene: Scene, told: Reason | None
) -> None:
    asked = check("booking_code", told is None, booking=BOOKED.hex(), reason=told)
    assert decide(RULES, DOOR, claim, who, scene).trace[0] == asked


def test_a_device_that_only_reports_refuses_nobody() -> None:
    device = replace(DOOR, mode=Mode.RECORD_ONLY)
    decision = decide(RULES, device, replace(CLAIM, store=ELSEWHERE), GUEST, SCENE)
    assert (decision.verdict, decision.via) == (Verdict.RECORDED, "record")


# --- safety


@given(
    st.sampled_from(RoomStatus),
    st.integers(-200, 200),
    st.integers(-200, 200),
    st.booleans(),
    st.sampled_from([None, "R1", "R2"]),
)
def test_taking_a_booking_away_never_opens(
    status: RoomStatus, minutes: int, later: int, used: bool, room: str | None
) -> None:
    claim, scene = replace(CLAIM, used_up=used), Scene(TWO + minutes * MINUTE)
    known = replace(KNOWN, status=status, changed_at=ISSUED + later * MINUTE)
    device = replace(DOOR, room=room)
    before = decide(knowing(known), device, claim, USER, scene)
    for less in (
        (knowing(replace(known, status=RoomStatus.CANCELLED)), claim, USER),
        (knowing(known), replace(claim, used_up=True), USER),
        (knowing(known), claim, replace(USER, suspended=True)),
        (knowing(replace(known, users=())), claim, USER),
    ):
        after = decide(less[0], device, less[1], less[2], scene)
        assert before.verdict is Verdict.ALLOW or after.verdict is Verdict.DENY
