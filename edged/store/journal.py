"""journal.db: what happened here. One writer, many callers, one fsync for all that wait."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from edged.mailbox import Mailbox
from edged.store import limits
from edged.store.audit import check_all, check_tail
from edged.store.connection import (
    Connection,
    connect,
    connect_read_only,
    open_database,
)
from edged.store.errors import FailKind, StoreFailed, store_failure
from edged.store.ledger import Ledger
from edged.store.migrations import JOURNAL

__all__ = ["FailKind", "Journal", "StoreFailed"]

T = TypeVar("T")

_UNBELIEVABLE: Final = frozenset(
    {
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_DIR_FSYNC,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)
"""What ends writing for good: the kernel forgets a failed fsync, so that the next one may succeed
although the data is lost."""


class Journal:
    """The file at `path`, created by `open` when it is not there.

    `failed` is what ended writing for good, until the journal is opened anew: after a failed
    fsync or a damaged page nothing that follows can be believed. A full disk is no such end:
    the next commit tries again.
    """

    def __init__(self, path: Path) -> None:
        self.failed: StoreFailed | None = StoreFailed(FailKind.CLOSED, "the journal is not open")
        self._path = path
        self._waiting: Mailbox[_Waiting] = Mailbox(limits.WAITING)
        self._db: Connection | None = None
        self._copier: Connection | None = None
        self._uncopied = 0
        self._grown_long = asyncio.Event()
        self._doubted = False
        self._seq = 0
        self._grown = asyncio.Event()
        self._over = asyncio.Event()
        self._serving = self._writing = False

    async def open(self) -> None:
        """Open the file, look at the end of its audit, and bring its schema up to date.

        Every page is looked at only after a damage or a failed fsync: a start must not take
        longer with every record. `look_through` is for the rest, while the doors work.

        Raises:
            SchemaTooNew: A newer release wrote it; it was only read.
            StoreFailed: It can't be opened, or is damaged.
        """
        look = check_all if self._doubted else check_tail
        self._db = await Connection.open(partial(open_database, self._path, JOURNAL, look))
        try:
            self._copier = await Connection.open(partial(connect, self._path))
            self._grow(await self._db.run(lambda db: Ledger(db).last()[0]))
        except BaseException:
            await self.close()
            raise
        self.failed, self._doubted = None, False
        self._over.clear()

    async def grown(self, beyond: int) -> None:
        """Return when there is a record with a number above `beyond`, on the disk."""
        while self._seq <= beyond:
            await self._grown.wait()

    async def look_through(self) -> None:
        """Look at every page, beside the writer; a damage ends writing for good.

        Raises:
            StoreFailed: It can't be read.
        """
        db = await Connection.open(partial(connect_read_only, self._path))
        try:
            await db.run(partial(check_all, path=self._path))
        except StoreFailed as failed:
            if failed.kind is not FailKind.CORRUPT:
                raise
            self._give_up(failed)
        finally:
            await db.interrupt()  # a stop does not wait for the rest
            await db.close()

    async def keep_log_short(self) -> None:
        """Copy what was committed from the log into the file when nobody comes, for ever.

        In a thread of its own, so that nobody's entry waits for the two syncs that it takes.
        """
        await self.make_room()
        while True:
            await self._grown_long.wait()
            for looks in count():
                before = self._uncopied
                if looks >= limits.COPY_LOOKS and before >= limits.COPY_LATEST:
                    break
                await asyncio.sleep(limits.QUIET_S)
                if self._uncopied == before:
                    break
            self._grown_long.clear()
            await self.copy_log()

    async def make_room(self) -> None:
        """Bring the log to its usual size: while it grows, every sync takes half as long again.

        A piece at a time, between transactions. A full disk leaves it as it is.
        """
        db, more = self._db, True
        with suppress(StoreFailed, OSError):
            while db is not None and more:
                more = await db.run(partial(_lengthen, self._path))

    async def copy_log(self) -> None:
        """Copy what is in the log into the file, beside the writer, who may go on meanwhile.

        What can't be copied now stays in the log, and is there for the next time. A failed fsync
        or a damage ends writing for good.
        """
        copier, self._uncopied = self._copier, 0
        if copier is None:
            return
        with suppress(StoreFailed):  # it is being closed
            failed = await copier.run(_copy)
            if failed is not None:
                self._give_up(failed)

    async def serve(self) -> None:
        """Carry out what `commit` hands over, until it is cancelled or `failed` for good.

        Nothing is written while it does not run. A cancellation does not stop the transaction that
        runs; its callers are told the truth, and those that wait behind it are told CLOSED.
        """
        if self._db is None:
            raise StoreFailed(FailKind.CLOSED, "the journal is not open")
        self._serving = True
        self._hand_over()
        try:
            if self.failed is None:
                await self._over.wait()
        finally:
            self._serving = False
            if self.failed is None:
                self.failed = StoreFailed(FailKind.CLOSED, "the journal is closing")
            _tell(self._waiting.drain(), self.failed)

    async def commit(self, write: Callable[[Ledger], T]) -> T:
        """Carry out `write` in a transaction that is on the disk when this returns.

        `write` runs in the writer's thread, joined with others into one commit; it must not
        wait for anything. If it raises, its own changes are undone and the caller gets the
        exception. If the caller is cancelled, the work is done all the same.

        Raises:
            StoreFailed: Nothing of it is stored, but for one that is `doubtful`. BUSY: too many
                wait; it was not even tried.
        """
        if self.failed is not None:
            raise StoreFailed(self.failed.kind, self.failed.detail)
        work = _Work(write)
        if not self._waiting.offer(work):
            raise StoreFailed(FailKind.BUSY, f"{len(self._waiting)} transactions wait")
        self._hand_over()
        await work.done
        return work.outcome()

    async def close(self) -> None:
        """Close the file. `serve` has ended."""
        if self._copier is not None:
            await self._copier.close()
            self._copier = None
        if self._db is not None:
            await self._db.close()
            self._db = None

    def _give_up(self, failed: StoreFailed) -> None:
        """End writing for good, for what was seen beside the writer."""
        self.failed, self._doubted = failed, True
        self._over.set()

    def _hand_over(self) -> None:
        """Wake the writer's thread, unless it is at work or nothing waits."""
        ready = self._serving and self.failed is None and not self._writing
        if ready and len(self._waiting) and self._db is not None:
            self._writing = True
            self._db.post(partial(self._transact, asyncio.get_running_loop()))

    def _transact(self, loop: asyncio.AbstractEventLoop, db: sqlite3.Connection) -> None:
        """Join all that waits into one commit. Runs in the writer's thread, whoever is cancelled.

        What waits is taken here and not when the thread is woken: until it runs, the loop goes on,
        and who comes in the same turn goes with it. Whatever ends it, all of the batch are told.
        """
        failed: StoreFailed | None = StoreFailed(FailKind.IO, "the commit did not end")
        batch: Sequence[_Waiting] = self._waiting.drain()
        ledger, seq, before = Ledger(db), 0, db.total_changes
        try:
            db.execute("BEGIN IMMEDIATE")
            for work in batch:
                work.carry_out(db, ledger, alone=len(batch) == 1)
            seq, _ = ledger.last()
            if db.in_transaction:  # else the only one was undone, and it with it
                db.execute("COMMIT")
            failed = None
        except sqlite3.Error as error:
            failed = store_failure(error) or StoreFailed(FailKind.IO, str(error))
            if getattr(error, "sqlite_errorcode", None) in _UNBELIEVABLE:
                self.failed, self._doubted = failed, True
                doubtful = failed.kind is FailKind.IO  # not damage, which is seen before the end
                failed = StoreFailed(failed.kind, failed.detail, doubtful=doubtful)
            with suppress(sqlite3.Error):
                if db.in_transaction:
                    db.execute("ROLLBACK")
        finally:
            changed = db.total_changes > before
            loop.call_soon_threadsafe(self._end, batch, failed, seq, changed)

    def _end(
        self, batch: Sequence["_Waiting"], failed: StoreFailed | None, seq: int, changed: bool
    ) -> None:
        """Tell what came of a commit, after which `seq` is the newest record.

        `changed`: whether it wrote anything; the log grows by that only.
        """
        self._writing = False
        _tell(batch, failed)
        if failed is None:  # behind those who are told: a door may wait for one of them
            asyncio.get_running_loop().call_soon(self._grow, seq)
        if changed:
            self._uncopied += len(batch)
            if self._uncopied >= limits.COPY_AFTER:
                self._grown_long.set()
        if self.failed is not None:
            self._over.set()
        self._hand_over()

    def _grow(self, seq: int) -> None:
        """Wake those who wait for records up to `seq`."""
        if seq > self._seq:
            self._seq = seq
            self._grown.set()
            self._grown = asyncio.Event()


