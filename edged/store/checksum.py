"""What the rows beside the audit add up to, and of which record: a page that a disk lost shows.

A lost write leaves a page as it once was. It is whole, and so is each table; only what one commit
wrote to several pages tells that one of them is old. So each commit writes the sum of all rows'
CRC-32 and the hash of the newest record into one row more. Triggers of the connection do it: SQLite
undoes it with whatever is undone, and no statement can be forgotten.
"""

import sqlite3
import zlib
from itertools import groupby
from pathlib import Path
from typing import Final

from edged.store.errors import FailKind, StoreFailed

_COLUMNS: Final = (
    "SELECT t.name, c.name FROM main.sqlite_master AS t, pragma_table_info(t.name) AS c"
    " WHERE t.type = 'table' AND t.name NOT IN ('audit', 'checksum') ORDER BY t.name, c.cid"
)
_HEAD: Final = "coalesce((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), zeroblob(32))"
_SUM: Final = "(SELECT coalesce(sum({row}), 0) FROM {table})"
_IS: Final = "SELECT {column} = {wanted} FROM checksum"
_TRIGGER: Final = (
    "CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table}"
    " BEGIN UPDATE checksum SET {change}; END"
)


def begin(db: sqlite3.Connection) -> None:
    """Add up all rows anew: the last statement of a step that changes a table beside the audit."""
    db.execute(f"INSERT OR REPLACE INTO checksum SELECT 1, {_HEAD}, {_total(db)}")


def keep(db: sqlite3.Connection) -> None:
    """Let every change by this connection change the checksum with it, if the file has one."""
    if not _there(db):
        return
    db.execute("PRAGMA recursive_triggers = ON")  # else a row that is replaced goes unseen
    for table, columns in _tables(db):
        new, old = _crc(table, columns, "new."), _crc(table, columns, "old.")
        for event, more in (("INSERT", new), ("DELETE", f"-{old}"), ("UPDATE", f"{new} - {old}")):
            change = f"total = total + {more}"
            db.execute(_TRIGGER.format(table=table, event=event, change=change))
    db.execute(_TRIGGER.format(table="audit", event="INSERT", change="head = new.hash"))


def check_head(db: sqlite3.Connection, path: Path) -> None:
    """Check that the checksum is of the newest record. It takes no longer for a large file.

    Raises:
        StoreFailed: CORRUPT, it is of another one.
    """
    _check(db, f"{path}: the newest record is not of the last commit", "head", _HEAD)


def check_rows(db: sqlite3.Connection, path: Path) -> None:
    """Check that the rows beside the audit add up. It reads them all.

    Raises:
        StoreFailed: CORRUPT, they don't.
    """
    _check(db, f"{path}: the tables beside the audit are not of one commit", "total", _total(db))


def _check(db: sqlite3.Connection, problem: str, column: str, wanted: str) -> None:
    """In one statement: whoever writes beside it changes both, or neither."""
    right = _IS.format(column=column, wanted=wanted)
    if _there(db) and db.execute(right).fetchone() != (1,):
        raise StoreFailed(FailKind.CORRUPT, problem)


def _there(db: sqlite3.Connection) -> bool:
    """Tell whether the schema has it yet."""
    found = db.execute("SELECT 1 FROM main.sqlite_master WHERE name = 'checksum'").fetchone()
    return found is not None


def _tables(db: sqlite3.Connection) -> list[tuple[str, list[str]]]:
    """Name the tables beside the audit, with their columns; make `crc32` known to SQLite."""
    db.create_function("crc32", 1, zlib.crc32, deterministic=True)
    rows = db.execute(_COLUMNS).fetchall()
    return [(table, [name for _, name in of]) for table, of in groupby(rows, lambda row: row[0])]


def _total(db: sqlite3.Connection) -> str:
    """Spell the sum over all rows."""
    return " + ".join(
        _SUM.format(row=_crc(table, columns), table=table) for table, columns in _tables(db)
    )


def _crc(table: str, columns: list[str], row: str = "") -> str:
    values = " || ',' || ".join(f"quote({row}{column})" for column in columns)
    return f"crc32(CAST('{table}' || {values} AS BLOB))"
