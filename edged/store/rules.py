"""rules.db: what the cloud, or the installer's file, said.

A rule set is one SQLite file that is never changed after it was built. `rules.db` is a symbolic
link to the active one, so a swap is one rename: there is always one whole set, old or new.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from edged.rules_file import RuleSet, member_of, rules_of
from edged.store.connection import Connection, connect_read_only, quick_check, sync_folder
from edged.store.errors import FailKind, RulesRefused, StoreError, StoreFailed, store_failure
from edged.store.migrations import RULES, check_version, migrate
from policy.model import Member, Rules

ACTIVE: Final = "rules.db"
_BUILDING: Final = "rules.building"


def build(rule_set: RuleSet, folder: Path) -> Path:
    """Write a rule set into a file of its own in `folder`, on the disk when this returns.

    Takes seconds for 100,000 members, so it runs in a process of its own, one at a time.

    Raises:
        RulesRefused: As `activate`; nothing was written.
        StoreFailed, OSError: It could not be written.
    """
    name = f"rules-{rule_set.rules.version}-{rule_set.fingerprint[:8]}.db"
    _admit(name, folder)
    building = folder / _BUILDING
    building.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(building, isolation_level=None)) as db:
            _fill(db, building, rule_set)
    except sqlite3.Error as error:
        building.unlink(missing_ok=True)
        raise store_failure(error) or error from error
    _sync_file(building)
    path = building.replace(folder / name)
    sync_folder(folder)
    return path


def activate(folder: Path, path: Path) -> None:
    """Make the file that `build` wrote the active one, in one step.

    The one before stays beside it, older ones go. The active content again: no change.

    Raises:
        RulesRefused: The version is below the active one's, or the same with other content.
        OSError: The folder can't be written.
    """
    before = _admit(path.name, folder)
    if before == path.name:
        return
    new = folder / f"{ACTIVE}.new"
    new.unlink(missing_ok=True)
    new.symlink_to(path.name)
    new.replace(folder / ACTIVE)
    sync_folder(folder)
    for old in folder.glob("rules-*.db"):
        if old.name not in {path.name, before}:
            old.unlink()


def _admit(name: str, folder: Path) -> str | None:
    """Let rules with this file name replace the active ones, whose file name is returned.

    The names say enough, so that damage to the active file does not stop its replacement.
    """
    link = folder / ACTIVE
    if not link.is_symlink():
        return None
    active = link.readlink().name
    version, floor = (int(file.split("-")[1]) for file in (name, active))
    if version < floor:
        raise RulesRefused(version, f"version {floor} is active")
    if version == floor and name != active:
        raise RulesRefused(version, "the active rules have this version and other content")
    return active


@dataclass(frozen=True, slots=True)
class _Opened:
    """One rule set, open for looking members up."""

    db: Connection
    rules: Rules
    version: int
    fingerprint: str


class RulesStore:
    """The active rules of a state directory: stores and plans in memory, members on the disk.

    After `reload` the members are those of the new set as soon as `rules` is: whoever reads
    `rules` right after awaiting `member`, without another await between, has both of one set.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: _Opened | None = None

    @classmethod
    async def open(cls, folder: Path) -> "RulesStore":
        """Open the active rules of `folder`, if there are any. No member is read.

        Raises:
            StoreFailed, SchemaTooNew: There are rules, and they can't be used.
        """
        store = cls(folder)
        await store.reload()
        return store

    @property
    def rules(self) -> Rules | None:
        """The active rules, None while there are none."""
        return None if self._opened is None else self._opened.rules

    @property
    def version(self) -> int | None:
        """Their version."""
        return None if self._opened is None else self._opened.version

    @property
    def fingerprint(self) -> str | None:
        """The SHA-256 of their content, in hex."""
        return None if self._opened is None else self._opened.fingerprint

    async def member(self, handle: bytes) -> Member | None:
        """Look a member up by handle; None: the active rules don't know it.

        Raises:
            StoreFailed: CORRUPT: what is stored is not what was written.
        """
        return await self._find(partial(_by_handle, handle))

    async def member_by_id(self, member: str) -> Member | None:
        """Look a member up by id; otherwise as `member`."""
        return await self._find(partial(_by_id, member))

    async def reload(self) -> None:
        """Take up what `activate` made active. When it raises, the rules are as before.

        Raises:
            StoreFailed, SchemaTooNew: The new rules can't be used.
        """
        link = self._folder / ACTIVE
        if not link.is_symlink():
            return
        db = await Connection.open(partial(_open_file, link.resolve()))
        try:
            before, self._opened = self._opened, await db.run(partial(_read_base, db))
        except BaseException:
            await db.close()
            raise
        if before is not None:
            await before.db.close()

    async def close(self) -> None:
        """Close the file; from here on there are no rules."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.db.close()

    async def _find(self, look: Callable[[sqlite3.Connection], Member | None]) -> Member | None:
        while (opened := self._opened) is not None:
            found = await opened.db.run(look)
            if opened is self._opened:
                return found
        return None


def _fill(db: sqlite3.Connection, path: Path, rule_set: RuleSet) -> None:
    # Nobody sees this file before it is whole and synced, so it needs no journal of its own.
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    migrate(db, path, RULES)
    version, fingerprint, base = rule_set.rules.version, rule_set.fingerprint, rule_set.base
    db.execute("BEGIN")
    db.execute(
        "INSERT INTO base (one, version, fingerprint, document, digest) VALUES (1, ?, ?, ?, ?)",
        (version, fingerprint, base, _digest(str(version).encode(), fingerprint.encode(), base)),
    )
    db.executemany(
        "INSERT INTO member (handle, id, body, digest) VALUES (?, ?, ?, ?)",
        (
            (handle, member, body, _digest(handle, member.encode(), body))
            for handle, member in sorted(rule_set.handles.items())
            for body in [rule_set.records[member]]
        ),
    )
    db.execute("COMMIT")
    quick_check(db, path)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _digest(*parts: bytes) -> bytes:
    """Tell bit rot in a row: a changed right must never look like a right."""
    return hashlib.sha256(b"\0".join(parts)).digest()


def _open_file(path: Path) -> sqlite3.Connection:
    """Open a built file for reading, after bringing it to this release's schema."""
    with closing(connect_read_only(path)) as db:
        behind = check_version(db, path, RULES) < len(RULES)
    if behind:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            migrate(db, path, RULES)
    return connect_read_only(path)


