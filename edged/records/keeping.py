"""The journal's keeper: opens it, lets it write, opens it anew when it failed for good.

The daemon runs without a journal, and without rules, if it must: nobody is let in then, and nobody
is held in.
"""

import asyncio
from contextlib import suppress
from datetime import datetime

import structlog

from edged import limits
from edged.core import events
from edged.core.alarm_words import AlarmName
from edged.ports import Ports
from edged.settings import marks
from edged.settings.marks import Marks
from edged.store.errors import StoreFailed
from edged.store.ledger import Ledger
from edged.store.record import Json

log = structlog.get_logger()


class Keeping:
    """Keeps the journal in service, and writes in it how the daemon's life goes."""

    def __init__(self, ports: Ports, device: str, release: str, settings: Marks) -> None:
        self._ports = ports
        self._device = device
        self._settings = settings
        self._release = release
        self._tried = asyncio.Event(), asyncio.Event()
        self._began = asyncio.Event()

    async def opened(self, by_s: float) -> None:
        """Return when journal and rules were opened or failed, or at this time of the loop."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(by_s):
                for tried in self._tried:
                    await tried.wait()

    async def rules_tried(self) -> None:
        """Return when the rules were read, or can't be read now."""
        await self._tried[1].wait()

    async def read_rules(self) -> None:
        """Take up the active rules; while they can't be read there are none.

        Raises:
            SchemaTooNew: A newer release wrote them.
        """
        rules, tried = self._ports.rules, self._tried[1]
        while not tried.is_set() or rules.rules is None:  # others may have come meanwhile
            try:
                await rules.reload()
            except StoreFailed as failed:
                log.error("rules_not_read", problem=str(failed))
                tried.set()
                await self._ports.clock.sleep_ms(limits.REOPEN_MS[1])
            else:
                break
        tried.set()
        self.rules_changed()

    async def run(self) -> None:
        """Open the journal and let it write, for ever.

        Raises:
            SchemaTooNew: A newer release wrote it.
        """
        journal = self._ports.journal
        while True:
            try:
                await journal.open()
            except StoreFailed as failed:
                log.error("journal_failed", problem=str(failed))
            self._tried[0].set()
            if journal.failed is None:
                await journal.serve()
            self._ports.alarms.change("journal", AlarmName.STORE_FAILED, raised=True)
            await journal.close()
            await self._ports.clock.sleep_ms(limits.REOPEN_MS[1])

    async def began(self, by_s: float) -> None:
        """Take up the time last seen, record the start, the settings and the rules in force.

        `by_s`: until then of the loop's time the disk may tell the time last seen.
        """
        ports = self._ports
        try:
            async with asyncio.timeout_at(by_s):
                seen = await ports.journal.commit(lambda ledger: ledger.get("last_seen"))
        except (StoreFailed, TimeoutError):
            seen = None
        self._saw(seen)
        stamp = ports.stamp()

        def write(ledger: Ledger) -> Json:
            clean = ledger.get("running") is not True
            ledger.append(events.started(stamp, self._device, self._release, clean=clean))
            ledger.put("running", value=True)
            self._settle(ledger, stamp)
            return ledger.get("last_seen")

        def then(seen: Json) -> None:
            self._saw(seen)  # again: it may not have been open until now
            self._began.set()

        ports.recorder.record(write, then)
        self.rules_changed()

    def _settle(self, ledger: Ledger, stamp: events.Stamp) -> None:
        """Record which settings hold, if others did before."""
        before, now = ledger.get("settings"), self._settings
        if before != now:
            told = marks.fingerprint(now), marks.changed(before, now)[: limits.SETTINGS_NAMED]
            ledger.append(events.settings_active(stamp, *told))
            ledger.put("settings", now)

    async def look_through(self) -> None:
        """Look through the journal once the start is in it, and wait for ever.

        It takes as long as the card needs to be read, and the doors work meanwhile. After a clean
        stop too: a card that lies loses what was written before the power went, clean or not.
        """
        while True:
            await self._began.wait()
            self._began.clear()
            try:
                await self._ports.journal.look_through()
            except StoreFailed as failed:
                log.error("journal_not_looked_through", problem=str(failed))

    def _saw(self, last_seen: Json) -> None:
        if isinstance(last_seen, str):
            self._ports.clock.observe(datetime.fromisoformat(last_seen))

    def rules_changed(self) -> None:
        """Record which rules are in force, if others were before."""
        rules, fingerprint = self._ports.rules.rules, self._ports.rules.fingerprint
        if rules is None or fingerprint is None:
            return
        self._ports.clock.observe(rules.issued_at)
        stamp = self._ports.stamp()

        def write(ledger: Ledger) -> None:
            if ledger.get("rules") != fingerprint:
                ledger.append(events.rules_active(stamp, rules.version, fingerprint))
                ledger.put("rules", fingerprint)

        self._ports.recorder.record(write)

    async def end(self) -> None:
        """Record what waits and that the daemon ended as asked."""
        stamp = self._ports.stamp()

        def write(ledger: Ledger) -> None:
            ledger.append(events.stopped(stamp, self._device))
            ledger.put("running", value=False)

        recorder, written = self._ports.recorder, False
        recorder.record(write)
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.COMMIT_S):
                written = await recorder.flush()
        if not written:
            log.error("ended_unrecorded", records=len(recorder))
