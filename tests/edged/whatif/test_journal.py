import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from edged.store.errors import SchemaTooNew, StoreFailed
from edged.whatif import journal as reader
from edged.whatif.journal import Held, Uses, existing
from policy.model import UsageKey
from tests.edged.whatif import club

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


def test_a_key_is_given_with_its_events(uses_of: Callable[..., Uses]) -> None:
    uses = uses_of(
        club.used("2026-11-04", "e2"),
        club.used("2026-11-04", "e1"),
        club.used("2026-11-02", "e3"),
        club.withdrawn("e2"),
        club.withdrawn("e3"),
        club.used("2026-12-01", "e4"),
        club.used("2026-11-05", "e5", owner="C2"),
    )
    found = uses.held(["C1"], FIRST, LAST)
    assert found == [
        Held(UsageKey("C1", "DAY", date(2026, 11, 2)), (), ("e3",)),
        Held(UsageKey("C1", "DAY", date(2026, 11, 4)), ("e1",), ("e2",)),
    ]
    assert existing(found) == uses.known((["C1"], FIRST, LAST))
    assert existing(found) == existing(found[1:])


def test_a_journal_that_is_not_there_holds_nothing(journal: Path) -> None:
    with reader.reading(journal) as uses:
        assert uses.held(["C1"], FIRST, LAST) == []
    assert list(reader.records(journal)) == []
    assert not journal.exists()


def test_a_journal_of_a_newer_release_is_refused(journal: Path) -> None:
    club.write_journal(journal)
    with closing(sqlite3.connect(journal)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(SchemaTooNew), reader.reading(journal):
        pass


def test_a_file_that_is_no_database_is_refused(journal: Path) -> None:
    journal.parent.mkdir()
    journal.write_bytes(b"no database, and longer than a header would be" * 100)
    with pytest.raises(StoreFailed), reader.reading(journal) as uses:
        uses.held(["C1"], FIRST, LAST)


def test_records_come_in_order(journal: Path) -> None:
    club.write_journal(journal, *(club.passage(f"2026-11-0{n}T12:00", f"e{n}") for n in (1, 2, 3)))
    assert [body["event_id"] for body in reader.records(journal)] == ["e1", "e2", "e3"]
