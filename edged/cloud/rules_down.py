"""Rules of the cloud: parts are kept, a set is built in a worker, swapped in, tried, or taken back.

The link has verified the manifest, and that a fresh pulse of the cloud names it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import structlog

from cloud_link.limits import WORDS_CHARS
from cloud_link.ports import RulesHeld
from cloud_link.shapes import canonical, read
from cloud_link.wire import Manifest, Part, RefusedRules
from edged import limits
from edged.apart import Apart
from edged.cloud import parts, trial
from edged.cloud.change import change
from edged.cloud.parts import Store
from edged.cloud.trial import Trial
from edged.control.client import ControlRefused
from edged.core import events
from edged.core.alarm_words import AlarmName
from edged.exits import explain
from edged.ports import Ports
from edged.records.keeping import Keeping
from edged.store import rules
from edged.store.errors import StoreError
from edged.store.ledger import Ledger

log = structlog.get_logger()

Building: TypeAlias = Callable[[bytes, Path], Awaitable[Path | str]]

SOURCE = "cloud"
"""Whose alarms these are: no door's."""


class RulesDown:
    """The rules as the cloud changes them.

    Args:
        ports: The daemon's.
        keeping: Told when other rules are in force.
        folder: The folder of the rules; their parts are kept below it.
        building: What carries `build` out; in the daemon, a process of its own.
    """

    def __init__(
        self, ports: Ports, keeping: Keeping, folder: Path, building: Building | None = None
    ) -> None:
        self._ports = ports
        self._keeping = keeping
        self._folder = folder
        self._store = Store(folder / "parts")
        self._trial: Trial | None = None
        self._until_ms: int | None = None
        self._refusals: Sequence[Mapping[str, object]] = ()
        self._building = building or Apart(build, "other rules are being built")
        self._heard_at: datetime | None = None
        self._heard_ms = ports.clock.monotonic_ms()

    def begin(self) -> None:
        """Take up the trial that is on, which begins anew, and what was refused. Raises OSError."""
        on = trial.read(self._folder)
        if on is not None and (
            not on.confirm_s or rules.active_version(self._folder) != on.version
        ):
            on = None  # there is to be none; or its rules were not activated, or were taken back
        self._refusals = trial.refused(self._folder)
        self._try(on)

    def _try(self, on: Trial | None) -> None:
        now_ms = self._ports.clock.monotonic_ms()
        self._trial = on
        self._until_ms = None if on is None else now_ms + on.confirm_s * 1000

    async def open(self) -> None:
        """Take up when the cloud was last heard. Raises StoreFailed, OSError."""
        self._store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = await self._ports.journal.commit(lambda ledger: ledger.get("cloud_heard"))
        match kept:
            case {"at": str(at), "version": int(version)}:
                self._heard_at = datetime.fromisoformat(at)
                if version == self._ports.rules.version:
                    self._ports.rules.vouched_at = self._heard_at
            case _:
                pass

    # --- what the link asks for

    def held(self) -> RulesHeld:
        """Tell which rules are active, and what was refused."""
        found = self._ports.rules
        refused = tuple(RefusedRules.model_validate(dict(one)) for one in self._refusals)
        version, fingerprint = found.version or 0, found.fingerprint or ""
        return RulesHeld(version, fingerprint, self._trial is not None, refused)

    def missing(self, manifest: Manifest) -> Sequence[str]:
        """Return the parts that are to be fetched; of what will be refused anyway, none."""
        try:
            parts.laid_out(manifest)
        except parts.Unfit:
            return ()
        return self._store.missing(manifest)

    def part_file(self, sha256: str) -> Path:
        """Name the file of a part while it grows."""
        return self._store.growing(sha256)

    def part_whole(self, part: Part) -> None:
        """Keep a part that is whole."""
        self._store.keep(part)

    async def activate(self, manifest: Manifest) -> str | None:
        """Build, test and swap. None when the rules are active, else why they are not."""
        why = await self._activate(manifest)
        if why is not None:
            self._store.sound.clear()  # it may have been one that is damaged since
            await self._refused(manifest.version, why)
        self._ports.alarms.change(
            SOURCE, AlarmName.RULES_REFUSED, raised=why is not None, cause=why
        )
        return why

    async def confirmed(self, version: int) -> None:
        """End the trial of this version: a fresh pulse named it."""
        if self._trial is None or self._trial.version != version:
            return
        if await asyncio.to_thread(trial.confirm, self._folder, version):
            self._try(None)
            log.info("rules_confirmed", version=version)

    def heard(self, at: datetime) -> None:
        """Take the cloud's time of a fresh pulse."""
        self._heard_at, self._heard_ms = at, self._ports.clock.monotonic_ms()

    async def highest_named(self, version: int) -> int:
        """Keep the highest version that a fresh pulse named, and that ours are the newest."""
        heard, held = self._heard_at, self._ports.rules.version

        def write(ledger: Ledger) -> int:
            kept = ledger.get("rules_named")
            highest = max(version, kept if isinstance(kept, int) else 0)
            ledger.put("rules_named", highest)
            if heard is not None:
                ledger.put("cloud_heard", {"at": heard.isoformat(), "version": version})
            return highest

        highest = await self._ports.journal.commit(write)
        if version == held == self._ports.rules.version:
            self._ports.rules.vouched_at = heard
        return highest

    # --- what time does

    async def run(self) -> None:
        """Take back what was not confirmed in time, and tell when the cloud is silent; for ever."""
        await self.take_up()
        while True:
            await self.look()
            await self._ports.clock.sleep_ms(limits.TRIAL_LOOK_MS)

    async def take_up(self) -> None:
        """Take up the trial, and the rules that a failure may have left in force.

        Rules that were not read yet are left to whoever reads them (`Keeping.read_rules`).

        Raises:
            StoreError, OSError: The disk does not tell.
        """
        if self._ports.rules.version is not None:
            await self._follow()
        await asyncio.to_thread(self.begin)

    async def _follow(self) -> None:
        """Let what is in force here be what is active on the disk. Raises StoreError, OSError."""
        active = await asyncio.to_thread(rules.active_version, self._folder)
        if active != self._ports.rules.version:
            await self._ports.rules.reload()
            await asyncio.to_thread(self.begin)
            self._keeping.rules_changed()

    async def look(self) -> None:
        """Look once."""
        due = self._until_ms is not None and self._until_ms <= self._ports.clock.monotonic_ms()
        if self._trial is not None and due:
            await self._take_back(self._trial)
        frozen = self._silent_ms() > limits.FROZEN_MS
        self._ports.alarms.change(SOURCE, AlarmName.RULES_FROZEN, raised=frozen)

    def _silent_ms(self) -> int:
        """Return how long the cloud has not been heard; before this run by a good clock only."""
        silent_ms = self._ports.clock.monotonic_ms() - self._heard_ms
        now = self._ports.clock.now()
        if self._heard_at is not None and now.trusted:
            before = now.earliest - self._heard_at
            silent_ms = max(silent_ms, before // timedelta(milliseconds=1))
        return silent_ms

    async def _activate(self, manifest: Manifest) -> str | None:
        try:
            with suppress(StoreError):  # damage to those in force stops no others
                await self._follow()
            previous = await asyncio.to_thread(rules.active_file, self._folder)
            active = await asyncio.to_thread(rules.active_version, self._folder)
        except OSError as error:
            return _words(error)
        if active is not None and manifest.version <= active:
            return f"version {active} is active"
        built = await self._built(manifest)
        if isinstance(built, str):
            return built[:WORDS_CHARS]
        on, begun = self._trial, Trial(manifest.version, manifest.confirm_s, previous)
        try:
            await asyncio.to_thread(self._swap, begun, on, built)
            await self._ports.rules.reload()
            if begun.confirm_s and on is not None:
                await asyncio.to_thread(trial.begin, self._folder, begun)
        except (StoreError, OSError) as error:
            await asyncio.to_thread(self._swap_back, begun, on, built)
            await self._follow()
            return _words(error)
        self._try(begun if begun.confirm_s else None)
        self._ports.rules.vouched_at = self._heard_at
        self._keeping.rules_changed()
        await asyncio.to_thread(self._store.sweep, manifest)
        return None

    async def _built(self, manifest: Manifest) -> Path | str:
        """Build apart; return the file, or why there is none."""
        try:
            return await self._building(canonical(manifest), self._folder)
        except BrokenExecutor:
            return "the process that built them ended; is there enough memory?"
        except (ControlRefused, StoreError) as failed:
            return "; ".join(explain(failed)[1])

    def _swap(self, begun: Trial, on: Trial | None, built: Path) -> None:
        """Swap the rules in, with the way back on the disk before."""
        trial.begin(self._folder, replace(begun, replaced=on))
        rules.activate(self._folder, built, None if on is None else on.previous)
        if not begun.confirm_s:
            trial.end(self._folder)

    def _swap_back(self, given_up: Trial, on: Trial | None, built: Path) -> None:
        """Take a swap back that failed; `on`: the trial of the rules before, which goes on."""
        if rules.active_file(self._folder) == built.name:
            rules.revert(self._folder, given_up.previous)
        if on is None:
            trial.end(self._folder)
        else:
            trial.begin(self._folder, on)
        log.error("rules_not_swapped", version=given_up.version)

    async def _take_back(self, given_up: Trial) -> None:
        why = f"not confirmed within {given_up.confirm_s} s"
        await asyncio.to_thread(trial.revert, self._folder, why)
        self._refusals = await asyncio.to_thread(trial.refused, self._folder)
        self._record(given_up.version, why)
        self._ports.alarms.change(SOURCE, AlarmName.RULES_REFUSED, raised=True, cause=why)
        await self._ports.rules.reload()
        self._try(None)  # not before: until those before are read, others are not for good
        self._keeping.rules_changed()

    async def _refused(self, version: int, why: str) -> None:
        await asyncio.to_thread(trial.refuse, self._folder, version, why)
        self._refusals = await asyncio.to_thread(trial.refused, self._folder)
        self._record(version, why)

    def _record(self, version: int, why: str) -> None:
        self._ports.recorder.append(events.rules_refused(self._ports.stamp(), version, why))


def _words(error: Exception) -> str:
    return "; ".join(explain(error)[1])[:WORDS_CHARS]


def build(manifest: bytes, folder: Path) -> Path | str:
    """Build a set, elsewhere; say what does not fit."""
    try:
        said, store = read(Manifest, manifest), Store(folder / "parts")
        return change(said, store, folder) or parts.build(said, store, folder)
    except parts.Unfit as unfit:
        return str(unfit)
