"""The last change that was made here of each seat (spec/rules.md 4.2)."""

import sqlite3
from datetime import datetime

from edged.core.seating import SeatChange
from policy.seats import Io

_FREE = "FREE"


def read(db: sqlite3.Connection, store: str, seat: str) -> SeatChange | None:
    """Read the last change of a seat, if one was made here."""
    row = db.execute(
        "SELECT member, product, io, since FROM seat WHERE store = ? AND seat = ?", (store, seat)
    ).fetchone()
    if row is None:
        return None
    member, product, io, since = row
    state = None if io == _FREE else Io(io)
    return SeatChange(store, seat, member, product, state, datetime.fromisoformat(since))


def write(db: sqlite3.Connection, change: SeatChange) -> None:
    """Keep a change in place of the seat's last one."""
    db.execute(
        "INSERT OR REPLACE INTO seat (store, seat, member, product, io, since)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            change.store,
            change.seat,
            change.member,
            change.product,
            _FREE if change.io is None else change.io.value,
            change.since.isoformat(),
        ),
    )
