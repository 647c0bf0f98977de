"""The simulated pins as somebody sees and moves them who is neither daemon nor keeper.

Written from the layout that drivers/line_keeper/README.md gives, not with the driver's code.
"""

import importlib
import mmap
import os
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any
from unittest import mock

from gpiozero.pins.mock import MockFactory, MockPin

from drivers import gpio_header
from drivers.api import Header
from drivers.line_keeper import client, limits
from drivers.line_keeper.client import Keeper

PINS, SLOTS = 28, 128


class PinBoard:
    """The file, held by a process that drives nothing but what a test tells it to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(PINS * SLOTS * 8))
        with path.open("r+b") as file:
            self._slots = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")

    def changes(self, line: int) -> list[tuple[float, bool]]:
        """When on the monotonic clock, in seconds, and to which level."""
        count = self._slots[line * SLOTS]
        assert count < SLOTS, "the ring has forgotten the first ones"
        ring = self._slots[line * SLOTS + 1 : line * SLOTS + 1 + count]
        return [((slot >> 1) / 1e9, bool(slot & 1)) for slot in ring]

    def level(self, line: int) -> bool:
        changes = self.changes(line)
        return bool(changes) and changes[-1][1]

    def drive(self, line: int, level: bool, ago_ms: int = 0) -> None:
        """Be the world at an input; `ago_ms`: it was so long ago."""
        first, count = line * SLOTS, self._slots[line * SLOTS]
        at_ns = time.monotonic_ns() - ago_ms * 1_000_000
        self._slots[first + 1 + count % (SLOTS - 1)] = at_ns << 1 | level
        self._slots[first] = count + 1


class Tap:
    """The daemon's end of its wire to the keeper, with somebody's hand on it.

    `mute`: nothing gets through. `late`: what gets through was long on its way.
    """

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.mute = False
        self.late = False
        self._patch = mock.patch.object(socket, "socketpair", self._pair)
        self._pairs = socket.socketpair

    def __enter__(self) -> None:
        self._patch.start()

    def __exit__(self, *_: object) -> None:
        self._patch.stop()

    def _pair(self, *kind: socket.SocketKind) -> tuple[object, socket.socket]:
        ours, theirs = self._pairs(*kind)
        return _Tapped(ours, self), theirs

    def told(self) -> list[tuple[int, int, int, int]]:
        """What the keeper was told: kind, line, a, b (drivers/line_keeper/README.md)."""
        messages = [struct.unpack("<2sBBIIIQ", data) for data in self.heard]
        return [(kind, line, a, b) for _, kind, line, _, a, b, _ in messages]


class _Tapped:
    def __init__(self, end: socket.socket, tap: Tap) -> None:
        self._end = end
        self._tap = tap
        self.recv = end.recv
        self.fileno = end.fileno
        self.close = end.close
        self.settimeout = end.settimeout

    def send(self, data: bytes) -> int:
        if self._tap.mute:
            return len(data)
        self._tap.heard.append(data)
        if self._tap.late:
            (asked_ms,) = struct.unpack("<Q", data[-8:])
            data = data[:-8] + struct.pack("<Q", asked_ms - 1_500)
        return self._end.send(data)


class HeaderWorld:
    """A computer with simulated pins, as the rigs of the driver contracts take it."""

    def __init__(self, folder: Path) -> None:
        self.where = folder / "pins"
        self.header = Header(f"sim:{self.where}", folder, folder)
        self.tap = Tap()
        self._hurry = mock.patch.object(limits, "START_MS", 1_000)  # nobody will answer
        self._levels: dict[int, bool] = {}

    @property
    def keeper(self) -> Keeper | None:
        post = client._POSTS.get(self.header)
        return None if post is None else post.keeper

    async def plug(self) -> None:
        self.board = PinBoard(self.where)
        for line, level in self._levels.items():
            self.board.drive(line, level)
        self.tap.__enter__()

    async def unplug(self) -> None:
        if self.tap.mute:
            self.mute(on=False)  # or the next test's keeper would have to hurry too
        if not self.where.exists():
            return
        self.where.unlink()
        self.tap.__exit__()
        if self.keeper is not None:
            os.kill(self.keeper._process.pid, signal.SIGKILL)

    def level(self, line: int, level: bool) -> None:
        """Be the world at an input, also while nobody looks."""
        self._levels[line] = level
        self.board.drive(line, level)

    def mute(self, on: bool) -> None:
        self.tap.mute = on
        (self._hurry.start if on else self._hurry.stop)()


class MockHeader:
    """The header at gpiozero, on its own mock pins, behind the chip of a Raspberry Pi 5.

    What it hides (spec/hardware.md 6.3): the mock calls back on the test's thread and debounces
    nothing; an exception in a callback reaches the test instead of ending a thread; there is no
    glitch at claiming, and no other process that could have the line.
    """

    def __init__(self, folder: Path) -> None:
        self.header = Header("header", folder, folder)
        self.where = Path(self.header.pins)
        self.labels = {0: "pinctrl-other", 4: "pinctrl-rp1"}
        self.levels: dict[int, bool] = {}
        self.deaf = False
        self.gone = True
        lgpio = gpio_header.load(folder)  # before gpiozero does, and where it may leave its FIFO
        pins = importlib.import_module("gpiozero.pins.lgpio")
        local = importlib.import_module("gpiozero.pins.local")
        self.lgpio = lgpio
        self.error = lgpio.error
        self.factory: MockFactory | None = None
        self._patches: list[Any] = [
            mock.patch.object(lgpio, "gpiochip_open", self._open),
            mock.patch.object(lgpio, "gpiochip_close", return_value=None),
            mock.patch.object(lgpio, "gpio_get_chip_info", lambda n: (0, 54, "", self.labels[n])),
            mock.patch.object(pins, "LGPIOFactory", _mock_factory(self)),
            mock.patch.object(local, "get_pi_revision", return_value=0xC04170),
        ]

    def level(self, line: int, level: bool) -> None:
        """Be the world at an input."""
        self.levels[line] = level
        if self.factory is not None:
            pin = self.pin(line)
            (pin.drive_high if level else pin.drive_low)()

    def pin(self, line: int) -> Any:
        """The pin as gpiozero has it; an input was opened before."""
        assert self.factory is not None
        return self.factory.pin(line)

    async def plug(self) -> None:
        self.gone = False
        for patch in self._patches:
            patch.start()

    async def unplug(self) -> None:
        if not self.gone:
            self.gone = True
            for patch in self._patches:
                patch.stop()

    def _open(self, number: int) -> int:
        if number not in self.labels:
            raise self.error("can not open gpiochip")
        return number


def _mock_factory(world: MockHeader) -> type[Any]:
    """Make gpiozero's mock one that has a chip, and pins that start where the world has them."""

    def begin(pin: Any, factory: object, info: Any) -> None:
        MockPin.__init__(pin, factory, info)
        pin._state = world.levels.get(pin._number, False)

    def read(pin: Any) -> bool:
        if world.gone:
            raise world.error("unknown handle")
        return bool(pin._state)

    def tell(pin: object) -> None:
        if not world.deaf:
            MockPin._call_when_changed(pin)

    def start(factory: Any, chip: int) -> None:
        assert world.labels[chip] in gpio_header.LABELS
        MockFactory.__init__(factory, pin_class=pin_class)
        world.factory = factory

    behaviour = {"__init__": begin, "_get_state": read, "_call_when_changed": tell}
    pin_class = type("Pin", (MockPin,), behaviour)
    return type("Factory", (MockFactory,), {"__init__": start})
