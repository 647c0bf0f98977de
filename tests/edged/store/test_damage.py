"""A journal that is not as it was written: what its start sees, and what a look at all of it."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from edged.store import audit, limits
from edged.store.connection import Connection, open_database, quick_check
from edged.store.errors import FailKind, StoreFailed
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from edged.store.migrations import JOURNAL
from edged.store.record import GENESIS, seal
from tests.edged.fakes import WITHIN_S, until

PAGE = 4_096
MANY = limits.PAGE_RECORDS + 200


def written(path: Path, count: int = MANY) -> Path:
    """Make a journal with so many records, a few of them a page."""
    with closing(open_database(path, JOURNAL)) as db:
        db.execute("BEGIN")
        prev = GENESIS
        for seq in range(1, count + 1):
            record = seal({"kind": "note", "text": "x" * 900}, seq, prev)
            db.execute("INSERT INTO audit VALUES (?, ?, ?)", (seq, record.data, record.hash))
            prev = record.hash
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def spoil(path: Path, page: int) -> None:
    """Overwrite a page, counted from 0 or from the end."""
    data = bytearray(path.read_bytes())
    at = page * PAGE if page >= 0 else len(data) + page * PAGE
    data[at : at + PAGE] = b"\xff" * PAGE
    path.write_bytes(data)


async def opened(journal: Journal) -> FailKind | None:
    """What opening the journal says; it is closed again."""
    try:
        await journal.open()
    except StoreFailed as failed:
        return failed.kind
    else:
        return None
    finally:
        await journal.close()


@asynccontextmanager
async def at_work(journal: Journal) -> AsyncIterator[asyncio.Task[None]]:
    """Let it write, until it ends by itself or the test does."""
    await journal.open()
    serving = asyncio.create_task(journal.serve())
    try:
        yield serving
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await journal.close()


def changed(statement: str, seq: int) -> Callable[[Path], None]:
    """Make a change that leaves every page whole."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db:
            db.execute(statement, (seq,))
            db.commit()

    return change


@pytest.mark.parametrize("count", [0, 1, 2, MANY - 200, MANY])
async def test_what_is_whole_is_opened(tmp_path: Path, count: int) -> None:
    assert await opened(Journal(written(tmp_path / "journal.db", count))) is None


