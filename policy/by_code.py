"""Coming in by a booking code (`B1`), which stands alone (spec/credentials.md, rules.md 3.2 E8)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from policy.calendar import local_date
from policy.case import allow, case_of, stopped, warned
from policy.model import (
    Booking,
    BookingStatus,
    Check,
    ClockPolicy,
    Decision,
    Device,
    Member,
    Mode,
    Qualifier,
    Reason,
    Rules,
    Scene,
    StalePolicy,
    Store,
    Verdict,
    Warn,
)
from policy.rooms import RoomBooking, RoomStatus
from policy.trace import check

_OPEN_TO = frozenset({Qualifier.ANY_MEMBER, Qualifier.BOOKING, Qualifier.ROOM})
_PAID_ROOM: dict[RoomStatus, Reason | None] = {
    RoomStatus.PAID: None,
    RoomStatus.FINISHED: Reason.BOOKING_OVER,
    RoomStatus.RESERVED: Reason.BOOKING_UNPAID,
}
_PAID: dict[BookingStatus, Reason | None] = {
    BookingStatus.CONFIRMED: None,
    BookingStatus.CHECKED_IN: None,
    BookingStatus.FINISHED: Reason.BOOKING_OVER,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a correctly signed booking code says. Handles are 8 bytes, instants UTC.

    `room` None: the store's entrance. It opens in `[start, end)`. `used_up`: it was used as often
    as it may be.
    """

    booking: bytes
    store: bytes
    room: bytes | None
    start: datetime
    end: datetime
    issued_at: datetime
    used_up: bool = False


