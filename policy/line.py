"""Bookings made in LINE: places, who may cancel, the day's ledger (spec/rules.md 4.5).

The cloud owns them. A device needs the ledger while the line is down; door rights hang on the
member, never on the LINE account.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from enum import StrEnum

from policy.model import Booking

_DAY = timedelta(days=1)
_WEEK = 7


class Answer(StrEnum):
    """What a booking or a cancel gets."""

    OK = "OK"
    FULL = "FULL"
    DUPLICATE = "DUPLICATE"
    NOT_BOOKED = "NOT_BOOKED"


class Origin(StrEnum):
    """Who made a booking."""

    LINE = "line"
    STAFF = "staff"


class Actor(StrEnum):
    """Who wants to change a booking."""

    USER = "user"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Slot:
    """Bookable places: who took one, in order, and which bookings were cancelled.

    A booking is cancelled for ever, even if the cancel is heard of before the booking.
    """

    id: str
    capacity: int
    taken: tuple[str, ...] = ()
    cancelled: frozenset[str] = frozenset()


def book(slot: Slot, booking: str) -> tuple[Slot, Answer]:
    """Take a place, if there is one and this booking was neither made nor cancelled before."""
    if booking in slot.cancelled:
        return slot, Answer.NOT_BOOKED
    if booking in slot.taken:
        return slot, Answer.DUPLICATE
    if len(slot.taken) >= slot.capacity:
        return slot, Answer.FULL
    return replace(slot, taken=(*slot.taken, booking)), Answer.OK


def cancel(slot: Slot, booking: str) -> tuple[Slot, Answer]:
    """Give the booking's place back, once."""
    answer = Answer.OK if booking in slot.taken else Answer.NOT_BOOKED
    taken = tuple(other for other in slot.taken if other != booking)
    return replace(slot, taken=taken, cancelled=slot.cancelled | {booking}), answer


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when users may change: so many business days before the booking's day.

    `business_days` from 0 (the day itself). `off_weekdays` (0 = Monday) and `holidays` are none.
    """

    business_days: int
    off_weekdays: AbstractSet[int]
    holidays: AbstractSet[date]


def may_cancel(by: Actor, origin: Origin, day: date, today: date, deadline: Deadline) -> bool:
    """Tell whether a booking for `day` may be cancelled or changed `today`, both local dates.

    Staff may at any time; users until the deadline, and only what was booked in LINE.
    """
    if by is Actor.STAFF:
        return True
    last = _business_days_before(day, deadline)
    return origin is Origin.LINE and last is not None and today <= last


def _business_days_before(day: date, deadline: Deadline) -> date | None:
    if len(deadline.off_weekdays) >= _WEEK:
        return None  # a store without business days has no deadline that could be met
    for _ in range(deadline.business_days):
        day -= _DAY
        while day.weekday() in deadline.off_weekdays or day in deadline.holidays:
            day -= _DAY
    return day


class Column(StrEnum):
    """The columns of the ledger, in their order. No name, no number (spec/rules.md 2)."""

    BOOKING = "booking"
    MEMBER = "member"
    PROGRAM = "program"
    ROOM = "room"
    START = "start"
    END = "end"
    STATUS = "status"
    PAID = "paid"


def ledger(
    bookings: Iterable[tuple[str, Booking]],
    day: date,
    tz: tzinfo,
    columns: Sequence[Column] = tuple(Column),
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the bookings that start on a local date: the head first.

    `bookings` come with what staff know the member by. All states are listed, by start and id;
    times are wall times of the store.
    """
    yield tuple(column.value for column in columns)
    today = [(who, b) for who, b in bookings if b.start.astimezone(tz).date() == day]
    for who, booking in sorted(today, key=lambda row: (row[1].start, row[1].id)):
        cells = _cells(who, booking, tz)
        yield tuple(cells[column] for column in columns)


def _cells(who: str, booking: Booking, tz: tzinfo) -> dict[Column, str]:
    return {
        Column.BOOKING: booking.id,
        Column.MEMBER: who,
        Column.PROGRAM: booking.program,
        Column.ROOM: booking.room or "",
        Column.START: booking.start.astimezone(tz).strftime("%Y-%m-%d %H:%M"),
        Column.END: booking.end.astimezone(tz).strftime("%Y-%m-%d %H:%M"),
        Column.STATUS: booking.status.value,
        Column.PAID: "yes" if booking.paid else "no",
    }
