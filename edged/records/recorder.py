"""Records of what has happened already: leaving, the exit button, alarms, outcomes.

They never wait for the disk and nothing waits for them (ARCHITECTURE, invariant 2). While the
disk fails they are kept, up to a limit; what is beyond it is counted, and the count is the gap
record that follows as soon as writing works again.
"""

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog

from edged import limits
from edged.clock import Clock
from edged.core import events
from edged.store.journal import Journal, StoreFailed
from edged.store.ledger import Ledger

log = structlog.get_logger()

T = TypeVar("T")


def _nobody(_: object) -> None:
    """Tell nobody."""


class Recorder:
    """Hands writes to the journal in their order, for as long as it takes, and each once.

    After a failed sync nobody knows what of a batch is stored, so its parts have numbers that are
    stored with them (`Ledger.first_in`). `failing` is True while the last attempt did not reach
    the disk.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._wake = asyncio.Event()
        self._waiting: deque[Callable[[Ledger], Callable[[], None]]] = deque()
        self._lost = 0
        self._lost_since: datetime | None = None
        self._batch = ""
        self._numbers = itertools.count()
        self.failing = False

    def __len__(self) -> int:
        """How many records wait."""
        return len(self._waiting)

    def record(self, write: Callable[[Ledger], T], then: Callable[[T], None] = _nobody) -> None:
        """Write when possible; when too much waits, the oldest becomes part of the gap.

        `write` runs in the journal's thread, perhaps more than once. `then` is told here what
        it returned, when that is on the disk; not if only a failed attempt can have stored it.
        """
        if len(self._waiting) >= limits.WAITING_RECORDS:
            self._waiting.popleft()
            self.lose()
        number = next(self._numbers)

        def once(ledger: Ledger) -> Callable[[], None]:
            if not ledger.first_in(self._batch, number):
                return partial(_nobody, None)
            return partial(then, write(ledger))

        self._waiting.append(once)
        self._wake.set()

    def append(self, body: events.Body) -> None:
        """Write one plain record."""
        self.record(lambda ledger: ledger.append(body))

    def lose(self) -> None:
        """Count an event that can't be recorded any more."""
        self._lost += 1
        self._lost_since = self._lost_since or self._clock.now().at
        self._wake.set()

    async def run(self) -> None:
        """Write what waits, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while not await self.flush():
                await self._clock.sleep_ms(limits.RECORD_RETRY_MS)

    async def flush(self) -> bool:
        """Hand over all that waits; False: some of it did not reach the disk and still waits.

        What was handed over when the caller is cancelled is the journal's to finish.
        """
        while self._lost or self._waiting:
            self.failing = not (await self._write_gap() and await self._write_some())
            if self.failing:
                return False
        return True

    async def _write_gap(self) -> bool:
        lost, since, now = self._lost, self._lost_since, self._clock.now()
        if since is None:
            return True
        body = events.gap(events.Stamp(now.at, now.state.value), lost, since)
        self._lost, self._lost_since = 0, None
        try:
            await self._journal.commit(lambda ledger: ledger.append(body))
        except StoreFailed:
            self._lost += lost
            self._lost_since = since
            return False
        return True

    async def _write_some(self) -> bool:
        """Write the oldest; the journal joins them into one transaction."""
        if not self.failing:
            self._batch = secrets.token_hex(8)
        count = min(len(self._waiting), limits.RECORDS_AT_ONCE)
        batch = [self._waiting.popleft() for _ in range(count)]
        results = await asyncio.gather(
            *(self._journal.commit(write) for write in batch), return_exceptions=True
        )
        unwritten = []
        for write, result in zip(batch, results, strict=True):
            if isinstance(result, StoreFailed):
                unwritten.append(write)
            elif isinstance(result, BaseException):
                log.error("record_broken", error=repr(result))
                self.lose()
            else:
                result()
        self._waiting.extendleft(reversed(unwritten))
        return not unwritten
