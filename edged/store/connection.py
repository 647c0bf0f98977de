"""One SQLite file, one thread, one hop: how the daemon reaches its databases."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar

import aiosqlite

from edged.store import checksum, limits
from edged.store.errors import FailKind, StoreFailed, store_failure
from edged.store.migrations import Steps, check_version, migrate

T = TypeVar("T")

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA mmap_size = 0",
    f"PRAGMA wal_autocheckpoint = {limits.CHECKPOINT_PAGES:d}",
    f"PRAGMA journal_size_limit = {limits.WAL_BYTES:d}",
)


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that carries out a whole function in its thread."""

    @classmethod
    async def open(cls, connector: Callable[[], sqlite3.Connection]) -> Self:
        """Make the connection in a thread of its own.

        Raises:
            StoreFailed: The file can't be opened, or is damaged.
        """
        connection = cls(connector, iter_chunk_size=1)
        try:
            await connection
        except BaseException as error:  # a cancellation too
            # aiosqlite lets its thread end without waiting for it, and a thread that outlives
            # the loop fails when it reports.
            await asyncio.to_thread(connection._thread.join)
            if isinstance(error, sqlite3.Error):
                raise store_failure(error) or error from error
            if isinstance(error, OSError):
                raise StoreFailed(FailKind.IO, str(error)) from error
            raise
        return connection

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` in the connection's thread: one hop, whatever it executes.

        A caller that is cancelled stops waiting; the function still runs to its end.

        Raises:
            StoreFailed: The file failed, or the connection is closed.
        """
        if self._connection is None:
            raise StoreFailed(FailKind.CLOSED, "the connection is not open")
        try:
            # aiosqlite's public calls hop once a statement, and a transaction in pieces can
            # be cancelled between them. Its queue takes any function, but only by this
            # protected name.
            result: T = await self._execute(  # type: ignore[no-untyped-call] # has no types
                partial(function, self._connection)
            )
        except sqlite3.Error as error:
            raise store_failure(error) or error from error
        return result

    def post(self, function: Callable[[sqlite3.Connection], None]) -> None:
        """Run `function` in the connection's thread, and tell nobody: it tells by itself.

        One way instead of two. The connection is open; what the function raises is lost.
        """
        self._tx.put_nowait((None, partial(function, self._conn)))


class Beside:
    """A connection for threads that may wait for the disk themselves, one at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db: sqlite3.Connection | None = db
        self._turn = threading.Lock()

    def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` in the caller's thread.

        Raises:
            StoreFailed: The connection is closed.
        """
        with self._turn:
            if self._db is None:
                raise StoreFailed(FailKind.CLOSED, "the connection is not open")
            return function(self._db)

    async def close(self) -> None:
        """Close it when nobody uses it."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._turn:
            if self._db is not None:
                self._db.close()
                self._db = None


def open_database(
    path: Path, steps: Steps, look: Callable[[sqlite3.Connection, Path], None] | None = None
) -> sqlite3.Connection:
    """Open or create `path`, look at what is there and bring it to `steps`.

    `look`: raises StoreFailed if what it sees is not as it was written; None: `quick_check`.

    Raises:
        SchemaTooNew: A newer release wrote it. It was only read.
        StoreFailed: CORRUPT: `look` said so.
        sqlite3.Error: It can't be opened, or is no database.
    """
    if path.exists():
        # A cut while the file was made leaves a rollback journal, which only a writer may undo.
        cut = path.with_name(f"{path.name}-journal").exists()
        with closing(sqlite3.connect(path) if cut else connect_read_only(path)) as db:
            check_version(db, path, steps)
    db = connect(path)
    try:
        (look or quick_check)(db, path)
        if migrate(db, path, steps):
            sync_folder(path.parent)
        checksum.keep(db)
    except BaseException:
        db.close()
        raise
    return db


def connect(path: Path) -> sqlite3.Connection:
    """Open or create `path` as the daemon uses it: autocommit, WAL, each commit on the disk."""
    db = sqlite3.connect(path, timeout=limits.LOCK_S, isolation_level=None)
    try:
        for pragma in _PRAGMAS:
            db.execute(pragma)
    except BaseException:
        db.close()
        raise
    return db


def connect_read_only(path: Path, *, one_thread: bool = True) -> sqlite3.Connection:
    """Open `path` for reading, beside a running daemon or without one. Never creates it.

    `one_thread`: only the one that opens it uses it.
    """
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=limits.LOCK_S,
        isolation_level=None,
        check_same_thread=one_thread,
    )
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    return db


def quick_check(db: sqlite3.Connection, path: Path, *, indexes: bool = False) -> None:
    """Look through every page of the file; `indexes`: and for each row in its indexes.

    Raises:
        StoreFailed: CORRUPT, with the first thing found.
    """
    looked = (
        db.execute("PRAGMA integrity_check(1)") if indexes else db.execute("PRAGMA quick_check(1)")
    )
    (found,) = looked.fetchone()
    if found != "ok":
        raise StoreFailed(FailKind.CORRUPT, f"{path}: {found}")


def sync_folder(folder: Path) -> None:
    """Put the folder's entries on the disk: a file's own fsync does not save its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
