"""Wall times, band occurrences and day rules of a store (spec/rules.md 2.3, 3.1).

Windows are compared as UTC instants, because arithmetic on aware values of one zone is wall
arithmetic and goes wrong on the days when clocks change. All of it works for instants
and dates of the years 2 to 9998.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import assert_never

from policy.limits import BOOKING_MARGIN, DATES_AROUND, SPANS_KEPT, VISIT_MAX
from policy.model import Contract, DayRule, HolidayRule, Reason, RuleSettings, Store

MINUTES = tuple(timedelta(minutes=n) for n in range(BOOKING_MARGIN.high + 1))
HOURS = tuple(timedelta(hours=n) for n in range(VISIT_MAX.high + 1))
"""Spans at hand: making one takes longer than most checks."""

_SATURDAY = 5
_MIDNIGHT = time()
_DAY, _DAY_S = timedelta(days=1), 86_400


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One band on one service date, `[opens, closes)` in UTC.

    Empty if the whole band falls into an hour that the clocks skip.
    """

    service_date: date
    opens: datetime
    closes: datetime


def local_date(store: Store, at: datetime) -> date:
    """Return the calendar date at the store at the instant `at`."""
    return at.astimezone(store.tz).date()


def entry_date(store: Store, settings: RuleSettings, at: datetime) -> date:
    """Return the date of an entry without a band: the local one, which begins at the cutoff."""
    local = at.astimezone(store.tz)
    before = local.hour < settings.day_cutoff_hour
    return local.date() - _DAY if before else local.date()


def instant(tz: tzinfo, day: date, minute: int, *, closing: bool) -> datetime:
    """Turn a wall time into a UTC instant (spec/rules.md 3.1-1).

    Args:
        tz: The zone; its gaps and repeats must follow PEP 495, as zoneinfo's do.
        day: The service date.
        minute: Minutes after its midnight on the wall clock; may pass 1440.
        closing: Which copy of a wall time that happens twice: the second if True.

    Returns:
        The instant; for a wall time that does not exist, the instant of the change.
    """
    wall = datetime.combine(day, _MIDNIGHT, tz) + timedelta(minutes=minute)
    there = wall.replace(fold=int(closing)).astimezone(UTC)
    if there.astimezone(tz) == wall:
        return there
    # In a gap, fold 1 reads the wall by the new offset and lands before the change, fold 0 after.
    before = wall.replace(fold=1).astimezone(UTC)
    after = wall.replace(fold=0).astimezone(UTC)
    old = before.astimezone(tz).utcoffset()

    def changed(second: int) -> bool:
        return (before + timedelta(seconds=second)).astimezone(tz).utcoffset() != old

    seconds = range(int((after - before).total_seconds()))
    return before + timedelta(seconds=bisect_left(seconds, x=True, key=changed))


def clock_changes(store: Store, first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield the changes of the store's clocks in whole days from `first` on, to the second."""
    at = first
    while at < last:
        before = at.astimezone(store.tz).utcoffset()

        def changed(second: int, at: datetime = at, before: timedelta | None = before) -> bool:
            return (at + timedelta(seconds=second)).astimezone(store.tz).utcoffset() != before

        if changed(_DAY_S):
            yield at + timedelta(seconds=bisect_left(range(_DAY_S), x=True, key=changed))
        at += _DAY


@lru_cache(SPANS_KEPT)
def _around(tz: tzinfo, start_min: int, end_min: int, today: date) -> tuple[Occurrence, ...]:
    return tuple(
        Occurrence(
            day,
            instant(tz, day, start_min, closing=False),
            instant(tz, day, end_min, closing=True),
        )
        for n in range(-DATES_AROUND, DATES_AROUND + 1)
        for day in [today + timedelta(days=n)]
    )


def occurrences(store: Store, kind: str, today: date) -> tuple[Occurrence, ...]:
    """Return the band's occurrences two days around `today`, by date (spec/rules.md 3.1-4).

    None at all for a kind that has no hours at this store (spec/rules.md 2.1).
    """
    hours = store.bands.get(kind)
    return () if hours is None else _around(store.tz, hours.start_min, hours.end_min, today)


def day_refusal(store: Store, rule: DayRule, day: date) -> Reason | None:
    """Say why the day rule forbids the service date, or None (spec/rules.md 2.3)."""
    ticked = day.weekday() in rule.weekdays
    if day in store.holidays:
        weekend = day.weekday() >= _SATURDAY
        open_ = _open_on_holiday(rule.holiday, ticked=ticked, weekend=weekend)
        return None if open_ else Reason.HOLIDAY_NOT_ALLOWED
    return None if ticked else Reason.WEEKDAY_NOT_ALLOWED


def _open_on_holiday(rule: HolidayRule, *, ticked: bool, weekend: bool) -> bool:
    match rule:
        case HolidayRule.NONE:
            return False
        case HolidayRule.ALL:
            return True
        case HolidayRule.WEEKEND_ONLY:
            return ticked and weekend
        case HolidayRule.WEEKDAY_ONLY:
            return ticked and not weekend
        case HolidayRule.FOLLOW_WEEKDAY:
            return ticked
        case _:
            assert_never(rule)


def contract_refusal(contract: Contract, day: date) -> Reason | None:
    """Say why the contract does not run on `day`, or None (spec/rules.md 2.4)."""
    if day < contract.start:
        return Reason.CONTRACT_NOT_STARTED
    if contract.end is not None and day > contract.end:
        return Reason.CONTRACT_ENDED
    for first, last in contract.paused:
        if first <= day <= last:
            return Reason.CONTRACT_PAUSED
    return None
