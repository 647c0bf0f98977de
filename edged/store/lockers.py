"""Lockers and their commands in the journal (spec/rules.md 2.7, 4.1)."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from edged.core.events import LockerCommand
from edged.store import limits
from policy.locker_model import (
    Locker,
    LockerState,
    LockerWord,
    Occupancy,
    Progress,
    Release,
)

_SELECT: Final = (
    "SELECT id, state,"
    " occupancy, member, start, until, product, pin_hash, moved_from, opened_late,"
    " command, word, back, before_end, moved_to, progress FROM locker ORDER BY id"
)
_INSERT: Final = (
    "INSERT OR REPLACE INTO locker (id, state,"
    " occupancy, member, start, until, product, pin_hash, moved_from, opened_late,"
    " command, word, back, before_end, moved_to, progress)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class TakenCommand:
    """A command that was taken before. `result` None: it is not answered yet."""

    command: LockerCommand
    result: str | None


def read(db: sqlite3.Connection) -> Iterator[Locker]:
    """Read every locker that something ever happened to."""
    for name, state, *rest in db.execute(_SELECT):
        yield Locker(name, LockerState(state), _occupancy(rest[:8]), _release(rest[8:]))


def write(db: sqlite3.Connection, locker: Locker) -> None:
    """Keep a locker as it is now."""
    held, release = locker.occupancy, locker.release
    use: tuple[object, ...] = (None,) * 8
    if held is not None:
        use = (
            *(held.id, held.member, _text(held.start), _text(held.end), held.product),
            *(held.pin_hash, held.moved_from, held.opened_late),
        )
    ending: tuple[object, ...] = (None,) * 6
    if release is not None:
        ending = (
            *(release.command, release.word.value, release.back.value, release.before_end),
            *(release.to, release.progress.name),
        )
    db.execute(_INSERT, (locker.id, locker.state.value, *use, *ending))


def taken(db: sqlite3.Connection, command: str) -> TakenCommand | None:
    """Return the command of this id, if it was ever taken."""
    row = db.execute(
        "SELECT result, id, locker, verb, who, device FROM locker_command WHERE id = ?", (command,)
    ).fetchone()
    return None if row is None else TakenCommand(LockerCommand(*row[1:]), row[0])


def take(db: sqlite3.Connection, command: LockerCommand) -> None:
    """Keep a new command; beyond `limits.LOCKER_COMMANDS` the oldest are forgotten."""
    number = db.execute(
        "INSERT INTO locker_command (id, locker, verb, who, device) VALUES (?, ?, ?, ?, ?)",
        (command.id, command.locker, command.verb, command.by, command.device),
    ).lastrowid
    db.execute("DELETE FROM locker_command WHERE n <= ?", ((number or 0) - limits.LOCKER_COMMANDS,))


def answer(db: sqlite3.Connection, command: str, result: str) -> None:
    """Keep what a command was answered."""
    db.execute("UPDATE locker_command SET result = ? WHERE id = ?", (result, command))


def _occupancy(row: Sequence[Any]) -> Occupancy | None:
    use, member, start, until, product, pin_hash, moved_from, opened_late = row
    if use is None:
        return None
    return Occupancy(
        use,
        member,
        datetime.fromisoformat(start),
        datetime.fromisoformat(until),
        product,
        pin_hash,
        moved_from,
        bool(opened_late),
    )


def _release(row: Sequence[Any]) -> Release | None:
    command, word, back, before_end, moved_to, progress = row
    if command is None:
        return None
    return Release(
        command,
        LockerWord(word),
        LockerState(back),
        bool(before_end),
        moved_to,
        Progress[progress],
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
