"""Fire and lockdown: what holds for every door of the device at once, over restarts too.

A fire acts first and is recorded after. It is latched: only a command ends it, and not while the
input still says fire. Egress is the hardware's business; this is the software's part of it.
"""

import asyncio
from collections.abc import Iterable

import structlog

from drivers.api import DriverError, FireInput
from edged import limits
from edged.core.alarm_words import AlarmName
from edged.doors.gate import Gate
from edged.doors.terms import Levels
from edged.ports import Ports
from edged.store.errors import StoreFailed
from edged.store.ledger import Ledger
from edged.store.record import Json

log = structlog.get_logger()

SOURCE = "device"
"""Whose alarms these are: no door's."""


class Emergency:
    """The levels that the gates look at, and who set them.

    `panel`, given by the wiring: a fire input whose latch is its own, and outlives ours.
    `burning`: the fire input says fire, or nobody hears it, so that no fire can be reset.
    """

    def __init__(self, ports: Ports, gates: Iterable[Gate]) -> None:
        self.levels = Levels(unread=True)
        self.panel: FireInput | None = None
        self.burning = False
        self._ports = ports
        self._gates = tuple(gates)
        self._read = asyncio.Event()
        self._unkept = False
        self._switched = False
        self._commanded = False
        for gate in self._gates:
            gate.levels = self.levels
            gate.others = tuple(other for other in self._gates if other is not gate)

    async def restored(self) -> None:
        """Return when `restore` has ended, or takes too long: hours may begin then."""
        try:
            async with asyncio.timeout(limits.COMMIT_S):
                await self._read.wait()
        except TimeoutError:
            log.error("emergency_not_read")
        self.levels.unread = False

    async def restore(self) -> None:
        """Take up what held when the daemon ended, however late the disk tells it."""
        while (held := await self._held()) is None:
            await self._ports.clock.sleep_ms(limits.RECORD_RETRY_MS)
        fire, lockdown = held
        self._commanded = lockdown is True
        if fire is True:
            self._latch("latched before the restart")
            await self._latch_panel()
        self._lock_down("by a command before the restart")
        self._read.set()
        if self._unkept:
            self.keep()

    async def _held(self) -> tuple[Json, Json] | None:
        """Read whether a fire and a lockdown held; None: nobody can say now."""
        try:
            return await self._ports.journal.commit(
                lambda ledger: (ledger.get("fire"), ledger.get("lockdown"))
            )
        except StoreFailed:
            return None

    def fire_input(self, active: bool) -> None:
        """Take the level of the fire input; a cut wire is a fire."""
        self.burning = active
        if active and not self.levels.fire:
            self._ports.recorder.record(lambda ledger: ledger.put("fire", value=True))
            self._latch("the fire input")
        self._ports.alarms.change(SOURCE, AlarmName.FIRE_UNHEARD, raised=False)

    def fire_lost(self) -> None:
        """Take that nobody hears the fire input, which is an alarm and no fire.

        At the header the magnets are without power meanwhile: whoever is lost there held them.
        """
        self.burning = True
        self._ports.alarms.change(SOURCE, AlarmName.FIRE_UNHEARD, raised=True)

    def lockdown_switch(self, active: bool) -> None:
        """Take the level of the lockdown switch."""
        self._switched = active
        self._lock_down("the switch")

    def lock_down(self, on: bool) -> None:
        """Begin or end the lockdown of a command; a switch that is on keeps its own."""
        self._commanded = on
        self._lock_down("by a command")

    def keep(self) -> None:
        """Let what holds outlast a restart, whatever an order that failed may have written.

        What held before has to be known: until then nothing is written over it.
        """
        self._unkept = not self._read.is_set()
        if self._unkept:
            return

        def write(ledger: Ledger) -> None:
            ledger.put("fire", self.levels.fire)
            keep_lockdown(ledger, on=self._commanded)

        self._ports.recorder.record(write)

    async def reset_fire(self) -> bool:
        """End the fire; the caller has recorded it. False: its contact or its latch says no."""
        try:
            if self.panel is not None and not self.burning:
                await self.panel.reset()
        except DriverError as error:
            log.error("fire_not_reset", device=error.device, problem=error.problem)
            return False
        if self.burning:  # again, while that was being done
            return False
        self.levels.fire = False
        self._ports.alarms.change(SOURCE, AlarmName.FIRE, raised=False)
        self._look()
        return True

    async def _latch_panel(self) -> None:
        """Set the panel's latch too: its own memory of this fire may be lost."""
        try:
            if self.panel is not None:
                await self.panel.latch()
        except DriverError as error:
            log.error("panel_not_latched", device=error.device, problem=error.problem)

    def _latch(self, cause: str) -> None:
        self.levels.fire = True
        self._look()
        self._ports.alarms.change(SOURCE, AlarmName.FIRE, raised=True, cause=cause)

    def _lock_down(self, cause: str) -> None:
        self.levels.lockdown = on = self._switched or self._commanded
        self._look()
        self._ports.alarms.change(SOURCE, AlarmName.LOCKDOWN, raised=on, cause=cause)

    def _look(self) -> None:
        for gate in self._gates:
            gate.look()


def keep_lockdown(ledger: Ledger, *, on: bool) -> None:
    """Let a command's lockdown, or its end, outlast a restart."""
    ledger.put("lockdown", on)


def keep_reset(ledger: Ledger) -> None:
    """Let the end of a fire outlast a restart."""
    ledger.put("fire", value=False)
