"""The journal as it is sent: the audit's records are the outbox, the cursor lies beside them."""

import asyncio
import json
import secrets
import shutil
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Acked:
    """What the cloud has signed for in an epoch, and when that came; None: nobody knows."""

    epoch: str
    signed: Cosignature
    at: datetime | None


class JournalOutbox:
    """Implements `cloud_link.ports.Outbox`.

    It reads beside the journal's writer, so that a long outbox holds up no entry. Nor do the
    acknowledgements, which count at once and are written by `run`, several in one commit: what a
    crash takes of them, the cloud is sent again. Every call raises StoreFailed where the file
    fails.

    Args:
        ports: The daemon's.
        path: The journal's file.
    """

    def __init__(self, ports: Ports, path: Path) -> None:
        self._ports = ports
        self.path = path
        self._db: Connection | None = None
        self._acked: deque[_Acked] = deque(maxlen=limits.ACKS)
        self._stirred = asyncio.Event()

    async def run(self) -> None:
        """Write down what is acknowledged, for ever."""
        while True:
            while not self._acked:
                self._stirred.clear()
                await self._stirred.wait()
            await self._ports.clock.sleep_ms(limits.ACKS_MS)
            await self.keep()

    async def keep(self) -> None:
        """Write down what was acknowledged; it is on the disk when this returns."""
        told = tuple(self._acked)

        def write(ledger: Ledger) -> None:
            for one in told:
                if one.epoch == ledger.get("epoch") and one.signed.seq > _cursor(ledger):
                    ledger.cosign(one.signed, one.at)
                    ledger.put("cosigned", one.signed.seq)

        await self._ports.journal.commit(write)
        while self._acked and self._acked[0] in told:
            self._acked.popleft()

    async def standing(self) -> Standing:
        """Tell where the journal stands."""
        return await self.read(partial(_standing, ahead=self._newest))

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
        """Move the cursor, and keep the cosignature before long.

        What is for another epoch of this journal is old news.
        """
        ahead = self._newest

        def judge(db: sqlite3.Connection) -> Taken:
            ledger = Ledger(db)
            if epoch != ledger.get("epoch"):
                return Taken.KNOWN
            own = ledger.hash_of(seq)
            if seq <= _cursor(ledger, ahead):
                return Taken.KNOWN if own in {None, head} else Taken.CONFLICT
            return Taken.MOVED if own == head else Taken.CONFLICT

        taken = await self.read(judge)
        if taken is Taken.MOVED:
            now = self._ports.clock.now()
            signed = Cosignature(seq, head, envelope)
            self._acked.append(_Acked(epoch, signed, now.at if now.trusted else None))
            self._stirred.set()
        return taken

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
        look = partial(_buffer, folder=self.path.parent, ahead=self._newest)
        return await self.read(look)

    async def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """Look at the journal as it is on the disk."""
        if self._db is None:
            self._db = await Connection.open(partial(connect_read_only, self.path))
        try:
            return await self._db.run(partial(_at_once, look))
        except StoreFailed:
            await self.close()
            raise

    @property
    def _newest(self) -> _Acked | None:
        """What was acknowledged last, if it is not written down yet."""
        return self._acked[-1] if self._acked else None

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


def _standing(db: sqlite3.Connection, ahead: _Acked | None) -> Standing:
    ledger = Ledger(db)
    seq, head = ledger.last()
    fresh = ledger.get("fresh") is True
    return Standing(str(ledger.get("epoch")), seq, head, _cursor(ledger, ahead), fresh)


def _cursor(ledger: Ledger, ahead: _Acked | None = None) -> int:
    """Return the last record that the cloud has; what was pruned it has.

    `ahead`: what is acknowledged beyond what is written down.
    """
    written = ledger.get("cosigned")
    cursor = written if isinstance(written, int) else ledger.audit_start()[0]
    if ahead is not None and ahead.epoch == ledger.get("epoch"):
        return max(cursor, ahead.signed.seq)
    return cursor


def _buffer(db: sqlite3.Connection, folder: Path, ahead: _Acked | None) -> Buffer:
    ledger, free_bytes = Ledger(db), shutil.disk_usage(folder).free
    seq, _ = ledger.last()
    waiting, newest = seq - _cursor(ledger, ahead), audit.page(db, seq - kept.PAGE_RECORDS, seq)
    if not newest:
        return Buffer(records=0, bytes=0, days=limits.BUFFER_DAYS)
    size = sum(len(record.data) for record in newest)
    first, last = (_day(record) for record in (newest[0], newest[-1]))
    days = free_bytes * (max(last - first, timedelta(0)) / timedelta(days=1)) / size
    room = min(int(days), limits.BUFFER_DAYS) if last > first else limits.BUFFER_DAYS
    return Buffer(records=waiting, bytes=waiting * size // len(newest), days=room)


def _day(record: Record) -> datetime:
    return datetime.fromisoformat(json.loads(record.data)["occurred_at"])
