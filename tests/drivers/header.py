"""The simulated pins as somebody sees and moves them who is neither daemon nor keeper.

Written from the layout that drivers/line_keeper/README.md gives, not with the driver's code.
"""

import mmap
import os
import signal
import socket
import struct
import time
from pathlib import Path
from unittest import mock

from drivers.api import Header
from drivers.line_keeper import client
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

    def drive(self, line: int, level: bool) -> None:
        """Be the world at an input."""
        first, count = line * SLOTS, self._slots[line * SLOTS]
        self._slots[first + 1 + count % (SLOTS - 1)] = time.monotonic_ns() << 1 | level
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

    def orders(self) -> list[int]:
        """What the keeper was told to pulse, in ms: kind 3, its first argument."""
        told = [struct.unpack("<2sBBIIIQ", data) for data in self.heard]
        return [a for _, kind, _, _, a, _, _ in told if kind == 3]


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

    @property
    def keeper(self) -> Keeper | None:
        post = client._POSTS.get(self.header)
        return None if post is None else post.keeper

    async def plug(self) -> None:
        self.board = PinBoard(self.where)
        self.tap.__enter__()

    async def unplug(self) -> None:
        if not self.where.exists():
            return
        self.where.unlink()
        self.tap.__exit__()
        if self.keeper is not None:
            os.kill(self.keeper._process.pid, signal.SIGKILL)

    def mute(self, on: bool) -> None:
        self.tap.mute = on

    def refuse(self, on: bool) -> None:
        self.tap.late = on
