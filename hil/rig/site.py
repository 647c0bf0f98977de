"""A site whose device is a Raspberry Pi on the table."""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import gpiozero

from hil.machine.site import at_rest, rewire, wires
from hil.machine.wired import WiredSite
from hil.rig.bench import Bench
from hil.rig.cable import Crossed
from hil.rig.header import Header
from hil.rig.redial import Redial
from hil.scenarios.stage import furnish
from hil.site.processes import DidNotStart

BAUD: Final = 9_600
"""Of every port: a scanner's and a board's default."""
BOOT_S: Final = 120.0
_NO_ADAPTER: Final = "/dev/edged/serial-nothing-{name}"


class RigSite(WiredSite):
    """A site at a bench. What is on the device is erased: settings, rules, journal."""

    def __init__(self, folder: Path, bench: Bench) -> None:
        self._redial = Redial(bench.agent)
        cables = {
            name: Crossed(folder / f"{name}.tty", cable.rig, BAUD)
            for name, cable in bench.cables.items()
        }
        super().__init__(folder, self._redial.connect, wires(), cables, pace=1.0, boot_s=BOOT_S)
        self._bench = bench
        self._here = AsyncExitStack()
        rest = at_rest()
        outputs = {line: rest[line] for line in self.harness.outputs}
        self._header = Header(outputs, bench.power_line, self.harness.drive)

    async def start_building(self) -> dict[str, Any]:
        """Put the building up, and wire it to the device."""
        try:
            await self._here.enter_async_context(self._header)
        except (OSError, gpiozero.GPIOZeroError) as error:
            raise DidNotStart(f"the rig's header: {error}") from None
        return await super().start_building()

    async def stop(self) -> None:
        """Stop the daemon, then the rest."""
        try:
            await super().stop()
        finally:
            await self._redial.close()
            await self._here.aclose()

    def pull(self, line: int, *, level: bool) -> None:
        """See WiredSite."""
        self._header.pull(line, level=level)

    def watch(self, lines: Collection[int]) -> None:
        """See WiredSite."""
        self._header.watch(lines)

    def cut_power(self) -> None:
        """Cut the device's supply for a while."""
        self._header.power(on=False)
        self._redial.hang_up()
        later = asyncio.get_running_loop().call_later(self._bench.off_s, self._give_power)
        self._here.callback(later.cancel)

    def _give_power(self) -> None:
        self._header.power(on=True)


def rig_site(folder: Path, bench: Bench) -> RigSite:
    """Furnish a site for the scenarios, with the bench's ports in its settings."""
    site = RigSite(folder, bench)
    furnish(site)
    rewire(site, lambda name: _port(bench, name))
    return site


def _port(bench: Bench, name: str) -> str:
    cable = bench.cables.get(name)
    return cable.device if cable else _NO_ADAPTER.format(name=name)
