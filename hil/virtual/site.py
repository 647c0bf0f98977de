"""A site on virtual time: the same files and people, the daemon and the building as tasks."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from edged import runtime
from edged.clock import SystemClock
from edged.ports import Outside
from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from edged.settings import file as settings_file
from edged.store import rules
from hil.building import limits
from hil.building import wire as building_wire
from hil.building.building import Building
from hil.building.config import load
from hil.building.connections import Talk, serving
from hil.building.observations import Observations
from hil.site.processes import START_S, DidNotStart, Program
from hil.site.site import Site
from hil.virtual.beside import work_beside
from hil.virtual.disk import Disk, disks_of_lives
from hil.virtual.loop import now_ms, running
from hil.virtual.wires import LIFE, Life, Listener

MORNING = datetime(2026, 11, 4, 1, 0, tzinfo=UTC)
"""Ten in Tokyo, a Wednesday that is no holiday: where a virtual site's time begins."""

_LOOK_S = 0.02


@dataclass(slots=True)
class Sky:
    """The true time, and what the device's clock makes of it.

    `began_s`: the loop's time at `MORNING`. `off`: how far the device's clock is wrong.
    `error_s`: what the kernel says of it, None: no source confirms it.
    """

    began_s: float
    off: timedelta = timedelta(0)
    error_s: float | None = 0.1

    def true(self) -> datetime:
        """Give the true time."""
        passed_s = asyncio.get_running_loop().time() - self.began_s
        return MORNING + timedelta(seconds=passed_s)

    def device(self) -> datetime:
        """Give the time that the device's clock shows."""
        return self.true() + self.off


class _Clock(SystemClock):
    """The daemon's own clock over the loop's time."""

    def monotonic_ms(self) -> int:
        return now_ms()


class VirtualDaemon(Program):
    """The daemon as a task of this loop, in place of a subprocess.

    Killed, its wires and files are dead at once; what is left of its tasks reaches nobody.
    """

    def __init__(self, site: "VirtualSite") -> None:
        super().__init__((), site.folder / "daemon.log")
        self._site = site
        self._life = Life(site.disk)
        self._task: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._task is not None and not self._task.done() and not self._life.cut

    @property
    def fault(self) -> BaseException | None:
        """What ended it, if not a kill and not a request."""
        if self._task is None or not self._task.done() or self._life.cut:
            return None
        return self._task.exception()

    async def until_ready(self, _: Path) -> None:
        """Start it and wait until it listens. Raises DidNotStart."""
        self._life = Life(self._site.disk)
        token = LIFE.set(self._life)
        try:
            settings = settings_file.require(Path(self._site.config))
            sky = self._site.sky
            clock = _Clock(lambda: sky.error_s, wall=sky.device)
            self._task = asyncio.create_task(
                runtime.live(settings, clock, self._site.outside(self._life)), name="daemon"
            )
        finally:
            LIFE.reset(token)
        listeners = running().listeners
        async with asyncio.timeout(START_S):
            while str(self._site.control_socket) not in listeners:
                if self._task.done():
                    raise DidNotStart(repr(self.fault))
                await asyncio.sleep(_LOOK_S)

    def kill(self) -> None:
        """End it as SIGKILL does."""
        self._life.end()
        running().listeners.pop(str(self._site.control_socket), None)
        if self._task is not None:
            self._task.add_done_callback(_forget)
            self._task.cancel()

    def cut_cables(self, listener: Listener) -> None:
        """Cut the cables that lead to this listener."""
        for wire in tuple(self._life.wires):
            if wire.peer.listener is listener:
                wire.abort()

    async def wait(self) -> int:
        """Wait for its end; 1 if it ended by a fault of its own."""
        if self._task is None:
            raise DidNotStart("not started")
        await asyncio.wait({self._task})
        return 0 if self.fault is None else 1

    async def stop(self) -> int | None:
        """Ask it to end and wait."""
        if self._task is None:
            return None
        if self.alive:
            self._life.signals[signal.SIGTERM]()
        return await self.wait()


