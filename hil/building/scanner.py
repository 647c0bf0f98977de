"""A serial scanner at a pseudo-terminal: one that sends lines, or one that can be talked to."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from hil.building.gm65 import Gm65
from hil.building.honeywell import Honeywell
from hil.building.ssi import GM67, ZEBRA, Ssi
from hil.building.tty import Tty


class Device(Protocol):
    """What all simulated scanners have; each returns what goes to the host, oldest first."""

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        """Take what the host sent."""
        ...

    def scan(self, text: bytes, now_ms: int) -> list[bytes]:
        """Hold a code before it."""
        ...

    def tick(self, now_ms: int) -> list[bytes]:
        """Let the time come to `now_ms`."""
        ...

    def due_ms(self) -> int | None:
        """When `tick` has something to do, or None."""
        ...

    def lose_power(self) -> None:
        """Its power goes and comes back."""
        ...


class LineScanner:
    """A scanner in line mode, which hears nothing."""

    def __init__(self, terminator: bytes) -> None:
        self._terminator = terminator

    def feed(self, _data: bytes, _now_ms: int) -> list[bytes]:
        """See Device."""
        return []

    def scan(self, text: bytes, _: int) -> list[bytes]:
        """See Device."""
        return [text + self._terminator]

    def tick(self, _: int) -> list[bytes]:
        """See Device."""
        return []

    def due_ms(self) -> int | None:
        """See Device."""
        return None

    def lose_power(self) -> None:
        """See Device."""


def device(family: str, terminator: str) -> Device:
    """Make the scanner of a family (hil.building.config.ScannerConfig)."""
    match family:
        case "gm65":
            return Gm65()
        case "honeywell":
            return Honeywell()
        case "ssi":
            return Ssi(ZEBRA)
        case "gm67":
            return Ssi(GM67)
        case _:
            return LineScanner(terminator.encode())


class Scanner:
    """One scanner and its serial line. It is fed from the line, so without it, it has no power.

    Args:
        link: Absolute path of the link that hosts open.
        device: The scanner itself.
        clock: The building's monotonic clock, ms.
    """

    def __init__(self, link: Path, device: Device, clock: Callable[[], int]) -> None:
        self.tty = Tty(link, self._received)
        self._device = device
        self._clock = clock
        self._alarm: asyncio.TimerHandle | None = None

    def plug(self) -> None:
        """Connect it. Raises OSError."""
        self.tty.plug()

    def unplug(self) -> None:
        """Disconnect it."""
        self.tty.unplug()
        self._device.lose_power()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def scan(self, text: bytes) -> bool:
        """Hold a code before it; False if it is unplugged or bytes were lost."""
        return self.tty.plugged and self._send(self._device.scan(text, self._clock()))

    def _received(self, data: bytes) -> None:
        self._send(self._device.feed(data, self._clock()))

    def _tick(self) -> None:
        self._send(self._device.tick(self._clock()))

    def _send(self, frames: list[bytes]) -> bool:
        sent = [self.tty.send(frame) for frame in frames]
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        due_ms = self._device.due_ms()
        if due_ms is not None:
            wait_ms = max(0, due_ms - self._clock())
            self._alarm = asyncio.get_running_loop().call_later(wait_ms / 1000, self._tick)
        return all(sent)
