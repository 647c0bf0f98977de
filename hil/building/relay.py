"""A relay board at a pseudo-terminal whose channels feed the coils of doors."""

import asyncio
from collections.abc import Callable

from hil.building.config import RelayConfig
from hil.building.tty import Tty
from hil.building.waveshare import WaveshareBoard


class Relay:
    """One board, its serial line and its wires.

    Args:
        config: Link, address and which channel feeds which door.
        feed: Called with a door and its coil's new level.
        clock: The building's monotonic clock, ms.
    """

    def __init__(
        self, config: RelayConfig, feed: Callable[[str, bool], None], clock: Callable[[], int]
    ) -> None:
        self.tty = Tty(config.link, self._received)
        self._board = WaveshareBoard(config.address, self._switched)
        self._wires = config.channels
        self._feed = feed
        self._clock = clock
        self._alarm: asyncio.TimerHandle | None = None

    def plug(self) -> None:
        """Connect the serial line. Raises OSError."""
        self.tty.plug()

    def unplug(self) -> None:
        """Disconnect the serial line and stop the board."""
        self.tty.unplug()
        if self._alarm is not None:
            self._alarm.cancel()

    def _switched(self, channel: int, closed: bool) -> None:
        if channel in self._wires:
            self._feed(self._wires[channel], closed)

    def _received(self, data: bytes) -> None:
        self._send(self._board.feed(data, self._clock()))

    def _tick(self) -> None:
        self._send(self._board.tick(self._clock()))

    def _send(self, answers: list[bytes]) -> None:
        for answer in answers:
            self.tty.send(answer)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        due_ms = self._board.due_ms()
        if due_ms is not None:
            wait_ms = max(0, due_ms - self._clock())
            self._alarm = asyncio.get_running_loop().call_later(wait_ms / 1000, self._tick)
