"""What locker boards of every make share: the bus, the count of locks, the watch over doors."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from drivers import limits
from drivers.api import DeviceLost, LockerLevel, Wanted, always, opening
from drivers.bus import Bus, join
from drivers.codec.exchange import Request, check


class BusBoard:
    """A board at a bus; its make says how a lock is released and how its door is read.

    Args:
        name: In the settings, such as `hall.board`.
        port: Path of a serial port, or `tcp://host:port` of a transparent converter.
        baud: One of `limits.BAUDS`; the same for all boards of a bus.
        probe: A read that the board answers: whether it is there, and is no echo.
        locks: How many are connected, counted from 1.

    Raises:
        ValueError: `baud` is out of range.
    """

    def __init__(self, name: str, *, port: str, baud: int, probe: Request[Any], locks: int) -> None:
        if baud not in limits.BAUDS:
            raise ValueError(f"baud must be one of {limits.BAUDS}, got {baud}")
        self._name = name
        self._port = port
        self._baud = baud
        self._probe = probe
        self._locks = range(1, locks + 1)
        self._joined: Bus | None = None

    @property
    def name(self) -> str:
        """See Device."""
        return self._name

    @property
    def reports_doors(self) -> bool:
        """See LockerBoard."""
        return True

    async def __aenter__(self) -> Self:
        """See Device. The board is there and is no echo; nothing moves."""
        self._joined = await join(self._name, self._port, self._baud)
        with opening(self._name, self._port, self._leave):
            await self._bus.ask(self._name, self._probe)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See Device. The board ends its pulses by itself."""
        if self._joined is not None:
            self._leave()

    async def pulse(self, channel: int, wanted: Wanted = always) -> None:
        """See LockerBoard."""
        check("channel", channel, self._locks)
        await self._release(channel, wanted)

    async def run(self, report: Callable[[LockerLevel], None]) -> None:
        """See LockerBoard."""
        known: dict[int, bool] = {}
        while True:
            async for lock, is_open in self._doors():
                if known.get(lock) is not is_open:
                    known[lock] = is_open
                    report(LockerLevel(lock, is_open))
            await asyncio.sleep(limits.LOCK_POLL_MS / 1000)

    async def _release(self, lock: int, wanted: Wanted) -> None:
        """Release a lock, once. Raises DeviceLost, DeviceRefused, NotWanted."""
        raise NotImplementedError

    def _doors(self) -> AsyncIterator[tuple[int, bool]]:
        """Read every lock once: whether it is open. Raises DeviceLost."""
        raise NotImplementedError

    async def _is_open(self, lock: int, tries: int) -> bool:
        """Read one lock. Raises DeviceLost."""
        raise NotImplementedError

    async def _seen_open(self, lock: int) -> None:
        """Wait until the hook opens, where the board's answer to an order proves nothing.

        Raises:
            DeviceLost: It did not, or the board does not answer.
        """
        problem = f"lock {lock} was not seen to open within {limits.HOOK_MS} ms"
        try:
            async with asyncio.timeout(limits.HOOK_MS / 1000):
                while True:
                    with suppress(DeviceLost):  # the board may be busy with its coil
                        if await self._is_open(lock, tries=1):
                            return
                    await asyncio.sleep(limits.HOOK_LOOK_MS / 1000)
        except TimeoutError as error:
            raise DeviceLost(self._name, problem) from error

    @property
    def _bus(self) -> Bus:
        if self._joined is None:
            raise DeviceLost(self._name, "not open")
        return self._joined

    def _leave(self) -> None:
        bus = self._bus
        self._joined = None
        bus.leave()
