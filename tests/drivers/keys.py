"""A keyboard's side of Linux's event interface, from linux/input.h and its list of codes."""

import asyncio
import fcntl
import os
import struct
from pathlib import Path
from typing import Final

from tests.drivers.rigs import until

ENTER, LEFT_SHIFT, LEFT_CTRL, LEFT_ALT = 28, 42, 29, 56
GET_ID, GRAB = 0x80084502, 0x40044590
_KEY_BYTES: Final = 6 * struct.calcsize("@llHHi")
USB_ID: Final = (3, 0x0C2E, 0x0200, 0x0110)

_ROWS: Final = {2: "1234567890-=", 16: "QWERTYUIOP[]", 30: "ASDFGHJKL;'`", 44: "ZXCVBNM,./"}
_CODES: Final = {
    **{char: start + n for start, row in _ROWS.items() for n, char in enumerate(row)},
    **dict(zip(" *$%+:", (57, 9, 5, 6, 13, 39), strict=True)),
}
_UNDER_SHIFT: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ$%*+:")


def event(kind: int, code: int, value: int) -> bytes:
    """One `struct input_event`."""
    return struct.pack("@llHHi", 1_700_000_000, 1_000, kind, code, value)


def press(code: int) -> bytes:
    """A key pressed and let go, each with the kernel's report."""
    return b"".join(event(1, code, value) + event(0, 0, 0) for value in (1, 0))


def typed(text: str) -> bytes:
    """A text as a scanner types it on a US keyboard."""
    return b"".join(_key(char) for char in text)


def _key(char: str) -> bytes:
    code = _CODES[char]
    if char not in _UNDER_SHIFT:
        return press(code)
    return event(1, LEFT_SHIFT, 1) + press(code) + event(1, LEFT_SHIFT, 0)


class Kernel:
    """Answers for event devices that are FIFOs: who they are, and who has taken them."""

    def __init__(self) -> None:
        self.identity = USB_ID
        self.taken = False
        self.grabs: list[int] = []

    def ioctl(self, _: int, request: int, argument: int | bytes = 0) -> int | bytes:
        """Stands for fcntl.ioctl."""
        if request == GET_ID:
            assert isinstance(argument, bytes)
            return struct.pack("@HHHH", *self.identity)
        assert (request, argument) == (GRAB, 1)
        if self.taken:
            raise OSError(16, "Device or resource busy")
        self.grabs.append(request)
        return 0


class FakeNode:
    """An event device at a path: a FIFO, with `Kernel` for what a FIFO does not know."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end = -1

    async def plug(self) -> None:
        os.mkfifo(self.path)
        self._end = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self._end, fcntl.F_SETPIPE_SZ, 1 << 20)

    async def unplug(self) -> None:
        if self._end >= 0:
            os.close(self._end)
            self._end = -1
            self.path.unlink()

    def type(self, events: bytes) -> None:
        assert os.write(self._end, events) == len(events)


class UinputNode:
    """A keyboard that the kernel itself makes, by /dev/uinput, behind a link that stays."""

    MISSING: Final = not os.access("/dev/uinput", os.W_OK)
    _SET_EVENTS, _SET_KEY, _SETUP, _CREATE = 0x40045564, 0x40045565, 0x405C5503, 0x5501
    _SYSNAME: Final = 0x8040552C
    _KEY_S: Final = 0.001  # slower than the kernel's buffer of events fills

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end = -1
        self._typing: asyncio.Task[None] | None = None
        self._waiting: list[bytes] = []

    async def plug(self) -> None:
        self._end = os.open("/dev/uinput", os.O_WRONLY | os.O_NONBLOCK)
        fcntl.ioctl(self._end, self._SET_EVENTS, 1)
        for code in range(1, 128):
            fcntl.ioctl(self._end, self._SET_KEY, code)
        fcntl.ioctl(self._end, self._SETUP, struct.pack("@HHHH80sI", *USB_ID, b"scanner", 0))
        fcntl.ioctl(self._end, self._CREATE)
        told = fcntl.ioctl(self._end, self._SYSNAME, bytes(64))
        device = Path("/sys/devices/virtual/input") / told.rstrip(b"\0").decode()
        (event_node,) = device.glob("event*")
        self.path.symlink_to(f"/dev/input/{event_node.name}")
        await until(self.path.exists)
        self._typing = asyncio.create_task(self._type())

    async def unplug(self) -> None:
        if self._typing is None:
            return
        self._typing.cancel()
        await asyncio.gather(self._typing, return_exceptions=True)
        self._typing = None
        os.close(self._end)
        self.path.unlink()

    def type(self, events: bytes) -> None:
        self._waiting.append(events)

    async def _type(self) -> None:
        while True:
            await asyncio.sleep(self._KEY_S)
            if self._waiting:
                events = self._waiting.pop(0)
                for at in range(0, len(events), _KEY_BYTES):
                    os.write(self._end, events[at : at + _KEY_BYTES])
                    await asyncio.sleep(self._KEY_S)
