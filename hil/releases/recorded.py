"""The decisions that a journal has, without what is chance in them, and how those of two differ."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from edged.store import limits
from edged.store.audit import read_records

DECISIONS: Final = frozenset(
    {"passage", "refused", "seat_check_in", "seat_check_out", "visit_point"}
    | {"locker", "locker_command", "outcome", "command"}
)
"""The kinds of record that say what was decided, and what came of it."""
_CHANCE: Final = frozenset({"event_id", "command", "occupancy", "seq", "prev"})
"""Ids that nobody can guess, and the place in the chain."""
_MOMENTS: Final = frozenset({"occurred_at", "since"})
"""To the millisecond: a release may be faster than the one before."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """What two releases made of one second of the store, each in order."""

    at: str
    before: tuple[Body, ...]
    after: tuple[Body, ...]


Decided = Mapping[str, tuple[Body, ...]]
"""The decisions by the second in which they were recorded, UTC."""


def decided(journal: Path, first: datetime, last: datetime) -> Decided:
    """Read what was decided in [first, last).

    Raises:
        SchemaTooNew, StoreFailed: The journal can't be read.
    """
    found: dict[str, tuple[Body, ...]] = {}
    for body in _bodies(journal):
        second = body["occurred_at"][:19]
        if body["kind"] in DECISIONS and first <= datetime.fromisoformat(f"{second}Z") < last:
            said = {k: v for k, v in body.items() if k not in _CHANCE | _MOMENTS}
            found[second] = (*found.get(second, ()), said)
    return found


def differences(before: Decided, after: Decided) -> Iterator[Difference]:
    """Yield what is not the same, in order."""
    for second in sorted({*before, *after}):
        was, now = before.get(second, ()), after.get(second, ())
        if was != now:
            yield Difference(second, was, now)


def _bodies(journal: Path) -> Iterator[Body]:
    after = 0
    while page := read_records(journal, after, limits.PAGE_RECORDS):
        for record in page:
            yield json.loads(record.data)
        after = page[-1].seq
