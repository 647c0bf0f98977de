"""Scanners that send each code as a line of text over a serial port (kind "serial_line")."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from drivers import limits
from drivers.api import DeviceLost, Scan
from drivers.channel import SerialChannel
from drivers.codec.line import LineFramer


class LineScanner:
    """Reader (drivers.api) for any scanner in serial or USB-CDC line mode, 8N1.

    What the scanner read before it was opened is dropped: a code shown to a daemon that was not
    there opens nothing when it comes back. Nothing is sent to the scanner.

    Args:
        name: In the settings, such as `front.reader`.
        port: Path of the serial port.
        baud: One of `limits.BAUDS`.
        terminator: 1..4 ASCII characters, each of which ends a text (codec.line).

    Raises:
        ValueError: `baud` or `terminator` is out of range; it is named.

    Source: spec/hardware.md 1.2, 7.1.
    """

    def __init__(self, name: str, *, port: str, baud: int = 9600, terminator: str = "\r") -> None:
        if baud not in limits.BAUDS:
            raise ValueError(f"baud must be one of {limits.BAUDS}, got {baud}")
        if not (terminator.isascii() and 1 <= len(terminator) <= limits.TERMINATOR_BYTES):
            raise ValueError(
                f"terminator must be 1..{limits.TERMINATOR_BYTES} ASCII characters,"
                f" got {terminator!r}"
            )
        self._name = name
        self._port = port
        self._baud = baud
        self._terminator = terminator.encode("ascii")
        self._channel: SerialChannel | None = None

    @property
    def name(self) -> str:
        """See Device."""
        return self._name

    async def __aenter__(self) -> Self:
        """See Device."""
        self._channel = SerialChannel(self._name, self._port, self._baud)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See Device."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    async def run(self, report: Callable[[Scan], None]) -> None:
        """See Reader."""
        if self._channel is None:
            raise DeviceLost(self._name, "not open")
        framer = LineFramer(self._terminator)
        clock = asyncio.get_running_loop().time
        while True:
            data = await self._channel.read()
            for text in framer.feed(data, int(clock() * 1000)):
                report(Scan(text))
