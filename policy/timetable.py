"""What a plan offers at a device in the course of one UTC day, worked out once.

A decision then finds its instant by the minute, with everything judged already that depends on
neither the member nor the count: which bands fit, in which order they are preferred, and what
the day rule and the closed dates say (spec/rules.md 3.1, 3.3-2).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from policy.calendar import day_refusal, instant, occurrences
from policy.limits import TIMETABLES_KEPT
from policy.model import (
    Check,
    Decision,
    DedupeScope,
    Device,
    Plan,
    Qualifier,
    Reason,
    Rules,
    RuleSettings,
    Store,
)
from policy.usage_keys import Slot, bit, slot

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_TICK = timedelta.resolution  # an inclusive end is an exclusive one a tick later


Told = tuple[int, tuple[int, date], Reason]
"""A refusal and its place: the lowest of a contract's is told (spec/cases.md, settled 4)."""

BY_QUOTA, BY_DAY, BY_CONTRACT, BY_NOTHING = range(4)
"""The groups of refusals; inside one it is the first met that is told."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A band occurrence whose entry window contains the instant.

    `rank`: tolerance after core, limited after unlimited, long after short, then the place in
    the plan (spec/rules.md 3.3-2f, 2 to 5); the lowest is preferred. `met`: its place in the
    order of the plan, dates ascending, in which refusals are told. `until`: close + late.
    `refusal`: what the day rule or a closed date says. `checks`: what a trace tells of that, for
    a contract that runs, and `counted` that it was used before; `facts`: plan, band and date.
    `store`: the one that its key names. `slot`, `bit`: where its use is kept.
    """

    kind: str
    limit: int | None
    day: date
    until: datetime
    rank: tuple[bool, bool, int, int]
    met: tuple[int, date]
    refusal: Reason | None
    checks: tuple[Check, ...]
    counted: Check
    facts: dict[str, str]
    store: str | None
    slot: Slot
    bit: int


@dataclass(slots=True)
class Segment:
    """A stretch of time in which nothing changes but what a member does.

    `plan`: whose it is. `outside`: the device asks for the plan's stores, and this is none of
    them. `limited`: it lets in by its bands (spec/rules.md 3.3-2a to d). `fits`: those that
    contain the instant, the preferred one first; `open`: those of them that nothing but a
    contract's dates and the count may refuse. `told`: of the others, place and reason of the one
    that is told; OUT_OF_BAND if there are none. `today`: the date of an entry without a band.
    `first`, `last`: of `today` and the service dates of the fits. `checks`: what a trace tells
    of all this, for a contract that runs on all of them; `in_band` is the first of it.
    `qualified`: what it tells of whoever is qualified by the plan. `leaving`: service dates that
    have an exit window here and a fitting day rule. `plainly`: a count is simply that of the
    calendar month's mask (6). `answer`: what everybody is answered here who has nothing but this
    plan, once that is known.
    """

    plan: Plan
    outside: bool
    limited: bool
    fits: tuple[Fit, ...]
    open: tuple[Fit, ...]
    told: Told
    today: date
    first: date
    last: date
    checks: tuple[Check, ...]
    in_band: Check
    qualified: Check
    leaving: tuple[date, ...]
    plainly: bool
    answer: Decision | None = None


_Split = tuple[tuple[datetime, Segment], ...]
"""A minute in which something changes: where each segment begins, the first at its start."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What plans offer at a device in one UTC day: for each that was asked, minute by minute."""

    device: Device
    plans: dict[str, list[Segment | _Split]]


def offers(rules: Rules, device: Device, at: datetime) -> Offers:
    """Return what is worked out already for the device and the UTC day of `at`."""
    name = id(device), at.toordinal()  # what is kept keeps the device, and so its id
    found = rules.timetables.get(name)
    return _kept(rules, Offers(device, {}), at) if found is None else found


def segment(rules: Rules, store: Store, here: Offers, plan: Plan, at: datetime) -> Segment:
    """Return what the plan offers at `at`, an instant in UTC.

    `here`: the `offers` for that instant at a device of the store.
    """
    minutes = here.plans.get(plan.id)
    if minutes is None:
        minutes = _build(rules.settings, store, here.device, plan, at.date())
        _kept(rules, here, at).plans[plan.id] = minutes
    found = minutes[60 * at.hour + at.minute]
    return found if isinstance(found, Segment) else _in_split(found, at)


