"""Simulated devices (kind "sim"): clients of the virtual building at its Unix socket.

The daemon must refuse them unless it is told that it guards no door. Nothing is simulated here:
the building owns the bolts and the clocks.

Source: hil/building/README.md "The wire at the Unix socket".
"""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeAlias, cast

from drivers import limits
from drivers.api import (
    DeviceLost,
    DeviceMissing,
    DeviceRefused,
    LockerLevel,
    Scan,
    Signal,
    Wanted,
    always,
    heed,
)

_Json: TypeAlias = "str | int | float | bool | list[_Json] | dict[str, _Json] | None"
_Line: TypeAlias = dict[str, _Json]


class _Client:
    """What the simulated devices share: a connection that says who is there."""

    def __init__(self, name: str, socket: str, hello: _Line) -> None:
        self._name = name
        self._socket = socket
        self._hello = hello
        self._open: _Wire | None = None

    @property
    def name(self) -> str:
        """See Device."""
        return self._name

    async def __aenter__(self) -> Self:
        """See Device."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limits.ANSWER_MS / 1000):
                _, self._open = await loop.create_unix_connection(
                    lambda: _Wire(self._name), self._socket
                )
                self._greeted(await self._open.greet(self._hello))
        except (OSError, DeviceLost) as error:
            self._leave()
            raise DeviceMissing(self._name, f"no building at {self._socket}: {error!r}") from error
        except BaseException:
            self._leave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See Device. The building brings the device to rest when the connection ends."""
        self._leave()

    def _greeted(self, answer: _Line) -> None:
        if answer.get("ok") is not True:
            raise DeviceMissing(self._name, f"the building says {answer.get('error')}")

    def _leave(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def _wire(self) -> "_Wire":
        if self._open is None:
            raise DeviceLost(self._name, "not open")
        return self._open


class SimLock(_Client):
    """Lock (drivers.api) of a door in the building.

    A magnet is only held while `run` is at work: it renews the hold every `limits.HOLD_EVERY_MS`,
    and the building lets go `limits.HOLD_MS` after the last one.
    """

    def __init__(self, name: str, *, socket: str, door: str) -> None:
        super().__init__(name, socket, {"hello": "lock", "door": door})
        self._magnet = False

    async def release(self, for_ms: int, wanted: Wanted = always) -> None:
        """See Lock."""
        if for_ms not in limits.RELEASE_MS:
            raise ValueError(f"for_ms must be 1..60000, got {for_ms}")
        heed(self._name, wanted)
        await self._wire.ask({"release_ms": for_ms})

    async def secure(self) -> None:
        """See Lock."""
        await self._wire.ask({"secure": True})

    async def run(self) -> None:
        """See Lock."""
        while self._magnet:
            await self._wire.ask({"hold_ms": limits.HOLD_MS})
            await self._wire.lost_within(limits.HOLD_EVERY_MS)
        await self._wire.lost()

    def _greeted(self, answer: _Line) -> None:
        super()._greeted(answer)
        self._magnet = answer.get("type") == "magnet"


class SimInput(_Client):
    """Input (drivers.api): a line of a door in the building, or of no door."""

    def __init__(self, name: str, *, socket: str, line: str, door: str | None = None) -> None:
        super().__init__(name, socket, {"hello": line, **({} if door is None else {"door": door})})

    async def run(self, report: Callable[[bool], None]) -> None:
        """See Input."""
        while True:
            match await self._wire.report():
                case {"active": bool(active)}:
                    report(active)
                case _:  # not a level, so no reason to believe that the door is closed
                    raise DeviceLost(self._name, "the building reports no level")


class SimReader(_Client):
    """Reader (drivers.api) at a door of the building."""

    def __init__(self, name: str, *, socket: str, reader: str) -> None:
        super().__init__(name, socket, {"hello": "reader", "name": reader})

    async def run(self, report: Callable[[Scan], None]) -> None:
        """See Reader. A text is cut to `limits.SCAN_BYTES`."""
        while True:
            match await self._wire.report():
                case {"scan": str(text)}:
                    report(Scan(text.encode("utf-8", "replace")[: limits.SCAN_BYTES]))
                case _:
                    raise DeviceLost(self._name, "the building reports no scan")


class SimLockers(_Client):
    """LockerBoard (drivers.api): a bank of lockers in the building."""

    def __init__(self, name: str, *, socket: str, bank: str) -> None:
        super().__init__(name, socket, {"hello": "lockers", "bank": bank})
        self._reports_doors = True

    @property
    def reports_doors(self) -> bool:
        """See LockerBoard."""
        return self._reports_doors

    async def pulse(self, channel: int, wanted: Wanted = always) -> None:
        """See LockerBoard."""
        if channel not in limits.LOCKERS:
            raise ValueError(f"channel must be 1..{limits.LOCKERS[-1]}, got {channel}")
        heed(self._name, wanted)
        await self._wire.ask({"pulse": channel})

    async def run(self, report: Callable[[LockerLevel], None]) -> None:
        """See LockerBoard."""
        while True:
            match await self._wire.report():
                case {"channel": int(channel), "open": bool(is_open)}:
                    report(LockerLevel(channel, is_open))
                case _:
                    raise DeviceLost(self._name, "the building reports no locker")

    def _greeted(self, answer: _Line) -> None:
        super()._greeted(answer)
        self._reports_doors = answer.get("reports_doors") is not False


class SimIndicator(_Client):
    """Indicator (drivers.api) in the building."""

    def __init__(self, name: str, *, socket: str, indicator: str) -> None:
        super().__init__(name, socket, {"hello": "indicator", "name": indicator})

    async def show(self, signal: Signal) -> None:
        """See Indicator.

        Raises:
            ValueError: `for_ms` is out of range; nothing is shown.
            DeviceRefused: The building answered no.
        """
        if signal.for_ms not in limits.SIGNAL_MS:
            raise ValueError(f"for_ms must be 100..10000, got {signal.for_ms}")
        await self._wire.ask(
            {
                "light": signal.light.value,
                "tone": signal.tone.value,
                "blinks": signal.blinks,
                "for_ms": signal.for_ms,
                "lines": list(signal.lines),
            }
        )

    async def run(self) -> None:
        """See Indicator."""
        await self._wire.lost()


class _Wire(asyncio.Protocol):
    """One connection: answers go to who asked, reports in order to who waits for them.

    It ends for good at the first thing that is not on the wire.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._buffer = bytearray()
        self._ids = itertools.count(1)
        self._asked = dict[int, asyncio.Future[_Line]]()
        self._reports = deque[_Line]()
        self._reported = asyncio.Event()
        self._ended = asyncio.Event()
        self._problem = "not connected"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._take_lines()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(str(error or "the building hung up"))

    async def greet(self, hello: _Line) -> _Line:
        """Say who is there and return the answer, which is the first line that comes."""
        self._send(hello)
        return await self.report()

    async def ask(self, request: _Line) -> None:
        """Have `request` done. Raises DeviceRefused, or DeviceLost if no answer comes in time."""
        number = next(self._ids)
        answer = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self._send({"id": number, **request})
            async with asyncio.timeout(limits.ANSWER_MS / 1000):
                line = await answer
        except TimeoutError as error:
            problem = f"no answer within {limits.ANSWER_MS} ms"
            raise DeviceLost(self._device, problem) from error
        finally:
            del self._asked[number]  # a late answer finds nobody
        if line.get("ok") is not True:
            raise DeviceRefused(self._device, str(line.get("error")))

    async def report(self) -> _Line:
        """Return the next report. Raises DeviceLost when the last one is out."""
        while not self._reports:
            self._check_open()
            self._reported.clear()
            await self._reported.wait()
        line = self._reports.popleft()
        self._take_lines()
        return line

    async def lost(self) -> None:
        """Wait for the end of the connection. Raises DeviceLost, always."""
        await self._ended.wait()
        self._check_open()

    async def lost_within(self, wait_ms: int) -> None:
        """Wait so long. Raises DeviceLost when the connection ends before."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_ms / 1000):
                await self.lost()

    def close(self) -> None:
        self._transport.abort()
        self._end("closed")

    def _check_open(self) -> None:
        if self._ended.is_set():
            raise DeviceLost(self._device, self._problem)

    def _send(self, line: _Line) -> None:
        self._check_open()
        data = json.dumps(line).encode("utf-8") + b"\n"
        if len(data) > limits.LINE_BYTES:
            raise DeviceRefused(self._device, f"a line of {len(data)} bytes is too long")
        self._transport.write(data)

    def _take_lines(self) -> None:
        """Work through what came in, as far as there is room for reports."""
        while len(self._reports) < limits.REPORTS:
            end = self._buffer.find(b"\n")
            if (end if end >= 0 else len(self._buffer)) > limits.LINE_BYTES:
                return self._end("the building sent a line that is too long")
            if end < 0:
                return self._transport.resume_reading()
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._take(line)
        return self._transport.pause_reading()

    def _take(self, data: bytes) -> None:
        try:
            line = json.loads(data)
        except (ValueError, RecursionError):
            line = None
        match line:
            case {"id": int(number)}:
                answer = self._asked.get(number)
                if answer is not None and not answer.done():
                    answer.set_result(line)
            case {}:
                self._reports.append(line)
                self._reported.set()
            case _:
                self._end("the building sent something else than its wire")

    def _end(self, problem: str) -> None:
        if self._ended.is_set():
            return
        self._problem = problem
        self._buffer.clear()
        self._ended.set()
        self._reported.set()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(DeviceLost(self._device, problem))
        self._transport.abort()
