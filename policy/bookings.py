"""Which bookings open a door, and when (spec/rules.md 2.5, 3.3, 3.4)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from policy.calendar import MINUTES, day_refusal, entry_date, local_date, occurrences
from policy.model import (
    Booking,
    BookingStatus,
    Device,
    ExemptScope,
    Member,
    Plan,
    RuleSettings,
    Store,
)

_LIVE = frozenset({BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN})


def live(store: Store, device: Device, member: Member, settings: RuleSettings) -> list[Booking]:
    """Return the member's live bookings here, the earliest start first, then by id.

    Here: at the device's store and, for a room's door, for that room. A booking that starts on
    a closed date opens nothing, unless `closed_days_block_bookings` is off.
    """
    return _sorted([b for b in member.bookings if _opens(b, store, device, settings)])


def due(
    store: Store, device: Device, member: Member, settings: RuleSettings, at: datetime
) -> Sequence[Booking]:
    """Return those of the `live` ones whose entry window contains `at`."""
    if not member.bookings:
        return ()
    reach = at + MINUTES[device.booking_early_min]
    return _sorted(
        [
            b
            for b in member.bookings
            if at < b.end and b.start <= reach and _opens(b, store, device, settings)
        ]
    )


def _sorted(bookings: list[Booking]) -> list[Booking]:
    if len(bookings) > 1:
        bookings.sort(key=lambda b: (b.start, b.id))
    return bookings


def _opens(booking: Booking, store: Store, device: Device, settings: RuleSettings) -> bool:
    return _live_here(booking, device) and not (
        store.closed
        and settings.closed_days_block_bookings
        and local_date(store, booking.start) in store.closed
    )


def is_due(booking: Booking, device: Device, at: datetime) -> bool:
    """Tell whether `at` lies in `[start - booking_early_min, end)`."""
    return at < booking.end and booking.start <= at + MINUTES[device.booking_early_min]


def leaving(bookings: Iterable[Booking], device: Device, at: datetime) -> list[Booking]:
    """Return the live bookings here whose exit window contains `at`.

    The window is `[start - booking_early_min, end + booking_exit_late_min]`.
    """
    reach = at + MINUTES[device.booking_early_min]
    back = at - MINUTES[device.booking_exit_late_min]
    return [b for b in bookings if b.start <= reach and back <= b.end and _live_here(b, device)]


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


def exempts_beyond(
    store: Store, settings: RuleSettings, plan: Plan, booking: Booking, at: datetime
) -> bool:
    """Tell whether a live booking exempts at `at` outside its own window too.

    That is all of its day, or the plan's booking band that it lies in, if `exempt_scope` says
    so (spec/rules.md 6, row 7).
    """
    if settings.exempt_scope is not ExemptScope.BOOKING_BAND:
        day = entry_date(store, settings, at) == local_date(store, booking.start)
        return day and settings.exempt_scope is ExemptScope.DAY
    return any(
        band.opens <= min(at, booking.start)
        and max(at, booking.end) <= band.closes
        and at != band.closes
        and day_refusal(store, grant.days, band.service_date) is None
        for grant in plan.booking_bands
        for band in occurrences(store, grant.kind, local_date(store, booking.start))
    )


def _live_here(booking: Booking, device: Device) -> bool:
    return (
        booking.status in _LIVE
        and booking.store == device.store
        and device.room in (None, booking.room)
    )
