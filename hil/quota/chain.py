"""Stores that share a month's limit, each deciding by what it knows: the product's own decision."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from policy import entry, usage
from policy.model import (
    BandGrant,
    Contract,
    Decision,
    DedupeScope,
    Device,
    Hours,
    Member,
    Plan,
    Rules,
    RuleSettings,
    Scene,
    Side,
    Store,
    Usage,
    UsageKey,
)

OWNER, BAND = "C1", "DAY"
DAYS: Final = tuple(date(2026, 10, day) for day in range(1, 32))
"""Each a day of the one month that is counted."""
_CACHED: Final = 1 << 18


class Chain:
    """So many stores of one tenant, and one member whose plan has `limit` days a month."""

    def __init__(
        self, stores: int, limit: int, scope: DedupeScope = DedupeScope.ALL_STORES
    ) -> None:
        self.stores = [f"S{n}" for n in range(stores)]
        self.limit = limit
        self.member = Member("M1", bytes(8), (Contract(OWNER, "P1", date(2026, 1, 1)),))
        self._scope = scope
        self._doors = [Device(f"D-{name}", name, Side.IN) for name in self.stores]
        self._rules = Rules(
            tenant="acme",
            version=1,
            issued_at=datetime(2026, 10, 1, tzinfo=UTC),
            settings=RuleSettings(dedupe_scope=scope),
            stores={
                name: Store(name, ZoneInfo("Asia/Tokyo"), {BAND: Hours(0, 1_440)})
                for name in self.stores
            },
            plans={"P1": Plan("P1", bands=(BandGrant(BAND, limit),))},
            doors={},
            devices={door.id: door for door in self._doors},
            keys={},
        )
        self.asked = lru_cache(_CACHED)(self.come)

    def come(self, store: int, day: int, known: frozenset[UsageKey]) -> Decision:
        """Decide whether the member may enter a store on a day, by what is known there."""
        at = datetime.combine(DAYS[day], datetime.min.time(), UTC)
        return entry.decide(
            self._rules, self._doors[store], self.member, Scene(at, Usage.of(known))
        )

    def key(self, store: int, day: int) -> UsageKey:
        """Return what an entry there on that day counts as."""
        name = self.stores[store] if self._scope is DedupeScope.STORE else None
        return UsageKey(OWNER, BAND, DAYS[day], name)

    def excess(self, used: Iterable[UsageKey]) -> int:
        """Return by how much the report says that the month's limit was passed."""
        lines = usage.over_limit(self._rules, self.member, Usage.of(used), DAYS[0])
        return sum(line.excess for line in lines)
