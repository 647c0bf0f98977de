"""What codes have been used for here: steps of phones, uses of bookings (spec/credentials.md)."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GrantedStep:
    """The last step of a member's phone that was granted, and how many steps it is ahead."""

    step: int
    offset: int


def read_step(db: sqlite3.Connection, member: str) -> GrantedStep | None:
    """Read the last granted step of a member, if there is one."""
    row = db.execute("SELECT step, ahead FROM step WHERE member = ?", (member,)).fetchone()
    return None if row is None else GrantedStep(*row)


def write_step(db: sqlite3.Connection, member: str, step: int, offset: int | None) -> None:
    """Keep a granted step, which never goes back; `offset` None: what was known of it stays."""
    db.execute(
        "INSERT INTO step (member, step, ahead) VALUES (?1, ?2, coalesce(?3, 0))"
        " ON CONFLICT (member) DO UPDATE SET"
        " step = max(step, excluded.step), ahead = coalesce(?3, ahead)",
        (member, step, offset),
    )


def uses(db: sqlite3.Connection, booking: str, user: str) -> int:
    """Count how often a user's code of a booking was used."""
    (count,) = db.execute(
        "SELECT count(*) FROM booking_use WHERE booking = ? AND user = ?", (booking, user)
    ).fetchone()
    return int(count)


def use(db: sqlite3.Connection, booking: str, user: str, event: str, until: str) -> None:
    """Let `event` use a booking's code, remembered `until` then at least. Again: no change."""
    db.execute(
        "INSERT OR IGNORE INTO booking_use (booking, user, event, until) VALUES (?, ?, ?, ?)",
        (booking, user, event, until),
    )


def forget(db: sqlite3.Connection, before: str) -> None:
    """Forget the uses of bookings that were over before then."""
    db.execute("DELETE FROM booking_use WHERE until < ?", (before,))


def give_back(db: sqlite3.Connection, event: str) -> None:
    """Take back what `event` used of a booking."""
    db.execute("DELETE FROM booking_use WHERE event = ?", (event,))
