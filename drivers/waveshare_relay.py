"""Locks at a Waveshare Modbus RTU relay board, 8 channels (kind "waveshare_relay").

The board itself ends every pulse, so a dead host leaves no door open. There is no order for a
relay without an end, and no copy of one is sent: what is retried is said at `_Bus`.

Source: spec/hardware.md 1.1 (bus rules, echo test), 4.4 (board). Firmware from before September
2021 speaks another protocol and is not supported.
"""

import asyncio
import os
from contextlib import suppress
from types import TracebackType
from typing import Self

from drivers import limits
from drivers.api import DeviceLost, DeviceMissing, DeviceRefused, DriverError
from drivers.channel import Channel, SerialChannel
from drivers.codec import modbus


class RelayLock:
    """Lock (drivers.api) for a bolt that one relay of the board releases: a strike.

    `release` rounds up to the board's step of 100 ms, so a pulse is never shorter than asked,
    less than one step longer, and at most 60 s. It returns when the board has repeated the
    order. The board's documents do not say that a new pulse replaces a running one: see it once
    when the door is commissioned. If it did not, the bolt would be thrown earlier, never later.

    Several locks may share a port; they must agree on `baud`.

    Args:
        name: In the settings, such as `front.lock`.
        port: Path of the serial port.
        baud: One of `limits.BAUDS`.
        address: Of the board, 1..247.
        channel: Relay on the board, 1..8.

    Raises:
        ValueError: One of them is out of range; it is named.
    """

    def __init__(
        self, name: str, *, port: str, baud: int = 9600, address: int = 1, channel: int = 1
    ) -> None:
        if baud not in limits.BAUDS:
            raise ValueError(f"baud must be one of {limits.BAUDS}, got {baud}")
        if address not in limits.BOARDS:
            raise ValueError(f"address must be 1..247, got {address}")
        if channel not in limits.RELAYS:
            raise ValueError(f"channel must be 1..8, got {channel}")
        self._name = name
        self._port = port
        self._baud = baud
        self._address = address
        self._channel = channel
        self._joined: _Bus | None = None

    @property
    def name(self) -> str:
        """See Device."""
        return self._name

    async def __aenter__(self) -> Self:
        """See Device. The board is there, is no echo, and shows the relay off."""
        self._joined = _join(self._name, self._port, self._baud)
        try:
            await self._come_to_rest()
        except (DeviceLost, DeviceRefused) as error:
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
        """See Device."""
        if self._joined is None:
            return
        try:
            with suppress(DriverError):  # the board ends its pulse by itself
                await self.secure()
        finally:
            self._leave()

    async def release(self, for_ms: int) -> None:
        """See Lock."""
        if for_ms not in limits.RELEASE_MS:
            raise ValueError(f"for_ms must be 1..60000, got {for_ms}")
        steps = -(-for_ms // limits.PULSE_STEP_MS)
        await self._bus.order(self._name, modbus.flash_on(self._address, self._channel, steps))

    async def secure(self) -> None:
        """See Lock."""
        await self._bus.order(self._name, modbus.switch_off(self._address, self._channel))

    async def run(self) -> None:
        """Ask the board now and then whether it is there. Raises DeviceLost."""
        while True:
            await self._bus.watch(self._name, self._address)

    async def _come_to_rest(self) -> None:
        await self._bus.read(self._name, self._address)
        await self.secure()
        if self._channel in await self._bus.read(self._name, self._address):
            raise DeviceMissing(self._name, f"relay {self._channel} stays on")

    @property
    def _bus(self) -> "_Bus":
        if self._joined is None:
            raise DeviceLost(self._name, "not open")
        return self._joined

    def _leave(self) -> None:
        bus = self._bus
        self._joined = None
        bus.users -= 1
        if bus.users == 0:
            bus.close()


class _Bus:
    """One serial port, its boards, and the one request that may be out at a time.

    Only reads are sent again when no answer comes, because a second read changes nothing. An
    order is sent once: a second copy of a pulse is a second opening that nobody decided, and
    whoever gave the order decides what to do about DeviceLost.

    A request that got no answer, or whose caller was cancelled, leaves its board in doubt: the
    answer may still come and look like the answer to the next order. The next order is then
    preceded by a read. A board answers in the order it was asked, so all that comes before the
    answer to the read is old, and an order and a read are never taken for each other.
    """

    def __init__(self, path: str, channel: Channel, baud: int) -> None:
        self.path = path
        self.baud = baud
        self.users = 0
        self._channel = channel
        self._turn = asyncio.Lock()
        self._echo = False  # the adapter sends back what we send; once seen, it stays expected
        self._doubt = set[int]()  # boards whose answer may still come
        self._heard_at = dict[int, float]()
        self._quiet_at = 0.0  # when the next request may go out

    async def read(self, device: str, board: int) -> frozenset[int]:
        """Return the relays of `board` that are on. Raises DeviceLost for `device`."""
        async with self._turn:
            return await self._read(device, board)

    async def order(self, device: str, frame: bytes) -> None:
        """Send an order and wait until its board repeats it. Raises DeviceLost, DeviceRefused."""
        async with self._turn:
            if frame[0] in self._doubt:
                await self._read(device, frame[0])
            match await self._exchange(device, frame):
                case modbus.Answer():
                    return
                case modbus.Refusal(code):
                    raise DeviceRefused(device, f"the board refused with code {code}")
                case None:
                    raise DeviceLost(device, self._silence(frame[0]))

    async def watch(self, device: str, board: int) -> None:
        """Wait while `board` was heard lately, else ask it. Raises DeviceLost."""
        age = asyncio.get_running_loop().time() - self._heard_at.get(board, 0.0)
        rest = limits.POLL_MS / 1000 - age
        if rest > 0:
            await asyncio.sleep(rest)
        else:
            await self.read(device, board)

    def close(self) -> None:
        """Let go of the port for the next opening. Who still asks here gets DeviceLost."""
        self._channel.close()
        if _PORTS.get(self.path) is self:
            del _PORTS[self.path]

    async def _read(self, device: str, board: int) -> frozenset[int]:
        for _ in range(limits.READ_TRIES):
            match await self._exchange(device, modbus.read_relays(board)):
                case modbus.Answer() as answer:
                    return modbus.closed_relays(answer)
                case modbus.Refusal(code):
                    raise DeviceLost(device, f"board {board} can't be read, code {code}")
                case None:
                    continue
        raise DeviceLost(device, self._silence(board))

    async def _exchange(self, device: str, frame: bytes) -> modbus.Answer | modbus.Refusal | None:
        """Send `frame` and find its answer, or None if none comes in time."""
        board = frame[0]
        clock = asyncio.get_running_loop().time
        search = modbus.Exchange(frame, echo=self._echo)
        found = None
        await asyncio.sleep(self._quiet_at - clock())
        self._channel.discard()
        self._doubt.add(board)
        try:
            async with asyncio.timeout(limits.REPLY_MS / 1000):
                await self._channel.write(frame)
                while found is None:
                    found = search.feed(await self._channel.read())
            self._doubt.discard(board)
            self._heard_at[board] = clock()
        except TimeoutError:
            pass  # the caller knows what no answer means
        except DeviceLost as error:
            self.close()
            raise DeviceLost(device, error.problem) from error
        finally:
            self._echo |= search.echoed
            self._quiet_at = clock() + limits.BUS_GAP_MS / 1000
        return found

    def _silence(self, board: int) -> str:
        if self._echo:
            return "adapter echo, no device"
        return f"board {board} does not answer within {limits.REPLY_MS} ms"


_PORTS: dict[str, _Bus] = {}
"""What this process has open, by real path: locks at one port share it, from first to last."""


def _join(device: str, port: str, baud: int) -> _Bus:
    path = os.path.realpath(port)
    bus = _PORTS.get(path)
    if bus is None:
        bus = _PORTS[path] = _Bus(path, SerialChannel(device, port, baud), baud)
    elif bus.baud != baud:
        raise DeviceMissing(device, f"{port} is open at {bus.baud} baud already")
    bus.users += 1
    return bus