@dataclass(slots=True)
class VirtualSite(Site):
    """A site in this process. Make it with `virtual_site`.

    Its readers and locks are all at the building's socket: there are no serial lines here.
    `outside`: the way to a cloud, for each life of the daemon.
    """

    sky: Sky = field(kw_only=True)
    disk: Disk = field(kw_only=True)
    outside: Callable[[Life], Outside | None] = field(kw_only=True, default=lambda _: None)
    everything: Building = field(init=False)
    _cables: Listener = field(init=False)
    _up: AsyncExitStack = field(init=False, default_factory=AsyncExitStack)

    def write(self) -> None:
        """Put every device at the building's socket, and write the files."""
        at_socket(self)
        Site.write(self)

    async def load_rules(self) -> None:
        """Make the rules the active ones. Raises DidNotStart with what is wrong with them."""
        found = rules_file.read((self.folder / "rules.json").read_bytes())
        if not isinstance(found, RuleSet):
            raise DidNotStart(repr(found))
        folder = self.folder / "state" / "rules"
        folder.mkdir(parents=True, exist_ok=True)
        rules.activate(folder, rules.build(found, folder))

    async def start_building(self) -> dict[str, Any]:
        """Put the building up."""
        config = load(self.folder / "building.toml")
        log = self._up.enter_context(config.log.open("a", encoding="utf-8"))
        building = self.everything = Building(config, Observations(log), lambda: now_ms() * 1_000)
        self._up.callback(building.stop)
        await building.start()
        await self._up.enter_async_context(
            serving(partial(_listen, config.socket), partial(building_wire.talk, building))
        )
        return {"ready": True, "cameras": {}}

    @property
    def daemon_fault(self) -> BaseException | None:
        """What ended the daemon by itself, if anything did."""
        return self.daemon.fault if isinstance(self.daemon, VirtualDaemon) else None

    @property
    def alive(self) -> bool:
        """Whether the daemon runs."""
        return isinstance(self.daemon, VirtualDaemon) and self.daemon.alive

    @property
    def has_cables(self) -> bool:
        """Whether the building can be reached."""
        return str(self.building_socket) in running().listeners

    def cut_cables(self) -> None:
        """Cut every cable between the daemon and the building."""
        listeners = running().listeners
        self._cables = listeners.pop(str(self.building_socket))
        if isinstance(self.daemon, VirtualDaemon):
            self.daemon.cut_cables(self._cables)

    def mend_cables(self) -> None:
        """Mend them."""
        running().listeners[str(self.building_socket)] = self._cables

    async def stop(self) -> None:
        """End everything."""
        await self.daemon.stop()
        await self._up.aclose()


def _forget(task: asyncio.Task[None]) -> None:
    """Take what a killed daemon's remains fell over: nobody is to hear of it."""
    if not task.cancelled():
        task.exception()


async def _listen(path: Path, talk: Talk) -> asyncio.Server:
    return await asyncio.start_unix_server(talk, path, limit=limits.LINE_BYTES)


def at_socket(site: Site) -> None:
    """Change a site so that all its devices are at the building's socket."""
    socket = {"kind": "sim", "socket": str(site.building_socket)}
    site.building |= {"scanners": {}, "relays": {}}
    for name, door in site.settings["doors"].items():
        if door["lock"]["kind"] != "sim":
            door["lock"] = {**socket, "door": name}
    places = (*site.settings["doors"].values(), *site.settings.get("lockers", {}).values())
    for place in places:
        for name, reader in place["readers"].items():
            light = reader.get("indicator")
            place["readers"][name] = {**socket, "reader": name}
            if light is not None:
                place["readers"][name]["indicator"] = light


@contextmanager
def quiet_machine() -> Iterator[None]:
    """Let sites live in the block: no log is written, and disks and heavy work are virtual."""
    said = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with disks_of_lives(), work_beside():
            yield
    finally:
        structlog.configure(**said)


def made(folder: Path, delay_s: Callable[[], float]) -> VirtualSite:
    """Make a site on the running virtual loop, not up yet; its daemon is a task.

    Args:
        folder: Where its files are.
        delay_s: How long each job of the disk takes, s.
    """
    sky = Sky(running().time())
    site = VirtualSite(folder, wall=sky.true, sky=sky, disk=Disk(delay_s))
    site.daemon = VirtualDaemon(site)
    return site


@asynccontextmanager
async def virtual_site(
    folder: Path, change: Callable[[Site], None], delay_s: Callable[[], float]
) -> AsyncIterator[VirtualSite]:
    """Make a site, alone on the running virtual loop, and end it with the block.

    `change`: what is to be different at it. See `made`.
    """
    site = made(folder, delay_s)
    change(site)
    with quiet_machine():
        try:
            yield site
        finally:
            await site.stop()