class _Waiting(Protocol):
    """A `_Work` of any result."""

    def carry_out(self, db: sqlite3.Connection, ledger: Ledger, *, alone: bool) -> None: ...
    def tell(self, failed: StoreFailed | None) -> None: ...


class _Work(Generic[T]):
    """A transaction that waits; after `done`, `outcome` is what came of it. Made in the loop."""

    def __init__(self, write: Callable[[Ledger], T]) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._write = write
        self._result: T
        self._error: BaseException | None = None

    def carry_out(self, db: sqlite3.Connection, ledger: Ledger, *, alone: bool) -> None:
        """Run inside the open transaction; what fails by its own fault is undone alone.

        `alone`: nobody else is in the transaction, so that it is undone with it.

        Raises:
            sqlite3.Error: The file failed, and with it the whole transaction.
        """
        if not alone:
            db.execute("SAVEPOINT work")
        try:
            self._result = self._write(ledger)
        except BaseException as error:  # whatever it is, it is the caller's
            if isinstance(error, sqlite3.Error) and store_failure(error) is not None:
                raise
            self._error = error
            if alone:
                db.execute("ROLLBACK")
            else:
                db.execute("ROLLBACK TO work")
            ledger.forget()
        if not alone:
            db.execute("RELEASE work")

    def tell(self, failed: StoreFailed | None) -> None:
        """Let the caller go on, if it still waits."""
        if failed is not None:
            self._error = StoreFailed(failed.kind, failed.detail, doubtful=failed.doubtful)
        if not self.done.done():
            self.done.set_result(None)

    def outcome(self) -> T:
        """Return or raise what `write` did, or why nothing is stored."""
        if self._error is not None:
            raise self._error
        return self._result


def _lengthen(path: Path, _: sqlite3.Connection) -> bool:
    """Add zeros, which nobody takes for an entry, behind what is in the log; False: it is enough.

    In the writer's thread: in any other they could fall on what it is writing.
    """
    file = os.open(path.with_name(f"{path.name}-wal"), os.O_RDWR)
    try:
        size, disk = os.fstat(file).st_size, os.fstatvfs(file)
        missing = min(limits.LOG_ROOM - size, limits.LOG_PIECE)
        if disk.f_bavail * disk.f_frsize < limits.LOG_LEAVES:
            return False
        if missing > 0:
            os.pwrite(file, bytes(missing), size)
            os.fdatasync(file)
    finally:
        os.close(file)
    return missing > 0


def _copy(db: sqlite3.Connection) -> StoreFailed | None:
    """Copy the log into the file; return what ends writing for good, if that is what it met."""
    try:
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in _UNBELIEVABLE:  # none: it was closed
            return store_failure(error)
    return None


def _tell(batch: Sequence[_Waiting], failed: StoreFailed | None) -> None:
    for work in batch:
        work.tell(failed)
