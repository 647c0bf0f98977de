"""Small honest stand-ins for the world outside: time, a bolt, a light."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from drivers.api import DeviceLost, DeviceMissing, Signal, Wanted, always, heed
from edged.clock import ClockState, Instant, Standing
from edged.core.time_sense import Source

NOON = datetime(2026, 11, 4, 3, 0, tzinfo=UTC)
"""Noon in Tokyo, a Wednesday that is no holiday."""

WITHIN_S = 60.0


async def until(holds: Callable[[], bool]) -> None:
    """Give way until something holds."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            if holds():
                return
            await asyncio.sleep(0)


async def settle() -> None:
    """Let everybody go on who needs nothing but a turn."""
    for _ in range(20):
        await asyncio.sleep(0)


class FakeClock:
    """Time that passes when a test says so. The wall clock can be stepped by itself."""

    def __init__(self, at: datetime = NOON, state: ClockState = ClockState.SYNCED) -> None:
        self.wall = at
        self.state = state
        self.floor = datetime.min.replace(tzinfo=UTC)
        self._now_ms = 5_000_000
        self._sleepers: list[tuple[int, int, asyncio.Event]] = []
        self._count = 0

    @property
    def sleeping_ms(self) -> list[int]:
        """How long each who sleeps still will."""
        return sorted(due_ms - self._now_ms for due_ms, _, _ in self._sleepers)

    def now(self) -> Instant:
        known = Instant(self.wall, self.wall, self.wall, self.state)
        at = max(self.wall, self.floor)
        return known if known.trusted else Instant(at, self.floor, None, self.state)

    def monotonic_ms(self) -> int:
        return self._now_ms

    def observe(self, dated: datetime) -> None:
        self.floor = max(self.floor, dated)

    def standing(self) -> Standing:
        return Standing(Source.NTP if self.now().trusted else Source.NOTHING, None, drifts=False)

    def hear(self, at: datetime, error: timedelta) -> None:
        self.observe(at - error)

    async def sleep_ms(self, for_ms: int) -> None:
        woken = asyncio.Event()
        self._count += 1
        sleeper = (self._now_ms + for_ms, self._count, woken)
        heapq.heappush(self._sleepers, sleeper)
        try:
            await woken.wait()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)
                heapq.heapify(self._sleepers)

    async def advance(self, by_ms: int) -> None:
        """Let time pass, waking each sleeper at its own instant."""
        end_ms = self._now_ms + by_ms
        while self._sleepers and self._sleepers[0][0] <= end_ms:
            due_ms, _, woken = heapq.heappop(self._sleepers)
            self.skip(max(0, due_ms - self._now_ms))
            woken.set()
            await settle()
        self.skip(max(0, end_ms - self._now_ms))

    def skip(self, by_ms: int) -> None:
        """Let time pass without giving anybody a turn."""
        self._now_ms += by_ms
        self.wall += timedelta(milliseconds=by_ms)

    def step_wall(self, by: timedelta) -> None:
        self.wall += by


class FakeDevice:
    """A device that can be missing, be lost, and have a bug.

    `missing` and `breaks` are what opening and working it raise, until a test takes them away.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.opened = self.closed = 0
        self.missing: Exception | None = None
        self.close_fails: Exception | None = None
        self._ended = asyncio.Event()
        self._ends_with: Exception | None = None

    @property
    def name(self) -> str:
        return self._name

    async def __aenter__(self) -> Self:
        if self.missing is not None:
            raise self.missing
        self.opened += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.closed += 1
        if self.close_fails is not None:
            raise self.close_fails

    async def run(self) -> None:
        await self._ended.wait()
        self._ended.clear()
        if self._ends_with is not None:
            raise self._ends_with

    def unplug(self) -> None:
        """Lose the device; it is not there until `plug`."""
        self.missing = DeviceMissing(self.name, "no such device")
        self.end(DeviceLost(self.name, "unplugged"))

    def plug(self) -> None:
        self.missing = None

    def end(self, with_error: Exception | None = None) -> None:
        """End the driver's work, by an error or by itself."""
        self._ends_with = with_error
        self._ended.set()


class FakeLock(FakeDevice):
    """A bolt. `releases` are the orders that it took; `refuses` is what it raises instead.

    `on_release` is called at the moment of each order. While `answers` is clear it hangs, and while
    `turn` is, it has to wait before it may send anything.
    """

    def __init__(self, name: str = "front.lock") -> None:
        super().__init__(name)
        self.asked = 0
        self.releases: list[int] = []
        self.secured = 0
        self.refuses: Exception | None = None
        self.on_release: Callable[[], None] = lambda: None
        self.answers, self.turn = asyncio.Event(), asyncio.Event()
        self.answers.set()
        self.turn.set()

    async def release(self, for_ms: int, wanted: Wanted = always) -> None:
        assert 1 <= for_ms <= 60_000
        self.asked += 1
        await self.turn.wait()
        heed(self.name, wanted)
        self.on_release()
        await self.answers.wait()
        if self.refuses is not None:
            raise self.refuses
        self.releases.append(for_ms)

    async def secure(self) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.secured += 1


class FakeIndicator(FakeDevice):
    """A light; `shown` is all that it showed. While `free` is clear it shows nothing new."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.shown: list[Signal] = []
        self.fails: Exception | None = None
        self.free = asyncio.Event()
        self.free.set()

    async def show(self, signal: Signal) -> None:
        await self.free.wait()
        if self.fails is not None:
            raise self.fails
        self.shown.append(signal)
