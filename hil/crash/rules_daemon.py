"""A daemon, as far as its rules are concerned, put together as runtime.py and service.py do."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from edged import apart
from edged import clock as clocks
from edged.alarms.raised import Alarms
from edged.cloud import rules_down, trial
from edged.cloud.rules_down import RulesDown
from edged.control.broadcast import Broadcast
from edged.control.client import ControlRefused
from edged.ports import EventIds, Ports
from edged.records.keeping import Keeping
from edged.records.recorder import Recorder
from edged.settings.model import Language
from edged.store.errors import StoreFailed
from edged.store.journal import Journal
from edged.store.rules import RulesStore
from hil.crash import publisher

CONFIRM_S: Final = 60
_READ_AGAIN: Final = 3


class Refused(Exception):
    """The daemon told the cloud that it did not take the rules."""


class Ahead(clocks.SystemClock):
    """The machine's clock, which can be put ahead."""

    ahead_ms = 0

    def monotonic_ms(self) -> int:
        """Count what it was put ahead too."""
        return super().monotonic_ms() + self.ahead_ms


class Daemon:
    """What a daemon does with its rules from its start on; `journal`: one whose disk is well."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.folder = folder
        self.store = RulesStore(folder)
        self._clock = Ahead(clocks.host_error_s)
        recorder, witness = Recorder(journal, self._clock), Broadcast()
        ports = Ports(
            clock=self._clock,
            journal=journal,
            rules=self.store,
            recorder=recorder,
            witness=witness,
            alarms=Alarms(self._clock, recorder, witness),
            languages=[Language.EN],
            new_id=EventIds(),
            digest=lambda text: hashlib.sha256(text).digest(),
        )
        keeping = Keeping(ports, publisher.DEVICE, "0", {})
        self.down = RulesDown(ports, keeping, folder, _built)
        self._looks = self._begun = False

    @property
    def in_force(self) -> int:
        """The version in force; 0: none."""
        return self.down.held().version

    @property
    def in_force_for_good(self) -> int:
        """The version that the cloud is told to be in force, and on no trial; 0: there is none."""
        held = self.down.held()
        return held.version if self._begun and not held.trial else 0

    async def begin(self) -> None:
        """Start."""
        await asyncio.to_thread(trial.run_begins, self.folder)
        for _ in range(_READ_AGAIN):
            try:
                await self.store.reload()
            except StoreFailed:  # it is tried again for ever; meanwhile there are no rules
                continue
            break
        await self._look_after()

    async def publish(self, version: int, confirm_s: int = CONFIRM_S) -> None:
        """Hear of a version, and take it unless it is in force. Raises Refused."""
        await self._look_after()
        await self._link()
        manifest = publisher.manifest(version, confirm_s)
        if self.in_force == version:
            return
        frames = publisher.frames(version)
        missing = await asyncio.to_thread(self.down.missing, manifest)
        for part in manifest.parts:
            if part.sha256 in missing:
                self.down.part_file(part.sha256).write_bytes(frames[part.sha256])
                await asyncio.to_thread(self.down.part_whole, part)
        why = await self.down.activate(manifest)
        if why is not None:
            raise Refused(why)

    async def pulse(self) -> None:
        """Hear that the version in force is the newest."""
        await self._link()
        await self.down.confirmed(self.in_force)

    async def late(self) -> None:
        """Hear nothing until a trial is over."""
        await self._look_after()
        self._clock.ahead_ms += CONFIRM_S * 1_000
        self._looks = False
        await self.down.look()
        self._looks = True

    async def _look_after(self) -> None:
        """Begin to look after the trial, also where it failed before (`RulesDown.run`)."""
        if not self._looks:
            await self.down.take_up()
            self._looks = self._begun = True

    async def _link(self) -> None:
        """Have a link; one that failed is begun anew."""
        await self.down.open()


async def _built(manifest: bytes, folder: Path) -> Path | str:
    """Build here, and tell a failure as a process of its own does."""
    done = await asyncio.to_thread(vars(apart)["_carry_out"], rules_down.build, manifest, folder)
    if isinstance(done, Path | str):
        return done
    raise ControlRefused(done.code, done.lines)


@asynccontextmanager
async def good_journal() -> AsyncIterator[Journal]:
    """Keep a journal whose disk is well."""
    with tempfile.TemporaryDirectory(prefix="edged-failing-") as made:
        journal = Journal(Path(made, "journal.db"))
        await journal.open()
        serving = asyncio.create_task(journal.serve())
        try:
            yield journal
        finally:
            serving.cancel()
            await asyncio.wait({serving})
            await journal.close()
