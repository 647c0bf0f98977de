"""One time for the whole world: it runs faster than ours, and can be made to jump."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device's clock says (cloud_link.ports.Reading)."""

    at: datetime
    earliest: datetime
    latest: datetime | None
    state: str
    trusted: bool


class WorldClock:
    """Time that passes `speed` times as fast as ours, for the cloud and its device alike.

    `known`: whether the device knows the time; if not it only knows that it is after the start.
    """

    def __init__(self, speed: int = 1, *, known: bool = True) -> None:
        self._speed = speed
        self._jumped_ms = 0
        self._turn_ms: int | None = None
        self._jumps = asyncio.Event()
        self.known = known

    def monotonic_ms(self) -> int:
        """Milliseconds since some moment; the same for all that happens in one turn of the loop.

        So a process that is kept from running for a while does not look late to itself.
        """
        if self._turn_ms is None:
            loop = asyncio.get_running_loop()
            self._turn_ms = int(loop.time() * 1000 * self._speed)
            loop.call_soon(self._turn)
        return self._turn_ms + self._jumped_ms

    def _turn(self) -> None:
        self._turn_ms = None

    def true(self) -> datetime:
        """Tell what time it is."""
        return NOON + timedelta(milliseconds=self.monotonic_ms())

    def now(self) -> Reading:
        """Read the device's clock: right to a tenth of a second, or hardly known."""
        at, margin = self.true(), timedelta(milliseconds=100)
        if self.known:
            return Reading(at, at - margin, at + margin, "SYNCED", trusted=True)
        return Reading(NOON, NOON, None, "RESTORED", trusted=False)

    def jump(self, by_ms: int) -> None:
        """Let time pass at once: who slept wakes up, who waited has waited."""
        self._jumped_ms += by_ms
        self._jumps.set()
        self._jumps = asyncio.Event()

    async def sleep_ms(self, for_ms: int) -> None:
        """Wait, for as long as this world's time takes."""
        until_ms = self.monotonic_ms() + for_ms
        await asyncio.sleep(0)
        while (left_ms := until_ms - self.monotonic_ms()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_ms / 1000 / self._speed):
                    await self._jumps.wait()


class Dice:
    """Chance that comes out the same each time (cloud_link.ports.Chance)."""

    def __init__(self, seed: int = 1) -> None:
        self._dice = random.Random(seed)

    def nonce(self) -> str:
        """Return 32 hex digits."""
        return f"{self._dice.getrandbits(128):032x}"

    def below_ms(self, bound_ms: int) -> int:
        """Return a whole number up to `bound_ms`."""
        return self._dice.randint(0, bound_ms)
