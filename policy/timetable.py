"""What a plan offers at a device in the course of one UTC day, worked out once.

A decision then finds its instant between two changes, with everything judged already that depends
on neither the member nor the count: which bands fit, in which order they are preferred, and what
the day rule and the closed dates say (spec/rules.md 3.1, 3.3-2). When something changes is worked
out with the first who asks for the plan that day, and what then is with the first who comes then.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from policy.calendar import (
    Occurrence,
    clock_changes,
    day_refusal,
    entry_date,
    instant,
    occurrences,
)
from policy.decision import Fact
from policy.limits import TIMETABLES_KEPT
from policy.model import (
    AntiPassback,
    Check,
    Contract,
    Decision,
    DedupeScope,
    Device,
    ExemptScope,
    Member,
    Mode,
    Plan,
    Qualifier,
    Reason,
    Rules,
    RuleSettings,
    Store,
)
from policy.usage_keys import Slot, bit, slot

_DAY = timedelta(days=1)
_PERSONAL = (Qualifier.SEAT, Qualifier.ROOM)
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
    a contract that runs, and `counted` that it was used before; `facts`: plan, band and date;
    `asked`: those of a count, but for whose it is and how many.
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
    asked: dict[str, Fact]
    store: str | None
    slot: Slot
    bit: int


@dataclass(slots=True, kw_only=True)
class Segment:
    """A stretch of time in which nothing changes but what a member does.

    `plan`: whose it is. `outside`: the device asks for the plan's stores, and this is none of
    them. `limited`: it lets in by its bands (spec/rules.md 3.3-2a to d). `fits`: those that
    contain the instant, the preferred one first; `open`: those of them that nothing but a
    contract's dates and the count may refuse; `shut`: it lets in by bands alone, none is open, and
    the device asks for nothing else of the person.
    `told`: of the others, place and reason of the one that is told; OUT_OF_BAND if there are
    none. `today`: the date of an entry without a band. `first`, `last`: of `today` and the service
    dates of the fits. `checks`: what a trace tells of all this, for a contract that runs on all
    of them; `in_band` is the first of it.
    `qualified`: what it tells of whoever qualifies by the plan, None: it qualifies for nothing
    here. `leaving`: service dates that have an exit window here and a fitting day rule. `plainly`:
    a count is simply that of the calendar month's mask (6). `answer`: what everybody is answered
    here who has nothing but this plan, where it is shut and once it is known.
    """

    answer: Decision | None = None
    first: date
    last: date
    plan: Plan
    outside: bool
    limited: bool
    fits: tuple[Fit, ...]
    open: tuple[Fit, ...]
    shut: bool
    told: Told
    today: date
    checks: tuple[Check, ...]
    in_band: Check
    qualified: Check | None
    leaving: tuple[date, ...]
    plainly: bool


class _Window(NamedTuple):
    """A band occurrence on `[start, end)`: to enter by, `early` or not, or to leave by (None).

    `place`: of its band in the plan.
    """

    start: datetime
    end: datetime
    place: int
    on: Occurrence
    early: bool | None


@dataclass(frozen=True, slots=True)
class Timetable:
    """A plan's day: when something changes, and what it offers from then on, once asked for.

    What was made so far is there once, and what is read together stands together: the less memory
    decisions read, the faster they are. `first`, `last`: of the day's service dates. `answers`:
    those of the segments. `fits`: by band and date, before it opens (True) and while it is open.
    `offered`: by the date of an entry without a band, and the windows.
    """

    first: date
    last: date
    starts: tuple[datetime, ...]
    answers: list[Decision | None]
    segments: list[Segment | None]
    plan: Plan
    windows: list[_Window]
    fits: dict[tuple[int, date, bool], Fit] = field(default_factory=dict)
    offered: dict[tuple[object, ...], Segment] = field(default_factory=dict)


Offered = tuple[Contract, Segment, bool]
"""A contract, what its plan offers now, and whether it runs on all dates of that."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What a device of a store offers in one UTC day, and what it asks of everybody.

    `plans`: what each plan that was asked offers. `unusual`: it is off, or records only. `asks`: it
    asks who qualifies; `personal`: for gender, seat or room too. `windowed`: a booking counts in
    its own window alone. `passback`: it asks whether somebody is inside already, by what came in
    within `passback_timeout`, 0 = ever. `max_age_h`: `rules_max_age_h`, as the float that
    an age is compared with the fastest. `instants`: at which something changes, one value for all.
    """

    store: Store
    device: Device
    unusual: bool
    asks: bool
    personal: bool
    windowed: bool
    passback: bool
    passback_timeout: timedelta
    max_age_h: float
    plans: dict[str, Timetable]
    instants: dict[datetime, datetime]


def offers(rules: Rules, store: Store, device: Device, at: datetime) -> Offers:
    """Return what is worked out already for the store's device and the UTC day of `at`."""
    found = rules.timetables.get((device.id, at.toordinal()))
    if found is not None and found.device is device:
        return found
    settings, locks = rules.settings, device.mode is Mode.LOCK_QR
    gendered = device.gender is not None
    here = Offers(
        store,
        device,
        unusual=not device.enabled or device.mode is Mode.RECORD_ONLY,
        asks=locks and (gendered or Qualifier.ANY_MEMBER not in device.qualify),
        personal=gendered or not device.qualify.isdisjoint(_PERSONAL),
        windowed=settings.exempt_scope is ExemptScope.WINDOW,
        passback=settings.anti_passback is not AntiPassback.OFF and locks and device.counts,
        passback_timeout=timedelta(minutes=settings.passback_timeout_min),
        max_age_h=float(settings.rules_max_age_h),
        plans={},
        instants={},
    )
    return _kept(rules, here, at)


