"""What a transaction may say to the journal. Plain calls, made in the writer's thread."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from datetime import date, datetime

from edged.store.record import GENESIS, Json, canonical, seal
from policy.model import UsageKey, Visit


class Ledger:
    """The journal inside one transaction: all of it is stored, or nothing.

    A function given to `Journal.commit` gets one, and may not keep it. What an earlier call
    wrote, a later one sees.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def append(self, body: Mapping[str, Json]) -> int:
        """Add an audit record and return its seq, 1 for the first, without holes.

        Raises:
            ValueError: The body names seq or prev itself, or is over `limits.RECORD_BYTES`.
            TypeError: It holds something that is not Json.
        """
        last = self._db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        seq, prev = last or (0, GENESIS)
        record = seal(body, seq + 1, prev)
        self._db.execute(
            "INSERT INTO audit (seq, record, hash) VALUES (?, ?, ?)",
            (record.seq, record.data, record.hash),
        )
        return record.seq

    def used(self, owners: Collection[str], first: date, last: date) -> frozenset[UsageKey]:
        """Return the keys of these contracts or tickets with a service date in [first, last].

        A key counts while some event that supports it is not withdrawn (spec/rules.md 2.6).
        """
        return used(self._db, owners, first, last)

    def add_key(self, key: UsageKey, event: str) -> None:
        """Let `event` support the key. Again: no change."""
        self._db.execute(
            "INSERT OR IGNORE INTO usage (owner, service_date, band, store, event)"
            " VALUES (?, ?, ?, ?, ?)",
            (key.owner, key.service_date.isoformat(), key.band, key.store or "", event),
        )

    def withdraw(self, event: str) -> None:
        """Let `event` support nothing any more, whether it is known yet or not, for good."""
        self._db.execute("INSERT OR IGNORE INTO withdrawn (event) VALUES (?)", (event,))

    def visit(self, member: str, store: str) -> Visit | None:
        """Return the open visit of a member at a store, however old."""
        return visit(self._db, member, store)

    def set_visit(self, member: str, visit: Visit) -> None:
        """Open a visit, in place of one at the same store (spec/rules.md 2.4)."""
        self._db.execute(
            "INSERT OR REPLACE INTO visit (member, store, since, until, device, via, band)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                member,
                visit.store,
                visit.since.isoformat(),
                None if visit.until is None else visit.until.isoformat(),
                visit.device,
                visit.via,
                visit.band,
            ),
        )

    def close_visit(self, member: str, store: str) -> None:
        """End the visit of a member at a store, if there is one."""
        self._db.execute("DELETE FROM visit WHERE member = ? AND store = ?", (member, store))

    def get(self, name: str) -> Json:
        """Return a small value kept under a name; None when there is none."""
        row = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        value: Json = None if row is None else json.loads(row[0])
        return value

    def put(self, name: str, value: Json) -> None:
        """Keep a small value under a name, in place of the one before."""
        self._db.execute(
            "INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)",
            (name, canonical(value).decode()),
        )


def used(
    db: sqlite3.Connection, owners: Collection[str], first: date, last: date
) -> frozenset[UsageKey]:
    """Read usage keys; the contract is that of `Ledger.used`."""
    return frozenset(
        UsageKey(owner, band, date.fromisoformat(day), store or None)
        for owner in owners
        for band, day, store in db.execute(
            "SELECT DISTINCT band, service_date, store FROM usage"
            " WHERE owner = ? AND service_date BETWEEN ? AND ?"
            " AND NOT EXISTS (SELECT 1 FROM withdrawn WHERE withdrawn.event = usage.event)",
            (owner, first.isoformat(), last.isoformat()),
        )
    )


def visit(db: sqlite3.Connection, member: str, store: str) -> Visit | None:
    """Read an open visit; the contract is that of `Ledger.visit`."""
    row = db.execute(
        "SELECT store, since, until, device, via, band FROM visit WHERE member = ? AND store = ?",
        (member, store),
    ).fetchone()
    if row is None:
        return None
    at, since, until, device, via, band = row
    return Visit(
        at,
        datetime.fromisoformat(since),
        None if until is None else datetime.fromisoformat(until),
        device,
        via,
        band,
    )
