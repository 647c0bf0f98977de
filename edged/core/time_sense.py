"""What time it is, as far as this device can know: a pure estimate from what its sources say.

ARCHITECTURE, Time. The sources: the machine's time of day, and the kernel's word whether NTP
keeps it; the cloud's signed time; anything verified and dated, which the true time is not before;
and the monotonic clock, which knows how much time has passed and nothing else.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from edged.core import limits
from policy.decision import value

_MS: Final = timedelta(milliseconds=1)


class ClockState(StrEnum):
    """How much a reading is worth (ARCHITECTURE, Time)."""

    UNSET = "UNSET"
    RESTORED = "RESTORED"
    SYNCED = "SYNCED"
    HOLDOVER = "HOLDOVER"
    SUSPECT = "SUSPECT"


class Source(StrEnum):
    """Who said what time it is."""

    NOTHING = "nothing"
    NTP = "ntp"
    CLOUD = "cloud"


@value
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

    @property
    def error_ms(self) -> int | None:
        """How far the true time may lie from `at`, in milliseconds; None: no bound is known."""
        if self.latest is None:
            return None
        return max(self.latest - self.at, self.at - self.earliest) // _MS


@value
class Anchor:
    """A time that a source confirmed: at `tick_ms` it was `at`, give or take `error`."""

    at: datetime
    tick_ms: int
    error: timedelta
    source: Source


@value
class Told:
    """What the machine says at one moment.

    `ntp_error_s`: the largest error of `wall` by the kernel's word, None: nothing keeps it.
    """

    wall: datetime
    tick_ms: int
    ntp_error_s: float | None


@value
class TimeSense:
    """What is remembered. `floor`: at `floor_ms` the true time was not before it.

    `ntp`, `cloud`: the last time that each confirmed. `needs_cloud`: NTP alone may set this clock
    once and keep it, but what moves it afterwards has to be confirmed by the cloud's signed time:
    whoever can speak as an NTP server could end every code, or begin tomorrow's (threats F3).
    `drift_ppm`: the crystal's, as measured between two words of the cloud, None before that.
    """

    floor: datetime = limits.BUILT_AFTER
    floor_ms: int = 0
    ntp: Anchor | None = None
    cloud: Anchor | None = None
    needs_cloud: bool = False
    drift_ppm: float | None = None

    @property
    def ppm(self) -> float:
        """The drift to reckon with."""
        return max(limits.DRIFT_PPM, limits.DRIFT_MARGIN * abs(self.drift_ppm or 0.0))


def observe(sense: TimeSense, dated: datetime, tick_ms: int) -> TimeSense:
    """Something verified was made at `dated`: the time is not before it, and never was."""
    if dated <= earliest(sense, tick_ms):
        return sense
    return replace(sense, floor=dated, floor_ms=tick_ms)


def hear(sense: TimeSense, at: datetime, error: timedelta, tick_ms: int) -> TimeSense:
    """The cloud said, freshly and signed, that it is `at`, give or take `error`."""
    before, anchor = sense.cloud, Anchor(at, tick_ms, error, Source.CLOUD)
    sense = observe(sense, at - error, tick_ms)
    if before is not None:
        passed = timedelta(milliseconds=tick_ms - before.tick_ms)
        if passed >= limits.DRIFT_OVER:
            off = at - before.at - passed
            unsure = error + before.error
            if abs(off) > unsure:  # less is the two words' own error
                sense = replace(sense, drift_ppm=off / passed * 1e6)
    return replace(sense, cloud=anchor)


def earliest(sense: TimeSense, tick_ms: int) -> datetime:
    """Return what the true time is not before: what was seen, and what passed since at least."""
    passed = timedelta(milliseconds=tick_ms - sense.floor_ms)
    return sense.floor + passed * (1 - sense.ppm / 1e6) if passed > timedelta(0) else sense.floor


def read(sense: TimeSense, told: Told) -> tuple[TimeSense, Instant]:
    """Say what time it is.

    The cloud's signed time comes first, and runs on with the monotonic clock, whatever is done to
    the time of day. Where NTP agrees, that confirms it, and narrows no bound: a liar would stay
    within them. Where it does not, one of the two lies, and nobody here can tell which.
    """
    if sense.cloud is not None and _passed(sense.cloud, told) <= limits.CLOUD_HOLDS:
        return _by_cloud(sense, sense.cloud, told)
    return _by_wall(sense, told)


def source(sense: TimeSense, tick_ms: int) -> Source:
    """Say whose word the time is by, if it is by anybody's."""
    cloud = sense.cloud
    if cloud is not None and (tick_ms - cloud.tick_ms) * _MS <= limits.CLOUD_HOLDS:
        return Source.CLOUD
    return Source.NOTHING if sense.ntp is None else Source.NTP


