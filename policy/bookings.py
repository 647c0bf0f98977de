"""Which bookings open a door, and when (spec/rules.md 2.5, 3.3, 3.4)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from policy.calendar import local_date
from policy.model import Booking, BookingStatus, Device, Plan, Store

_LIVE = frozenset({BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN})


def _here(booking: Booking, device: Device) -> bool:
    """Live, at the device's store and, for a room's door, for that room."""
    return (
        booking.status in _LIVE
        and booking.store == device.store
        and device.room in (None, booking.room)
    )


def entering(
    bookings: Sequence[Booking], device: Device, store: Store, at: datetime
) -> list[Booking]:
    """Return the live bookings here with `start - booking_early_min <= at < end`.

    Earliest start first, then by id. A booking that starts on a closed date is not live.
    """
    if not bookings:
        return []
    reach = at + timedelta(minutes=device.booking_early_min)
    found = [
        b
        for b in bookings
        if b.start <= reach
        and at < b.end
        and _here(b, device)
        and local_date(store, b.start) not in store.closed
    ]
    return sorted(found, key=lambda b: (b.start, b.id))


def leaving(bookings: Iterable[Booking], device: Device, at: datetime) -> list[Booking]:
    """Return the live bookings here whose exit window contains `at`.

    The window is `[start - booking_early_min, end + booking_exit_late_min]`.
    """
    reach = at + timedelta(minutes=device.booking_early_min)
    back = at - timedelta(minutes=device.booking_exit_late_min)
    return [b for b in bookings if b.start <= reach and back <= b.end and _here(b, device)]


def exempts(plan: Plan, booking: Booking) -> bool:
    """Tell whether the plan's exemption covers the booking's program.

    Only a plan with limits can exempt from them; a plan that needs a ticket never does.
    """
    return (
        plan.exempt
        and plan.restrict
        and not plan.ticket_required
        and (not plan.exempt_programs or booking.program in plan.exempt_programs)
    )