def segment(rules: Rules, here: Offers, plan: Plan, at: datetime) -> Segment:
    """Return what the plan offers at `at`, an instant in UTC; `here`: the `offers` of then."""
    table = here.plans.get(plan.id) or timetable_of(rules, here, plan, at)
    place = bisect_right(table.starts, at) - 1
    return table.segments[place] or _segment(rules.settings, here, table, place)


def offered(rules: Rules, here: Offers, member: Member, at: datetime) -> list[Offered]:
    """Return what the member's contracts offer, the one that wins ties first (6, row 21a).

    A contract of a plan that the rules don't know is none of them.
    """
    plans = here.plans
    found: list[Offered] = []
    for contract in member.contracts:
        table = plans.get(contract.plan)
        if table is None:
            plan = rules.plans.get(contract.plan)
            if plan is None:
                continue
            table = timetable_of(rules, here, plan, at)
        place = bisect_right(table.starts, at) - 1
        now = table.segments[place] or _segment(rules.settings, here, table, place)
        runs = (
            contract.start <= now.first
            and (contract.end is None or now.last <= contract.end)
            and not (contract.paused and _pauses(contract, now))
        )
        found.append((contract, now, runs))
    if len(found) > 1:
        found.sort(key=_priority)
    return found


def _pauses(contract: Contract, now: Segment) -> bool:
    return any(first <= now.last and now.first <= last for first, last in contract.paused)


def _priority(offered: Offered) -> tuple[int, bool, date]:
    contract, now, _ = offered
    return now.plan.priority, not contract.main, contract.start


def _kept(rules: Rules, here: Offers, at: datetime) -> Offers:
    """Keep it, and nothing else if there would be too much."""
    if number_kept(rules) >= TIMETABLES_KEPT:
        rules.timetables.clear()  # single steps, so that threads may share it
        here.plans.clear()
    rules.timetables[here.device.id, at.toordinal()] = here
    return here


def number_kept(rules: Rules) -> int:
    """Count what is kept, as `TIMETABLES_KEPT` bounds it; other threads may add to it."""
    return sum(1 + len(day.plans) for day in [*rules.timetables.values()])


_Span = tuple[datetime, datetime]


def timetable_of(rules: Rules, here: Offers, plan: Plan, at: datetime) -> Timetable:
    """Work out when something changes in the UTC day of `at`, and keep it."""
    store, day = here.store, at.date()
    begin = datetime.combine(day, time(), UTC)
    starts = {begin, *clock_changes(store, begin, begin + _DAY)}
    windows = list[_Window]()
    for today in (day - _DAY, day, day + _DAY):  # the local dates that a UTC day touches
        midnight, next_ = (instant(store.tz, on, 0, closing=False) for on in (today, today + _DAY))
        span = max(midnight, begin), min(next_, begin + _DAY)
        if span[0] < span[1]:
            starts.add(span[0])
            cutoff_min = 60 * rules.settings.day_cutoff_hour
            for closing in (False, True):  # the clocks may be turned back over the cutoff
                cutoff = instant(store.tz, today, cutoff_min, closing=closing)
                starts.add(min(max(cutoff, span[0]), span[1]))
            windows += _windows(store, plan, today, span)
    starts |= {end for window in windows for end in window[:2]}
    inside = sorted(start for start in starts if start < begin + _DAY)
    shared = tuple(here.instants.setdefault(start, start) for start in inside)
    days = [window.on.service_date for window in windows] or [day]
    nothing = [None] * len(shared)
    table = Timetable(min(days), max(days), shared, [*nothing], [*nothing], plan, windows)
    _kept(rules, here, at).plans[plan.id] = table
    return table


