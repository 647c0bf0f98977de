"""Locker boards at an RS-485 bus: KERONG CU, Winnsen, "8A/80", and Waveshare relays.

One class a make, one object a board. Boards of several makes may share a bus. The board itself
ends every pulse; an order is sent once, whatever becomes of its answer (`drivers.bus`).

Source: spec/hardware.md 1.1 (bus), 2.1 (KERONG), 3 (Winnsen), 4.1 (8A/80), 4.4 (Waveshare). None
of them was tried on hardware yet.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from drivers import limits
from drivers.api import DeviceLost, DeviceMissing, DeviceRefused, LockerLevel
from drivers.bus import Bus, join
from drivers.codec import board_8a, kerong, modbus, winnsen
from drivers.codec.exchange import Request, check


class _Board:
    """What the makes share: the bus, the count of locks, and the watch over their doors.

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
        try:
            await self._bus.ask(self._name, self._probe)
        except DeviceLost as error:
            self._leave()
            raise DeviceMissing(self._name, f"{self._port}: {error.problem}") from error
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
        """See Device. The board ends its pulses by itself."""
        if self._joined is not None:
            self._leave()

    async def pulse(self, channel: int) -> None:
        """See LockerBoard."""
        check("channel", channel, self._locks)
        await self._release(channel)

    async def run(self, report: Callable[[LockerLevel], None]) -> None:
        """See LockerBoard."""
        known: dict[int, bool] = {}
        while True:
            async for lock, is_open in self._doors():
                if known.get(lock) is not is_open:
                    known[lock] = is_open
                    report(LockerLevel(lock, is_open))
            await asyncio.sleep(limits.LOCK_POLL_MS / 1000)

    async def _release(self, lock: int) -> None:
        """Release a lock, once. Raises DeviceLost, DeviceRefused."""
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


class Kerong(_Board):
    """LockerBoard (drivers.api): a KERONG CU12 or CU16 with the legacy frame.

    It answers no order: `pulse` returns when the hook was seen open. What the bits of its hooks
    mean differs between firmwares; see it once, with one door (`edged lockers scan`).

    Args:
        name: In the settings.
        port: See `_Board`.
        baud: As the board is set; 19200 as delivered.
        address: By its rotary switch, 0..9.
        locks: 1..16.
        hook_closed_bit: 1 or 0: how it says that a hook is closed.

    Raises:
        ValueError: One of them is out of range; it is named.
    """

    def __init__(
        self,
        name: str,
        *,
        port: str,
        baud: int = 19_200,
        address: int = 0,
        locks: int = 16,
        hook_closed_bit: int,
    ) -> None:
        check("locks", locks, limits.KERONG_LOCKS)
        check("hook_closed_bit", hook_closed_bit, range(2))
        self._hooks = kerong.read_hooks(address)
        super().__init__(name, port=port, baud=baud, probe=self._hooks, locks=locks)
        self._address = address
        self._closed_bit = bool(hook_closed_bit)

    async def _release(self, lock: int) -> None:
        await self._bus.send(self._name, kerong.unlock(self._address, lock))
        await self._seen_open(lock)

    async def _doors(self) -> AsyncIterator[tuple[int, bool]]:
        bits = await self._bus.ask(self._name, self._hooks)
        for lock in self._locks:
            yield lock, bits[lock - 1] is not self._closed_bit

    async def _is_open(self, lock: int, tries: int) -> bool:
        bits = await self._bus.ask(self._name, self._hooks, tries)
        return bits[lock - 1] is not self._closed_bit


class Winnsen(_Board):
    """LockerBoard (drivers.api): a Winnsen station.

    Args:
        name: In the settings.
        port: See `_Board`.
        baud: As the board is set; 9600 as delivered.
        address: Its station, by its DIP switch, 0..255.
        locks: 1..16.

    Raises:
        ValueError: One of them is out of range; it is named.
    """

    def __init__(
        self, name: str, *, port: str, baud: int = 9_600, address: int = 1, locks: int = 16
    ) -> None:
        check("locks", locks, limits.WINNSEN_LOCKS)
        self._read = winnsen.read_doors(address)
        super().__init__(name, port=port, baud=baud, probe=self._read, locks=locks)
        self._address = address
        self._last: tuple[bool, ...] = ()

    async def _release(self, lock: int) -> None:
        order = winnsen.open_lock(self._address, lock)
        if not await self._bus.order(self._name, order, self._probe):
            raise DeviceRefused(self._name, f"the board says that lock {lock} did not open")

    async def _doors(self) -> AsyncIterator[tuple[int, bool]]:
        doors = await self._bus.ask(self._name, self._read)
        if doors != self._last and doors != await self._bus.ask(self._name, self._read):
            return  # without a checksum one answer alone is no news: look again
        self._last = doors
        for lock in self._locks:
            yield lock, doors[lock - 1]


