"""What a plan offers at a store in the course of one UTC day, worked out once.

A decision then finds its instant by bisection, with everything judged already that depends on
neither the member nor the count: which bands fit, in which order they are preferred, and what
the day rule and the closed dates say (spec/rules.md 3.1, 3.3-2).
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from policy.calendar import day_refusal, instant, occurrences
from policy.limits import TIMETABLES_KEPT
from policy.model import DedupeScope, Plan, Reason, Rules, RuleSettings, Store
from policy.usage_keys import Slot, bit, slot

_DAY = timedelta(days=1)
_TICK = timedelta.resolution  # an inclusive end is an exclusive one a tick later


@dataclass(frozen=True, slots=True)
class Fit:
    """A band occurrence whose entry window contains the instant.

    `rank`: tolerance after core, limited after unlimited, long after short, then the place in
    the plan (spec/rules.md 3.3-2f, 2 to 5); the lowest is preferred. `met`: its place in the
    order of the plan, dates ascending, in which refusals are told. `until`: close + late.
    `refusal`: what the day rule or a closed date says. `store`: the one that its key names.
    `slot`, `bit`: where its use is kept.
    """

    kind: str
    limit: int | None
    day: date
    until: datetime
    rank: tuple[bool, bool, int, int]
    met: tuple[int, date]
    refusal: Reason | None
    store: str | None
    slot: Slot
    bit: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which nothing changes but what a member does.

    `limited`: the plan lets in by its bands (spec/rules.md 3.3-2a to d), and `fits` are those
    that may, the preferred one first. `outside`: the store is not one of the plan's. `today`:
    the date of an entry without a band. `leaving`: service dates that have an exit window here
    and a fitting day rule. `plainly`: a count is simply that of the calendar month's mask (6).
    """

    limited: bool
    outside: bool
    today: date
    fits: tuple[Fit, ...]
    leaving: tuple[date, ...]
    plainly: bool


@dataclass(frozen=True, slots=True)
class Timetable:
    """One plan at one store for one UTC day: segment n begins at `starts[n]`."""

    starts: tuple[datetime, ...]
    segments: tuple[Segment, ...]


def segment(rules: Rules, store: Store, plan: Plan, at: datetime) -> Segment:
    """Return what the plan offers at the store at `at`, an instant in UTC."""
    timetables, name = rules.timetables, (plan.id, store.id, at.toordinal())
    table = timetables.get(name)
    if table is None:
        if len(timetables) >= TIMETABLES_KEPT:
            timetables.clear()  # one step, so that threads may share it
        table = timetables[name] = _build(rules.settings, store, plan, at.date())
    return table.segments[bisect_right(table.starts, at) - 1]


def entry_date(store: Store, settings: RuleSettings, at: datetime) -> date:
    """Return the date of an entry without a band: the local one, which begins at the cutoff."""
    local = at.astimezone(store.tz)
    before = local.hour < settings.day_cutoff_hour
    return local.date() - _DAY if before else local.date()


_Span = tuple[datetime, datetime]


class _Window(NamedTuple):
    """A fit, or a date to leave on, on `[start, end)`."""

    start: datetime
    end: datetime
    fit: Fit | None
    leaving: date | None


def _build(settings: RuleSettings, store: Store, plan: Plan, day: date) -> Timetable:
    begin = datetime.combine(day, time(), UTC)
    starts, windows = {begin}, list[_Window]()
    for today in (day - _DAY, day, day + _DAY):  # the local dates that a UTC day touches
        midnight, cutoff, next_ = (
            instant(store.tz, on, 60 * hour, closing=False)
            for on, hour in ((today, 0), (today, settings.day_cutoff_hour), (today + _DAY, 0))
        )
        span = max(midnight, begin), min(next_, begin + _DAY)
        if span[0] < span[1]:
            starts |= {span[0], min(max(cutoff, span[0]), span[1])}
            windows += _windows(settings, store, plan, today, span)
    starts |= {end for window in windows for end in window[:2]}
    starts.discard(begin + _DAY)
    ordered = tuple(sorted(starts))
    return Timetable(
        ordered, tuple(_segment(settings, store, plan, windows, start) for start in ordered)
    )


def _segment(
    settings: RuleSettings, store: Store, plan: Plan, windows: list[_Window], start: datetime
) -> Segment:
    here = [window for window in windows if window.start <= start < window.end]
    return Segment(
        limited=plan.restrict and not plan.ticket_required and bool(plan.bands),
        outside=plan.stores is not None and store.id not in plan.stores,
        today=entry_date(store, settings, start),
        fits=tuple(sorted((w.fit for w in here if w.fit), key=lambda fit: fit.rank)),
        leaving=tuple(w.leaving for w in here if w.leaving),
        plainly=settings.dedupe_scope is DedupeScope.ALL_STORES
        and settings.month_anchor_day == 1
        and not settings.carry_usage_on_plan_change,
    )


def _windows(
    settings: RuleSettings, store: Store, plan: Plan, today: date, span: _Span
) -> Iterator[_Window]:
    """Yield the windows of the service dates around a local date, cut to a span of it.

    See spec/rules.md 3.1-3, 4. Those for leaving ask no closed date (spec/cases.md, settled 2).
    """
    early, late = timedelta(minutes=plan.early_min), timedelta(minutes=plan.late_min)
    for place, grant in enumerate(plan.bands):
        for occurrence in occurrences(store, grant.kind, today):
            on, opens, closes = occurrence.service_date, occurrence.opens, occurrence.closes
            leave = _cut(opens - early, closes + late + _TICK, span)
            if leave is None:
                continue
            refusal = day_refusal(store, grant.days, on)
            if refusal is None:
                yield _Window(*leave, None, on)
                refusal = Reason.STORE_CLOSED if on in store.closed else None
            for tolerance, start, end in ((True, opens - early, opens), (False, opens, closes)):
                enter = _cut(start, end, span)
                if enter is not None:
                    length = store.bands[grant.kind].end_min - store.bands[grant.kind].start_min
                    fit = Fit(
                        grant.kind,
                        grant.limit,
                        on,
                        until=closes + late,
                        rank=(tolerance, grant.limit is not None, length, place),
                        met=(place, on),
                        refusal=refusal,
                        store=store.id if settings.dedupe_scope is DedupeScope.STORE else None,
                        slot=slot(grant.kind, on),
                        bit=bit(on),
                    )
                    yield _Window(*enter, fit, None)


def _cut(start: datetime, end: datetime, span: _Span) -> _Span | None:
    start, end = max(start, span[0]), min(end, span[1])
    return (start, end) if start < end else None
