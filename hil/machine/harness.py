"""The wires between a building and a device: relays and contacts at lines, and serial cables.

The building moves bolts and people; the device has levels. What is between them at a real door
is here: a relay feeds a coil, a contact pulls a line, two lamps make a colour.
"""

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

_SHOWN_MS: Final = 1_000
"""How long a lamp's colour is said to last; the next change of its lines ends it."""
_READ_BYTES: Final = 4_096


class Lines(Protocol):
    """A header from outside: inputs are pulled, outputs are watched elsewhere."""

    def pull(self, line: int, *, level: bool) -> None:
        """Be the world at an input."""
        ...


@dataclass(frozen=True, slots=True)
class Coil:
    """A relay at a line, and the door whose coil it feeds."""

    door: str
    line: int
    active_low: bool = False


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact between a line and ground, with a pull-up.

    `what`: the building's word, such as contact, button or fire. `door`: None: it is no door's.
    `closed`: it is closed while it is not active.
    """

    what: str
    line: int
    door: str | None = None
    closed: bool = True

    def level(self, *, active: bool) -> bool:
        """Give the line's level: low through a closed contact."""
        return active is self.closed


@dataclass(frozen=True, slots=True)
class Lamps:
    """Two lamps at two lines, both high for amber."""

    name: str
    red: int
    green: int


Wire = Coil | Contact | Lamps


@dataclass(slots=True)
class Harness:
    """All wires. Open with `async with`, while the building is up.

    Args:
        building: Its socket.
        wires: What is wired to what.
        header: The device's.
    """

    building: Path
    wires: Sequence[Wire]
    header: Lines
    _levels: dict[int, bool] = field(default_factory=dict)
    _peers: dict[Wire, asyncio.StreamWriter] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _said: dict[Wire, Mapping[str, object]] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        """Connect everything. Raises OSError."""
        for wire in self.wires:
            reader, self._peers[wire] = await asyncio.open_unix_connection(self.building)
            self._say(wire, _hello(wire))
            self._tasks.append(asyncio.create_task(self._listen(wire, reader), name=f"{wire}"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cut everything."""
        for peer in self._peers.values():
            peer.close()
        await asyncio.gather(*self._tasks)

    @property
    def outputs(self) -> list[int]:
        """The lines that the device drives."""
        return [line for wire in self.wires for line in _outputs(wire)]

    def drive(self, line: int, level: bool) -> None:
        """Take note of the level that the device gives to one of its outputs."""
        self._levels[line] = level
        for wire in self.wires:
            if line in _outputs(wire):
                self._show(wire)

    def dark(self) -> None:
        """Take note that the header has no power: no relay is driven, no lamp is lit."""
        for wire in self.wires:
            for line in _outputs(wire):
                self._levels[line] = isinstance(wire, Coil) and wire.active_low
            self._show(wire)

    def _show(self, wire: Wire) -> None:
        message: dict[str, object] = {}
        match wire:
            case Coil(_, line, active_low):
                message = {"energised": self._level(line) is not active_low}
            case Lamps(_, red, green):
                message = {"light": _colour(red=self._level(red), green=self._level(green))}
                message |= {"tone": "none", "blinks": 0, "for_ms": _SHOWN_MS}
            case Contact():
                pass  # it is the device's input
        if message and self._said.get(wire) != message:
            self._said[wire] = message
            self._say(wire, {"id": 1, **message})

    def _level(self, line: int) -> bool:
        return self._levels.get(line, False)

    def _say(self, wire: Wire, message: Mapping[str, object]) -> None:
        self._peers[wire].write(json.dumps(message).encode() + b"\n")

    async def _listen(self, wire: Wire, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while text := await reader.readline():
                said: dict[str, Any] = json.loads(text)
                if said.get("ok") is False:
                    raise ConnectionRefusedError(f"{wire}: {said['error']}")
                if isinstance(wire, Contact) and "active" in said:
                    self.header.pull(wire.line, level=wire.level(active=said["active"]))


def _outputs(wire: Wire) -> tuple[int, ...]:
    match wire:
        case Coil(_, line):
            return (line,)
        case Lamps(_, red, green):
            return (red, green)
        case Contact():
            return ()


def _hello(wire: Wire) -> dict[str, object]:
    match wire:
        case Coil(door):
            return {"hello": "coil", "door": door}
        case Lamps(name):
            return {"hello": "indicator", "name": name}
        case Contact(what, door=None):
            return {"hello": what}
        case Contact(what, door=door):
            return {"hello": what, "door": door}


def _colour(*, red: bool, green: bool) -> str:
    return {(0, 0): "off", (0, 1): "green", (1, 0): "red", (1, 1): "amber"}[red, green]


class Cable:
    """A serial cable from a device of the building to a port of the machine.

    While it is plugged in there is something at the machine's USB (qemu.py).

    Args:
        ours: The building's end, a pseudo-terminal.
        theirs: The machine's end, a Unix socket.
    """

    def __init__(self, ours: Path, theirs: Path) -> None:
        self._ours = ours
        self._theirs = theirs
        self._plugged = AsyncExitStack()

    async def plug(self) -> None:
        """Plug both ends in. Raises OSError."""
        end = os.open(self._ours, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._plugged.callback(os.close, end)
        reader, writer = await asyncio.open_unix_connection(self._theirs)
        self._plugged.callback(writer.close)
        loop = asyncio.get_running_loop()
        loop.add_reader(end, _carry, end, writer.write)
        self._plugged.callback(loop.remove_reader, end)
        carrying = asyncio.create_task(_carry_back(reader, end), name=f"{self._ours}")
        self._plugged.callback(carrying.cancel)

    async def unplug(self) -> None:
        """Pull it out. Idempotent."""
        await self._plugged.aclose()


def _carry(end: int, write: Callable[[bytes], None]) -> None:
    with suppress(OSError):
        write(os.read(end, _READ_BYTES))


async def _carry_back(reader: asyncio.StreamReader, end: int) -> None:
    while data := await reader.read(_READ_BYTES):
        with suppress(BlockingIOError):
            os.write(end, data)
