"""Reservation rooms: payment and the list of users are the right to come in (spec/rules.md 4.3).

The cloud owns payment, messages and the official state; a device keeps a copy going while it
hears nothing. Instants are aware UTC datetimes. A repeated step changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from policy.model import Reason, RuleSettings


class RoomStatus(StrEnum):
    """States of a room booking; only PAID opens."""

    RESERVED = "RESERVED"
    PAID = "PAID"
    FINISHED = "FINISHED"
    AUTO_CANCELLED = "AUTO_CANCELLED"
    CANCELLED = "CANCELLED"


class PayMethod(StrEnum):
    """How a room gets paid: at the kiosk or in the app, or by a transfer that staff confirm."""

    KIOSK_APP = "KIOSK_APP"
    DEPOSIT = "DEPOSIT"


class Payment(StrEnum):
    """Whether a payment was taken."""

    OK = "OK"
    NOT_PAYABLE = "NOT_PAYABLE"


@dataclass(frozen=True, slots=True)
class RoomBooking:
    """One booking of a room, `[start, end)`.

    `users`: who gets a QR and may come in; the booker only if listed. `send_at`: not before
    this. `sent`: when each user's QR went out. `version`: the cloud's, higher = newer. `handle`
    and `changed_at` as in `policy.model.Booking`.
    """

    id: str
    room: str
    start: datetime
    end: datetime
    status: RoomStatus
    booker: str
    users: tuple[str, ...]
    pay_method: PayMethod = PayMethod.KIOSK_APP
    send_at: datetime | None = None
    paid_at: datetime | None = None
    sent: Mapping[str, datetime] = field(default_factory=dict)
    version: int = 0
    handle: bytes | None = None
    changed_at: datetime | None = None


def tick(booking: RoomBooking, at: datetime, settings: RuleSettings) -> RoomBooking:
    """Let time pass: cancel what is still unpaid, note which QRs go out now.

    A QR goes to each user once, from `max(send_at, paid_at)` until the end; to one who was
    added later, at once.
    """
    booking = _auto_cancel(booking, at, settings)
    if booking.status is not RoomStatus.PAID or booking.paid_at is None or at >= booking.end:
        return booking
    if at < max(booking.paid_at, booking.send_at or booking.paid_at):
        return booking
    now = {user: at for user in booking.users if user not in booking.sent}
    return replace(booking, sent={**booking.sent, **now})


def pay(booking: RoomBooking, at: datetime, settings: RuleSettings) -> tuple[RoomBooking, Payment]:
    """Take the payment, or the deposit that staff have seen, unless it comes too late."""
    booking = _auto_cancel(booking, at, settings)
    if booking.status is not RoomStatus.RESERVED:
        return booking, Payment.NOT_PAYABLE
    paid = replace(booking, status=RoomStatus.PAID, paid_at=at)
    return tick(paid, at, settings), Payment.OK


def door(
    booking: RoomBooking, user: str, at: datetime, settings: RuleSettings
) -> tuple[RoomBooking, Reason]:
    """Answer a user at the room's door: OK, or why not, in the order of spec/cases.md 16.

    The right is there in `[start - room_early_min, end)` whether or not a QR went out.
    """
    booking = _auto_cancel(booking, at, settings)
    return booking, _door(booking, user, at, settings)


def entry_refusal(
    bookings: Iterable[RoomBooking], user: str, at: datetime, settings: RuleSettings
) -> Reason | None:
    """Say why none of a room's bookings lets the user in, or None (Scene.room_refusal).

    Of several refusals the one is told that the user can still do something about.
    """
    theirs = (booking for booking in bookings if user in booking.users)
    answers = {door(booking, user, at, settings)[1] for booking in theirs}
    if Reason.OK in answers:
        return None
    return next((reason for reason in _TELLING if reason in answers), Reason.NOT_A_REGISTERED_USER)


_TELLING = (
    Reason.BOOKING_UNPAID,
    Reason.TOO_EARLY,
    Reason.BOOKING_OVER,
    Reason.BOOKING_CANCELLED,
)


def end_use(booking: RoomBooking) -> tuple[RoomBooking, Reason]:
    """End a paid use at once, by staff; else say why there is none to end."""
    refusal = _CLOSED.get(booking.status)
    if refusal is not None:
        return booking, refusal
    return replace(booking, status=RoomStatus.FINISHED), Reason.OK


def cancel(booking: RoomBooking) -> RoomBooking:
    """Cancel it, whatever its state."""
    return replace(booking, status=RoomStatus.CANCELLED)


def overrule(here: RoomBooking, cloud: RoomBooking) -> RoomBooking:
    """Return what counts after the cloud has spoken: its copy, if it is a later version."""
    return cloud if cloud.version > here.version else here


_CLOSED = {
    RoomStatus.FINISHED: Reason.BOOKING_OVER,
    RoomStatus.CANCELLED: Reason.BOOKING_CANCELLED,
    RoomStatus.AUTO_CANCELLED: Reason.BOOKING_CANCELLED,
    RoomStatus.RESERVED: Reason.BOOKING_UNPAID,
}


def _auto_cancel(booking: RoomBooking, at: datetime, settings: RuleSettings) -> RoomBooking:
    too_late = booking.start + timedelta(minutes=settings.room_unpaid_cancel_min)
    if booking.status is RoomStatus.RESERVED and at >= too_late:
        return replace(booking, status=RoomStatus.AUTO_CANCELLED)
    return booking


def _door(booking: RoomBooking, user: str, at: datetime, settings: RuleSettings) -> Reason:
    closed = _CLOSED.get(booking.status)
    if closed is not None:
        return closed
    if user not in booking.users:
        return Reason.NOT_A_REGISTERED_USER
    if at < booking.start - timedelta(minutes=settings.room_early_min):
        return Reason.TOO_EARLY
    return Reason.OK if at < booking.end else Reason.BOOKING_OVER
