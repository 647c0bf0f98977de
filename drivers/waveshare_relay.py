"""Locks at a Waveshare Modbus RTU relay board, 8 channels (kind "waveshare_relay").

The board itself ends every pulse, so a dead host leaves no door open. There is no order for a
relay without an end, and no copy of one is sent: what is retried is said at `drivers.bus`.

Source: spec/hardware.md 1.1 (bus rules, echo test), 4.4 (board). Firmware from before September
2021 speaks another protocol and is not supported.
"""

from contextlib import suppress
from types import TracebackType
from typing import Self

from drivers import limits
from drivers.api import (
    DeviceLost,
    DeviceMissing,
    DeviceRefused,
    DriverError,
    Wanted,
    always,
    opening,
)
from drivers.bus import Bus, join
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
        port: Path of the serial port, or `tcp://host:port` of a transparent converter.
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
        self._look = modbus.request(modbus.read_relays(address))
        self._joined: Bus | None = None

    @property
    def name(self) -> str:
        """See Device."""
        return self._name

    async def __aenter__(self) -> Self:
        """See Device. The board is there, is no echo, and shows the relay off."""
        self._joined = await join(self._name, self._port, self._baud)
        with opening(self._name, self._port, self._leave):
            await self._come_to_rest()
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

    async def release(self, for_ms: int, wanted: Wanted = always) -> None:
        """See Lock."""
        if for_ms not in limits.RELEASE_MS:
            raise ValueError(f"for_ms must be 1..60000, got {for_ms}")
        steps = -(-for_ms // limits.PULSE_STEP_MS)
        await self._order(modbus.flash_on(self._address, self._channel, steps), wanted)

    async def secure(self) -> None:
        """See Lock."""
        await self._order(modbus.switch_off(self._address, self._channel))

    async def run(self) -> None:
        """Ask the board now and then whether it is there. Raises DeviceLost."""
        while True:
            await self._bus.idle(self._look.board)
            await self._read()

    async def _come_to_rest(self) -> None:
        await self._read()
        await self.secure()
        if self._channel in await self._read():
            raise DeviceMissing(self._name, f"relay {self._channel} stays on")

    async def _order(self, frame: bytes, wanted: Wanted = always) -> None:
        match await self._bus.order(self._name, modbus.request(frame), self._look, wanted):
            case modbus.Answer():
                return
            case modbus.Refusal(code):
                raise DeviceRefused(self._name, f"the board refused with code {code}")

    async def _read(self) -> frozenset[int]:
        """The relays of the board that are on."""
        match await self._bus.ask(self._name, self._look):
            case modbus.Answer() as answer:
                return modbus.closed_relays(answer)
            case modbus.Refusal(code):
                problem = f"{self._look.board} can't be read, code {code}"
                raise DeviceLost(self._name, problem)

    @property
    def _bus(self) -> Bus:
        if self._joined is None:
            raise DeviceLost(self._name, "not open")
        return self._joined

    def _leave(self) -> None:
        bus = self._bus
        self._joined = None
        bus.leave()