@pytest.mark.fault("journal-damaged")
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: spoil(path, -1),
        lambda path: path.write_bytes(path.read_bytes()[:-PAGE]),
        changed("DELETE FROM audit WHERE seq = ?", MANY),
        changed("DELETE FROM audit WHERE seq = ?", MANY - 1),
        changed("DELETE FROM audit WHERE seq = ?", MANY - limits.PAGE_RECORDS + 1),
        changed("UPDATE audit SET record = x'00' WHERE seq = ?", MANY),
        changed("UPDATE audit SET hash = x'00' WHERE seq = ?", MANY - limits.PAGE_RECORDS),
        changed("UPDATE audit SET seq = seq + 1 WHERE seq = ?", MANY),
    ],
    ids=[
        "last page",
        "cut short",
        "last record",
        "gap",
        "first of the tail",
        "record",
        "hash",
        "number",
    ],
)
async def test_damage_to_the_newest_records_is_found_at_the_start(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = written(tmp_path / "journal.db")
    damage(path)
    assert await opened(Journal(path)) is FailKind.CORRUPT


async def test_the_first_record_begins_the_chain(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.db", 3)
    changed("DELETE FROM audit WHERE seq = ?", 1)(path)
    assert await opened(Journal(path)) is FailKind.CORRUPT


async def test_a_start_reads_no_more_of_a_large_file(tmp_path: Path) -> None:
    read = dict[int, int]()
    for count in (MANY, 3 * MANY):
        path = written(tmp_path / f"{count}.db", count)
        with closing(open_database(path, JOURNAL, lambda *_: None)) as db:
            steps = 0

            def step() -> int:
                nonlocal steps
                steps += 1
                return 0

            db.set_progress_handler(step, 1)
            audit.check_tail(db, path)
            read[count] = steps
    assert read[3 * MANY] <= read[MANY] + 10


@pytest.mark.fault("journal-damaged")
@pytest.mark.parametrize(
    "damage",
    [lambda path: spoil(path, 30), changed("DELETE FROM audit WHERE seq = ?", 100)],
    ids=["page", "record"],
)
async def test_damage_elsewhere_is_found_while_the_journal_works(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    journal = Journal(written(tmp_path / "journal.db"))
    async with at_work(journal):
        await journal.look_through()
        assert journal.failed is None
    damage(tmp_path / "journal.db")  # far from the newest records
    async with at_work(journal) as serving:
        await journal.commit(lambda ledger: ledger.append({"kind": "note"}))
        await journal.look_through()
        await until(serving.done)
        assert journal.failed is not None
        assert journal.failed.kind is FailKind.CORRUPT
        with pytest.raises(StoreFailed):
            await journal.commit(lambda ledger: ledger.append({"kind": "note"}))
    assert await opened(journal) is FailKind.CORRUPT  # now all of it is looked at before


async def test_after_a_failed_fsync_all_is_looked_at(tmp_path: Path) -> None:
    def failing(_: Ledger) -> None:
        error = sqlite3.OperationalError("said by the disk")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    journal = Journal(written(tmp_path / "journal.db"))
    async with at_work(journal) as serving:
        with suppress(StoreFailed):
            await journal.commit(failing)
        await until(serving.done)
    spoil(tmp_path / "journal.db", 30)
    assert await opened(journal) is FailKind.CORRUPT


@pytest.mark.threat("D4")
async def test_an_opening_that_is_broken_off_leaves_no_thread() -> None:
    begun, let_go = threading.Event(), threading.Event()

    def slow() -> sqlite3.Connection:
        begun.set()
        assert let_go.wait(WITHIN_S)
        return sqlite3.connect(":memory:")

    opening = asyncio.create_task(Connection.open(slow))
    await until(begun.is_set)
    opening.cancel()
    await asyncio.sleep(0)
    let_go.set()
    with suppress(asyncio.CancelledError):
        await opening
    assert [one.name for one in threading.enumerate() if "connection" in one.name] == []


async def test_a_look_through_is_broken_off_by_a_stop(tmp_path: Path) -> None:
    journal = Journal(written(tmp_path / "journal.db"))
    await journal.open()
    looking = asyncio.create_task(journal.look_through())
    await asyncio.sleep(0)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    assert journal.failed is None
    await journal.close()


def test_verifying_the_audit_looks_at_every_page(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.db", 20)
    with closing(open_database(path, JOURNAL)) as db:
        keys = (("C1", "2026-11-04", "DAY", "", f"e{n}") for n in range(500))
        db.executemany("INSERT INTO usage VALUES (?, ?, ?, ?, ?)", keys)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert isinstance(audit.verify(path), audit.Verified)
    spoil(path, -1)
    with closing(sqlite3.connect(path)) as db, pytest.raises(StoreFailed):
        quick_check(db, path)
    with pytest.raises(StoreFailed) as failed:
        audit.verify(path)
    assert failed.value.kind is FailKind.CORRUPT


async def test_a_cut_while_the_file_is_made_leaves_one_that_opens(tmp_path: Path) -> None:
    """The first pages are written with a rollback journal, before there is a WAL."""
    made, path = tmp_path / "made.db", tmp_path / "journal.db"
    with closing(sqlite3.connect(made, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")
        db.execute("CREATE TABLE half (text TEXT)")
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO half VALUES (?)", [("x" * 3_000,)] * 50)
        for name in ("", "-journal"):  # as a power cut would leave them
            shutil.copy(f"{made}{name}", f"{path}{name}")
        db.execute("ROLLBACK")
    journal = Journal(path)
    await journal.open()
    assert journal.failed is None
    await journal.close()
