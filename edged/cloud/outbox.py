"""The journal as it is sent: the audit's records are the outbox, the cursor lies beside them."""

import json
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from cloud_link.ports import Standing, Taken
from cloud_link.wire import Buffer
from edged import limits
from edged.core import events
from edged.ports import Ports
from edged.store import audit
from edged.store import limits as kept
from edged.store.connection import Connection, connect_read_only
from edged.store.cosigned import Cosignature
from edged.store.errors import StoreFailed
from edged.store.ledger import Ledger
from edged.store.record import Record

T = TypeVar("T")


class JournalOutbox:
    """Implements `cloud_link.ports.Outbox`.

    It reads beside the journal's writer, so that a long outbox holds up no entry. Every call
    raises StoreFailed where the file fails.

    Args:
        ports: The daemon's.
        path: The journal's file.
    """

    def __init__(self, ports: Ports, path: Path) -> None:
        self._ports = ports
        self.path = path
        self._db: Connection | None = None

    async def standing(self) -> Standing:
        """Tell where the journal stands."""
        return await self.read(_standing)

    async def wait_beyond(self, seq: int) -> None:
        """Return when there is a record with a number above `seq`."""
        await self._ports.journal.grown(seq)

    async def records(self, after: int, limit: int, max_bytes: int) -> Sequence[bytes]:
        """Return the canonical bytes of the records from `after + 1` on, at least one if any."""
        found = await self.read(partial(audit.page, after=after, limit=limit))
        records: list[bytes] = []
        for record in found:
            max_bytes -= len(record.data)
            if records and max_bytes < 0:
                break
            records.append(record.data)
        return records

    async def acknowledged(self, epoch: str, seq: int, head: bytes, envelope: bytes) -> Taken:
        """Move the cursor and keep the cosignature, on the disk when this returns.

        What is for another epoch of this journal is old news.
        """
        now = self._ports.clock.now()
        acked = now.at if now.trusted else None

        def write(ledger: Ledger) -> Taken:
            if epoch != ledger.get("epoch"):
                return Taken.KNOWN
            own = ledger.hash_of(seq)
            if seq <= _cursor(ledger):
                return Taken.KNOWN if own in {None, head} else Taken.CONFLICT
            if own != head:
                return Taken.CONFLICT
            ledger.cosign(Cosignature(seq, head, envelope), acked)
            ledger.put("cosigned", seq)
            return Taken.MOVED

        return await self._ports.journal.commit(write)

    async def rolled_back(self, epoch: str, seq: int) -> None:
        """Begin a new epoch, and record why: `seq` of `epoch` was acknowledged, we lack it.

        All that is here is sent again. Commands that were issued before may have been carried out.
        """
        stamp, began = self._ports.stamp(), secrets.token_hex(8)

        def write(ledger: Ledger) -> None:
            if epoch != ledger.get("epoch"):
                return
            last, _ = ledger.last()
            ledger.append(events.rolled_back(stamp, epoch, seq, last, began))
            ledger.put("epoch", began)
            ledger.put("cosigned", ledger.audit_start()[0])
            ledger.put("commands_since", events.stamp_text(stamp.at))

        await self._ports.journal.commit(write)

    async def buffer(self) -> Buffer:
        """Tell what waits to be acknowledged, and for how many days more there is room.

        Bytes and days are reckoned from the newest records, as much as a page of them tells.
        """
        return await self.read(partial(_buffer, folder=self.path.parent))

    async def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """Look at the journal as it is on the disk."""
        if self._db is None:
            self._db = await Connection.open(partial(connect_read_only, self.path))
        try:
            return await self._db.run(partial(_at_once, look))
        except StoreFailed:
            await self.close()
            raise

    async def close(self) -> None:
        """Close what was opened for reading; the next call opens it again."""
        db, self._db = self._db, None
        if db is not None:
            await db.close()


def _at_once(look: Callable[[sqlite3.Connection], T], db: sqlite3.Connection) -> T:
    """Let all that is looked at be of one moment."""
    db.execute("BEGIN")
    try:
        return look(db)
    finally:
        db.execute("ROLLBACK")


def _standing(db: sqlite3.Connection) -> Standing:
    ledger = Ledger(db)
    seq, head = ledger.last()
    fresh = ledger.get("fresh") is True
    return Standing(str(ledger.get("epoch")), seq, head, _cursor(ledger), fresh)


def _cursor(ledger: Ledger) -> int:
    """Return the last record that the cloud has; what was pruned it has."""
    kept = ledger.get("cosigned")
    return kept if isinstance(kept, int) else ledger.audit_start()[0]


def _buffer(db: sqlite3.Connection, folder: Path) -> Buffer:
    ledger, free_bytes = Ledger(db), shutil.disk_usage(folder).free
    seq, _ = ledger.last()
    waiting, newest = seq - _cursor(ledger), audit.page(db, seq - kept.PAGE_RECORDS, seq)
    if not newest:
        return Buffer(records=0, bytes=0, days=limits.BUFFER_DAYS)
    size = sum(len(record.data) for record in newest)
    first, last = (_day(record) for record in (newest[0], newest[-1]))
    days = free_bytes * (max(last - first, timedelta(0)) / timedelta(days=1)) / size
    room = min(int(days), limits.BUFFER_DAYS) if last > first else limits.BUFFER_DAYS
    return Buffer(records=waiting, bytes=waiting * size // len(newest), days=room)


def _day(record: Record) -> datetime:
    return datetime.fromisoformat(json.loads(record.data)["occurred_at"])
