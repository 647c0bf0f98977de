"""One device of the chain at its door, as it is seen and treated from outside."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

from edged.cloud import trial
from edged.store import rules
from edged.store.connection import connect_read_only
from edged.store.errors import StoreError
from edged.store.ledger import Ledger
from hil.people import People
from hil.simulation.doorway import Doorway
from hil.simulation.places import Place
from hil.simulation.rare import Rare
from hil.simulation.witness import Witness
from hil.virtual.broker import Line
from hil.virtual.disk import DiskState
from hil.virtual.site import VirtualSite

_LOOK_S: Final = 0.03
_START_AGAIN_S: Final = 2.0
_BEHIND_A_COMMIT: Final = {
    "entry": "power cut between an entry's commit and its release",
    "command": "power cut between an order's commit and its release",
}


class Household(Doorway):
    """A device, its door, who comes there, and who watches. It is up.

    `line`: its line to the broker. `kill_next` is asked behind each job of its disk whether its
    power is cut now; `before_cut` is told before it is. `began`: it has recorded that it began.
    `put_back`: how often it was given a disk of before. `unaware`: it has not heard of the last.
    """

    def __init__(
        self, place: Place, site: VirtualSite, people: People, line: Line, rare: Rare
    ) -> None:
        super().__init__(site, people, Witness(site, {}, place.door))
        self.place = place
        self.line = line
        self.began = True
        self.put_back = 0
        self.unaware = False
        self.kill_next: Callable[[], bool] | None = None
        self.before_cut: Callable[[], object] = lambda: None
        self._rare = rare
        self._coming_back: set[asyncio.Task[None]] = set()
        site.disk.after_job = self._after_job

    # --- what is seen

    def rules_version(self) -> int:
        """Tell which rules are active; 0: none."""
        return rules.active_version(self.rules_folder) or 0

    @property
    def rules_folder(self) -> Path:
        """Where its rules are."""
        return self.site.folder / "state" / "rules"

    def on_trial(self) -> bool:
        """Tell whether the rules that are active are on trial."""
        return trial.read(self.rules_folder) is not None

    def given_up(self) -> Sequence[tuple[int, str]]:
        """Tell which versions it refused or gave up, and why."""
        found = trial.refused(self.rules_folder)
        return [(int(str(one["version"])), str(one["why"])) for one in found]

    def rules_half_there(self) -> bool:
        """Tell whether there is a piece of rules that are not active yet."""
        active = rules.active_file(self.rules_folder)
        if active is None:
            return False
        since = (self.rules_folder / active).stat().st_mtime_ns
        return any(
            part.stat().st_mtime_ns > since for part in (self.rules_folder / "parts").iterdir()
        )

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
        if self.site.alive:
            for state, reached in self._in_the_middle().items():
                self._rare.count(state, reached)
            self.before_cut()
        self.began = False
        self.kill()

    def _in_the_middle(self) -> Mapping[str, bool]:
        site, found = self.site, self.stands()
        switches, disk = site.everything.switches, site.disk.state
        self.witness.read()
        return {
            "killed while the bolt was released": self.released,
            "killed with records that were not acknowledged": (
                found is not None and found.seq > found.cosigned
            ),
            "killed in the middle of a start": not self.began,
            "killed while rules were put together": self.rules_half_there(),
            "killed while rules were on trial": self.on_trial(),
            "killed while the disk was full": disk is DiskState.FULL,
            "killed while the disk failed": disk is DiskState.FAILING,
            "killed while the disk hung": self.slow,
            "killed while the clock was in doubt": site.sky.error_s is None,
            "killed while the line was pulled": not self.line.whole,
            "killed in lockdown": switches["lockdown"],
            "killed in a fire": switches["fire"],
        }

    async def up(self) -> None:
        """Start the daemon until it stays, unless it is up."""
        was_off = not self.site.alive
        await super().up()
        if was_off:
            sick = self.site.disk.state is not DiskState.WELL
            self._rare.count("began anew while its door stood open", self.open)
            self._rare.count("began anew while its disk took nothing", sick)

    async def stop(self) -> None:
        """End it in peace, and start it again."""
        if await self.end():
            await self.up()

    async def copied_disk(self) -> Path:
        """Cut its power and copy its disk; return the copy."""
        copy = self.site.folder / f"disk-{self.put_back}"
        async with self._off():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(self.site.folder / "state", copy, symlinks=True)
        return copy

    async def give_disk(self, copy: Path) -> None:
        """Cut its power and give it the disk of which `copy` is one."""
        async with self._off():
            shutil.rmtree(self.site.folder / "state")
            shutil.copytree(copy, self.site.folder / "state", symlinks=True)
            self.put_back, self.unaware = self.put_back + 1, True
            self.witness.begin_anew()

    @asynccontextmanager
    async def _off(self) -> AsyncIterator[None]:
        """Keep the daemon from being there during the block."""
        async with self._restarting:
            self.cut_power()
            await self.site.daemon.wait()
            yield

    def _after_job(self) -> None:
        self.look()
        if self.kill_next is None or not self.site.alive or not self.kill_next():
            return
        self.kill_next = None
        for kind in ("entry", "command"):
            owes = self.witness.owes(kind) and not self.released
            self._rare.count(_BEHIND_A_COMMIT[kind], owes)
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
