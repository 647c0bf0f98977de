"""Reading the journal from outside: for the command line, beside the daemon or without it.

Every call opens the file read-only and reads it in short pieces, so that a long look never
holds back the daemon's checkpoints.
"""

import csv
import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, TextIO

from edged.core.seating import SeatChange
from edged.store import checksum, cosigned, ledger, limits, seats
from edged.store.connection import connect_read_only, quick_check
from edged.store.errors import FailKind, StoreFailed, store_failure
from edged.store.migrations import JOURNAL, check_version
from edged.store.record import Record, canonical
from policy.model import UsageKey, Visit

COLUMNS: Final = (
    "seq",
    "kind",
    "occurred_at",
    "local_time",
    "clock",
    "event_id",
    "device",
    "door",
    "side",
    "mode",
    "member",
    "code_kind",
    "service_date",
    "decision",
    "reason",
    "via",
    "band",
    "usage_keys",
    "delta",
    "warnings",
    "outcome",
    "rules_version",
    "more",
    "prev",
)
"""The columns of the CSV, in order: the keys of a record by their own names (spec/rules.md 2.8),
and `more`, the record's other keys as JSON. Append-only, before `more`."""


_SEATS_SINCE: Final = 2
"""The journal's schema version that brought the table of seats."""

_ALL_THERE: Final = (
    "SELECT count(*) = coalesce(max(seq), 0) - coalesce((SELECT json_extract(value, '$[0]')"
    " FROM state WHERE name = 'audit_start'), 0) FROM audit"
)
"""In one statement, for whoever prunes beside it changes both."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Every record follows the one before. `head`: hash of the last one, GENESIS if none.

    `after`: the record before the first that is kept. `cosigned`: the last record that the cloud
    has signed, 0 if none. That no tail was cut off behind it, only a head that is kept elsewhere
    can show.
    """

    count: int
    head: bytes
    after: int = 0
    cosigned: int = 0


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where the chain is not as it was written, and what is wrong there."""

    seq: int
    why: str


def read_records(path: Path, after: int, limit: int) -> list[Record]:
    """Read at most `limit` records with a seq above `after`, in order, unverified.

    Raises:
        SchemaTooNew, StoreFailed: The file can't be read.
    """
    with _reading(path) as db:
        return page(db, after, limit)


def read_newest(path: Path, limit: int) -> list[Record]:
    """Read the last `limit` records, in order, unverified.

    Raises:
        SchemaTooNew, StoreFailed: The file can't be read.
    """
    with _reading(path) as db:
        (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM audit").fetchone()
        return page(db, last - limit, limit)


def verify(path: Path) -> Verified | Broken:
    """Walk the whole chain: every edit, deletion, insertion and swap before its head shows.

    It has to begin where it was cut, and to pass through every checkpoint that the cloud signed
    (whose signatures are the business of edged/cloud). Then look through every page of the file,
    so that damage beside the audit shows too.

    Raises:
        SchemaTooNew: A newer release wrote the file.
        StoreFailed: It can't be read, or a page is damaged.
    """
    with _reading(path) as db:
        seq, prev = after, _ = cosigned.start(db)
        marks = {one.seq: one.head for one in cosigned.read(db)}
        if after and marks.get(after) != prev:
            return Broken(after, "the audit does not begin at a checkpoint that was cosigned")
        for record in _all(db):
            seq += 1
            if why := _fault(record, seq, prev):
                return Broken(seq, why)
            prev = record.hash
            if marks.get(seq, prev) != prev:
                return Broken(seq, "the cloud has cosigned another record of this number")
        last = max(marks, default=0)
        if last > seq:
            return Broken(seq + 1, f"the cloud has cosigned record {last}, which is missing")
        check_all(db, path)
    return Verified(seq - after, prev, after, last)


def check_tail(db: sqlite3.Connection, path: Path) -> None:
    """Check that the last `limits.PAGE_RECORDS` records follow each other, up to the last commit.

    What a card loses that lies about an fsync is the newest. It takes as long for a large file
    as for a small one.

    Raises:
        StoreFailed: CORRUPT, with the first thing found.
        sqlite3.Error: The file can't be read.
    """
    if not check_version(db, path, JOURNAL):
        return
    after, prev = cosigned.start(db)
    (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM audit").fetchone()
    before, *tail = [
        Record(after, b"", prev),
        *page(db, last - limits.PAGE_RECORDS - 1, limits.PAGE_RECORDS + 1),
    ][last - after > limits.PAGE_RECORDS :]
    for seq, record in enumerate(tail, before.seq + 1):
        if why := _fault(record, seq, before.hash):
            raise StoreFailed(FailKind.CORRUPT, f"{path}: record {seq}: {why}")
        before = record
    checksum.check_head(db, path)


def check_all(db: sqlite3.Connection, path: Path) -> None:
    """Look through every page and every row beside the audit, also beside the writer.

    Of the audit only the number of its records is looked at; `verify` is for what is in them.

    Raises:
        StoreFailed: CORRUPT, with the first thing found.
        sqlite3.Error: The file can't be read.
    """
    quick_check(db, path, indexes=True)
    checksum.check_head(db, path)
    checksum.check_rows(db, path)
    if db.execute(_ALL_THERE).fetchone() != (1,):
        raise StoreFailed(FailKind.CORRUPT, f"{path}: a record is missing")


def export_csv(path: Path, out: TextIO) -> int:
    """Write all records as CSV, `COLUMNS` first; return how many.

    `out` is opened with newline="". No cell can be taken for a formula by a spreadsheet.

    Raises:
        SchemaTooNew, StoreFailed: The file can't be read.
    """
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    count = 0
    with _reading(path) as db:
        for record in _all(db):
            try:
                body = json.loads(record.data)
            except ValueError as error:
                raise StoreFailed(FailKind.CORRUPT, f"record {record.seq}: {error}") from error
            rows.writerow(_cells(body))
            count += 1
    return count


def read_used(path: Path, owners: Collection[str], first: date, last: date) -> frozenset[UsageKey]:
    """Read usage keys as `Ledger.used` does.

    Raises:
        SchemaTooNew, StoreFailed: The file can't be read.
    """
    with _reading(path) as db:
        return ledger.used(db, owners, first, last)


def read_visit(path: Path, member: str, store: str) -> Visit | None:
    """Read an open visit as `Ledger.visit` does.

    Raises:
        SchemaTooNew, StoreFailed: The file can't be read.
    """
    with _reading(path) as db:
        return ledger.visit(db, member, store)


def read_seat(path: Path, store: str, seat: str) -> SeatChange | None:
    """Read the last change of a seat as `Ledger.seat_change` does.

    A journal of before there were seats, which no daemon has opened since, has none.

    Raises:
        SchemaTooNew, StoreFailed: The file can't be read.
    """
    with _reading(path) as db:
        if check_version(db, path, JOURNAL) < _SEATS_SINCE:
            return None
        return seats.read(db, store, seat)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(connect_read_only(path)) as db:
            check_version(db, path, JOURNAL)
            yield db
    except sqlite3.Error as error:
        raise store_failure(error) or error from error


def page(db: sqlite3.Connection, after: int, limit: int) -> list[Record]:
    """Read at most `limit` records with a seq above `after`, in order, unverified."""
    rows = db.execute(
        "SELECT seq, CAST(record AS BLOB), CAST(hash AS BLOB) FROM audit"
        " WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, limit),
    )
    return [Record(*row) for row in rows]


def _all(db: sqlite3.Connection) -> Iterator[Record]:
    after = 0
    while found := page(db, after, limits.PAGE_RECORDS):
        yield from found
        after = found[-1].seq


def _fault(record: Record, seq: int, prev: bytes) -> str | None:
    """Say what is wrong with the record that should be number `seq` after `prev`."""
    if record.seq != seq:
        return f"record {seq} is missing"
    if hashlib.sha256(record.data).digest() != record.hash:
        return "the record does not have its hash"
    try:
        body = json.loads(record.data)
        own = canonical(body) == record.data and (body["seq"], body["prev"])
    except (ValueError, TypeError, KeyError, RecursionError):
        own = False
    if not own:
        return "the record is not canonical"
    if own != (seq, prev.hex()):
        return "the record does not follow the one before"
    return None


def _cells(body: dict[str, Any]) -> list[str]:
    more = {key: value for key, value in body.items() if key not in COLUMNS}
    return [_cell(more or None if name == "more" else body.get(name)) for name in COLUMNS]


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a record may hold
    """Spell a value; text that a spreadsheet would calculate gets a quote before it."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = " ".join(map(str, value))
    text = value if isinstance(value, str) else canonical(value).decode()
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
