import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edged.store import audit
from edged.store.audit import Verified
from edged.store.connection import open_database
from edged.store.errors import SchemaTooNew
from edged.store.journal import Journal
from edged.store.migrations import JOURNAL, RULES, Steps, migrate

DUMPS = Path(__file__).parents[2] / "vectors" / "db"
FAMILIES = {"journal": JOURNAL, "rules": RULES}


def load(name: str, path: Path) -> None:
    """Make a database from a dump; it holds its schema version as a PRAGMA line."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript((DUMPS / name).read_text())


def schema(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name")
        return [(name, " ".join(sql.split())) for name, sql in rows]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_shipped_schema_has_its_dump(family: str) -> None:
    found = sorted(path.name for path in DUMPS.glob(f"{family}-*.sql"))
    assert found == [f"{family}-{n}.sql" for n in range(1, len(FAMILIES[family]) + 1)]


@pytest.mark.parametrize("name", sorted(path.name for path in DUMPS.glob("*.sql")))
def test_every_dump_becomes_what_a_new_file_is(name: str, tmp_path: Path) -> None:
    steps = FAMILIES[name.partition("-")[0]]
    load(name, tmp_path / "old.db")
    open_database(tmp_path / "old.db", steps).close()
    open_database(tmp_path / "new.db", steps).close()
    assert schema(tmp_path / "old.db") == schema(tmp_path / "new.db")


@pytest.mark.parametrize("name", sorted(path.name for path in DUMPS.glob("journal-*.sql")))
def test_the_records_of_every_dump_still_verify(name: str, tmp_path: Path) -> None:
    load(name, tmp_path / "old.db")
    open_database(tmp_path / "old.db", JOURNAL).close()
    verified = audit.verify(tmp_path / "old.db")
    assert isinstance(verified, Verified)
    assert verified.count == 3


@pytest.mark.threat("D6")
async def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    load("journal-1.sql", path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(JOURNAL) + 1}")
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew) as refused:
        await Journal(path).open()
    assert str(refused.value) == (
        f"{path}: schema version {len(JOURNAL) + 1}, this release knows up to {len(JOURNAL)}"
    )
    assert path.read_bytes() == before
    with pytest.raises(SchemaTooNew):
        audit.verify(path)


STEPS: Steps = (
    ("CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (1)"),
    ("CREATE TABLE b (x INTEGER)", "INSERT INTO nowhere VALUES (1)"),
)


@pytest.mark.threat("D6")
def test_a_step_that_fails_leaves_the_step_before(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        with pytest.raises(sqlite3.OperationalError):
            migrate(db, path, STEPS)
        assert not db.in_transaction
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("a",)]
        repaired = (STEPS[0], ("CREATE TABLE b (x INTEGER)",))
        assert migrate(db, path, repaired) == 1
        assert migrate(db, path, repaired) == 0
        assert db.execute("SELECT count(*) FROM a").fetchone() == (1,)
