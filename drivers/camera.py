"""The daemon's reader at the eye's socket. The eye may crash, hang or be taken over.

So nothing that it sends is believed: a line that is not on the wire (drivers/eye/README.md)
ends the connection, and a text is as untrusted as one from any other reader.
"""

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable
from types import TracebackType
from typing import Self

from drivers.api import DeviceLost, DeviceMissing, Scan
from drivers.eye import limits


class EyeReader:
    """The Reader (drivers.api) at the eye that serves the Unix socket `socket`."""

    def __init__(self, name: str, *, socket: str) -> None:
        self._name = name
        self._socket = socket
        self._link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def name(self) -> str:
        """The device's name in the settings."""
        return self._name

    async def __aenter__(self) -> Self:
        """Connect and wait for the greeting.

        Raises:
            DeviceMissing: nobody serves the socket, the eye is silent, or its camera is gone or
                frozen.
        """
        try:
            async with asyncio.timeout(limits.SILENCE_S):
                self._link = await asyncio.open_unix_connection(
                    self._socket, limit=limits.LINE_BYTES
                )
        except OSError as error:
            raise DeviceMissing(self._name, f"no eye at {self._socket}: {error}") from error
        try:
            await self._next()
        except DeviceLost as lost:
            raise DeviceMissing(self._name, lost.problem) from lost
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Hang up. Never raises."""
        self._close()

    async def run(self, report: Callable[[Scan], None]) -> None:
        """Report what the eye reads: a text in view comes about three times a second.

        Raises:
            DeviceLost: the eye hung up, was silent for `SILENCE_S`, sent what is not on the
                wire, or said that its camera is gone or frozen.
        """
        while True:
            scan = await self._next()
            if scan is not None:
                report(scan)
            await asyncio.sleep(0)  # buffered lines never suspend: a flood stalls nobody else

    async def _next(self) -> Scan | None:
        """Take one line: a scan, or None for a sign of life. Raises DeviceLost."""
        if self._link is None:
            raise DeviceLost(self._name, "not open")
        try:
            async with asyncio.timeout(limits.SILENCE_S):
                line = await self._link[0].readuntil(b"\n")
            return _parse(line)
        except TimeoutError:
            problem = f"the eye is silent for {limits.SILENCE_S} s"
        except (OSError, asyncio.IncompleteReadError):
            problem = "the eye hung up"
        except (ValueError, RecursionError, asyncio.LimitOverrunError):
            problem = "the eye sent what is not on the wire"
        except _NoPictureError as blind:
            problem = f"the eye's camera {blind}"
        # Outside the handlers: their exceptions hold the line, which may be somebody's key.
        self._close()
        raise DeviceLost(self._name, problem)

    def _close(self) -> None:
        if self._link is not None:
            self._link[1].transport.abort()
            self._link = None


class _NoPictureError(Exception):
    """The eye is well and its camera is not; the text says how."""


def _parse(line: bytes) -> Scan | None:
    """Read one line of the wire. Raises ValueError, RecursionError or _NoPictureError."""
    match json.loads(line.decode("ascii")):
        case {"alive": True, **rest} if not rest:
            return None
        case {"alive": False, **rest} if not rest:
            raise _NoPictureError("gives no picture")
        case {"frozen": True, **rest} if not rest:
            raise _NoPictureError("is frozen: it gives one and the same picture")
        case {"text": str(encoded), **rest} if not rest:
            text = b64decode(encoded, validate=True)
            if 0 < len(text) <= limits.TEXT_BYTES:
                return Scan(text)
    raise ValueError
