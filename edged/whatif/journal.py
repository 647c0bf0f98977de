"""What the journal holds of uses and passages: read-only, beside the daemon or without it."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from edged.store import audit, limits
from edged.store.connection import connect_read_only
from edged.store.errors import FailKind, StoreFailed, store_failure
from edged.store.ledger import Ledger
from edged.store.migrations import JOURNAL, check_version
from policy.model import Usage, UsageKey


@dataclass(frozen=True, slots=True)
class Held:
    """A usage key with the events that support it, and those that were withdrawn from it.

    Without an event that supports it, the key does not exist (spec/rules.md 2.6).
    """

    key: UsageKey
    events: tuple[str, ...]
    withdrawn: tuple[str, ...]


class Uses:
    """The usage keys of a journal that is open for reading; each call is a short read."""

    def __init__(self, db: sqlite3.Connection | None) -> None:
        self._db = db

    def held(self, owners: Iterable[str], first: date, last: date) -> list[Held]:
        """Return the keys of contracts or tickets with a service date in [first, last].

        By owner, band, date and store; a key that was withdrawn is among them.
        """
        if self._db is None:
            return []
        found: dict[UsageKey, tuple[list[str], list[str]]] = {}
        for owner in owners:
            rows = self._db.execute(
                "SELECT band, service_date, store, event,"
                " EXISTS (SELECT 1 FROM withdrawn WHERE withdrawn.event = usage.event)"
                " FROM usage WHERE owner = ? AND service_date BETWEEN ? AND ?",
                (owner, first.isoformat(), last.isoformat()),
            )
            for band, day, store, event, gone in rows:
                key = UsageKey(owner, band, date.fromisoformat(day), store or None)
                found.setdefault(key, ([], []))[gone].append(event)
        lines = (Held(key, tuple(events), tuple(gone)) for key, (events, gone) in found.items())
        return sorted(lines, key=lambda line: (*line.key[:3], line.key.store or ""))

    def others_as_of(self) -> str | None:
        """Return up to when the cloud has told what was used elsewhere; None: it has not."""
        kept = None if self._db is None else Ledger(self._db).get("usage")
        as_of = kept.get("as_of") if isinstance(kept, dict) else None
        return as_of if isinstance(as_of, str) else None

    def known(self, asked: tuple[Collection[str], date, date]) -> Usage:
        """Return the keys that exist, for what `policy.usage.asked` names."""
        return existing(self.held(*asked))


def existing(lines: Iterable[Held]) -> Usage:
    """Return the keys that exist in the form in which decisions ask for them."""
    return Usage.of(line.key for line in lines if line.events)


@contextmanager
def reading(path: Path) -> Iterator[Uses]:
    """Open a journal; one that is not there yet holds nothing.

    Raises:
        SchemaTooNew, StoreFailed: The file can't be read.
    """
    if not path.exists():
        yield Uses(None)
        return
    try:
        with closing(connect_read_only(path)) as db:
            check_version(db, path, JOURNAL)
            yield Uses(db)
    except sqlite3.Error as error:
        raise store_failure(error) or error from error


def records(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the audit's records in order, a page at a time, unverified. No journal: none.

    Raises:
        SchemaTooNew, StoreFailed: The file can't be read, or a record is damaged.
    """
    after = 0
    while path.exists() and (page := audit.read_records(path, after, limits.PAGE_RECORDS)):
        for record in page:
            try:
                yield json.loads(record.data)
            except ValueError as error:
                raise StoreFailed(FailKind.CORRUPT, f"record {record.seq}: {error}") from error
        after = page[-1].seq
