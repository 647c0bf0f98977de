"""When the answer to a member can change, if nothing but time passes.

These are supersets, taken from the hours, dates, bookings and contracts as they stand. Whoever
asks `policy.entry.decide` at each of them misses nothing; what it answers is not known here.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from typing import NamedTuple

from policy import bookings
from policy.calendar import (
    clock_changes,
    contract_refusal,
    day_refusal,
    instant,
    local_date,
)
from policy.limits import DATES_AROUND
from policy.model import (
    Contract,
    Device,
    ExemptScope,
    Member,
    Plan,
    Rules,
    Scene,
    Store,
    Ticket,
    Usage,
)
from policy.usage_keys import bit, slot

_DAY = timedelta(days=1)
_AROUND = timedelta(days=DATES_AROUND)
_TICK = timedelta.resolution  # an inclusive end is an exclusive one a tick later

Cause = tuple[object, ...]
_Edges = set[tuple[str, int]]
"""Band kinds, each with its minutes of early tolerance."""


class Opening(NamedTuple):
    """An instant at which a refusal can turn into a yes.

    `cause`: equal for openings of one right that differ in nothing that it is judged by. They
    get the same answer from a device that the member may use, as long as no opening without a
    cause (None) lies between.
    """

    at: datetime
    cause: Cause | None


def turns(
    rules: Rules, device: Device, member: Member, scene: Scene, last: datetime
) -> list[datetime]:
    """Return `scene.at` and every instant from then to `last` at which the decision can change.

    In order, each once, `last` excluded: edges of bands with their tolerance, of bookings with
    their margin, of dates and of the visit, and changes of the clocks.
    """
    store = rules.stores.get(device.store)
    found = {scene.at}
    if store is not None:
        found.update(mark.at for mark in _marks(rules, device, member, scene, last))
        edges = {(kind, 0) for ticket in member.tickets for kind in ticket.bands or ()}
        for _, plan in _plans(rules, member):
            kinds = [grant.kind for grant in (*plan.bands, *plan.booking_bands)]
            edges.update((kind, early) for kind in kinds for early in (0, plan.early_min))
        for day in _days(store, scene.at, last):
            found.update(_starts(rules, store, day), _edges(store, edges, day))
    return sorted(at for at in found if scene.at <= at < last)


def openings(
    rules: Rules, device: Device, member: Member, scene: Scene, last: datetime
) -> list[Opening]:
    """Return the instants after `scene.at`, up to `last`, at which a refusal can turn into a yes.

    In order. Those of bands, plans and tickets are left out on dates that let nobody in by them.
    """
    store = rules.stores.get(device.store)
    if store is None:
        return []
    found = [*_marks(rules, device, member, scene, last)]
    plans, anchor = _plans(rules, member), rules.settings.month_anchor_day
    for day in _days(store, scene.at, last):
        if day in store.closed:
            continue
        for contract, plan in plans:
            if contract_refusal(contract, day) is None:
                kept = _kept(scene.used, contract.id, day)
                found += _by_plan(rules, store, plan, day, (contract.id, day.day >= anchor, kept))
        for ticket in member.tickets:
            kept = _kept(scene.used, ticket.id, day)
            found += _by_ticket(rules, store, ticket, day, (ticket.id, kept))
    return sorted((o for o in found if scene.at < o.at <= last), key=attrgetter("at"))


def _by_plan(rules: Rules, store: Store, plan: Plan, day: date, cause: Cause) -> Iterator[Opening]:
    """Yield where the plan's bands begin on the service date; without limits, where it does."""
    early = timedelta(minutes=plan.early_min)
    for place, grant in enumerate((*plan.bands, *plan.booking_bands)):
        hours = store.bands.get(grant.kind)
        if hours is not None and day_refusal(store, grant.days, day) is None:
            opens = instant(store.tz, day, hours.start_min, closing=False)
            yield Opening(
                opens - early, (*cause, place, slot(grant.kind, day), _wall(store, opens))
            )
    if not plan.restrict:
        yield from (Opening(at, cause) for at in _starts(rules, store, day))


