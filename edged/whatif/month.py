"""A member's month at an entrance: when it is open, what was used, what is left. Pure values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from edged.whatif import months, usage
from edged.whatif.journal import Uses
from policy import bookings, explain
from policy import usage as counting
from policy.calendar import instant, local_date
from policy.model import Device, Hours, Member, Rules, Scene, Store

DAY_MIN: Final = 24 * 60
TICKET: Final = "ticket"
"""What opens by a ticket, and the ticket's own quota, have this name."""
_UNRESTRICTED: Final = "plan"
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one local day, in minutes of its wall clock: 0 <= start < end <= 1440.

    `name`: the band that opens it, or what stands before the colon of a decision's `via`.
    """

    start_min: int
    end_min: int
    name: str


@dataclass(frozen=True, slots=True)
class Day:
    """A date at the store. `open`: when the member gets in; `used`: the bands counted on it."""

    date: date
    holiday: bool
    closed: bool
    open: tuple[Span, ...]
    booked: tuple[Span, ...]
    used: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a band, or of a ticket: `left` of `limit`, None where there is no limit."""

    name: str
    hours: Hours | None
    count: int
    limit: int | None
    left: int | None


@dataclass(frozen=True, slots=True)
class Month:
    """All of the picture. `today` lies in the month, before it or after it."""

    member: str
    device: str
    store: str
    first: date
    today: date
    days: tuple[Day, ...]
    quotas: tuple[Quota, ...]

    @property
    def weeks(self) -> list[tuple[Day | None, ...]]:
        """The days by weeks from Monday on; None: a day of another month."""
        before: list[Day | None] = [None] * self.first.weekday()
        cells = [*before, *self.days]
        cells += [None] * (-len(cells) % 7)
        return [tuple(cells[n : n + 7]) for n in range(0, len(cells), 7)]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all that opens, those with a quota first: each gets its own colour."""
        quotas = (quota.name for quota in self.quotas)
        return tuple(dict.fromkeys((*quotas, *(s.name for d in self.days for s in d.open))))


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose month it is, and at which entrance; `rules` know the device and its store."""

    rules: Rules
    device: Device
    member: Member

    @property
    def store(self) -> Store:
        """The entrance's store."""
        return self.rules.stores[self.device.store]


def picture(subject: Subject, uses: Uses, first: date, now: datetime) -> Month:
    """Work out a month.

    From today on a day is open as far as the counts of now allow; before, as if nothing had
    been counted.

    Args:
        subject: Whose, and where.
        uses: The journal's keys.
        first: The first day of the month, at the store.
        now: An aware UTC instant.
    """
    rules, member, store = subject.rules, subject.member, subject.store
    today, end = local_date(store, now), months.after(first)
    middle = instant(store.tz, first, 14 * DAY_MIN, closing=False)
    used = uses.known(counting.asked(store, member, middle))
    turn = min(max(today, first), end)
    spans = [
        *_spans(subject, Scene(now), (first, turn)),
        *_spans(subject, Scene(now, used), (turn, end)),
    ]
    owners = [c.id for c in member.contracts] + [t.id for t in member.tickets]
    kept = [held.key for held in uses.held(owners, first, end - _DAY) if held.events]
    booked = [
        piece
        for booking in bookings.live(store, subject.device, member, rules.settings)
        for piece in _pieces(store.tz, booking.start, booking.end, booking.program)
    ]
    days = [
        Day(
            day,
            day in store.holidays,
            day in store.closed,
            _merged(span for at, span in spans if at == day),
            tuple(span for at, span in booked if at == day),
            tuple(dict.fromkeys(key.band for key in kept if key.service_date == day)),
        )
        for day in (first + n * _DAY for n in range((end - first).days))
    ]
    counted = months.containing(rules.settings, today if first <= today < end else first)
    quotas = _quotas(subject, uses, counted)
    title = store.name or store.id
    return Month(member.id, subject.device.id, title, first, today, tuple(days), quotas)


def _spans(subject: Subject, scene: Scene, days: tuple[date, date]) -> Iterator[tuple[date, Span]]:
    """Yield when the member gets in on the dates `[first, end)`."""
    if days[0] >= days[1]:
        return
    tz = subject.store.tz
    first, end = (instant(tz, day, 0, closing=False) for day in days)
    asked = subject.rules, subject.device, subject.member
    for window in explain.windows(*asked, scene, first, end):
        name = window.band or (window.via or "").partition(":")[0]
        yield from _pieces(tz, window.start, window.end, name)


def _pieces(tz: tzinfo, start: datetime, end: datetime, name: str) -> Iterator[tuple[date, Span]]:
    """Cut a stretch of time at the midnights of a zone."""
    here, there = start.astimezone(tz), end.astimezone(tz)
    day = here.date()
    while day <= there.date():
        begin = here.hour * 60 + here.minute if day == here.date() else 0
        until = there.hour * 60 + there.minute if day == there.date() else DAY_MIN
        if begin < until:  # an hour that the clocks go back over has no place on the strip
            yield day, Span(begin, until, name)
        day += _DAY


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join what has one name and no gap."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start_min):
        if found and found[-1].name == span.name and found[-1].end_min >= span.start_min:
            end = max(found[-1].end_min, span.end_min)
            found[-1] = Span(found[-1].start_min, end, span.name)
        else:
            found.append(span)
    return tuple(found)


def _quotas(subject: Subject, uses: Uses, month: date) -> tuple[Quota, ...]:
    """Return what is left in a counted month, of contracts and tickets that are good in it."""
    rules, member, hours = subject.rules, subject.member, subject.store.bands
    first, last = months.counted(rules.settings, month)
    running = {c.id for c in member.contracts if c.start <= last and (c.end or last) >= first}
    running |= {
        t.id for t in member.tickets if t.valid_from <= last and (t.valid_to or last) >= first
    }
    plans = (rules.plans.get(c.plan) for c in member.contracts if c.id in running)
    free = any(plan is not None and not plan.restrict for plan in plans)
    return (
        *(
            Quota(TICKET, None, line.count, None, line.left)
            if line.plan is None
            else Quota(line.band, hours.get(line.band), line.count, line.limit, line.left)
            for line in usage.lines(rules, member, uses, month)
            if line.owner in running
        ),
        *([Quota(_UNRESTRICTED, None, 0, None, None)] if free else ()),
    )
