"""Pages of one commit beside pages of another: what a disk leaves that lost some of its writes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from itertools import chain, combinations
from pathlib import Path
from typing import Final

import pytest

from edged.store import audit, checksum
from edged.store.connection import open_database
from edged.store.errors import StoreFailed
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from edged.store.migrations import JOURNAL
from policy.model import UsageKey
from tests.edged.fakes import until
from tests.edged.store.test_damage import PAGE, at_work
from tests.edged.store.test_journal import together
from tests.edged.store.test_migrations import load

TABLES = (
    *("answered", "booking_use", "checked_in", "cosigned", "locker", "locker_command", "once"),
    *("seat", "spent", "state", "step", "usage", "visit", "withdrawn"),
)
MOST = 62
_ROWS: Final = "SELECT * FROM {}"
_NEW: Final = "INSERT OR REPLACE INTO {} VALUES ({})"
_NONE: Final = "DELETE FROM {}"


def write(ledger: Ledger, n: int) -> None:
    """Write to the audit, to a table, and to another one that has an index beside it."""
    ledger.append({"kind": "note", "text": "x" * 300})
    ledger.add_key(UsageKey("C1", "DAY", date(2026, 11, 4)), f"event-{n:03d}" * 4)
    ledger.keep_answer(f"command-{n}", b"digest", n)


def committed(path: Path, first: int, last: int) -> bytes:
    """Commit these one by one, and return the file with all of them."""
    with closing(open_database(path, JOURNAL)) as db:
        for n in range(first, last):
            db.execute("BEGIN")
            write(Ledger(db), n)
            db.execute("COMMIT")
    return path.read_bytes()


def held(path: Path) -> list[object]:
    """Return all that the file holds, and finds; nothing: it is not taken for whole."""
    try:
        with closing(open_database(path, JOURNAL, audit.check_tail)) as db:
            audit.check_all(db, path)
            found = [Ledger(db).answer_of(f"command-{n}") for n in range(MOST)]
            return [*db.iterdump(), *found]
    except (StoreFailed, sqlite3.Error):
        return []


def some(pages: list[slice]) -> Iterator[tuple[slice, ...]]:
    """Choose some of the pages, in each way that there is."""
    return chain.from_iterable(combinations(pages, count) for count in range(len(pages) + 1))


@pytest.mark.fault("journal-damaged")
@pytest.mark.parametrize(("first", "last"), [(4, 5), (40, 41), (60, MOST)])
def test_whatever_writes_of_a_commit_are_lost_it_is_seen(
    tmp_path: Path, first: int, last: int
) -> None:
    path = tmp_path / "journal.db"
    before = committed(path, 0, first)
    whole_before = held(path)
    after = committed(path, first, last)
    whole = held(path)
    changed = [
        slice(at, at + PAGE)
        for at in range(0, len(before), PAGE)
        if before[at : at + PAGE] != after[at : at + PAGE]
    ]
    found = []
    for lost in some(changed):
        image = bytearray(after)
        for page in lost:
            image[page] = before[page]
        path.write_bytes(image)
        found.append(held(path))
        assert found[-1] in ([], whole, whole_before), f"{lost} of {changed}"
    assert found[0] == whole
    assert len(changed) >= 5


@pytest.mark.parametrize("table", TABLES)
def test_each_table_counts_and_each_way_to_change_it(tmp_path: Path, table: str) -> None:
    path = tmp_path / "journal.db"
    load(f"journal-{len(JOURNAL)}.sql", path)
    with closing(open_database(path, JOURNAL)) as db:
        rows = db.execute(_ROWS.format(table)).fetchall()
        new = _NEW.format(table, ", ".join("?" * len(rows[0])))
        db.executemany(new, rows)  # in place of themselves
        checksum.check_rows(db, path)
        db.execute(_NONE.format(table))
        checksum.check_rows(db, path)
        db.executemany(new, rows)
        checksum.check_rows(db, path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(_NONE.format(table))
        with pytest.raises(StoreFailed):
            checksum.check_rows(db, path)


def test_no_table_is_left_out(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "journal.db", JOURNAL)) as db:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        assert {name for (name,) in names} == {"audit", "checksum", *TABLES}


async def test_what_is_undone_does_not_count(journal: Journal) -> None:
    def broken(ledger: Ledger) -> None:
        write(ledger, 7)
        raise LookupError

    await journal.commit(lambda ledger: write(ledger, 1))
    with pytest.raises(LookupError):
        await journal.commit(broken)
    assert isinstance(audit.verify(journal._path), audit.Verified)
    await together(journal, broken, lambda ledger: write(ledger, 2), broken)
    assert isinstance(audit.verify(journal._path), audit.Verified)


@pytest.mark.fault("journal-damaged")
async def test_a_row_that_is_lost_is_seen_while_the_journal_works(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    committed(path, 0, 3)
    journal = Journal(path)
    async with at_work(journal):
        await journal.look_through()
        assert journal.failed is None
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM usage WHERE event LIKE 'event-001%'")
    async with at_work(journal) as serving:
        await journal.look_through()
        await until(serving.done)
    with pytest.raises(StoreFailed):  # all of it is looked at before
        await journal.open()
