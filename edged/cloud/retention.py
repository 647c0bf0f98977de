"""How long the audit is kept here: what the cloud has may go, what it lacks never does."""

import sqlite3
from datetime import datetime
from functools import partial

import structlog

from edged import limits
from edged.cloud.outbox import JournalOutbox
from edged.ports import Ports
from edged.store import limits as kept
from edged.store.errors import StoreFailed
from edged.store.ledger import Ledger

log = structlog.get_logger()


class Retention:
    """Drops the oldest records, from one cosigned checkpoint to the next."""

    def __init__(self, ports: Ports, outbox: JournalOutbox) -> None:
        self._ports = ports
        self._outbox = outbox

    async def run(self) -> None:
        """Look every hour, for ever."""
        while True:
            try:
                await self.prune()
            except StoreFailed as failed:
                log.error("audit_not_pruned", problem=str(failed))
            await self._ports.clock.sleep_ms(limits.PRUNE_EVERY_MS)

    async def prune(self) -> int:
        """Drop what may go by its age and the journal's size; return how many records went.

        In short transactions: whoever comes in meanwhile waits for one of them. While the clock
        is in doubt nothing is old.
        """
        total = 0
        while (before := await self._old()) is not None:
            gone = await self._ports.journal.commit(partial(Ledger.prune, acked_before=before))
            if not gone:
                break
            total += gone
        if total:
            log.info("audit_pruned", records=total)
        return total

    async def _old(self) -> datetime | None:
        """Say before when a record has to be acknowledged to go now."""
        now = self._ports.clock.now()
        if not now.trusted:
            return None
        full = await self._outbox.read(_used_bytes) > kept.AUDIT_BYTES
        return now.earliest - (kept.KEPT_LEAST if full else kept.KEPT)


def _used_bytes(db: sqlite3.Connection) -> int:
    """Return how much of the file is in use; pages that became free are used again first."""
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * size)