def _kept(rules: Rules, here: Offers, at: datetime) -> Offers:
    """Keep it, and nothing else if there would be too much."""
    if sum(1 + len(day.plans) for day in rules.timetables.values()) >= TIMETABLES_KEPT:
        rules.timetables.clear()  # single steps, so that threads may share it
        here.plans.clear()
    rules.timetables[id(here.device), at.toordinal()] = here
    return here


def _in_split(minute: _Split, at: datetime) -> Segment:
    return [segment for start, segment in minute if start <= at][-1]


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


def _build(
    settings: RuleSettings, store: Store, device: Device, plan: Plan, day: date
) -> list[Segment | _Split]:
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
    segments = [
        (start, _segment(settings, store, device, plan, windows, start)) for start in sorted(starts)
    ]
    return _minutes(begin, segments)


def _minutes(begin: datetime, segments: list[tuple[datetime, Segment]]) -> list[Segment | _Split]:
    """Lay the segments out over the minutes of a day that begins at `begin`."""
    minutes: list[Segment | _Split] = []
    for start, new in segments:
        minute, inside = divmod(start - begin, _MINUTE)
        last = minutes[-1] if minutes else new
        minutes += [last[-1][1] if isinstance(last, tuple) else last] * (minute - len(minutes))
        if not inside:
            minutes.append(new)
            continue
        if minute == len(minutes):
            minutes.append(minutes[-1])
        split = minutes[minute]
        so_far = split if isinstance(split, tuple) else ((begin, split),)
        minutes[minute] = (*so_far, (start, new))
    last = minutes[-1]
    return minutes + [last[-1][1] if isinstance(last, tuple) else last] * (1_440 - len(minutes))


def _segment(
    settings: RuleSettings,
    store: Store,
    device: Device,
    plan: Plan,
    windows: list[_Window],
    start: datetime,
) -> Segment:
    here = [window for window in windows if window.start <= start < window.end]
    fits = tuple(sorted((w.fit for w in here if w.fit), key=lambda fit: fit.rank))
    refused = [(BY_DAY, fit.met, fit.refusal) for fit in fits if fit.refusal is not None]
    today = entry_date(store, settings, start)
    days = {today, *(fit.day for fit in fits)}
    outside = device.check_stores and plan.stores is not None and store.id not in plan.stores
    in_band = Check("in_band", bool(fits), {"plan": plan.id, "bands": len(fits)})
    return Segment(
        plan,
        outside=outside,
        limited=plan.restrict and not plan.ticket_required and bool(plan.bands) and not outside,
        fits=fits,
        open=tuple(fit for fit in fits if fit.refusal is None),
        told=min(refused, default=(BY_NOTHING, (0, today), Reason.OUT_OF_BAND)),
        today=today,
        first=min(days),
        last=max(days),
        checks=(in_band, *(check for fit in fits for check in fit.checks)),
        in_band=in_band,
        qualified=Check("qualified", passed=True, facts={"by": Qualifier.PLAN, "plan": plan.id}),
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
                    facts = {"plan": plan.id, "band": grant.kind, "date": on.isoformat()}
                    fit = Fit(
                        grant.kind,
                        grant.limit,
                        on,
                        until=closes + late,
                        rank=(tolerance, grant.limit is not None, length, place),
                        met=(place, on),
                        refusal=refusal,
                        checks=_checks(facts, refusal),
                        counted=Check("counted_already", passed=True, facts=facts),
                        facts=facts,
                        store=store.id if settings.dedupe_scope is DedupeScope.STORE else None,
                        slot=slot(grant.kind, on),
                        bit=bit(on),
                    )
                    yield _Window(*enter, fit, None)


def _checks(facts: dict[str, str], refusal: Reason | None) -> tuple[Check, ...]:
    """Tell the checks of a band occurrence, as far as the first that failed."""
    names = ("contract_date", "day_rule", "store_open")
    if refusal is None:
        return tuple(Check(name, passed=True, facts=facts) for name in names)
    held = names[: 2 if refusal is Reason.STORE_CLOSED else 1]
    failed = Check(names[len(held)], passed=False, facts={**facts, "reason": refusal})
    return (*(Check(name, passed=True, facts=facts) for name in held), failed)


def _cut(start: datetime, end: datetime, span: _Span) -> _Span | None:
    start, end = max(start, span[0]), min(end, span[1])
    return (start, end) if start < end else None
