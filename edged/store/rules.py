"""rules.db: what the cloud, or the installer's file, said.

A rule set is one SQLite file that is never changed after it was built. `rules.db` is a symbolic
link to the active one, so a swap is one rename: there is always one whole set, old or new.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from edged.rulebook.file import RuleSet
from edged.store import opened
from edged.store.connection import quick_check, sync_folder
from edged.store.errors import FailKind, RulesRefused, StoreFailed, store_failure
from edged.store.migrations import RULES, migrate
from edged.store.opened import Opened, digest_of
from edged.store.syncing import sync_file
from policy.model import CodeKind, Member, Rules

T = TypeVar("T")

ACTIVE: Final = "rules.db"
BUILDING: Final = "rules.building"


def build(rule_set: RuleSet, folder: Path, manifest: bytes | None = None) -> Path:
    """Write a rule set into a file of its own in `folder`, on the disk when this returns.

    `manifest`: what it was put together from, if it has parts (edged/cloud).

    Takes seconds for 100,000 members, so it runs in a process of its own, one at a time.

    Raises:
        RulesRefused: As `activate`; nothing was written.
        StoreFailed, OSError: It could not be written.
    """
    name = file_name(rule_set.rules.version, rule_set.fingerprint)
    _admit(name, folder)
    building = folder / BUILDING
    building.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(building, isolation_level=None)) as db:
            _fill(db, building, rule_set, manifest)
    except sqlite3.Error as error:
        building.unlink(missing_ok=True)
        raise store_failure(error) or error from error
    return put_in_place(building, name)


def put_in_place(building: Path, name: str) -> Path:
    """Give a file that was built its name, on the disk when this returns."""
    sync_file(building)
    path = building.replace(building.with_name(name))
    sync_folder(building.parent)
    return path


def file_name(version: int, fingerprint: str) -> str:
    """Name the file of a rule set: its version can be read from it."""
    return f"rules-{version}-{fingerprint[:8]}.db"


def activate(folder: Path, path: Path, keep: str | None = None) -> None:
    """Make the file that `build` wrote the active one, in one step.

    The one before stays beside it, and `keep`; others go. The active content again: no change.

    Raises:
        RulesRefused: The version is below the active one's, or the same with other content.
        OSError: The folder can't be written.
    """
    before = _admit(path.name, folder)
    if before == path.name:
        return
    _link(folder, path.name)
    sync_folder(folder)
    for old in folder.glob("rules-*.db"):
        if old.name not in {path.name, before, keep}:
            old.unlink()


def revert(folder: Path, previous: str | None) -> None:
    """Make the rules before active again, whatever their version; None: there were none.

    What was active is taken away: it is to be tried again from the cloud's word only.

    Raises:
        OSError: The folder can't be written.
    """
    given_up = active_file(folder)
    if previous is None:
        (folder / ACTIVE).unlink(missing_ok=True)
    else:
        _link(folder, previous)
    sync_folder(folder)
    if given_up is not None and given_up != previous:
        (folder / given_up).unlink(missing_ok=True)


def active_file(folder: Path) -> str | None:
    """Name the file that is active; None: there are no rules."""
    link = folder / ACTIVE
    return link.readlink().name if link.is_symlink() else None


def active_version(folder: Path) -> int | None:
    """Return the version that is active, without opening its file; None: there are no rules."""
    active = active_file(folder)
    return None if active is None else _version(active)


def _version(file: str) -> int:
    return int(file.split("-")[1])


def _link(folder: Path, name: str) -> None:
    new = folder / f"{ACTIVE}.new"
    new.unlink(missing_ok=True)
    new.symlink_to(name)
    new.replace(folder / ACTIVE)


def _admit(name: str, folder: Path) -> str | None:
    """Let rules with this file name replace the active ones, whose file name is returned.

    The names say enough, so that damage to the active file does not stop its replacement.
    """
    active = active_file(folder)
    if active is None:
        return None
    version, floor = _version(name), _version(active)
    if version < floor:
        raise RulesRefused(version, f"version {floor} is active")
    if version == floor and name != active:
        raise RulesRefused(version, "the active rules have this version and other content")
    return active


class RulesStore:
    """The active rules of a state directory: stores and plans in memory, members on the disk.

    After `reload` the members are those of the new set as soon as `rules` is: whoever reads
    `rules` right after awaiting `member`, without another await between, has both of one set.
    `vouched_at`: when the cloud last said that they are the newest; None: not since `reload`.
    """

    def __init__(self, folder: Path) -> None:
        self.vouched_at: datetime | None = None
        self._folder = folder
        self._opened: Opened | None = None

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
        return await self._find(partial(opened.by_handle, handle))

    def member_here(self, handle: bytes) -> Member | None:
        """Look a member up in the caller's thread, which is not the loop's; else as `member`."""
        while (now := self._opened) is not None:
            try:
                return now.beside.run(partial(opened.by_handle, handle))
            except StoreFailed:
                if now is self._opened:
                    raise
        return None

    async def member_by_id(self, member: str) -> Member | None:
        """Look a member up by id; otherwise as `member`."""
        return await self._find(partial(opened.by_id, member))

    async def plain(self, kind: CodeKind, digest: bytes) -> bytes | None:
        """Return the handle of the member whose plain code this is; otherwise as `member`."""
        return await self._find(partial(opened.by_plain, kind, digest))

    async def reload(self) -> None:
        """Take up what `activate` made active. When it raises, the rules are as before.

        Raises:
            StoreFailed, SchemaTooNew: The new rules can't be used.
        """
        self.vouched_at = None
        try:
            active = await asyncio.to_thread(active_file, self._folder)
        except OSError as error:
            raise StoreFailed(FailKind.IO, str(error)) from error
        if active is None:
            await self.close()
            return
        before, self._opened = self._opened, await Opened.read(self._folder / active)
        if before is not None:
            await before.close()

    async def close(self) -> None:
        """Close the file; from here on there are no rules."""
        before, self._opened = self._opened, None
        if before is not None:
            await before.close()

    async def _find(self, look: Callable[[sqlite3.Connection], T | None]) -> T | None:
        while (now := self._opened) is not None:
            found = await now.db.run(look)
            if now is self._opened:
                return found
        return None


def _fill(db: sqlite3.Connection, path: Path, rule_set: RuleSet, manifest: bytes | None) -> None:
    # Nobody sees this file before it is whole and synced, so it needs no journal of its own.
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    migrate(db, path, RULES)
    db.execute("BEGIN")
    put_base(db, rule_set.rules.version, rule_set.fingerprint, rule_set.base)
    for handle, member in sorted(rule_set.handles.items()):
        put_member(db, handle, member, rule_set.records[member])
    put_plain(db, rule_set.plain)
    if manifest is not None:
        db.executemany(PUT_OWNED, owned(rule_set.owners, rule_set.seats))
        put_source(db, manifest)
    db.execute("COMMIT")
    quick_check(db, path)


PUT_OWNED: Final = "INSERT INTO owned (kind, id, member) VALUES (?, ?, ?)"


def put_base(db: sqlite3.Connection, version: int, fingerprint: str, base: bytes) -> None:
    """Write the rules but for their members, in place of those before."""
    digest = digest_of(str(version).encode(), fingerprint.encode(), base)
    db.execute(
        "INSERT OR REPLACE INTO base (one, version, fingerprint, document, digest)"
        " VALUES (1, ?, ?, ?, ?)",
        (version, fingerprint, base, digest),
    )


def put_member(db: sqlite3.Connection, handle: bytes, member: str, body: bytes) -> None:
    """Write a member. Raises sqlite3.IntegrityError: another one has the handle or the id."""
    db.execute(
        "INSERT INTO member (handle, id, body, digest) VALUES (?, ?, ?, ?)",
        (handle, member, body, digest_of(handle, member.encode(), body)),
    )


def put_plain(db: sqlite3.Connection, plain: Mapping[tuple[CodeKind, bytes], bytes]) -> None:
    """Write whose each plain code is. Raises sqlite3.IntegrityError: it is another's already."""
    db.executemany(
        "INSERT INTO plain (kind, hash, handle, digest) VALUES (?, ?, ?, ?)",
        (
            (kind.value, digest, handle, digest_of(kind.encode(), digest, handle))
            for (kind, digest), handle in sorted(plain.items())
        ),
    )


def put_source(db: sqlite3.Connection, manifest: bytes) -> None:
    """Write down what the file was put together from."""
    db.execute("INSERT OR REPLACE INTO source (one, manifest) VALUES (1, ?)", (manifest,))


def owned(
    owners: Mapping[str, str], seats: Mapping[tuple[str, str], str]
) -> Iterator[tuple[str, str, str]]:
    """Give the rows of what only one member can have; an id holds no `/`."""
    for one, member in owners.items():
        yield "owner", one, member
    for (store, seat), member in seats.items():
        yield "seat", f"{store}/{seat}", member
