"""The day's bookings for staff while the line is down (spec/rules.md 4.5, ledger)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from edged.whatif.sources import Source
from policy.model import Booking, Member, Rules

COLUMNS: Final = (
    "date",
    "start",
    "end",
    "store",
    "room",
    "program",
    "status",
    "paid",
    "booking",
    "member",
    "label",
)
"""The columns, in order. Times are the store's own; an `end` on a later date has it before it.
`status` is a word of spec/rules.md 2.5; `label` is what the rules let staff see of a person."""


@dataclass(frozen=True, slots=True)
class Row:
    """One member's part in one booking; instants in the store's own zone."""

    booking: Booking
    member: Member
    start: datetime
    end: datetime

    def plain(self) -> dict[str, object]:
        """Spell it by `COLUMNS`."""
        booking, day = self.booking, self.start.date()
        late = "" if self.end.date() == day else f"{self.end.date().isoformat()} "
        return {
            "date": day.isoformat(),
            "start": f"{self.start:%H:%M}",
            "end": f"{late}{self.end:%H:%M}",
            "store": booking.store,
            "room": booking.room,
            "program": booking.program,
            "status": booking.status.value,
            "paid": booking.paid,
            "booking": booking.id,
            "member": self.member.id,
            "label": self.member.label,
        }


async def bookings(
    source: Source, names: Iterable[str], stores: Collection[str], day: date
) -> list[Row]:
    """Return the bookings that start on a local date, whatever their status.

    By start, store, room, booking and member.

    Args:
        source: The rules in force.
        names: The ids of the members to look at.
        stores: The stores of interest.
        day: The date at the store.
    """
    found: list[Row] = []
    for name in names:
        member = await source.members.member_by_id(name)
        if member is not None:
            here = (b for b in member.bookings if b.store in stores)
            rows = (_row(source.rules, booking, member) for booking in here)
            found += (row for row in rows if row.start.date() == day)
    return sorted(found, key=_place)


def _row(rules: Rules, booking: Booking, member: Member) -> Row:
    tz = rules.stores[booking.store].tz
    return Row(booking, member, booking.start.astimezone(tz), booking.end.astimezone(tz))


def _place(row: Row) -> tuple[datetime, str, str, str, str]:
    booking = row.booking
    return booking.start, booking.store, booking.room or "", booking.id, row.member.id
