"""Is the daemon well? The watchdog is fed by the loop and the journal, and by nothing else.

A device that is lost, a full disk or a missing rule set are alarms; a restart would help none of
them. What stops the watchdog's food is a loop that hangs or a journal that answers nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import structlog

from edged import limits, notify
from edged.clock import ClockState
from edged.core import events
from edged.core.alarm_words import AlarmName
from edged.ports import Ports
from edged.store.errors import StoreFailed
from edged.store.ledger import Ledger

log = structlog.get_logger()


class Sums(Protocol):
    """Something that counts what comes too often to be recorded one by one."""

    def sum_up(self) -> None:
        """Record what was counted since the last time, if anything."""
        ...


class Health:
    """Looks after the whole daemon every `limits.HEALTH_MS`."""

    def __init__(self, ports: Ports, sums: Sequence[Sums]) -> None:
        self._ports = ports
        self._sums = sums
        self._kept: datetime | None = None
        self._clock: ClockState | None = None

    async def run(self) -> None:
        """Look, for ever."""
        try:
            while True:
                await self.look()
                await self._ports.clock.sleep_ms(limits.HEALTH_MS)
        finally:
            self._sum_up()  # what came until the end

    async def look(self) -> None:
        """Sum up what was only counted; feed the watchdog if the journal answers."""
        self._sum_up()
        self._watch_clock()
        if await self._journal_answers():
            notify.notify(notify.WATCHDOG)

    def _watch_clock(self) -> None:
        """Record how much the clock is worth whenever that changes, and say if it is little."""
        ports, now = self._ports, self._ports.clock.now()
        standing = ports.clock.standing()
        if now.state is not self._clock:
            before = None if self._clock is None else self._clock.value
            stamp = events.Stamp(now.at, now.state.value)
            source = standing.source.value
            ports.recorder.append(events.clock(stamp, before, source, now.error_ms))
            log.info("clock_changed", state=now.state.value, before=before, source=source)
            self._clock = now.state
        ports.alarms.change(
            "clock", AlarmName.CLOCK_DOUBTED, raised=not now.trusted, cause=now.state.value
        )
        ports.alarms.change("clock", AlarmName.CLOCK_DRIFTS, raised=standing.drifts)

    def _sum_up(self) -> None:
        for each in self._sums:
            each.sum_up()

    async def _journal_answers(self) -> bool:
        """Keep the time that was seen; True if the journal said anything, if only no."""
        now = self._ports.clock.now()
        kept = self._kept
        due = now.trusted and (kept is None or now.at - kept >= limits.TIME_KEPT_EVERY)

        def write(ledger: Ledger) -> None:
            if due:
                ledger.put("last_seen", events.stamp_text(now.at))

        try:
            async with asyncio.timeout(limits.COMMIT_S):
                await self._ports.journal.commit(write)
        except StoreFailed as failed:
            self._ports.alarms.change("journal", AlarmName.STORE_FAILED, raised=True)
            log.error("journal_failed", problem=str(failed))
            return True
        except TimeoutError:
            log.error("journal_stuck")
            return False
        self._kept = now.at if due else kept
        self._ports.alarms.change(
            "journal", AlarmName.STORE_FAILED, raised=self._ports.recorder.failing
        )
        return True