@dataclass(frozen=True, slots=True)
class _Right:
    """The right to come in, by the code or by what was heard of the booking after it was issued.

    `open_from`, `open_to`: when it opens; `refusal`: why it does not whatever the time is.
    """

    name: str
    day_of: datetime
    open_from: datetime
    open_to: datetime
    refusal: Reason | None
    early: Reason
    over: Reason


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that the answer depends on."""

    rules: Rules
    store: Store
    device: Device
    scene: Scene
    member: Member | None
    right: _Right


def decide(
    rules: Rules, device: Device, claim: Claim, member: Member | None, scene: Scene
) -> Decision:
    """Decide the coming in of whoever shows a booking code. Total; nothing is counted.

    The code stands alone where the booking is not known. Where it is, the newer counts of the
    code and of the booking's last change; of two of one instant the booking does. Device and
    lockdown have been asked before.

    Args:
        rules: The rules in force.
        device: An entrance of those rules.
        claim: What the code says.
        member: Its user; None: the rules do not know them, as they need not.
        scene: The time, the visit, the age of the rules.

    Returns:
        ALLOW `via` the booking, or why not.

    Source:
        spec/credentials.md "B1"; spec/rules.md 3.2 E7 to E14, 3.7.
    """
    store, known = rules.stores[device.store], _known(rules, claim, member)
    if known is None or known.changed_at is None or known.changed_at < claim.issued_at:
        right = _of_code(store, device, claim)
    elif isinstance(known, Booking):
        right = _of_booking(device, known)
    else:
        right = _of_room(rules, device, known, member)
    if claim.used_up:
        right = replace(right, refusal=right.refusal or Reason.CODE_USED)
    return _decide(_Asked(rules, store, device, scene, member, right))


def _known(rules: Rules, claim: Claim, member: Member | None) -> Booking | RoomBooking | None:
    """Return the booking that the code names, wherever it is now."""
    booked: tuple[Booking, ...] = () if member is None else member.bookings
    rooms = (store.room_bookings for store in rules.stores.values())
    everywhere: Iterator[Booking | RoomBooking] = chain(booked, *rooms)
    return next((one for one in everywhere if one.handle == claim.booking), None)


def _of_code(store: Store, device: Device, claim: Claim) -> _Right:
    refusal = None
    if store.handle != claim.store:
        refusal = Reason.STORE_NOT_ALLOWED
    elif device.room is not None and claim.room != store.rooms.get(device.room, b""):
        refusal = Reason.DEVICE_NOT_QUALIFIED
    reasons = Reason.CODE_NOT_YET_VALID, Reason.CODE_EXPIRED
    name, start, end = claim.booking.hex(), claim.start, claim.end
    return _Right(name, start, start, end, refusal, *reasons)


def _of_booking(device: Device, known: Booking) -> _Right:
    refusal = _PAID.get(known.status, Reason.BOOKING_CANCELLED)
    if refusal is None and not known.paid:
        refusal = Reason.BOOKING_UNPAID
    if known.store != device.store:
        refusal = refusal or Reason.STORE_NOT_ALLOWED
    elif device.room not in {None, known.room}:
        refusal = refusal or Reason.DEVICE_NOT_QUALIFIED
    opens = known.start - timedelta(minutes=device.booking_early_min)
    reasons = Reason.TOO_EARLY, Reason.BOOKING_OVER
    return _Right(known.id, known.start, opens, known.end, refusal, *reasons)


def _of_room(rules: Rules, device: Device, known: RoomBooking, member: Member | None) -> _Right:
    refusal = _PAID_ROOM.get(known.status, Reason.BOOKING_CANCELLED)
    if refusal is None and (member is None or member.id not in known.users):
        refusal = Reason.NOT_A_REGISTERED_USER
    if known not in rules.stores[device.store].room_bookings:
        refusal = refusal or Reason.STORE_NOT_ALLOWED
    elif device.room not in {None, known.room}:
        refusal = refusal or Reason.DEVICE_NOT_QUALIFIED
    opens = known.start - timedelta(minutes=rules.settings.room_early_min)
    reasons = Reason.TOO_EARLY, Reason.BOOKING_OVER
    return _Right(known.id, known.start, opens, known.end, refusal, *reasons)


def _decide(asked: _Asked) -> Decision:
    scene, settings = asked.scene, asked.rules.settings
    old = scene.clock_trusted and scene.rules_age_h > settings.rules_max_age_h
    if asked.device.mode is Mode.RECORD_ONLY:
        return Decision(Verdict.RECORDED, Reason.RECORDED, "record")
    if old and settings.stale_policy is StalePolicy.DENY:
        reason: Reason | None = Reason.RULES_STALE
    else:
        reason = _refusal(asked)
    trace = (check("booking_code", reason is None, booking=asked.right.name, reason=reason),)
    if reason is not None:
        decision = Decision(Verdict.DENY, reason, trace=trace)
    elif not scene.clock_trusted:
        decision = Decision(Verdict.ALLOW, Reason.OK, trace=trace, unsettled=True)
        decision = warned(decision, Warn.CLOCK_UNTRUSTED)
    else:
        decision = _allow(asked, trace)
    return warned(decision, Warn.RULES_STALE) if old else decision


def _refusal(asked: _Asked) -> Reason | None:
    """Give the first reason against it, in the order of spec/rules.md 3.2."""
    device, member, right = asked.device, asked.member, asked.right
    stops = None if member is None else stopped(member)
    if stops is not None:
        return stops
    if device.gender is not None and (member is None or member.gender is not device.gender):
        return Reason.DEVICE_GENDER
    if not _OPEN_TO & device.qualify:
        return Reason.DEVICE_NOT_QUALIFIED
    return right.refusal or _untimely(asked)


def _untimely(asked: _Asked) -> Reason | None:
    """Say what the time has against it. Where it can't be told, members come in (3.7)."""
    scene, right, settings = asked.scene, asked.right, asked.rules.settings
    if scene.at >= right.open_to:
        return right.over
    if not scene.clock_trusted:
        let_in = asked.member is not None and settings.clock_policy is ClockPolicy.MEMBERS
        return None if let_in else Reason.CLOCK_UNTRUSTED
    if scene.at < right.open_from:
        return right.early
    closed = local_date(asked.store, right.day_of) in asked.store.closed
    return Reason.STORE_CLOSED if closed and settings.closed_days_block_bookings else None


def _allow(asked: _Asked, trace: tuple[Check, ...]) -> Decision:
    """Let in until the booking is over; a user whom nobody knows makes no visit."""
    device, via = asked.device, f"booking:{asked.right.name}"
    if asked.member is None:
        return Decision(Verdict.ALLOW, Reason.OK, via, trace=trace)
    case = case_of(asked.rules, asked.store, device, asked.member, asked.scene, trace)
    until = asked.right.open_to + timedelta(minutes=device.booking_exit_late_min)
    return allow(case, via, until=until)
