"""How far the cloud has the audit, and the start of what is left here (cloud_link/README.md)."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from edged.store import limits
from edged.store.record import GENESIS

_SINCE: Final = 5
"""The journal's schema version that brought the table."""
_START: Final = (
    "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM state"
    " WHERE name = 'audit_start'"
)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A checkpoint that the cloud signed: `head` is the hash of record `seq` of this journal."""

    seq: int
    head: bytes
    envelope: bytes


def start(db: sqlite3.Connection) -> tuple[int, bytes]:
    """Return the number and the hash of the record before the first that is kept; 0: none went."""
    row = db.execute(_START).fetchone()
    return (0, GENESIS) if row is None else (row[0], bytes.fromhex(row[1]))


def read(db: sqlite3.Connection) -> Iterator[Cosignature]:
    """Read the checkpoints that are kept, in order; the first may be that of `start`.

    A journal of before there were any, which no daemon has opened since, has none.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version < _SINCE:
        return
    for row in db.execute("SELECT seq, head, envelope FROM cosigned ORDER BY seq"):
        yield Cosignature(*row)


def add(db: sqlite3.Connection, cosignature: Cosignature, acked: datetime | None) -> None:
    """Keep a checkpoint newer than the others; the one before goes if it is near its neighbours."""
    db.execute(
        "DELETE FROM cosigned WHERE seq > (SELECT min(seq) FROM cosigned WHERE seq >= ?)",
        (cosignature.seq - limits.COSIGNED_EVERY,),
    )
    when = None if acked is None else acked.astimezone(UTC).isoformat(timespec="seconds")
    db.execute(
        "INSERT OR REPLACE INTO cosigned (seq, head, envelope, acked) VALUES (?, ?, ?, ?)",
        (cosignature.seq, cosignature.head, cosignature.envelope, when),
    )


def prune(db: sqlite3.Connection, acked_before: datetime) -> int:
    """Drop the oldest records up to one checkpoint, if that was acknowledged before then.

    Of the newest `limits.PAGE_RECORDS` none goes, and none that is sent again. Returns how many
    went; the checkpoint stays, for what is left begins with it.
    """
    row = db.execute(
        "SELECT seq, head FROM cosigned WHERE acked < ? AND seq > ?"
        " AND seq <= (SELECT max(seq) FROM audit) - ?"
        " AND seq <= (SELECT json_extract(value, '$') FROM state WHERE name = 'cosigned')"
        " ORDER BY seq LIMIT 1",
        (
            acked_before.astimezone(UTC).isoformat(timespec="seconds"),
            start(db)[0],
            limits.PAGE_RECORDS,
        ),
    ).fetchone()
    if row is None:
        return 0
    seq, head = row
    gone = db.execute("DELETE FROM audit WHERE seq <= ?", (seq,)).rowcount
    db.execute("DELETE FROM cosigned WHERE seq < ?", (seq,))
    db.execute(
        "INSERT OR REPLACE INTO state (name, value) VALUES ('audit_start', json_array(?, ?))",
        (seq, head.hex()),
    )
    return gone
