"""A serial cable from a device of the building to an adapter at the rig."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

import serial

_READ_BYTES: Final = 4_096


class Crossed:
    """Two serial adapters, one at the rig and one at the device, with their wires crossed.

    Args:
        ours: The building's end, a pseudo-terminal.
        port: The rig's adapter.
        baud: As the device's settings have it.
    """

    def __init__(self, ours: Path, port: str, baud: int) -> None:
        self._ours = ours
        self._port = port
        self._baud = baud
        self._plugged = AsyncExitStack()

    async def plug(self) -> None:
        """Open both ends. Raises OSError."""
        end = os.open(self._ours, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._plugged.callback(os.close, end)
        port = self._plugged.enter_context(
            serial.Serial(self._port, self._baud, timeout=0, exclusive=True)
        ).fileno()
        loop = asyncio.get_running_loop()
        for source, target in ((end, port), (port, end)):
            loop.add_reader(source, _carry, source, target, loop.remove_reader)
            self._plugged.callback(loop.remove_reader, source)

    async def unplug(self) -> None:
        """Close them. Idempotent; the device notices nothing, for its own adapter stays."""
        await self._plugged.aclose()


def _carry(source: int, target: int, deaf: Callable[[int], object]) -> None:
    """Carry what came; an end that is gone is heard no more, or the loop would spin."""
    with suppress(BlockingIOError):
        try:
            os.write(target, os.read(source, _READ_BYTES))
        except BlockingIOError:
            raise
        except OSError:
            deaf(source)
