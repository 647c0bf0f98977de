"""The clock port: what time it is, how sure we are, and how long things take.

ARCHITECTURE, Time: `now()` gives an instant with its bounds and a state; deadlines use the
monotonic clock only. Everything that needs the time is given a `Clock`.
"""

import asyncio
import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from edged.core import limits, time_sense
from edged.core.time_sense import ClockState, Instant, Source, TimeSense, Told

__all__ = ["Clock", "ClockState", "Instant", "SystemClock", "host_error_s", "kernel_error_s"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the clock beside its time. `drift_ppm` None: not measured yet."""

    source: Source
    drift_ppm: float | None
    drifts: bool


class Clock(Protocol):
    """Time as the daemon sees it."""

    def now(self) -> Instant:
        """Read the time of day, in UTC."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds since some moment; never steps, never stops while the system runs."""
        ...

    def observe(self, dated: datetime) -> None:
        """Raise the lower bound: something verified was made at `dated`."""
        ...

    def hear(self, at: datetime, error: timedelta) -> None:
        """Take the cloud's fresh and signed word: it is `at` now, give or take `error`."""
        ...

    def standing(self) -> "Standing":
        """Say by whose word the time is known, and what the crystal is worth."""
        ...

    async def sleep_ms(self, for_ms: int) -> None:
        """Wait on the monotonic clock; 0 gives way once."""
        ...


class _Timex(ctypes.Structure):
    """The head of the kernel's `struct timex` (adjtimex(2)); the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 512),
    )


_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_LIBC = ctypes.CDLL(None)  # looked up once: the clock is read for every scan


def kernel_error_s() -> float | None:
    """Ask the kernel for its clock's largest error in seconds; None: not synchronised."""
    buffer = _Timex()
    try:
        state = _LIBC.adjtimex(ctypes.byref(buffer))
    except (AttributeError, OSError):
        return None
    return None if state in {-1, _TIME_ERROR} else float(buffer.maxerror) / 1e6


def host_error_s() -> float | None:
    """Stand in for `kernel_error_s` where the host keeps the time (`clock.trust = "host"`)."""
    return limits.SYNCED_ERROR.total_seconds()


class SystemClock:
    """This machine's clock: what its sources say, through `edged.core.time_sense`.

    Args:
        error_s: Tells the clock's largest error now, or None while no source confirms it.
        floor: The last time this device is known to have seen; time before it is not believed.
        wall: Reads the time of day; replaced in tests.
        needs_cloud: Whether what moves a clock that NTP had set needs the cloud's word.
    """

    def __init__(
        self,
        error_s: Callable[[], float | None] = kernel_error_s,
        floor: datetime | None = None,
        wall: Callable[[], datetime] | None = None,
        *,
        needs_cloud: bool = False,
    ) -> None:
        self._error_s = error_s
        self._wall = wall or (lambda: datetime.now(UTC))  # noqa: TID251 - the one home of now()
        self.sense = TimeSense(floor_ms=self.monotonic_ms(), needs_cloud=needs_cloud)
        if floor is not None:
            self.observe(floor)

    def monotonic_ms(self) -> int:
        """Milliseconds of CLOCK_BOOTTIME, which counts a suspended system's sleep too."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def observe(self, dated: datetime) -> None:
        """Raise the floor to `dated`."""
        self.sense = time_sense.observe(self.sense, dated, self.monotonic_ms())

    def hear(self, at: datetime, error: timedelta) -> None:
        """Take the cloud's fresh and signed word: it is `at` now, give or take `error`."""
        self.sense = time_sense.hear(self.sense, at, error, self.monotonic_ms())

    def now(self) -> Instant:
        """Read the clock."""
        told = Told(self._wall(), self.monotonic_ms(), self._error_s())
        self.sense, now = time_sense.read(self.sense, told)
        return now

    def standing(self) -> Standing:
        """Say by whose word the time is known, and what the crystal is worth."""
        sense = self.sense
        source = time_sense.source(sense, self.monotonic_ms())
        return Standing(source, sense.drift_ppm, time_sense.drifts(sense))

    async def sleep_ms(self, for_ms: int) -> None:
        """Wait without a busy loop."""
        await asyncio.sleep(max(0, for_ms) / 1000)
