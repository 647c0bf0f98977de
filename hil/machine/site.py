"""A site whose device is the machine: its building is here, its daemon is there."""

import asyncio
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from hil.machine.device import connected
from hil.machine.harness import Cable, Coil, Contact, Lamps, Wire
from hil.machine.image import make_image
from hil.machine.qemu import KEYBOARD_PATH, Disks, Machine, serial_path
from hil.machine.snapshot import make_snapshot
from hil.machine.wired import WiredSite
from hil.people import People
from hil.scenarios.stage import furnish
from hil.site.lockers import BANK, BUS
from hil.site.processes import DidNotStart
from hil.site.site import Site, Table

_PACE: Final = 5.0
"""The processor is emulated: times here say that it works and in which order, no more."""
_PLUGS_S: Final = 120
_STARTS: Final = 4
_FORGOTTEN_S: Final = 6.0
"""Longer than `debounce_s` of the rules (spec/rules.md 6)."""
"""Of the daemon: on a busy computer its line keeper may not be there within its 10 s."""
_SCANNERS: Final = ("front-in", "front-out", "hall-in")
_TYPED: Final = "yard-in"
"""A scanner that is a keyboard; nobody types at it yet."""
LINES: Final = {
    "front": {"lock": 17, "contact": 24, "exit_button": 23, "bond": 25, "tamper": 12},
    "yard": {"lock": 18, "contact": 5, "exit_button": 6, "bond": 13, "tamper": 16},
}
_NO_DOORS: Final = {"fire": 22, "lockdown_switch": 27}
_LAMPS: Final = {"front-in": (20, 21), "hall-in": (19, 26), "siren": (9, 10)}
_AGENT: Final = ("python3", "-SE", "/opt/bench/agent.py")
_DOUBT: Final = "/etc/bench/doubt"
_WORDS: Final = {"exit_button": "button", "lockdown_switch": "lockdown"}
_OPEN: Final = ("exit_button", "bond", "lockdown_switch")
"""What is open while it is not active; the rest is closed, so that a cut wire is noticed."""


def wires(active_low: Collection[str] = ("front",)) -> list[Wire]:
    """Give what is wired to the header. `active_low`: doors whose relay is driven by a low line."""
    found: list[Wire] = []
    for door, parts in LINES.items():
        found.append(Coil(door, parts["lock"], active_low=door in active_low))
        found += [_contact(part, line, door) for part, line in parts.items() if part != "lock"]
    found += [_contact(part, line, None) for part, line in _NO_DOORS.items()]
    found += [Lamps(name, *lines) for name, lines in _LAMPS.items()]
    return found


def _contact(part: str, line: int, door: str | None) -> Contact:
    return Contact(_WORDS.get(part, part), line, door, closed=part not in _OPEN)


def at_rest() -> dict[int, bool]:
    """Give the level of each line that is pulled while nothing happens."""
    levels: dict[int, bool] = {}
    for wire in wires():
        match wire:
            case Contact():
                levels[wire.line] = wire.level(active=wire.what == "bond")
            case Coil(_, line, active_low):
                levels[line] = active_low
            case Lamps(_, red, green):
                levels |= {red: False, green: False}
    return levels


def make(work: Path, *, afresh: bool = False) -> Disks:
    """Make what is missing or old in `work`: what a machine goes on from, `afresh`: boots."""
    return (make_image if afresh else make_snapshot)(work, at_rest())


@contextmanager
def started(disks: Disks) -> Iterator[Machine]:
    """Have a machine of its own, with cables that can be plugged in."""
    with (
        tempfile.TemporaryDirectory(prefix="edged-machine-") as folder,
        Machine(disks, Path(folder), [*_SCANNERS, BUS]) as machine,
    ):
        yield machine


def rewire(site: Site, port: Callable[[str], str] = serial_path) -> None:
    """Put lines, scanners and boards in the place of what is simulated. Before it is written.

    `port`: gives the name of a serial adapter at the device.
    """
    site.building["scanners"] = {name: {"link": f"{name}.tty"} for name in _SCANNERS}
    board = {"kind": "kerong", "address": 0, "bank": BANK, "locks": 4}
    site.building["buses"] = {BUS: {"link": f"{BUS}.tty", "boards": [board]}}
    for key in ("state_dir", "runtime_dir", "secrets_dir", "allow_simulated", "clock"):
        del site.settings[key]
    for name, parts in LINES.items():
        door = site.settings["doors"][name]
        door |= {part: _input(part, line) for part, line in parts.items() if part != "lock"}
        door["lock"] = {"kind": "gpio", "line": parts["lock"], "active_low": name == "front"}
        door["readers"] = {reader: _scanner(reader, port) for reader in door["readers"]}
    site.settings["doors"]["yard"]["readers"] = {
        _TYPED: {"kind": "keyboard_wedge", "path": KEYBOARD_PATH}
    }
    site.settings |= {part: _input(part, line) for part, line in _NO_DOORS.items()}
    site.settings["alarm_output"] = _lamps("siren")
    bank = site.settings["lockers"][BANK]
    bank["readers"] = {reader: _scanner(reader, port) for reader in bank["readers"]}
    bank["board"] = {
        "kind": "kerong",
        "port": port(BUS),
        "baud": 9_600,
        "address": 0,
        "locks": 4,
        "hook_closed_bit": 1,
    }


