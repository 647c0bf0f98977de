"""What an installer is told of readers: what is plugged in, what it answers, what it reads.

Beside the daemon and not through it: a port that the daemon has open is left alone.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers import detect, registry
from drivers.api import DeviceMissing, DriverError, Scan
from edged.printable import printable
from edged.settings.file import load
from edged.settings.model import Settings
from policy.model import CodeKind

LINE = detect.Found("serial_line", 9_600, "")
"""What a port is taken for where nothing answers: a scanner that only sends lines."""

_BLOCK = """\
[doors.DOOR.readers.READER]
kind = {kind}
port = {port}
baud = {baud}
"""


@dataclass(frozen=True, slots=True)
class Looked:
    """One serial port. Without `found` nothing answered, or `problem` says why none was asked."""

    port: detect.Port
    found: detect.Found | None = None
    problem: str | None = None

    @property
    def settings(self) -> str:
        """The reader's table for the settings file, DOOR and READER to be named."""
        found = self.found or LINE
        kind, port = json.dumps(found.kind), json.dumps(self.port.path)  # as TOML spells texts
        return _BLOCK.format(kind=kind, port=port, baud=found.baud)


@dataclass(frozen=True, slots=True)
class Read:
    """One code that was read. `kind` is that of the contract's codes, where it is one."""

    port: str
    size: int
    kind: str | None
    text: str


def ports(named: Sequence[Path]) -> list[detect.Port]:
    """Find the ports that are named, by the name that stays; or all of this machine."""
    known = {os.path.realpath(port.path): port for port in detect.serial_ports()}
    if not named:
        return list(known.values())
    return [
        known.get(os.path.realpath(path), detect.Port(str(path.absolute()), "", usb=False))
        for path in named
    ]


def others() -> Iterator[tuple[str, str]]:
    """Find what else codes may come from: what it is, and its stable name."""
    yield from (("keyboard", path) for path in detect.keyboards())
    yield from (("camera", path) for path in detect.cameras())


def look_at(named: Sequence[Path], config: Path, say: Callable[[str], None]) -> list[Looked]:
    """Ask at the ports that are named, or at all; settings with faults name no owners."""
    settings = load(config)
    owners = _owners(settings) if isinstance(settings, Settings) else {}
    return [
        asyncio.run(look(port, owners.get(os.path.realpath(port.path)), say, named=bool(named)))
        for port in ports(named)
    ]


def require(looked: Sequence[Looked]) -> None:
    """See that each port was asked. Raises DeviceMissing."""
    for one in looked:
        if one.problem is not None:
            raise DeviceMissing(one.port.path, one.problem)


async def look(
    port: detect.Port, owner: str | None, say: Callable[[str], None], *, named: bool
) -> Looked:
    """Ask what is at one port; `say` is told each question before it is asked.

    A port that has no plug is not asked unless it was `named`: a console or the Bluetooth chip
    may hang there. `owner`: whose it is in the settings.
    """
    if not (port.usb or named):
        return Looked(port, problem=f"is built in: ask it by --port {port.path}")
    try:
        return Looked(port, await detect.probe(port.path, say))
    except detect.PortInUse as error:
        whose = f" ({owner} in the settings)" if owner else ""
        return Looked(port, problem=f"{error.problem}{whose}: stop the daemon first")
    except DriverError as error:
        return Looked(port, problem=error.problem)


async def watch(looked: Sequence[Looked], tell: Callable[[Read], None], *, plain: bool) -> None:
    """Tell what is read at these ports until one is lost. Each is worked as the daemon would.

    Args:
        looked: Ports without a problem.
        tell: Told each code as it is read.
        plain: Whether the text is told as it is; else only its first characters.

    Raises:
        DriverError: A port can't be opened, or is lost.
    """
    async with asyncio.TaskGroup() as tasks:
        for one in looked:
            tasks.create_task(_watch(one, tell, plain=plain))


async def _watch(one: Looked, tell: Callable[[Read], None], *, plain: bool) -> None:
    found, port = one.found or LINE, one.port.path

    def read(scan: Scan) -> None:
        tell(_told(port, scan.text, plain=plain))

    reader = registry.reader_class(found.kind)(port, port=port, baud=found.baud)
    async with reader:
        await reader.run(read)


def _told(port: str, data: bytes, *, plain: bool) -> Read:
    text = data.decode("utf-8", "backslashreplace")
    prefix, colon, _ = text.partition(":")
    kind = prefix if colon and prefix in set(CodeKind) else None
    shown = text if plain else f"{prefix}:..." if kind else "..."
    return Read(port, len(data), kind, printable(shown))


def _owners(settings: Settings) -> dict[str, str]:
    """Whose each serial port is, by its real path."""
    return {os.path.realpath(port): name for name, port in _wired(settings)}


def _wired(settings: Settings) -> Iterator[tuple[str, str]]:
    devices: list[tuple[str, object]] = list(settings.counters.items())
    for name, door in settings.doors.items():
        devices += [(f"{name}.lock", door.lock), *door.readers.items()]
    for name, bank in settings.lockers.items():
        devices += [(f"{name}.board", board) for board in (bank.board, *bank.more_boards)]
        devices += bank.readers.items()
    for name, device in devices:
        port = getattr(device, "port", None)
        if isinstance(port, str):
            yield name, port
