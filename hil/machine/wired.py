"""A site whose building is here and whose daemon is elsewhere, at the ends of wires."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Protocol

import tomli_w

from hil.machine.device import CommandFailed, Connect, Device
from hil.machine.harness import Harness, Wire
from hil.site.processes import DidNotStart, Program
from hil.site.site import Site

BOOT_S: Final = 900.0
"""From power to the agent's hello: 8 s of a quiet machine, and many times that of a busy one."""
_STATE: Final = "/var/lib/edged"
_AS_EDGED: Final = ("runuser", "-u", "edged", "--")


class Plug(Protocol):
    """A cable between the building and the device."""

    async def plug(self) -> None:
        """Plug it in. Raises OSError."""
        ...

    async def unplug(self) -> None:
        """Pull it out. Idempotent."""
        ...


class _Daemon(Program):
    """The daemon as the device's systemd has it."""

    def __init__(self, site: "WiredSite") -> None:
        super().__init__(["edged"], Path("/dev/null"))
        self._site = site

    def kill(self) -> None:
        """Cut the device's power."""
        self._site.lose_power()

    async def wait(self) -> int:
        """It is gone at once."""
        return 0

    async def stop(self) -> int | None:
        """Stop it, as an installer does, if the device has ever been up."""
        if not self._site.up_at_s:
            return None
        await self._site.device.up(self._site.boot_s)
        await self._site.device.run("systemctl", "stop", "edged")
        return None


class WiredSite(Site):
    """A site at a device that has power. What a kind of device has is said by its class.

    Args:
        folder: The building's, as of every site.
        connect: Calls the device's agent.
        wires: What is wired to its header.
        cables: What is plugged into it, by the building's names.
        pace: How many times as long as a Raspberry Pi it may take.
        boot_s: How long it may take from power to the agent's hello.
    """

    def __init__(
        self,
        folder: Path,
        connect: Connect,
        wires: Sequence[Wire],
        cables: Mapping[str, Plug],
        pace: float,
        boot_s: float = BOOT_S,
    ) -> None:
        super().__init__(folder, pace=pace)
        self.daemon = _Daemon(self)
        self.harness = Harness(self.building_socket, wires, self)
        self.device = Device(connect, self.harness.drive)
        self.up_at_s = 0.0
        self.boot_s = boot_s
        self._cables = cables
        self._wired = AsyncExitStack()

    def pull(self, line: int, *, level: bool) -> None:
        """Be the world at an input of the header."""
        raise NotImplementedError

    def watch(self, lines: Collection[int]) -> None:
        """Tell the harness of these outputs of the header, each at once and when it changes."""
        raise NotImplementedError

    def cut_power(self) -> None:
        """Cut the device's power: for a moment, or until the daemon is started again."""
        raise NotImplementedError

    def lose_power(self) -> None:
        """Cut the device's power, and with it its relays'."""
        self.cut_power()
        self.device.gone()
        self.harness.dark()

    async def start_building(self) -> dict[str, Any]:
        """Put the building up, and wire it to the device."""
        ready = await super().start_building()
        enter = self._wired.enter_async_context
        await enter(self.device)
        try:
            await self.device.up(self.boot_s)
        except TimeoutError:
            raise DidNotStart(f"the device's agent said nothing for {self.boot_s:g} s") from None
        self.up_at_s = time.monotonic()
        await self.device.run("systemctl", "stop", "edged")
        await enter(self.harness)
        self.harness.dark()
        self.watch(self.harness.outputs)
        for cable in self._cables.values():
            await cable.plug()
            self._wired.push_async_callback(cable.unplug)
        self.control_socket.parent.mkdir()
        await enter(await asyncio.start_unix_server(self.device.call, self.control_socket))
        return ready

    async def load_rules(self) -> None:
        """Give a device that knows nothing its settings, its secret and its rules."""
        secret = (self.folder / "secrets/store_pepper").read_text()
        await self.device.put("/etc/edged/edged.toml", tomli_w.dumps(self.settings))
        await self.device.put("/etc/edged/secrets/store_pepper", secret, 0o600)
        await self.device.put("/run/rules.json", (self.folder / "rules.json").read_text())
        await self.device.run("find", _STATE, "-mindepth", "1", "-delete")
        await self.device.run(*_AS_EDGED, "edged", "rules", "load", "/run/rules.json")

    async def start_daemon(self) -> None:
        """Wait until the daemon says that it is ready."""
        await self.device.up(self.boot_s)
        try:
            await self.device.run("systemctl", "start", "edged")
        except CommandFailed:
            log = ("journalctl", "--unit=edged", "--output=cat", "--no-pager", "--lines=30")
            raise DidNotStart(await self.device.run(*log)) from None

    async def fetch_journal(self) -> None:
        """Copy the journal from the machine."""
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        copy = await self.device.database(f"{_STATE}/journal.db")
        (state / "journal.db").write_bytes(copy)

    async def stop(self) -> None:
        """Stop the daemon, then the rest."""
        try:
            await self.daemon.stop()
        finally:
            await self._wired.aclose()
            for program in reversed(self._programs):
                await program.stop()
            self._programs.clear()