def _input(part: str, line: int) -> Table:
    """Give an input's settings; the resistor is outside, for gpio-sim has one pull a line.

    A pin's own would be that pull: claimed with it, a closed contact would seem to open.
    """
    normally = "open" if part in _OPEN else "closed"
    return {"kind": "gpio", "line": line, "normally": normally, "pull": "none"}


def _scanner(name: str, port: Callable[[str], str]) -> Table:
    table: Table = {"kind": "serial_line", "port": port(name)}
    return {**table, "indicator": _lamps(name)} if name in _LAMPS else table


def _lamps(name: str) -> Table:
    red, green = _LAMPS[name]
    return {"kind": "gpio", "red": red, "green": green}


def machine_site(folder: Path, machine: Machine) -> "MachineSite":
    """Furnish a site for the scenarios, at a machine that is switched on."""
    site = MachineSite(folder, machine)
    furnish(site)
    rewire(site)
    return site


class _People(People):
    """People who pull a scanner's plug out of the machine itself."""

    def __init__(self, building: Path, cables: Mapping[str, Cable]) -> None:
        super().__init__(building)
        self._cables = cables

    async def unplug(self, reader: str) -> None:
        """Pull it out of the machine's USB."""
        await self._cables[reader].unplug()

    async def plug(self, reader: str) -> None:
        """Put it back."""
        await self._cables[reader].plug()


class MachineSite(WiredSite):
    """A site at a machine that is switched on. `rewire` has to see it before it is written."""

    def __init__(self, folder: Path, machine: Machine) -> None:
        cables = {
            name: Cable(folder / f"{name}.tty", machine.cable(name)) for name in (*_SCANNERS, BUS)
        }
        super().__init__(folder, partial(connected, machine.agent), wires(), cables, _PACE)
        self.starts = 0
        self._machine = machine
        self._sockets = cables

    def pull(self, line: int, *, level: bool) -> None:
        """See WiredSite."""
        self.device.pull(line, level=level)

    def watch(self, lines: Collection[int]) -> None:
        """See WiredSite."""
        self.device.watch(lines)

    def cut_power(self) -> None:
        """See WiredSite."""
        self._machine.reset()

    async def load_rules(self) -> None:
        """See WiredSite. A machine that was saved has slept: its clock is set, and confirmed."""
        await self._set_clock()
        plugs = (serial_path(name) for name in self._sockets)
        await self.device.run("udevadm", "wait", f"--timeout={_PLUGS_S}", *plugs)
        await super().load_rules()

    async def start_daemon(self) -> None:
        """See WiredSite. What fails is started anew, as systemd would; `starts` counts it."""
        for _ in range(_STARTS - 1):
            self.starts += 1
            with suppress(DidNotStart):
                await super().start_daemon()
                return
        self.starts += 1
        await super().start_daemon()

    async def pass_hours(self, hours: float) -> None:
        """Set the machine's clock and the phones' ahead, confirmed.

        What counts time is not moved: it goes on for as long as a code that was shown may be the
        same presentation still. A power cut ends it: the machine boots with this computer's time.
        """
        await asyncio.sleep(_FORGOTTEN_S)
        before = self.wall
        self.wall = lambda: before() + timedelta(hours=hours)
        await self._set_clock()

    async def _set_clock(self) -> None:
        await self.device.run("date", f"--set=@{self.wall().timestamp()}")
        await self.confirm_time(sure=True)

    async def confirm_time(self, *, sure: bool) -> None:
        """Have the kernel's clock be synchronised or not, from now on, over a power cut too."""
        mark = ("rm", "--force", _DOUBT) if sure else ("touch", _DOUBT)
        await self.device.run(*mark)
        await self.device.run("sync", "--file-system", "/etc")
        await self.device.run(*_AGENT, "time", "confirmed" if sure else "doubted")

    def people(self) -> People:
        """Somebody in the building; open with `async with`."""
        return _People(self.building_socket, self._sockets)
