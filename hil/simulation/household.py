"""One device of the chain at its door, as it is seen and treated from outside."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from typing import Final

from edged.store import rules
from edged.store.connection import connect_read_only
from edged.store.errors import StoreError
from edged.store.ledger import Ledger
from hil.people import People
from hil.simulation.doorway import Doorway
from hil.simulation.places import Place
from hil.simulation.rare import Rare
from hil.simulation.witness import Witness
from hil.virtual.site import VirtualSite

_LOOK_S: Final = 0.03
_START_AGAIN_S: Final = 2.0


class Household(Doorway):
    """A device, its door, who comes there, and who watches. It is up.

    `kill_next`: its power is cut behind the next job of its disk.
    """

    def __init__(self, place: Place, site: VirtualSite, people: People, rare: Rare) -> None:
        super().__init__(site, people, Witness(site, {}, place.door))
        self.place = place
        self.kill_next: Callable[[], bool] | None = None
        self._rare = rare
        self._coming_back: set[asyncio.Task[None]] = set()
        site.disk.after_job = self._after_job

    # --- what is seen

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

    # --- power and cables

    def cut_power(self) -> None:
        """End the daemon as SIGKILL does."""
        found = self.stands()
        self._rare.count("killed while the bolt was released", self.released)
        waits = found is not None and found.seq > found.cosigned
        self._rare.count("killed with records that were not acknowledged", waits)
        self.kill()

    async def stop(self) -> None:
        """End it in peace, and start it again."""
        if await self.end():
            await self.up()

    def _after_job(self) -> None:
        self.look()
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
