"""The disk on virtual time: SQLite's real files, written in the loop's own thread.

What is a thread in a daemon (aiosqlite) is here a queue that the loop works through: each job
takes as long as `delay_s` says, so that the order of things comes from there and from nowhere
else. A commit can be made to fail as disks do.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from functools import partial
from typing import Any

import aiosqlite.core

from hil.virtual.wires import LIFE, Life

Job = Callable[[], object]


class DiskState(Enum):
    """How the disk is."""

    WELL = auto()
    FULL = auto()
    """No commit has room."""
    FAILING = auto()
    """Syncs fail; what they were for may have been written all the same."""


class Disk:
    """The disk that a daemon writes to.

    Args:
        delay_s: How long the next job takes, s.
        written: Whether what a failed sync was for is there all the same.
    """

    def __init__(
        self, delay_s: Callable[[], float], written: Callable[[], bool] = lambda: False
    ) -> None:
        self.state = DiskState.WELL
        self.after_job: Callable[[], object] = lambda: None
        self.written = written
        self.delay_s = delay_s

    def commit(
        self, commit: Callable[[], sqlite3.Cursor], rollback: Callable[[], object]
    ) -> sqlite3.Cursor:
        """End a transaction as the disk is now. Raises sqlite3.OperationalError."""
        match self.state:
            case DiskState.WELL:
                return commit()
            case DiskState.FULL:
                rollback()
                raise _failure("database or disk is full", sqlite3.SQLITE_FULL)
            case DiskState.FAILING:
                (commit if self.written() else rollback)()
                raise _failure("disk I/O error", sqlite3.SQLITE_IOERR_FSYNC)

    def work(self, future: "asyncio.Future[object] | None", job: Job, due_s: float) -> float:
        """Carry a job out when those before it are done; give that moment."""
        loop = asyncio.get_event_loop()
        due_s = max(due_s, loop.time()) + self.delay_s()
        loop.call_at(due_s, self._do, future, job)
        return due_s

    def _do(self, future: "asyncio.Future[object] | None", job: Job) -> None:
        with _Telling(future):
            result = job()
            if future is not None:
                aiosqlite.core.set_result(future, result)
        self.after_job()


def _failure(text: str, code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


class _Telling:
    """A block whose error is told to who waits for the job, whatever it is."""

    def __init__(self, future: "asyncio.Future[object] | None") -> None:
        self._future = future

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if error is not None and self._future is not None:
            aiosqlite.core.set_exception(self._future, error)
        return True


class _Queue:
    """What aiosqlite hands its jobs to."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._due_s = 0.0

    def put_nowait(self, item: "tuple[asyncio.Future[object] | None, Job]") -> None:
        self._due_s = self._disk.work(*item, self._due_s)


class _NoThread:
    """What aiosqlite takes for its thread."""

    def __init__(self, **_: object) -> None:
        """Take what a thread takes."""

    def start(self) -> None:
        """Do nothing: the loop does the work."""

    def join(self) -> None:
        """Do nothing: it has ended."""


class _File(sqlite3.Connection):
    """An open file, of the life that opened it."""

    life: Life

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        """Execute; a commit may fail."""
        run: Callable[..., sqlite3.Cursor] = super().execute
        if sql != "COMMIT":
            return run(sql, *parameters)
        return self.life.disk.commit(partial(run, sql), partial(run, "ROLLBACK"))

    def close(self) -> None:
        """Close it."""
        self.life.files.pop(self, None)
        super().close()


@contextmanager
def disks_of_lives() -> Iterator[None]:
    """Let every database that a life opens in the block stand on that life's disk."""
    core: Any = aiosqlite.core
    library: Any = sqlite3
    connect = library.connect
    before = core.SimpleQueue, core.Thread

    def opened(*where: object, **how: object) -> sqlite3.Connection:
        if (life := LIFE.get()) is None:
            plain: sqlite3.Connection = connect(*where, **how)
            return plain
        file: _File = connect(*where, factory=_File, **how)
        file.life = life
        life.files[file] = None
        return file

    def queue() -> _Queue:
        if (life := LIFE.get()) is None:
            raise RuntimeError("only a life has a disk that jobs can wait for")
        return _Queue(life.disk)

    core.SimpleQueue, core.Thread = queue, _NoThread
    library.connect = opened
    try:
        yield
    finally:
        core.SimpleQueue, core.Thread = before
        library.connect = connect
