"""Locker boards at an RS-485 bus: KERONG, Winnsen, "8A/80", "WKLY", and Waveshare relays.

One class a make, one object a board. Boards of several makes may share a bus. The board itself
ends every pulse; an order is sent once, whatever becomes of its answer (`drivers.bus`).

Source: spec/hardware.md 1.1 (bus), 2.1 and 2.2 (KERONG), 3 (Winnsen), 4.1 (8A/80), 4.2 (WKLY),
4.4 (Waveshare). None of them was tried on hardware yet.
"""

from collections.abc import AsyncIterator, Callable

from drivers import limits
from drivers.api import DeviceLost, DeviceRefused, LockerLevel, Wanted
from drivers.bus_board import BusBoard
from drivers.codec import board_8a, kerong, kerong_6x, modbus, winnsen, wkly
from drivers.codec.exchange import check


class Kerong(BusBoard):
    """LockerBoard (drivers.api): a KERONG CU12 or CU16 with the legacy frame.

    It answers no order: `pulse` returns when the hook was seen open. What the bits of its hooks
    mean differs between firmwares; see it once, with one door (`edged lockers scan`).

    Args:
        name: In the settings.
        port: See `BusBoard`.
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

    async def _release(self, lock: int, wanted: Wanted) -> None:
        await self._bus.send(self._name, kerong.unlock(self._address, lock), wanted)
        await self._seen_open(lock)

    async def _doors(self) -> AsyncIterator[tuple[int, bool]]:
        bits = await self._bus.ask(self._name, self._hooks)
        for lock in self._locks:
            yield lock, bits[lock - 1] is not self._closed_bit

    async def _is_open(self, lock: int, tries: int) -> bool:
        bits = await self._bus.ask(self._name, self._hooks, tries)
        return bits[lock - 1] is not self._closed_bit


class Kerong6x(BusBoard):
    """LockerBoard (drivers.api): a KERONG CU48, or another one with the "6x" frame.

    It answers an order, but not whether the lock obeyed: `pulse` returns when the hook was seen
    open. The bits of its hooks as for `Kerong`.

    Args:
        name: In the settings.
        port: See `BusBoard`.
        baud: As the board is set; no document says how it is delivered.
        address: By its switch, 0..9.
        locks: 1..48.
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
        locks: int = 48,
        hook_closed_bit: int,
    ) -> None:
        check("locks", locks, limits.KERONG_6X_LOCKS)
        check("hook_closed_bit", hook_closed_bit, range(2))
        self._hooks = kerong_6x.read_hooks(address)
        super().__init__(name, port=port, baud=baud, probe=self._hooks, locks=locks)
        self._address = address
        self._closed_bit = bool(hook_closed_bit)

    async def _release(self, lock: int, wanted: Wanted) -> None:
        order = kerong_6x.unlock(self._address, lock)
        await self._bus.order(self._name, order, self._probe, wanted)
        await self._seen_open(lock)

    async def _doors(self) -> AsyncIterator[tuple[int, bool]]:
        bits = await self._bus.ask(self._name, self._hooks)
        for lock in self._locks:
            yield lock, bits[lock - 1] is not self._closed_bit

    async def _is_open(self, lock: int, tries: int) -> bool:
        bits = await self._bus.ask(self._name, self._hooks, tries)
        return bits[lock - 1] is not self._closed_bit


class Winnsen(BusBoard):
    """LockerBoard (drivers.api): a Winnsen station.

    Args:
        name: In the settings.
        port: See `BusBoard`.
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

    async def _release(self, lock: int, wanted: Wanted) -> None:
        order = winnsen.open_lock(self._address, lock)
        if not await self._bus.order(self._name, order, self._probe, wanted):
            raise DeviceRefused(self._name, f"the board says that lock {lock} did not open")

    async def _doors(self) -> AsyncIterator[tuple[int, bool]]:
        doors = await self._bus.ask(self._name, self._read)
        if doors != self._last and doors != await self._bus.ask(self._name, self._read):
            return  # without a checksum one answer alone is no news: look again
        self._last = doors
        for lock in self._locks:
            yield lock, doors[lock - 1]


class Board8A(BusBoard):
    """LockerBoard (drivers.api): a generic board of the "8A/80" kind.

    Its locks are read one by one: how it reports all of them at once is not known for certain.
    An answer that repeats the order may be an echo, so the lock is looked at after it.

    Args:
        name: In the settings.
        port: See `BusBoard`.
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

    async def _release(self, lock: int, wanted: Wanted) -> None:
        order = board_8a.open_lock(self._address, lock)
        if await self._bus.order(self._name, order, self._probe, wanted):  # it repeats the order
            await self._seen_open(lock)
        elif not self._closed_bit:
            raise DeviceRefused(self._name, f"the board says that lock {lock} did not open")

    async def _doors(self) -> AsyncIterator[tuple[int, bool]]:
        for lock in self._locks:
            yield lock, await self._is_open(lock, limits.READ_TRIES)

    async def _is_open(self, lock: int, tries: int) -> bool:
        read = board_8a.read_lock(self._address, lock)
        return await self._bus.ask(self._name, read, tries) is not self._closed_bit


class Wkly(BusBoard):
    """LockerBoard (drivers.api): a board of the "WKLY" kind.

    It says whether it took an order, and the hook is looked at after that. It also tells of
    doors unasked, which proves nothing here: every door is read anyway. A lock whose feedback is
    broken is never seen open.

    Args:
        name: In the settings.
        port: See `BusBoard`.
        baud: As the board is set; no document says how it is delivered.
        address: By its switch, 0..31.
        locks: 1..24.

    Raises:
        ValueError: One of them is out of range; it is named.
    """

    def __init__(
        self, name: str, *, port: str, baud: int = 9_600, address: int = 0, locks: int = 24
    ) -> None:
        check("locks", locks, limits.WKLY_LOCKS)
        self._read = wkly.read_doors(address)
        super().__init__(name, port=port, baud=baud, probe=self._read, locks=locks)
        self._address = address

    async def _release(self, lock: int, wanted: Wanted) -> None:
        order = wkly.open_lock(self._address, lock)
        if not await self._bus.order(self._name, order, self._probe, wanted):
            raise DeviceRefused(self._name, f"the board says that lock {lock} did not open")
        await self._seen_open(lock)

    async def _doors(self) -> AsyncIterator[tuple[int, bool]]:
        doors = await self._bus.ask(self._name, self._read)
        if len(doors) < len(self._locks):
            raise DeviceLost(self._name, f"it tells of {len(doors)} locks only")
        for lock in self._locks:
            yield lock, doors[lock - 1]

    async def _is_open(self, lock: int, tries: int) -> bool:
        return await self._bus.ask(self._name, wkly.read_door(self._address, lock), tries)


class WaveshareLockers(BusBoard):
    """LockerBoard (drivers.api): locks at a Waveshare Modbus RTU relay board, 8 channels.

    Its relays know nothing of doors, so it reports none. The board times the pulse itself. Other
    makes of relay boards speak other dialects and are not driven.

    Args:
        name: In the settings.
        port: See `BusBoard`.
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

    async def _release(self, lock: int, wanted: Wanted) -> None:
        order = modbus.request(modbus.flash_on(self._address, lock, self._steps))
        match await self._bus.order(self._name, order, self._probe, wanted):
            case modbus.Answer():
                return
            case modbus.Refusal(code):
                raise DeviceRefused(self._name, f"the board refused with code {code}")
