"""What has been counted, for whom, on which date (spec/rules.md 2.6, 3.3, 3.8, 3.9).

There is no counter to increment. A count is the number of keys, so that re-entry, repeated
messages, other stores, manual records and corrections all come down to a set of keys.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from policy.calendar import local_date
from policy.limits import DATES_AROUND, DATES_KEPT
from policy.model import (
    ConsumeOn,
    Contract,
    DedupeScope,
    Member,
    Rules,
    RuleSettings,
    Store,
    Ticket,
    Usage,
    UsageKey,
)
from policy.usage_keys import Slot, bit, slot

ANY_BAND = "*"
"""The band of a ticket's use that asks for none."""


def usage_key(
    scope: DedupeScope, store: Store, owner: str, band: str, service_date: date
) -> UsageKey:
    """Return the key of one use by a plan. `owner` is the id of the contract."""
    return UsageKey(owner, band, service_date, store.id if scope is DedupeScope.STORE else None)


def present(used: Usage, key: UsageKey) -> bool:
    """Tell whether the use is there already.

    A key of one store is another key than that of all stores; but a key of all stores is there
    as soon as that of any store is, or the month in which the setting is changed back would
    be counted too high.
    """
    at, day = slot(key.band, key.service_date), bit(key.service_date)
    if key.store is None:
        return bool(used.masks.get(key.owner, {}).get(at, 0) & day)
    return bool(used.by_store.get(key.owner, {}).get(at, {}).get(key.store, 0) & day)


def count(settings: RuleSettings, used: Usage, owners: Sequence[str], band: str, day: date) -> int:
    """Return the uses of the band in the counted month that contains the service date `day`.

    A month counts from `month_anchor_day` on. With `dedupe_scope=store` one day at two stores
    is two uses. `owners`: the contract, and those whose counts it carries on.
    """
    return sum(
        (mask & wanted).bit_count()
        for owner in owners
        for at, wanted in _halves(settings, band, day)
        for mask in _masks(settings, used, owner, at)
    )


def _masks(settings: RuleSettings, used: Usage, owner: str, at: Slot) -> Iterable[int]:
    if settings.dedupe_scope is DedupeScope.STORE:
        return used.by_store.get(owner, {}).get(at, {}).values()
    return (used.masks.get(owner, {}).get(at, 0),)


def _halves(settings: RuleSettings, band: str, day: date) -> Iterator[tuple[Slot, int]]:
    """Yield the calendar months of the counted month, each with the days that belong to it."""
    before = bit(day.replace(day=settings.month_anchor_day)) - 1
    name, month = slot(band, day)
    if day.day < settings.month_anchor_day:
        month -= 1
    yield (name, month), ~before
    yield (name, month + 1), before


def predecessors(settings: RuleSettings, member: Member, contract: Contract) -> tuple[str, ...]:
    """Return the contract's id and those of the contracts whose counts it carries on.

    With `carry_usage_on_plan_change` these are the member's contracts that ended before it
    began; without, it counts from 0 (spec/rules.md 6, row 17).
    """
    if not settings.carry_usage_on_plan_change:
        return (contract.id,)
    earlier = (c.id for c in member.contracts if c.end is not None and c.end < contract.start)
    return (contract.id, *earlier)


def tickets_left(used: Usage, ticket: Ticket) -> int:
    """Return how many uses of the ticket are left; below 0 after a merge perhaps.

    That is `remaining` less one for every key of a service date after `counted_to`. Both only
    replace or add to themselves, so that what comes twice or late takes nothing off twice.
    """
    keys = used.masks.get(ticket.id, {})
    if ticket.counted_to is None:
        return ticket.remaining - sum(mask.bit_count() for mask in keys.values())
    _, last = slot(ANY_BAND, ticket.counted_to)
    return ticket.remaining - sum(
        (mask if month > last else mask >> ticket.counted_to.day + 1).bit_count()
        for (_, month), mask in keys.items()
        if month >= last
    )


def asked(store: Store, member: Member, at: datetime) -> tuple[tuple[str, ...], date, date]:
    """Return whose keys a decision at `at` may need, and their first and last service date.

    For contracts these are the months before, around and after those that the service dates
    around the local date lie in (spec/rules.md 2.6, 3.1-4), for tickets also every earlier
    date that is not in `remaining`.
    """
    first, last = _months_around(local_date(store, at))
    for ticket in member.tickets:
        first = min(first, ticket.counted_to or ticket.valid_from)
    return (*(c.id for c in member.contracts), *(t.id for t in member.tickets)), first, last


@lru_cache(DATES_KEPT)
def _months_around(today: date) -> tuple[date, date]:
    """Return the first and the last date of the months that a decision of this date may need."""
    around = timedelta(days=DATES_AROUND)
    last = _first_of_month(today + around, 2) - timedelta(days=1)
    return _first_of_month(today - around, -1), last


def _first_of_month(day: date, later: int) -> date:
    """Return the first day of the month that is so many months later."""
    months = 12 * day.year + day.month - 1 + later
    return date(months // 12, months % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class OverLimit:
    """A limit that was exceeded in a month (spec/rules.md 3.8)."""

    contract: str
    band: str
    count: int
    limit: int

    @property
    def excess(self) -> int:
        """How many uses more than the limit."""
        return self.count - self.limit


def over_limit(rules: Rules, member: Member, used: Usage, month: date) -> list[OverLimit]:
    """Return the member's exceeded limits of the month that contains the date `month`.

    By contract and band, in their order. The device answers for the keys that it knows; the
    cloud's answer is the official one.
    """
    lines = []
    for contract in member.contracts:
        plan = rules.plans.get(contract.plan)
        owners = predecessors(rules.settings, member, contract)
        for grant in plan.bands if plan is not None else ():
            times = count(rules.settings, used, owners, grant.kind, month)
            if grant.limit is not None and times > grant.limit:
                lines.append(OverLimit(contract.id, grant.kind, times, grant.limit))
    return lines


@dataclass(frozen=True, slots=True)
class Events:
    """Which events support which keys, and which were withdrawn; both only grow.

    A manual record with "consume" is an event like an entry, one without it is none. Deleting
    it, and a fault of the lock after an entry, withdraw its event (spec/rules.md 2.6, 3.3, 3.9).
    """

    support: Mapping[UsageKey, frozenset[str]] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()

    def existing(self) -> frozenset[UsageKey]:
        """Return the keys that exist: some event that supports them is not withdrawn."""
        return frozenset(key for key, events in self.support.items() if events - self.withdrawn)


def supported(events: Events, key: UsageKey, event: str) -> Events:
    """Let an event support a key. Again: no change."""
    by = events.support.get(key, frozenset()) | {event}
    return replace(events, support={**events.support, key: by})


def withdraw(events: Events, event: str) -> Events:
    """Let an event support nothing any more, whether it is known yet or not, for good."""
    return replace(events, withdrawn=events.withdrawn | {event})


def merged(ours: Events, theirs: Events) -> Events:
    """Put together what two places know, in any order and any number of times."""
    support = dict(ours.support)
    for key, events in theirs.support.items():
        support[key] = support.get(key, frozenset()) | events
    return Events(support, ours.withdrawn | theirs.withdrawn)


def taken_back(settings: RuleSettings, *, lock_fault: bool, opened: bool) -> bool:
    """Tell whether an entry's event is withdrawn after what the door did.

    After a lock fault always (a ticket is given back with its key); after a door that was not
    opened if entries count by the opening (spec/rules.md 3.3; 6, row 14).
    """
    return lock_fault or (not opened and settings.consume_on is ConsumeOn.DOOR_OPENED)