@contextmanager
def _reading(what: object) -> Iterator[None]:
    """Take whatever goes wrong for damage: what was built can be read, and nobody changes it."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        failed = store_failure(error) if isinstance(error, sqlite3.Error) else None
        raise failed or StoreFailed(FailKind.CORRUPT, f"{what}: {error}") from error


def _base_row(db: sqlite3.Connection) -> tuple[int, str, bytes]:
    row = db.execute("SELECT version, fingerprint, document, digest FROM base").fetchone()
    version, fingerprint, document, digest = row
    if _digest(str(version).encode(), fingerprint.encode(), document) != digest:
        raise StoreFailed(FailKind.CORRUPT, "the rules are not as they were written")
    return version, fingerprint, document


def _read_base(connection: Connection, db: sqlite3.Connection) -> _Opened:
    with _reading("the rules"):
        version, fingerprint, document = _base_row(db)
        return _Opened(connection, rules_of(document), version, fingerprint)


def _by_handle(handle: bytes, db: sqlite3.Connection) -> Member | None:
    with _reading("a member"):
        rows = db.execute("SELECT handle, id, body, digest FROM member WHERE handle = ?", (handle,))
        return _member(rows.fetchone())


def _by_id(member: str, db: sqlite3.Connection) -> Member | None:
    with _reading("a member"):
        rows = db.execute("SELECT handle, id, body, digest FROM member WHERE id = ?", (member,))
        return _member(rows.fetchone())


def _member(row: tuple[bytes, str, bytes, bytes] | None) -> Member | None:
    if row is None:
        return None
    handle, member, body, digest = row
    if _digest(handle, member.encode(), body) != digest:
        raise StoreFailed(FailKind.CORRUPT, f"member {member} is not as it was written")
    return member_of(member, body)