def _by_ticket(
    rules: Rules, store: Store, ticket: Ticket, day: date, cause: Cause
) -> Iterator[Opening]:
    """Yield where the ticket's bands begin on the service date; without any, where it does."""
    if day < ticket.valid_from or (ticket.valid_to is not None and day > ticket.valid_to):
        return
    if day_refusal(store, ticket.days, day) is not None:
        return
    if ticket.bands is None:
        yield from (Opening(at, cause) for at in _starts(rules, store, day))
        return
    for kind in ticket.bands & store.bands.keys():
        opens = instant(store.tz, day, store.bands[kind].start_min, closing=False)
        yield Opening(opens, (*cause, kind, _wall(store, opens)))


def _wall(store: Store, opens: datetime) -> time:
    """Return the wall time of an opening: another than usual if the clocks skip the usual one.

    They may skip all of a band with it.
    """
    return opens.astimezone(store.tz).time()


def _kept(used: Usage, owner: str, day: date) -> tuple[str, ...]:
    """Return the bands of which the owner has a key on the service date."""
    _, month = slot(owner, day)
    masks = used.masks.get(owner, {})
    return tuple(band for (band, at), mask in masks.items() if at == month and mask & bit(day))


def _marks(
    rules: Rules, device: Device, member: Member, scene: Scene, last: datetime
) -> Iterator[Opening]:
    """Yield what belongs to no plan or ticket: bookings, the visit, contract dates, the clocks."""
    store, settings = rules.stores[device.store], rules.settings
    live = bookings.live(store, device, member, settings)
    for booking in live:
        yield Opening(booking.start - timedelta(minutes=device.booking_early_min), (booking.id, 0))
        yield Opening(booking.end, (booking.id, 1))
    days = set(_days(store, scene.at, last))
    dates = {day for contract in member.contracts for day in _dates(contract)}
    alone = [*clock_changes(store, scene.at, last)]
    if settings.exempt_scope is not ExemptScope.WINDOW:
        booked = {local_date(store, booking.start) for booking in live} & days
        around = {day + n * _DAY for day in booked for n in (-1, 0, 1)}
        dates |= around
        plans = _plans(rules, member)
        edges = {(grant.kind, 0) for _, plan in plans for grant in plan.booking_bands}
        alone += [at for day in around for at in _edges(store, edges, day)]
    if scene.visit is not None:
        since = scene.visit.since
        alone.append(since + timedelta(minutes=settings.passback_timeout_min))
        alone.append(since + timedelta(hours=settings.visit_max_h) + _TICK)
    alone += [at for day in dates & days for at in _starts(rules, store, day)]
    yield from (Opening(at, None) for at in alone)


def _dates(contract: Contract) -> Iterator[date]:
    """Yield the dates on which the contract begins to run, or runs no more."""
    yield contract.start
    if contract.end is not None:
        yield contract.end + _DAY
    for first, last in contract.paused:
        yield first
        yield last + _DAY


def _edges(store: Store, edges: _Edges, day: date) -> Iterator[datetime]:
    """Yield the bands' openings on a service date, with their tolerance, and closings."""
    for kind, early in edges:
        hours = store.bands.get(kind)
        if hours is not None:
            opens = instant(store.tz, day, hours.start_min, closing=False)
            yield opens - timedelta(minutes=early)
            yield instant(store.tz, day, hours.end_min, closing=True)


def _starts(rules: Rules, store: Store, day: date) -> Iterable[datetime]:
    """Return where the date of an entry without a band begins: both copies of the wall time."""
    cutoff = 60 * rules.settings.day_cutoff_hour
    return {instant(store.tz, day, cutoff, closing=closing) for closing in (False, True)}


def _days(store: Store, first: datetime, last: datetime) -> Iterator[date]:
    """Yield the service dates that may have an edge between two instants."""
    day, end = local_date(store, first - _AROUND), local_date(store, last + _AROUND)
    while day <= end:
        yield day
        day += _DAY


def _plans(rules: Rules, member: Member) -> list[tuple[Contract, Plan]]:
    return [(c, rules.plans[c.plan]) for c in member.contracts if c.plan in rules.plans]
