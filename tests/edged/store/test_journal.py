import asyncio
import random
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from edged.store import audit, limits
from edged.store.audit import Verified
from edged.store.connection import connect
from edged.store.journal import FailKind, Journal, StoreFailed, _copy
from edged.store.ledger import Ledger
from tests.edged.fakes import WITHIN_S, settle


def append(name: str) -> Callable[[Ledger], int]:
    return lambda ledger: ledger.append({"name": name})


def wait(for_it: threading.Event) -> None:
    assert for_it.wait(WITHIN_S)


class Held:
    """A transaction that stays in the writer's thread until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, ledger: Ledger) -> int:
        self.begun.set()
        wait(self.let_go)
        return ledger.append({"name": "held"})

    async def wait_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, WITHIN_S)


async def together(journal: Journal, *writes: Callable[[Ledger], object]) -> list[object]:
    """Let all of these share one commit: they wait behind one that writes nothing."""
    begun, let_go = threading.Event(), threading.Event()

    def hold(_: Ledger) -> None:
        begun.set()
        wait(let_go)

    first = asyncio.create_task(journal.commit(hold))
    assert await asyncio.to_thread(begun.wait, WITHIN_S)
    sharing = [asyncio.create_task(journal.commit(write)) for write in writes]
    await asyncio.sleep(0)
    let_go.set()
    await first
    return list[object](await asyncio.gather(*sharing, return_exceptions=True))


async def names(journal: Journal) -> list[str]:
    """Read what is stored from beside the journal, which must be in no transaction."""
    db = journal._db
    assert db is not None
    assert not await db.run(lambda raw: raw.in_transaction)
    records = audit.read_records(journal._path, 0, 10_000)
    return [record.data.decode().split('"name":"')[1].split('"')[0] for record in records]


async def count_commits(journal: Journal) -> list[str]:
    """Collect the commits that the writer makes from here on."""
    db = journal._db
    assert db is not None
    seen: list[str] = []

    def note(sql: str) -> None:
        if sql == "COMMIT":
            seen.append(sql)

    await db.run(lambda raw: raw.set_trace_callback(note))
    return seen


async def test_a_commit_returns_what_the_function_returned(journal: Journal) -> None:
    assert await journal.commit(append("a")) == 1
    assert await journal.commit(append("b")) == 2
    assert await names(journal) == ["a", "b"]


async def test_transactions_that_wait_together_share_one_commit(journal: Journal) -> None:
    commits = await count_commits(journal)
    held = Held()
    first = asyncio.create_task(journal.commit(held))
    await held.wait_begun()
    others = [asyncio.create_task(journal.commit(append(str(i)))) for i in range(64)]
    await asyncio.sleep(0)
    held.let_go.set()
    assert await asyncio.gather(first, *others) == list(range(1, 66))
    assert len(commits) == 2


async def test_a_function_that_raises_is_undone_alone(journal: Journal) -> None:
    def broken(ledger: Ledger) -> None:
        ledger.append({"name": "broken"})
        ledger.put("broken", 1)
        raise LookupError("mine")

    results = await together(
        journal, append("a"), broken, append("b"), lambda ledger: ledger.get("broken")
    )
    assert [repr(result) for result in results] == ["1", "LookupError('mine')", "2", "None"]
    assert await names(journal) == ["a", "b"]


async def test_a_function_that_raises_with_nobody_beside_it_leaves_nothing(
    journal: Journal,
) -> None:
    def broken(ledger: Ledger) -> None:
        ledger.append({"name": "broken"})
        raise LookupError("mine")

    with pytest.raises(LookupError):
        await journal.commit(broken)
    assert await names(journal) == []
    assert await journal.commit(append("a")) == 1


async def test_who_comes_while_the_writer_wakes_goes_with_the_first(journal: Journal) -> None:
    db, commits, let_go = journal._db, await count_commits(journal), threading.Event()
    assert db is not None
    db.post(lambda _: wait(let_go))  # it is not awake yet
    waiting = [asyncio.create_task(journal.commit(append(str(i)))) for i in range(3)]
    await settle()
    let_go.set()
    assert await asyncio.gather(*waiting) == [1, 2, 3]
    assert len(commits) == 1


async def test_a_broken_statement_is_the_callers_own(journal: Journal) -> None:
    def twice(ledger: Ledger) -> None:
        ledger.append({"name": "twice"})
        ledger._db.execute("INSERT INTO audit VALUES (1, x'', x'')")

    results = await together(journal, append("a"), twice)
    assert results[0] == 1
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert await names(journal) == ["a"]


@pytest.mark.parametrize("stray", [StopIteration, KeyError, asyncio.CancelledError])
async def test_whatever_a_function_raises_the_writer_goes_on(
    journal: Journal, stray: type[BaseException]
) -> None:
    def broken(_: Ledger) -> None:
        raise stray

    with pytest.raises((RuntimeError, KeyError, asyncio.CancelledError)):
        await journal.commit(broken)
    assert await journal.commit(append("a")) == 1


@pytest.mark.threat("D2")
async def test_a_cancelled_caller_leaves_its_work_to_the_writer(journal: Journal) -> None:
    held = Held()
    running = asyncio.create_task(journal.commit(held))
    await held.wait_begun()
    waiting = asyncio.create_task(journal.commit(append("waiting")))
    await asyncio.sleep(0)
    running.cancel()
    waiting.cancel()
    held.let_go.set()
    assert await journal.commit(append("after")) == 3
    assert running.cancelled()
    assert waiting.cancelled()
    assert await names(journal) == ["held", "waiting", "after"]


@pytest.mark.threat("D2")
@pytest.mark.parametrize("seed", range(5))
async def test_cancelling_at_any_point_loses_nothing_and_invents_nothing(
    journal: Journal, seed: int
) -> None:
    chance = random.Random(seed)
    callers = {str(i): asyncio.create_task(journal.commit(append(str(i)))) for i in range(100)}
    for task in callers.values():
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        if chance.random() < 0.5:
            task.cancel()
    results = await asyncio.gather(*callers.values(), return_exceptions=True)
    await journal.commit(append("last"))
    stored = await names(journal)
    for name, result in zip(callers, results, strict=True):
        if isinstance(result, int):
            assert stored[result - 1] == name
        assert isinstance(result, int | asyncio.CancelledError)
    assert len(stored) == len(set(stored))
    assert isinstance(audit.verify(journal._path), Verified)


async def test_when_too_many_wait_the_next_is_told_at_once(journal: Journal) -> None:
    held = Held()
    first = asyncio.create_task(journal.commit(held))
    await held.wait_begun()
    waiting = [asyncio.create_task(journal.commit(append(str(i)))) for i in range(limits.WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(StoreFailed) as refused:
        await journal.commit(append("too many"))
    assert refused.value.kind is FailKind.BUSY
    held.let_go.set()
    assert len(await asyncio.gather(first, *waiting)) == limits.WAITING + 1
    assert "too many" not in await names(journal)


async def set_max_pages(journal: Journal, more: int) -> None:
    """Let the file grow by `more` pages at most; negative: as it likes."""
    db = journal._db
    assert db is not None

    def limit(raw: sqlite3.Connection) -> None:
        (count,) = raw.execute("PRAGMA page_count").fetchone()
        raw.execute(f"PRAGMA max_page_count = {count + more if more >= 0 else 2**30}")

    await db.run(limit)


@pytest.mark.fault("disk-full")
async def test_a_full_disk_fails_everyone_alike_and_passes(journal: Journal) -> None:
    big = {"name": "big", "text": "x" * 8_000}
    await journal.commit(append("before"))
    await set_max_pages(journal, 3)
    several = [lambda ledger: ledger.append(big)] * 5
    results = await together(journal, append("small"), *several)
    assert [getattr(result, "kind", result) for result in results] == [FailKind.FULL] * 6
    assert await names(journal) == ["before"]
    await set_max_pages(journal, -1)
    assert await journal.commit(append("after")) == 2
    assert audit.verify(journal._path) == Verified(
        2, audit.read_records(journal._path, 1, 1)[0].hash
    )


async def test_a_failed_commit_fails_everyone_and_leaves_no_transaction(journal: Journal) -> None:
    db = journal._db
    assert db is not None
    await db.run(
        lambda raw: raw.set_authorizer(
            lambda action, what, *_: (
                sqlite3.SQLITE_DENY
                if (action, what) == (sqlite3.SQLITE_TRANSACTION, "COMMIT")
                else sqlite3.SQLITE_OK
            )
        )
    )
    results = await asyncio.gather(
        journal.commit(append("a")), journal.commit(append("b")), return_exceptions=True
    )
    assert [type(result) for result in results] == [StoreFailed, StoreFailed]
    await db.run(lambda raw: raw.set_authorizer(None))
    assert await names(journal) == []
    assert await journal.commit(append("c")) == 1


async def test_nobody_is_told_before_the_commit(journal: Journal) -> None:
    db, reached, let_go = journal._db, threading.Event(), threading.Event()
    assert db is not None

    def hold(action: int, what: str | None, *_: object) -> int:
        if (action, what) == (sqlite3.SQLITE_TRANSACTION, "COMMIT"):
            reached.set()
            let_go.wait(WITHIN_S)
        return sqlite3.SQLITE_OK

    await db.run(lambda raw: raw.set_authorizer(hold))
    told = asyncio.create_task(journal.commit(append("a")))
    assert await asyncio.to_thread(reached.wait, WITHIN_S)
    await settle()
    early = told.done()
    let_go.set()
    assert (early, await told) == (False, 1)
    await db.run(lambda raw: raw.set_authorizer(None))


@pytest.mark.fault("disk-fails")
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, FailKind.IO),
        (sqlite3.SQLITE_CORRUPT, FailKind.CORRUPT),
        (sqlite3.SQLITE_NOTADB, FailKind.CORRUPT),
    ],
)
async def test_after_a_failed_fsync_or_damage_nothing_is_believed(
    journal: Journal, code: int, kind: FailKind
) -> None:
    def failing(_: Ledger) -> None:
        error = sqlite3.OperationalError("said by the disk")
        error.sqlite_errorcode = code
        raise error

    for write in (failing, append("never")):
        with pytest.raises(StoreFailed) as failed:
            await journal.commit(write)
        assert failed.value.kind is kind
        assert failed.value.doubtful is (write is failing and kind is FailKind.IO)
    assert journal.failed is not None
    assert await names(journal) == []


async def test_another_process_that_writes_makes_it_busy_for_a_while(
    journal: Journal, tmp_path: Path
) -> None:
    db = journal._db
    assert db is not None
    await db.run(lambda raw: raw.execute("PRAGMA busy_timeout = 1"))
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFailed) as failed:
        await journal.commit(append("a"))
    assert failed.value.kind is FailKind.BUSY
    other.execute("ROLLBACK")
    other.close()
    assert await journal.commit(append("b")) == 1


async def test_stopping_tells_the_truth_to_everyone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    await journal.open()
    serving = asyncio.create_task(journal.serve())
    held = Held()
    running = asyncio.create_task(journal.commit(held))
    await held.wait_begun()
    waiting = asyncio.create_task(journal.commit(append("waiting")))
    await asyncio.sleep(0)
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    held.let_go.set()
    assert await running == 1
    for late in (waiting, asyncio.create_task(journal.commit(append("late")))):
        with pytest.raises(StoreFailed) as failed:
            await late
        assert failed.value.kind is FailKind.CLOSED
    assert await names(journal) == ["held"]
    await journal.close()
    await journal.open()
    assert journal.failed is None
    await journal.close()


async def test_nothing_is_taken_before_it_is_open(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    for call in (journal.commit(append("a")), journal.serve()):
        with pytest.raises(StoreFailed) as failed:
            await call
        assert failed.value.kind is FailKind.CLOSED
    await journal.close()


async def test_a_commit_is_on_the_disk_when_it_returns(journal: Journal) -> None:
    db = journal._db
    assert db is not None
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "wal_autocheckpoint": limits.CHECKPOINT_PAGES,
        "journal_size_limit": limits.WAL_BYTES,
    }
    found = await db.run(
        lambda raw: {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
    )
    assert found == wanted
    assert db.isolation_level is None


async def test_a_damaged_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database" * 1_000)
    journal = Journal(path)
    with pytest.raises(StoreFailed) as failed:
        await journal.open()
    assert failed.value.kind is FailKind.CORRUPT


def test_a_log_whose_file_is_closed_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    """Found by the simulation: a copying that came behind the closing ended the daemon."""
    db = connect(tmp_path / "journal.db")
    db.close()
    assert _copy(db) is None
