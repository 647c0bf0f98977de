"""Rules that are changed whatever the disk says, as the daemon changes them.

A set of an installer's file, then of a cloud: on trial and confirmed, not confirmed, without a
trial, on trial over a restart, over crashes, and when the next one comes. After a failure the
daemon goes on, or is started anew. Says what was told, and `WRONG` where that is not so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from edged.cloud import trial
from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from edged.store import rules
from edged.store.connection import connect_read_only, quick_check
from edged.store.errors import StoreError
from edged.store.journal import Journal
from edged.store.rules import RulesStore
from hil.crash import publisher, telling
from hil.crash.rules_daemon import Daemon, Refused, good_journal
from hil.crash.telling import say

_FAILURES: Final = 8
"""After so many the disk is not going to be well again."""
_FAILS: Final = (StoreError, OSError, Refused)


@dataclass(slots=True)
class Told(telling.Told):
    """What the cloud was told.

    `good`: the highest version in force for good. `given_up`: what was taken back. `trial`: what
    is on trial, and nothing was told of since.
    """

    good: int = 0
    given_up: list[int] = field(default_factory=list)
    trial: int = 0


class Stubborn:
    """Somebody who changes a device's rules, step by step, until it has the last."""

    def __init__(self, folder: Path, told: Told, journal: Journal) -> None:
        self._folder = folder
        self._told = told
        self._journal = journal
        self._daemon = Daemon(folder, journal)
        self._steps: tuple[Callable[[], Awaitable[None]], ...] = (
            self._install,
            partial(self._confirmed, 2),
            partial(self._not_confirmed, 3),
            partial(self._at_once, 4),
            partial(self._over_a_restart, 5),
            partial(self._over_crashes, 6),
            partial(self._overtaken, 7, 8),
        )

    async def work(self) -> bool:
        """Take all steps; False: the disk did not let it."""
        for failures in range(_FAILURES):
            try:
                if failures % 2 == 0:
                    await self._anew()
                await self._go_on()
            except _FAILS:
                with suppress(*_FAILS):
                    await self._daemon.pulse()  # the cloud says on what it wants
                self._tell()
                with suppress(StoreError, OSError):  # whatever the disk tells
                    if found := await wrong(self._folder, self._told):
                        say(f"WRONG: {found}")
            else:
                return True
        return False

    async def _go_on(self) -> None:
        while self._told.done < len(self._steps):
            await self._steps[self._told.done]()
            self._told.done += 1
            self._tell()

    async def close(self) -> None:
        """Let go of the rules."""
        await self._daemon.store.close()

    async def _anew(self) -> None:
        """Stop the daemon as asked to, and start it."""
        trial.run_ends(self._folder)
        await self._crash()

    async def _crash(self) -> None:
        await self.close()
        self._daemon = Daemon(self._folder, self._journal)
        await self._daemon.begin()

    def _tell(self) -> None:
        """Say what is told by now."""
        told = self._told
        told.good = max(told.good, self._daemon.in_force_for_good)
        held = self._daemon.down.held()
        told.trial = held.version if held.trial else 0
        told.say()

    # --- the steps; each may have been taken in part

    async def _install(self) -> None:
        """Load an installer's file (rulebook/load.py)."""
        found = rules_file.read(publisher.spelled(1))
        if not isinstance(found, RuleSet):
            raise TypeError(found)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        built = await asyncio.to_thread(rules.build, found, self._folder)
        await asyncio.to_thread(rules.activate, self._folder, built)
        await self._daemon.store.reload()

    async def _publish(self, version: int, confirm_s: int = 60) -> None:
        self._told.given_up = [one for one in self._told.given_up if one != version]
        await self._daemon.publish(version, confirm_s)

    async def _confirmed(self, version: int) -> None:
        await self._publish(version)
        await self._daemon.pulse()

    async def _not_confirmed(self, version: int) -> None:
        await self._publish(version)
        await self._daemon.late()
        self._gave_up(version)

    def _gave_up(self, version: int) -> None:
        """Take it that this version was taken back, unless it stayed for good."""
        if self._daemon.in_force != version:
            self._told.given_up.append(version)
        elif not self._daemon.in_force_for_good:
            say(f"WRONG: {version} is still on trial")

    async def _at_once(self, version: int) -> None:
        await self._publish(version, 0)

    async def _over_a_restart(self, version: int) -> None:
        await self._publish(version)
        await self._anew()
        await self._confirmed(version)

    async def _over_crashes(self, version: int) -> None:
        """Two runs that crash: it is taken back, unless the disk took no count."""
        await self._publish(version)
        for _ in range(2):
            await self._crash()
        if self._daemon.in_force == version:
            await self._daemon.pulse()
        self._gave_up(version)

    async def _overtaken(self, version: int, other: int) -> None:
        if self._daemon.in_force < version:
            await self._publish(version)
        await self._confirmed(other)


async def wrong(folder: Path, told: Told) -> str:
    """Say what must not be of rules, after what was told, or nothing.

    Raises StoreError, OSError: the disk does not tell.
    """
    active = rules.active_file(folder)
    if active is None:
        return f"there are none, after {told.good}" if told.good else ""
    version = rules.active_version(folder) or 0
    if version < told.good:
        return f"{version} is active, after {told.good} for good"
    if version in told.given_up:
        return f"{version} is active, which was taken back"
    if version == told.trial:
        on = trial.read(folder)
        if on is None or on.version != version or on.previous in {None, active}:
            return f"{version} is active on trial, without a way back: {on}"
        if not (folder / on.previous).exists():
            return f"{on.previous} is the way back, and not there"
    return await _whole(folder, active, version)


async def _whole(folder: Path, active: str, version: int) -> str:
    store = await RulesStore.open(folder)
    try:
        if store.fingerprint != publisher.manifest(version, 0).fingerprint:
            return f"{version} is active, with other content"
        missing = [name for name in publisher.known() if await store.member_by_id(name) is None]
    finally:
        await store.close()
    with closing(connect_read_only(folder / active)) as db:
        quick_check(db, folder / active)
    return f"{version} is active, without {missing}" if missing else ""


async def _through(folder: Path, told: Told) -> bool:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))  # calls in one order
    async with good_journal() as journal:
        stubborn = Stubborn(folder, told, journal)
        try:
            return await stubborn.work()
        finally:
            await stubborn.close()


def work(folder: Path, said: str) -> bool:
    """Work in a folder, behind what a run before said; False: the disk did not let it."""
    return asyncio.run(_through(folder / "rules", Told.last(said)))
