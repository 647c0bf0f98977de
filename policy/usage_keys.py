"""Usage keys, and a person's keys in the form in which a decision asks for them.

See spec/rules.md 2.6. `policy.usage` says what is done with them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

Slot = tuple[str, int]
"""A band in a calendar month; months count from year 0: 12 * year + month."""


class UsageKey(NamedTuple):
    """One counted use (spec/rules.md 2.6). `store` is set with `dedupe_scope=store` only."""

    owner: str
    band: str
    service_date: date
    store: str | None = None

    def __str__(self) -> str:
        """Spell the key as spec/cases.md does: owner/band/date, the store behind if any."""
        text = f"{self.owner}/{self.band}/{self.service_date.isoformat()}"
        return text if self.store is None else f"{text}/{self.store}"


def slot(band: str, day: date) -> Slot:
    """Return where the band's use on a service date is kept."""
    return band, 12 * day.year + day.month


def bit(day: date) -> int:
    """Return the bit of a service date in the mask of its month."""
    return 1 << day.day


@dataclass(frozen=True, slots=True)
class Usage:
    """Usage keys as masks: in a month's mask, bit n stands for its day n.

    `masks`: owner -> slot -> the days with a key, whatever the store.
    `by_store`: owner -> slot -> store -> the days with a key of that store; keys of no store
    are under None.
    """

    masks: Mapping[str, Mapping[Slot, int]]
    by_store: Mapping[str, Mapping[Slot, Mapping[str | None, int]]]

    @classmethod
    def of(cls, keys: Iterable[UsageKey]) -> "Usage":
        """Build it from keys; the same key again changes nothing."""
        masks: dict[str, dict[Slot, int]] = {}
        by_store: dict[str, dict[Slot, dict[str | None, int]]] = {}
        for owner, band, day, store in keys:
            at, mask = slot(band, day), bit(day)
            days = masks.setdefault(owner, {})
            days[at] = days.get(at, 0) | mask
            stores = by_store.setdefault(owner, {}).setdefault(at, {})
            stores[store] = stores.get(store, 0) | mask
        return cls(masks, by_store)


NO_USE = Usage({}, {})
