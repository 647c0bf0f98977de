"""The journal's log: it is copied into the file beside the writer, and has its size beforehand."""

import asyncio
import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from edged.store import limits
from edged.store.connection import Connection
from edged.store.journal import Journal, StoreFailed
from tests.edged.fakes import until
from tests.edged.store.test_journal import Held, append


def copied(journal: Journal, folder: Path) -> int:
    """Count the records that are in the file itself, without its log."""
    alone = folder / "alone.db"
    alone.write_bytes(journal._path.read_bytes())
    with closing(sqlite3.connect(alone)) as db:
        (count,) = db.execute("SELECT count(*) FROM audit").fetchone()
    return int(count)


async def test_the_log_is_copied_into_the_file_when_nobody_comes(
    journal: Journal, tmp_path: Path
) -> None:
    await journal.copy_log()  # the tables
    keeping = asyncio.create_task(journal.keep_log_short())
    for count in (limits.COPY_AFTER - 1, 1):
        assert copied(journal, tmp_path) == 0
        await asyncio.gather(*(journal.commit(append("a")) for _ in range(count)))
    await until(lambda: copied(journal, tmp_path) == limits.COPY_AFTER)
    keeping.cancel()


async def test_reading_does_not_make_the_log_longer(journal: Journal) -> None:
    for _ in range(limits.COPY_AFTER + 1):
        await journal.commit(lambda ledger: ledger.get("a"))
    assert not journal._grown_long.is_set()
    await asyncio.gather(*(journal.commit(append("a")) for _ in range(limits.COPY_AFTER)))
    await until(journal._grown_long.is_set)


async def test_without_a_pause_the_log_is_copied_when_its_room_is_used_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "QUIET_S", 0)  # a turn of the loop, in which somebody comes
    copied_at: list[int] = []

    class Busy(Journal):
        async def make_room(self) -> None:
            self._uncopied = limits.COPY_AFTER
            self._grown_long.set()

        async def copy_log(self) -> None:
            copied_at.append(self._uncopied)
            self._uncopied = 0

    journal = Busy(tmp_path / "journal.db")
    keeping = asyncio.create_task(journal.keep_log_short())
    while not copied_at:
        await asyncio.sleep(0)
        journal._uncopied += 1
    keeping.cancel()
    assert copied_at == [limits.COPY_LATEST]


async def test_the_log_is_copied_in_the_midst_of_a_transaction(
    journal: Journal, tmp_path: Path
) -> None:
    await journal.commit(append("a"))
    held = Held()
    running = asyncio.create_task(journal.commit(held))
    await held.wait_begun()
    await journal.copy_log()
    assert copied(journal, tmp_path) == 1
    assert not running.done()
    held.let_go.set()
    assert await running == 2


async def test_the_log_has_room_from_the_start_and_nothing_is_lost_by_it(
    journal: Journal, tmp_path: Path
) -> None:
    log = journal._path.with_name("journal.db-wal")
    await journal.commit(append("a"))
    making = asyncio.create_task(journal.make_room())
    await asyncio.gather(*(journal.commit(append("b")) for _ in range(20)))
    await making
    assert log.stat().st_size == limits.LOG_ROOM
    await journal.make_room()  # there is enough
    assert log.stat().st_size == limits.LOG_ROOM
    left = tmp_path / "left"  # as a power cut leaves it: nothing is copied into the file
    left.mkdir()
    for name in ("journal.db", log.name):
        (left / name).write_bytes(journal._path.with_name(name).read_bytes())
    again = Journal(left / "journal.db")
    await again.open()
    serving = asyncio.create_task(again.serve())
    assert await again.commit(append("c")) == 22
    serving.cancel()
    await asyncio.wait({serving})
    await again.close()


async def test_a_log_that_finds_no_room_works_on(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "pwrite", full)
    await journal.make_room()
    monkeypatch.undo()
    assert await journal.commit(append("a")) == 1


class Copier:
    """In place of the connection that copies the log: the disk says something."""

    def __init__(self, code: int) -> None:
        self._code = code

    async def run(self, function: Callable[["Copier"], object]) -> object:
        return function(self)

    def execute(self, _: str) -> None:
        error = sqlite3.OperationalError("said by the disk")
        error.sqlite_errorcode = self._code
        raise error

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        pytest.param(sqlite3.SQLITE_IOERR_FSYNC, True, id="a failed fsync"),
        pytest.param(sqlite3.SQLITE_CORRUPT, True, id="damage"),
        pytest.param(sqlite3.SQLITE_FULL, False, id="no room"),
        pytest.param(sqlite3.SQLITE_BUSY, False, id="somebody else does it"),
    ],
)
async def test_what_copying_meets_ends_writing_only_if_nothing_can_be_believed(
    tmp_path: Path, code: int, *, ends: bool
) -> None:
    journal = Journal(tmp_path / "journal.db")
    await journal.open()
    serving = asyncio.create_task(journal.serve())
    assert journal._copier is not None
    await journal._copier.close()
    journal._copier = cast("Connection", Copier(code))
    await journal.copy_log()
    if ends:
        await asyncio.wait_for(serving, 10)
        with pytest.raises(StoreFailed):
            await journal.commit(append("never"))
    else:
        assert await journal.commit(append("a")) == 1
        serving.cancel()
    await journal.close()
    await journal.copy_log()  # there is nothing to copy
    await asyncio.wait({serving})