def drifts(sense: TimeSense) -> bool:
    """Tell whether the crystal was measured to be worse than what clocks are reckoned with."""
    return abs(sense.drift_ppm or 0.0) > limits.DRIFT_BAD_PPM


def _by_cloud(sense: TimeSense, cloud: Anchor, told: Told) -> tuple[TimeSense, Instant]:
    low, high = _spread(sense, cloud, told)
    at, fresh = low + (high - low) / 2, _passed(cloud, told) <= limits.CLOUD_FRESH
    if told.ntp_error_s is not None:
        error = timedelta(seconds=told.ntp_error_s)
        apart = max(told.wall - error - high, low - told.wall - error)
        if apart > limits.SOURCES_APART:
            return sense, _doubted(sense, told, ClockState.SUSPECT)
        if apart <= timedelta(0):
            sense = replace(sense, ntp=Anchor(told.wall, told.tick_ms, error, Source.NTP))
            at, fresh = told.wall, True
    floor = earliest(sense, told.tick_ms)
    if high < floor:  # what was seen is later than what was said: one of them is wrong
        return sense, _doubted(sense, told, ClockState.SUSPECT)
    low = max(low, floor)
    state = ClockState.SYNCED if fresh else ClockState.HOLDOVER
    return sense, Instant(min(max(at, low), high), low, high, state)


def _by_wall(sense: TimeSense, told: Told) -> tuple[TimeSense, Instant]:
    """Say it by the time of day, where the cloud has not said it for long, or never."""
    wall, ntp = told.wall, sense.ntp
    if wall < earliest(sense, told.tick_ms) - limits.FLOOR_SLACK:
        unset = wall < limits.BUILT_AFTER
        return sense, _doubted(sense, told, ClockState.UNSET if unset else ClockState.SUSPECT)
    if told.ntp_error_s is not None:
        if sense.needs_cloud and ntp is not None and _off(ntp, told) > limits.NTP_STEP:
            return sense, _doubted(sense, told, ClockState.SUSPECT)
        error = timedelta(seconds=told.ntp_error_s)
        sense = replace(sense, ntp=Anchor(wall, told.tick_ms, error, Source.NTP))
        return sense, Instant(wall, wall - error, wall + error, ClockState.SYNCED)
    if ntp is None:
        return sense, _doubted(sense, told, ClockState.RESTORED)
    if _off(ntp, told) > limits.CLOCK_STEP:
        return sense, _doubted(sense, told, ClockState.SUSPECT)
    # Not by the time of day: a step too small to be seen would be within no bounds.
    low, high = _spread(sense, replace(ntp, error=limits.SYNCED_ERROR), told)
    return sense, Instant(low + (high - low) / 2, low, high, ClockState.HOLDOVER)


def _doubted(sense: TimeSense, told: Told, state: ClockState) -> Instant:
    """Say what is left: not before what was seen, and no upper bound."""
    floor = earliest(sense, told.tick_ms)
    return Instant(max(told.wall, floor), floor, None, state)


def _spread(sense: TimeSense, anchor: Anchor, told: Told) -> tuple[datetime, datetime]:
    """Return between what it is now by an anchor."""
    passed = _passed(anchor, told)
    at, margin = anchor.at + passed, anchor.error + passed * (sense.ppm / 1e6)
    return at - margin, at + margin


def _off(anchor: Anchor, told: Told) -> timedelta:
    """How far the time of day has not gone with the monotonic clock since an anchor."""
    return abs(told.wall - anchor.at - _passed(anchor, told))


def _passed(anchor: Anchor, told: Told) -> timedelta:
    return (told.tick_ms - anchor.tick_ms) * _MS
