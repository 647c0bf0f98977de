"""One device of the chain at its door, as it is seen and treated from outside."""

import asyncio
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from edged.store import rules
from edged.store.connection import connect_read_only
from edged.store.errors import StoreError
from edged.store.ledger import Ledger
from hil.people import People, Refused
from hil.simulation.places import Place
from hil.simulation.rare import Rare
from hil.simulation.witness import Witness
from hil.site.processes import DidNotStart
from hil.virtual.site import VirtualSite

_LOOK_S: Final = 0.03
_BUSY_S: Final = 60.0
"""A code is decided and recorded within this, on the slowest disk."""
_START_AGAIN_S: Final = 2.0


class Household:
    """A device, its door, who comes there, and who watches. It is up.

    `ends`: how often it has lost its power or its cables. `kill_next`: its power is cut behind
    the next job of its disk. `slow`: its disk hangs.
    """

    def __init__(self, place: Place, site: VirtualSite, people: People, rare: Rare) -> None:
        self.place = place
        self.site = site
        self.people = people
        self.witness = Witness(site, {}, place.door)
        self.ends = 0
        self.slow = False
        self.kill_next: Callable[[], bool] | None = None
        self._rare = rare
        self._busy_until_s = 0.0
        self._restarting = asyncio.Lock()
        self._coming_back: set[asyncio.Task[None]] = set()
        site.everything.observations.watchers.add(self.witness.sees)
        site.disk.after_job = self._after_job

    # --- what is seen

    @property
    def journal(self) -> Path:
        """The daemon's file."""
        return self.witness.journal

    @property
    def released(self) -> bool:
        """Whether the bolt is released."""
        return self.site.everything.doors[self.place.door].released

    @property
    def restarting(self) -> bool:
        """Whether somebody is about to start it."""
        return self._restarting.locked()

    def rules_version(self) -> int:
        """Tell which rules are active; 0: none."""
        return rules.active_version(self.site.folder / "state" / "rules") or 0

    def stands(self) -> "Stands | None":
        """Read how far the journal is and is acknowledged; None: it can't be read now."""
        try:
            with closing(connect_read_only(self.journal)) as db:
                return Stands(Ledger(db))
        except StoreError:
            return None

    async def has_rules(self) -> None:
        """Wait until it decides by some rules."""
        while True:
            if self.rules_version():
                return
            await asyncio.sleep(_LOOK_S)

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
            await self.people.open(self.place.door)
        except Refused:
            return
        await asyncio.sleep(dice.choice((0.2, 2.0, 2.0, 2.0, 30.0)))
        await self.people.close(self.place.door)

    # --- power and cables

    def cut_power(self) -> None:
        """End the daemon as SIGKILL does."""
        self.ends += 1
        found = self.stands()
        self._rare.count("killed while the bolt was released", self.released)
        waits = found is not None and found.seq > found.cosigned
        self._rare.count("killed with records that were not acknowledged", waits)
        self.site.daemon.kill()

    async def stop(self) -> None:
        """End it in peace, and start it again."""
        if self._restarting.locked():
            return
        self.ends += 1
        async with self._restarting:
            await self.site.daemon.stop()
        await self.up()

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

    def _after_job(self) -> None:
        if asyncio.get_running_loop().time() < self._busy_until_s:
            self.witness.read()
        if self.kill_next is None or not self.site.alive or not self.kill_next():
            return
        self.kill_next = None
        owes = self.witness.owes_entry and not self.released
        self._rare.count("power cut between an entry's commit and its release", owes)
        self.cut_power()
        back = asyncio.create_task(self._back())
        self._coming_back.add(back)
        back.add_done_callback(self._coming_back.discard)

    async def _back(self) -> None:
        await asyncio.sleep(_START_AGAIN_S)
        await self.up()


class Stands:
    """Where a journal stands: its newest record, and how far the cloud has signed for it."""

    def __init__(self, ledger: Ledger) -> None:
        self.seq, self.head = ledger.last()
        self.epoch = str(ledger.get("epoch"))
        cosigned, usage = ledger.get("cosigned"), ledger.get("usage")
        self.cosigned = cosigned if isinstance(cosigned, int) else ledger.audit_start()[0]
        position = usage.get("position") if isinstance(usage, dict) else 0
        self.position = position if isinstance(position, int) else 0