def _windows(store: Store, plan: Plan, today: date, span: _Span) -> Iterator[_Window]:
    """Yield the windows of the service dates around a local date, cut to a span of it.

    See spec/rules.md 3.1-3, 4.
    """
    early, late = timedelta(minutes=plan.early_min), timedelta(minutes=plan.late_min)
    first, last = span
    for place, grant in enumerate(plan.bands):
        for on in occurrences(store, grant.kind, today):
            opens, closes = on.opens, on.closes
            begins, ends = opens - early, closes + late + _TICK
            if ends <= first or last <= begins:
                continue
            kinds = (None, begins, ends), (True, begins, opens), (False, opens, closes)
            for kind, start, end in kinds:
                if max(start, first) < min(end, last):
                    yield _Window(max(start, first), min(end, last), place, on, kind)


def _segment(settings: RuleSettings, here: Offers, table: Timetable, place: int) -> Segment:
    """Work out what a plan offers from one change to the next, and keep it."""
    start, plan, store, device = table.starts[place], table.plan, here.store, here.device
    windows = [window for window in table.windows if window.start <= start < window.end]
    today = entry_date(store, settings, start)
    name = today, *((w.place, w.on.service_date, w.early) for w in windows)
    if (known := table.offered.get(name)) is not None:
        table.segments[place] = known
        return known
    entered = (_fit(settings, store, table, w, w.early) for w in windows if w.early is not None)
    fits = tuple(sorted(entered, key=lambda fit: fit.rank))
    refused = [(BY_DAY, fit.met, fit.refusal) for fit in fits if fit.refusal is not None]
    days = {today, *(fit.day for fit in fits)}
    outside = device.check_stores and plan.stores is not None and store.id not in plan.stores
    in_band = Check("in_band", bool(fits), {"plan": plan.id, "bands": len(fits)})
    limited = plan.restrict and not plan.ticket_required and bool(plan.bands) and not outside
    open_ = tuple(fit for fit in fits if fit.refusal is None)
    table.segments[place] = table.offered[name] = made = Segment(
        plan=plan,
        outside=outside,
        limited=limited,
        fits=fits,
        open=open_,
        shut=limited and not (open_ or here.personal) and device.mode is not Mode.KEY_SCHEDULE,
        told=min(refused, default=(BY_NOTHING, (0, today), Reason.OUT_OF_BAND)),
        today=today,
        first=min(days),
        last=max(days),
        checks=(in_band, *(check for fit in fits for check in fit.checks)),
        in_band=in_band,
        qualified=Check("qualified", passed=True, facts={"by": Qualifier.PLAN, "plan": plan.id})
        if Qualifier.PLAN in device.qualify or plan.id in device.qualify_plans
        else None,
        leaving=tuple(_leaving(store, plan, windows)),
        plainly=settings.dedupe_scope is DedupeScope.ALL_STORES
        and settings.month_anchor_day == 1
        and not settings.carry_usage_on_plan_change,
    )
    return made


def _leaving(store: Store, plan: Plan, windows: list[_Window]) -> Iterator[date]:
    """Yield the dates to leave on; they ask no closed date (spec/cases.md, settled 2)."""
    for window in windows:
        day = window.on.service_date
        if window.early is None and day_refusal(store, plan.bands[window.place].days, day) is None:
            yield day


def _fit(
    settings: RuleSettings, store: Store, table: Timetable, window: _Window, early: bool
) -> Fit:
    plan, on = table.plan, window.on
    grant, day = plan.bands[window.place], on.service_date
    made = table.fits.get((window.place, day, early))
    if made is not None:
        return made
    hours = store.bands[grant.kind]
    refusal = day_refusal(store, grant.days, day)
    if refusal is None and day in store.closed:
        refusal = Reason.STORE_CLOSED
    length = hours.end_min - hours.start_min
    facts = {"plan": plan.id, "band": grant.kind, "date": day.isoformat()}
    table.fits[window.place, day, early] = made = Fit(
        grant.kind,
        grant.limit,
        day,
        until=on.closes + timedelta(minutes=plan.late_min),
        rank=(early, grant.limit is not None, length, window.place),
        met=(window.place, day),
        refusal=refusal,
        checks=_checks(facts, refusal),
        counted=Check("counted_already", passed=True, facts=facts),
        facts=facts,
        asked={"contract": "", **facts, "counted": 0, "limit": grant.limit},
        store=store.id if settings.dedupe_scope is DedupeScope.STORE else None,
        slot=slot(grant.kind, day),
        bit=bit(day),
    )
    return made


def _checks(facts: dict[str, str], refusal: Reason | None) -> tuple[Check, ...]:
    """Tell the checks of a band occurrence, as far as the first that failed."""
    names = ("contract_date", "day_rule", "store_open")
    if refusal is None:
        return tuple(Check(name, passed=True, facts=facts) for name in names)
    held = names[: 2 if refusal is Reason.STORE_CLOSED else 1]
    failed = Check(names[len(held)], passed=False, facts={**facts, "reason": refusal})
    return (*(Check(name, passed=True, facts=facts) for name in held), failed)