class Board8A(_Board):
    """LockerBoard (drivers.api): a generic board of the "8A/80" kind.

    Its locks are read one by one: how it reports all of them at once is not known for certain.
    An answer that repeats the order may be an echo, so the lock is looked at after it.

    Args:
        name: In the settings.
        port: See `_Board`.
        baud: As the board is set; 9600 as delivered.
        address: By its DIP switch, 1..99.
        locks: 1..32.
        hook_closed_bit: 1: a closed lock shorts its feedback; 0: an open one does.

    Raises:
        ValueError: One of them is out of range; it is named.
    """

    def __init__(
        self,
        name: str,
        *,
        port: str,
        baud: int = 9_600,
        address: int = 1,
        locks: int = 24,
        hook_closed_bit: int,
    ) -> None:
        check("locks", locks, limits.LOCKS_8A)
        check("hook_closed_bit", hook_closed_bit, range(2))
        probe = board_8a.read_lock(address, 1)
        super().__init__(name, port=port, baud=baud, probe=probe, locks=locks)
        self._address = address
        self._closed_bit = bool(hook_closed_bit)

    async def _release(self, lock: int) -> None:
        order = board_8a.open_lock(self._address, lock)
        if await self._bus.order(self._name, order, self._probe):  # it repeats the order
            await self._seen_open(lock)
        elif not self._closed_bit:
            raise DeviceRefused(self._name, f"the board says that lock {lock} did not open")

    async def _doors(self) -> AsyncIterator[tuple[int, bool]]:
        for lock in self._locks:
            yield lock, await self._is_open(lock, limits.READ_TRIES)

    async def _is_open(self, lock: int, tries: int) -> bool:
        read = board_8a.read_lock(self._address, lock)
        return await self._bus.ask(self._name, read, tries) is not self._closed_bit


class WaveshareLockers(_Board):
    """LockerBoard (drivers.api): locks at a Waveshare Modbus RTU relay board, 8 channels.

    Its relays know nothing of doors, so it reports none. The board times the pulse itself. Other
    makes of relay boards speak other dialects and are not driven.

    Args:
        name: In the settings.
        port: See `_Board`.
        baud: As the board is set; 9600 as delivered.
        address: 1..247.
        locks: 1..8.
        pulse_ms: 100..3000, rounded up to the board's step of 100 ms.

    Raises:
        ValueError: One of them is out of range; it is named.
    """

    def __init__(
        self,
        name: str,
        *,
        port: str,
        baud: int = 9_600,
        address: int = 1,
        locks: int = 8,
        pulse_ms: int = 500,
    ) -> None:
        check("locks", locks, limits.RELAYS)
        check("pulse_ms", pulse_ms, limits.LOCK_PULSE_MS)
        probe = modbus.request(modbus.read_relays(address))
        super().__init__(name, port=port, baud=baud, probe=probe, locks=locks)
        self._address = address
        self._steps = -(-pulse_ms // limits.PULSE_STEP_MS)

    @property
    def reports_doors(self) -> bool:
        """See LockerBoard."""
        return False

    async def run(self, report: Callable[[LockerLevel], None]) -> None:
        """Ask the board now and then whether it is there. Raises DeviceLost."""
        del report
        while True:
            await self._bus.idle(self._probe.board)
            if isinstance(await self._bus.ask(self._name, self._probe), modbus.Refusal):
                raise DeviceLost(self._name, f"{self._probe.board} can't be read")

    async def _release(self, lock: int) -> None:
        order = modbus.request(modbus.flash_on(self._address, lock, self._steps))
        match await self._bus.order(self._name, order, self._probe):
            case modbus.Answer():
                return
            case modbus.Refusal(code):
                raise DeviceRefused(self._name, f"the board refused with code {code}")
