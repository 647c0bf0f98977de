"""One built set of rules, opened for reading: members and plain codes are looked up by key."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from edged.rulebook.file import member_of, rules_of
from edged.store.connection import Beside, Connection, connect_read_only
from edged.store.errors import FailKind, StoreError, StoreFailed, store_failure
from edged.store.migrations import RULES, check_version, migrate
from policy.model import CodeKind, Member, Rules


@dataclass(frozen=True, slots=True)
class Opened:
    """A rule set, open for looking members up: `db` by a hop, `beside` in the caller's thread."""

    db: Connection
    beside: Beside
    rules: Rules
    version: int
    fingerprint: str

    @classmethod
    async def read(cls, path: Path) -> Self:
        """Open a built file. No member is read.

        Raises:
            StoreFailed, SchemaTooNew: It can't be used.
        """
        db = await Connection.open(partial(_open_file, path))
        try:
            version, fingerprint, rules = await db.run(_read_base)
            beside = Beside(await asyncio.to_thread(_connect, path, one_thread=False))
        except BaseException as error:
            await db.close()
            if isinstance(error, sqlite3.Error):
                raise store_failure(error) or error from error
            raise
        return cls(db, beside, rules, version, fingerprint)

    async def close(self) -> None:
        """Close it, when nobody looks any more."""
        await self.beside.close()
        await self.db.close()


def digest_of(*parts: bytes) -> bytes:
    """Tell bit rot in a row: a changed right must never look like a right."""
    return hashlib.sha256(b"\0".join(parts)).digest()


def _open_file(path: Path) -> sqlite3.Connection:
    """Open a built file for reading, after bringing it to this release's schema."""
    with closing(connect_read_only(path)) as db:
        behind = check_version(db, path, RULES) < len(RULES)
    if behind:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            migrate(db, path, RULES)
    return _connect(path)


def _connect(path: Path, *, one_thread: bool = True) -> sqlite3.Connection:
    db = connect_read_only(path, one_thread=one_thread)
    # Nobody changes the file, so its lock is taken once and not for every scan.
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    return db


@contextmanager
def _reading(what: object) -> Iterator[None]:
    """Take whatever goes wrong for damage: what was built can be read, and nobody changes it."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        raise _damage(what, error) from error


def _damage(what: object, error: Exception) -> StoreFailed:
    failed = store_failure(error) if isinstance(error, sqlite3.Error) else None
    return failed or StoreFailed(FailKind.CORRUPT, f"{what}: {error}")


def _base_row(db: sqlite3.Connection) -> tuple[int, str, bytes]:
    row = db.execute("SELECT version, fingerprint, document, digest FROM base").fetchone()
    version, fingerprint, document, digest = row
    if digest_of(str(version).encode(), fingerprint.encode(), document) != digest:
        raise StoreFailed(FailKind.CORRUPT, "the rules are not as they were written")
    return version, fingerprint, document


def _read_base(db: sqlite3.Connection) -> tuple[int, str, Rules]:
    with _reading("the rules"):
        version, fingerprint, document = _base_row(db)
        return version, fingerprint, rules_of(document)


def by_handle(handle: bytes, db: sqlite3.Connection) -> Member | None:
    """Look a member up in a file of rules. Raises StoreFailed: it is not as it was written."""
    try:
        rows = db.execute("SELECT handle, id, body, digest FROM member WHERE handle = ?", (handle,))
        return _member(rows.fetchone())
    except StoreError:  # as `_reading`, which costs more than the look-up
        raise
    except Exception as error:
        raise _damage("a member", error) from error


def by_id(member: str, db: sqlite3.Connection) -> Member | None:
    """Look a member up by id; otherwise as `by_handle`."""
    with _reading("a member"):
        rows = db.execute("SELECT handle, id, body, digest FROM member WHERE id = ?", (member,))
        return _member(rows.fetchone())


def by_plain(kind: CodeKind, digest: bytes, db: sqlite3.Connection) -> bytes | None:
    """Look up whose plain code it is; otherwise as `by_handle`."""
    with _reading("a plain code"):
        row = db.execute(
            "SELECT handle, digest FROM plain WHERE kind = ? AND hash = ?", (kind.value, digest)
        ).fetchone()
        if row is None:
            return None
        handle, written = bytes(row[0]), row[1]
        if digest_of(kind.encode(), digest, handle) != written:
            raise StoreFailed(FailKind.CORRUPT, "a plain code is not as it was written")
        return handle


def _member(row: tuple[bytes, str, bytes, bytes] | None) -> Member | None:
    if row is None:
        return None
    handle, member, body, digest = row
    if digest_of(handle, member.encode(), body) != digest:
        raise StoreFailed(FailKind.CORRUPT, f"member {member} is not as it was written")
    return member_of(member, body)
