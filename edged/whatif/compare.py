"""Whose access would change under other rules, when, and why."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from edged.clock import Clock
from edged.errors import NotFound
from edged.whatif import limits
from edged.whatif.alike import Pair, named, nameless
from edged.whatif.journal import Held, Uses, existing
from edged.whatif.sources import Source
from policy import compare
from policy import usage as counting
from policy.calendar import instant, local_date
from policy.model import Member, Scene, Side, Store, Usage, Verdict
from policy.usage_keys import NO_USE


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared: the entrances by id, and `days` local dates from `first` on.

    `first` None: from today at the entrance's store. `name`: a device, or a door for all its
    entrances; None: all.
    """

    days: int
    first: date | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A stretch of time in which a member's access at a device is another one."""

    member: str
    device: str
    store: Store
    change: compare.Change

    @property
    def kind(self) -> str:
        """Say whether access is gained, lost, or counted as something else."""
        match self.change.before.verdict, self.change.after.verdict:
            case Verdict.DENY, Verdict.ALLOW:
                return "gained"
            case Verdict.ALLOW, Verdict.DENY:
                return "lost"
            case _:
                return "counted"


@dataclass(slots=True)
class Tally:
    """What was found: members looked at and changed, stretches by kind and by both reasons."""

    members: int = 0
    changed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, found: list[Changed]) -> None:
        """Add a member, and what changes for it."""
        self.members += 1
        self.changed += bool(found)
        self.kinds.update(one.kind for one in found)
        self.reasons.update(
            (one.change.before.reason.value, one.change.after.reason.value) for one in found
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """An entrance, and the time to ask about."""

    device: str
    store: Store
    first: datetime
    last: datetime


def _place(device: str, store: Store, asked: Asked, now: datetime) -> _Place:
    first = asked.first or local_date(store, now)
    last = first + timedelta(days=asked.days)
    span = (instant(store.tz, day, 0, closing=False) for day in (first, last))
    return _Place(device, store, *span)


class Comparison:
    """Two rule sets side by side.

    Args:
        old: The rules in force.
        new: The draft.
        uses: What counts as used; nothing that is used later is foreseen.
        asked: Where and when.
        clock: Tells today.

    Raises:
        NotFound: Neither rule set has such an entrance.
    """

    def __init__(self, old: Source, new: Source, uses: Uses, asked: Asked, clock: Clock) -> None:
        self._old, self._new, self._uses = old, new, uses
        now = clock.now().at
        self._places = [_place(*found, asked, now) for found in self._entrances(asked)]
        if not self._places:
            raise NotFound(f"device {asked.name}: neither rules have an entrance of this name")
        self._known: dict[tuple[str, Pair], tuple[compare.Change, ...]] = {}
        self.tally = Tally()

    @property
    def names(self) -> list[str]:
        """The members that either side knows, by id."""
        return sorted({*self._old.ids, *self._new.ids})

    async def changes(self, names: Iterable[str]) -> AsyncIterator[Changed]:
        """Yield what changes for these members, by member, device and time; fills `tally`."""
        for name in names:
            old = await self._old.members.member_by_id(name)
            new = await self._new.members.member_by_id(name)
            found = [one for place in self._places for one in self._at(name, (old, new), place)]
            self.tally.add(found)
            for one in found:
                yield one

    def _entrances(self, asked: Asked) -> list[tuple[str, Store]]:
        """Return the entrances of either side; the store is the draft's if it has the device."""
        found: dict[str, Store] = {}
        for rules in (self._old.rules, self._new.rules):
            for device in rules.devices.values():
                named = asked.name in {None, device.id, device.door}
                if named and device.side is Side.IN and device.store in rules.stores:
                    found[device.id] = rules.stores[device.store]
        return sorted(found.items())

    def _at(self, name: str, pair: Pair, place: _Place) -> list[Changed]:
        if self._same(*pair, place.device):
            return []
        held = self._held(pair, place)
        if held or any(
            member is not None and (member.tickets or member.bookings) for member in pair
        ):
            changes = self._ask(pair, place, existing(held))
        else:
            changes = self._ask_once(pair, place)
        return [Changed(name, place.device, place.store, change) for change in changes]

    def _ask(self, pair: Pair, place: _Place, used: Usage) -> tuple[compare.Change, ...]:
        sides = (self._old.rules, pair[0]), (self._new.rules, pair[1])
        scene = Scene(place.first, used)
        return compare.member(*sides, place.device, scene, place.first, place.last)

    def _ask_once(self, pair: Pair, place: _Place) -> tuple[compare.Change, ...]:
        """Ask about those who used nothing and differ by their ids only once."""
        alike, ids = nameless(pair)
        known = self._known.get((place.device, alike))
        if known is None:
            if len(self._known) >= limits.ALIKE:
                self._known.clear()
            known = self._known[place.device, alike] = self._ask(alike, place, NO_USE)
        return tuple(named(change, ids) for change in known)

    def _held(self, pair: Pair, place: _Place) -> list[Held]:
        asked = [
            counting.asked(place.store, member, at)
            for member in pair
            if member is not None
            for at in (place.first, place.last)
        ]
        owners = dict.fromkeys(owner for one in asked for owner in one[0])
        since, until = min(one[1] for one in asked), max(one[2] for one in asked)
        return self._uses.held(owners, since, until)

    def _same(self, old: Member | None, new: Member | None, device: str) -> bool:
        """Tell whether all that a decision depends on is equal; most members of most drafts."""
        before, after = self._old.rules, self._new.rules
        here = before.devices.get(device)
        if old != new or here != after.devices.get(device) or before.settings != after.settings:
            return False
        if here is not None and before.stores.get(here.store) != after.stores.get(here.store):
            return False
        plans = () if old is None else {contract.plan for contract in old.contracts}
        return all(before.plans.get(plan) == after.plans.get(plan) for plan in plans)
