"""The database: SQLite in a file, or PostgreSQL by its URL. One transaction at a time a worker."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hil.cloud import limits, tables

Row = Mapping[str, Any]


class Store:
    """The database behind a URL."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            _own_transactions(self._engine)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction that may write: durable when this returns, undone if it raises.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database refused, or is not there.
        """
        with self._engine.begin() as db:
            yield db

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One look at the database that holds nobody up.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database refused, or is not there.
        """
        with self._engine.connect().execution_options(reading=True) as db:
            yield db

    def create(self) -> None:
        """Make the tables that are not there."""
        tables.SCHEMA.create_all(self._engine)

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()


def add(db: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows whose key is new; leave the others as they are."""
    if rows:
        db.execute(_adding(db.dialect.name, table), list(rows))


def put(db: Connection, table: Table, row: Row) -> None:
    """Insert a row, or change the one with its key."""
    db.execute(_putting(db.dialect.name, table, frozenset(row)), row)


def number(db: Connection, name: str, count: int = 1) -> int:
    """Draw `count` numbers; return the last. Whoever draws next waits for this transaction.

    So numbers become visible in their order, which is what makes a position mean something.
    """
    add(db, tables.counter, [{"name": name, "value": 0}])
    counter = tables.counter
    drawn = (
        update(counter)
        .where(counter.c.name == name)
        .values(value=counter.c.value + count)
        .returning(counter.c.value)
    )
    return int(db.execute(drawn).scalar_one())


def drawn(db: Connection, name: str) -> int:
    """Return the last number drawn; 0 if none was."""
    counter = tables.counter
    found = db.execute(select(counter.c.value).where(counter.c.name == name)).scalar()
    return int(found or 0)


@cache
def _adding(dialect: str, table: Table) -> Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


@cache
def _putting(dialect: str, table: Table, names: frozenset[str]) -> Insert:
    insert = _insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    changed = {name: insert.excluded[name] for name in sorted(names - set(keys))}
    return insert.on_conflict_do_update(index_elements=keys, set_=changed)


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def _own_transactions(engine: Engine) -> None:
    """Let transactions begin with the write lock, which the driver by itself takes too late."""

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {limits.BUSY_MS:d}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begun(db: Connection) -> None:
        reading = db.get_execution_options().get("reading", False)
        db.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
