"""A device at its door, and whoever comes there: what every simulation does with one."""

import asyncio
import random
from pathlib import Path
from typing import Final

from hil.people import People, Refused
from hil.simulation.witness import Witness
from hil.site.processes import DidNotStart
from hil.virtual.site import VirtualSite

_LOOK_S: Final = 0.03
_BUSY_S: Final = 60.0
"""A code is decided and recorded within this, on the slowest disk."""
_START_AGAIN_S: Final = 2.0


class Doorway:
    """A door of a site that is up, watched by `witness`.

    `ends`: how often its device has lost its power or its cables. `slow`: its disk hangs.
    """

    def __init__(self, site: VirtualSite, people: People, witness: Witness) -> None:
        self.site = site
        self.people = people
        self.witness = witness
        self.ends = 0
        self.slow = False
        self._busy_until_s = 0.0
        self._restarting = asyncio.Lock()
        site.everything.observations.watchers.add(witness.sees)

    @property
    def journal(self) -> Path:
        """The daemon's file."""
        return self.witness.journal

    @property
    def released(self) -> bool:
        """Whether the bolt is released."""
        return self.site.everything.doors[self.witness.door].released

    @property
    def open(self) -> bool:
        """Whether the door stands open."""
        return self.site.everything.doors[self.witness.door].open

    @property
    def restarting(self) -> bool:
        """Whether somebody is about to start it."""
        return self._restarting.locked()

    async def let_go(self, within_s: float) -> bool:
        """Wait until the bolt is released, if it is not."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        while not self.released:
            if loop.time() >= until_s:
                return False
            await asyncio.sleep(_LOOK_S)
        return True

    # --- people

    def busy(self) -> None:
        """Have the records looked at as they come to the disk, for a while."""
        self._busy_until_s = asyncio.get_running_loop().time() + _BUSY_S

    def look(self) -> None:
        """Look at the records, if somebody came of late; after a job of the disk."""
        if asyncio.get_running_loop().time() < self._busy_until_s:
            self.witness.read()

    async def show(self, reader: str, text: str) -> bool:
        """Hold a code before a reader; False: nobody listens there just now."""
        self.busy()
        try:
            await self.people.scan(reader, text)
        except Refused:
            return False
        return True

    async def walk(self, dice: random.Random) -> None:
        """Go through, or not, or stand in the door for too long."""
        await asyncio.sleep(dice.choice((0.0, 0.3, 1.5)))
        try:
            await self.people.open(self.witness.door)
        except Refused:
            return
        await asyncio.sleep(dice.choice((0.2, 2.0, 2.0, 2.0, 30.0)))
        await self.people.close(self.witness.door)

    # --- power

    def kill(self) -> None:
        """End the daemon as a power cut does."""
        self.ends += 1
        self.site.daemon.kill()

    async def end(self) -> bool:
        """End it in peace; False: it is being started just now."""
        if self._restarting.locked():
            return False
        self.ends += 1
        async with self._restarting:
            await self.site.daemon.stop()
        return True

    async def up(self) -> None:
        """Start the daemon until it stays, as systemd does, unless it is up."""
        async with self._restarting:
            while not self.site.alive:
                ends, cables = self.ends, self.site.has_cables
                try:
                    await self.site.daemon.wait()
                    await self.site.start_daemon()
                except (DidNotStart, TimeoutError) as problem:
                    whole = cables and ends == self.ends
                    if whole and self.site.daemon_fault is not None:
                        self.witness.violate(f"the daemon did not start: {problem}")
                    self.site.daemon.kill()
                    await asyncio.sleep(_START_AGAIN_S)
