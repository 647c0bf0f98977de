"""Scanners that pretend to be a USB keyboard (kind "keyboard_wedge"), by Linux's event devices."""

import asyncio
import fcntl
import os
import re
import struct
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from drivers import limits
from drivers.api import DeviceLost, DeviceMissing, Scan
from drivers.codec.keyboard import EVENT, KeyFramer

_EVIOCGID: Final = 0x80084502
_EVIOCGRAB: Final = 0x40044590
_ID: Final = struct.Struct("@HHHH")
"""`struct input_id`: bus, vendor, product, version."""
_USB_ID: Final = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")


class KeyboardWedge:
    """Reader (drivers.api) for a scanner that types what it reads.

    The device is taken for this process alone: what it types reaches no console and no other
    program. What it typed before is dropped. Only the alphabet of our codes arrives
    (codec.keyboard). A serial or USB-CDC scanner says more; take one where there is a choice.

    Args:
        name: In the settings, such as `front.reader`.
        path: Of the event device, one that stays: `/dev/input/by-id/...-event-kbd`.
        usb_id: Vendor and product, `0c2e:0200`; a device with another is not taken.

    Raises:
        ValueError: `usb_id` is not one.

    Source: spec/hardware.md 7.2; linux/input.h.
    """

    def __init__(self, name: str, *, path: str, usb_id: str | None = None) -> None:
        if usb_id is not None and not _USB_ID.fullmatch(usb_id):
            raise ValueError(f"usb_id must be like 0c2e:0200, got {usb_id!r}")
        self._name = name
        self._path = path
        self._usb_id = usb_id
        self._file: int | None = None

    @property
    def name(self) -> str:
        """See Device."""
        return self._name

    async def __aenter__(self) -> Self:
        """See Device."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise DeviceMissing(self._name, f"can't open {self._path}: {error}") from error
        try:
            self._take(file)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See Device. The kernel ends the grab with the last descriptor."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    async def run(self, report: Callable[[Scan], None]) -> None:
        """See Reader."""
        if self._file is None:
            raise DeviceLost(self._name, "not open")
        loop, file = asyncio.get_running_loop(), self._file
        framer, readable = KeyFramer(), asyncio.Event()
        loop.add_reader(file, readable.set)
        try:
            while True:
                await readable.wait()
                readable.clear()
                for text in framer.feed(self._read(file), int(loop.time() * 1000)):
                    report(Scan(text))
        finally:
            loop.remove_reader(file)

    def _take(self, file: int) -> None:
        """Make sure that it is the right device and take it for ourselves. Raises DeviceMissing."""
        try:
            identity = fcntl.ioctl(file, _EVIOCGID, bytes(_ID.size))
            _, vendor, product, _ = _ID.unpack(identity)
            found = f"{vendor:04x}:{product:04x}"
            if self._usb_id not in {None, found}:
                raise DeviceMissing(self._name, f"{self._path} is {found}, not {self._usb_id}")
            fcntl.ioctl(file, _EVIOCGRAB, 1)
            with suppress(BlockingIOError):
                while os.read(file, limits.READ_BYTES):
                    pass
        except OSError as error:
            raise DeviceMissing(self._name, f"can't take {self._path}: {error}") from error

    def _read(self, file: int) -> bytes:
        """Read whole events, none if there are none after all. Raises DeviceLost."""
        try:
            data = os.read(file, EVENT.size * limits.KEY_EVENTS)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceLost(self._name, f"{self._path}: {error}") from error
        if not data:
            raise DeviceLost(self._name, f"{self._path}: unplugged")
        return data
