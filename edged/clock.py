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
from enum import StrEnum
from typing import Protocol

from edged import limits


class ClockState(StrEnum):
    """How much a reading is worth (ARCHITECTURE, Time)."""

    UNSET = "UNSET"
    RESTORED = "RESTORED"
    SYNCED = "SYNCED"
    HOLDOVER = "HOLDOVER"
    SUSPECT = "SUSPECT"


@dataclass(frozen=True, slots=True)
class Instant:
    """A reading. The true time lies in [earliest, latest]; `latest` None = no upper bound."""

    at: datetime
    earliest: datetime
    latest: datetime | None
    state: ClockState

    @property
    def trusted(self) -> bool:
        """True where rules about time mean something (spec/rules.md 3.7)."""
        return self.state in {ClockState.SYNCED, ClockState.HOLDOVER}


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


def kernel_error_s() -> float | None:
    """Ask the kernel for its clock's largest error in seconds; None: not synchronised."""
    buffer = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(buffer))
    except (AttributeError, OSError):
        return None
    return None if state in {-1, _TIME_ERROR} else float(buffer.maxerror) / 1e6


def host_error_s() -> float | None:
    """Stand in for `kernel_error_s` where the host keeps the time (`clock.trust = "host"`)."""
    return limits.SYNCED_ERROR_S


class SystemClock:
    """This machine's clock.

    Args:
        error_s: Tells the clock's largest error now, or None while no source confirms it.
        floor: The last time this device is known to have seen; time before it is not believed.
        wall: Reads the time of day; replaced in tests.
    """

    def __init__(
        self,
        error_s: Callable[[], float | None] = kernel_error_s,
        floor: datetime | None = None,
        wall: Callable[[], datetime] | None = None,
    ) -> None:
        self._error_s = error_s
        self._floor = floor or limits.BUILT_AFTER
        self._wall = wall or (lambda: datetime.now(UTC))  # noqa: TID251 - the one home of now()
        self._synced: tuple[datetime, int] | None = None

    def monotonic_ms(self) -> int:
        """Milliseconds of CLOCK_BOOTTIME, which counts a suspended system's sleep too."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def observe(self, dated: datetime) -> None:
        """Raise the floor to `dated`."""
        self._floor = max(self._floor, dated)

    def now(self) -> Instant:
        """Read the clock.

        A trusted clock is read as it is. One that is not trusted is at least as late as
        everything verified that was seen, and has no upper bound. Without confirmation the
        time of day runs with the monotonic clock, or somebody has stepped it.
        """
        wall, error_s, tick_ms = self._wall(), self._error_s(), self.monotonic_ms()
        if wall < self._floor - limits.FLOOR_SLACK:
            return self._doubted(
                wall, ClockState.UNSET if wall < limits.BUILT_AFTER else ClockState.SUSPECT
            )
        if error_s is not None:
            self._synced = wall, tick_ms
            return _around(wall, error_s, ClockState.SYNCED)
        if self._synced is None:
            return self._doubted(wall, ClockState.RESTORED)
        synced, synced_ms = self._synced
        since = timedelta(milliseconds=tick_ms - synced_ms)
        if abs(wall - synced - since) > limits.CLOCK_STEP:
            return self._doubted(wall, ClockState.SUSPECT)
        drift_s = since.total_seconds() * limits.DRIFT_PPM / 1e6
        return _around(wall, limits.SYNCED_ERROR_S + drift_s, ClockState.HOLDOVER)

    async def sleep_ms(self, for_ms: int) -> None:
        """Wait without a busy loop."""
        await asyncio.sleep(max(0, for_ms) / 1000)

    def _doubted(self, wall: datetime, state: ClockState) -> Instant:
        return Instant(max(wall, self._floor), self._floor, None, state)


def _around(at: datetime, error_s: float, state: ClockState) -> Instant:
    margin = timedelta(seconds=error_s)
    return Instant(at, at - margin, at + margin, state)
