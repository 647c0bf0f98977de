from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.core import limits, time_sense
from edged.core.time_sense import ClockState, Instant, Source, TimeSense, Told

NOW = datetime(2026, 11, 4, 3, 0, tzinfo=UTC)
UNSET, RESTORED, SYNCED, HOLDOVER, SUSPECT = ClockState
S, H = timedelta(seconds=1), timedelta(hours=1)
MS = timedelta(milliseconds=1)


class World:
    """The true time, a machine's two clocks, and its sources."""

    def __init__(self, *, off: timedelta = 0 * S, needs_cloud: bool = True, ppm: float = 0) -> None:
        self.true, self.off, self.tick_ms, self.ntp = NOW, off, 0, False
        self.ntp_off = 0 * S
        self.ppm = ppm
        self.sense = TimeSense(needs_cloud=needs_cloud)

    def told(self) -> Told:
        off = self.ntp_off if self.ntp else self.off
        return Told(self.true + off, self.tick_ms, 0.25 if self.ntp else None)

    def read(self) -> Instant:
        self.sense, now = time_sense.read(self.sense, self.told())
        return now

    def wait(self, time: timedelta) -> None:
        self.true += time
        self.tick_ms += int(time * (1 + self.ppm / 1e6) / MS)

    def cloud(self, error: timedelta = 0.2 * S, off: timedelta = 0 * S) -> None:
        self.sense = time_sense.hear(self.sense, self.true + off, error, self.tick_ms)

    def seen(self, at: datetime) -> None:
        self.sense = time_sense.observe(self.sense, at, self.tick_ms)


def holds(world: World) -> Instant:
    """Read the clock; whatever it says, the true time is within."""
    now = world.read()
    assert now.earliest <= world.true
    assert now.latest is None or world.true <= now.latest
    return now


@pytest.mark.threat("D7")
def test_the_cloud_s_word_runs_on_whatever_is_done_to_the_time_of_day() -> None:
    world = World(off=-5 * H)
    assert world.read().state is RESTORED
    world.cloud()
    assert holds(world).state is SYNCED
    for off in (0 * S, 12 * H, -400 * 24 * H):
        world.off = off
        world.wait(5 * timedelta(minutes=1))
        assert holds(world).trusted
    world.wait(H)
    now = holds(world)
    assert now.state is HOLDOVER
    assert now.latest is not None
    assert now.latest - now.earliest < 2 * S


def test_what_the_cloud_said_too_long_ago_is_no_time_any_more() -> None:
    world = World(off=2 * H)
    world.cloud()
    world.wait(limits.CLOUD_HOLDS)
    assert holds(world).state is HOLDOVER
    world.wait(S)
    assert world.read().state is RESTORED


def test_ntp_confirms_the_cloud_s_word_and_narrows_no_bound() -> None:
    world = World()
    world.ntp = True
    world.cloud(error=10 * S)
    world.wait(H)
    now = holds(world)
    assert (now.state, now.at) == (SYNCED, world.true)
    assert now.latest is not None
    assert now.latest - now.earliest > 20 * S
    world.ntp_off = 9 * S  # a liar within the bounds
    holds(world)


@pytest.mark.parametrize("lie", [H, -H, 31 * S + 0.5 * S, -(31 * S + 0.5 * S)])
def test_where_ntp_and_the_cloud_disagree_neither_is_believed(lie: timedelta) -> None:
    world = World()
    world.cloud()
    world.ntp, world.ntp_off = True, lie
    now = world.read()
    assert (now.state, now.latest) == (SUSPECT, None)
    assert now.earliest <= world.true
    world.ntp_off = 20 * S  # apart, and less than anybody lies for
    assert world.read().trusted


def test_ntp_may_set_a_clock_once_and_then_moves_it_with_the_cloud_only() -> None:
    world = World(off=-5 * H)
    world.ntp = True
    assert world.read().state is SYNCED  # a Pi that was off for five hours
    world.wait(H)
    world.ntp_off = 61 * S
    assert world.read().state is SUSPECT
    world.true += 61 * S  # it was right: the crystal had stopped
    world.ntp_off = 0 * S
    world.cloud()
    assert world.read().state is SYNCED


def test_without_a_cloud_to_ask_ntp_is_believed() -> None:
    world = World(needs_cloud=False)
    world.ntp = True
    assert world.read().state is SYNCED
    world.ntp_off = H
    assert world.read().state is SYNCED


def test_something_seen_that_is_later_than_what_the_cloud_said_is_a_lie_of_one_of_them() -> None:
    world = World()
    world.cloud()
    world.seen(NOW + H)
    assert world.read().state is SUSPECT


def test_a_clock_that_was_never_set_says_so() -> None:
    world = World(off=datetime(1970, 1, 1, tzinfo=UTC) - NOW)
    assert world.read().state is UNSET
    world.cloud()
    assert holds(world).state is SYNCED


@pytest.mark.parametrize("ppm", [0, 40, -40, 250, -250])
def test_a_crystal_is_measured_between_two_words_of_the_cloud(ppm: int) -> None:
    world = World(ppm=ppm)
    for _ in range(3):
        world.cloud(error=0.01 * S)
        world.wait(2 * H)
    world.cloud(error=0.01 * S)
    measured = world.sense.drift_ppm or 0
    assert measured == pytest.approx(-ppm, abs=5)
    assert world.sense.ppm >= max(limits.DRIFT_PPM, abs(ppm))
    world.wait(20 * H)
    holds(world)


def test_it_says_by_whose_word_it_goes_and_whether_its_crystal_is_bad() -> None:
    world = World(ppm=-400)
    assert time_sense.source(world.sense, world.tick_ms) is Source.NOTHING
    world.ntp = True
    world.read()
    assert time_sense.source(world.sense, world.tick_ms) is Source.NTP
    world.cloud(error=0.01 * S)
    assert time_sense.source(world.sense, world.tick_ms) is Source.CLOUD
    assert not time_sense.drifts(world.sense)
    world.wait(2 * H)
    world.cloud(error=0.01 * S)
    assert time_sense.drifts(world.sense)
    world.wait(limits.CLOUD_HOLDS + H)
    assert time_sense.source(world.sense, world.tick_ms) is Source.NTP


def test_two_words_too_close_measure_nothing() -> None:
    world = World(ppm=5_000)
    world.cloud()
    world.wait(limits.DRIFT_OVER / 2)
    world.cloud()
    assert world.sense.drift_ppm is None


steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 200_000)),
        st.tuples(st.just("wall"), st.integers(-10_000_000, 10_000_000)),
        st.tuples(st.just("cloud"), st.integers(0, 10)),
        st.tuples(st.just("seen"), st.integers(-100_000, 0)),
    ),
    max_size=25,
)


@given(steps, st.floats(-90, 90))
def test_the_true_time_is_always_within_when_no_source_lies(
    story: Sequence[tuple[str, int]], ppm: float
) -> None:
    """Whoever can only turn the time of day moves nothing: there is no NTP here to vouch for it."""
    world = World(ppm=ppm)
    lowest = NOW - 10_000 * 24 * H
    for what, by in story:
        match what:
            case "wait":
                world.wait(by * S)
            case "wall":
                world.off = by * S
            case "cloud":
                world.cloud(error=(by + 1) * 0.1 * S)
            case _:
                world.seen(world.true + by * S)
        now = world.read()
        assert now.earliest <= world.true
        assert now.latest is None or world.true <= now.latest
        assert now.earliest >= lowest - (limits.FLOOR_SLACK if now.trusted else 0 * S)
        lowest = max(lowest, now.earliest) if not now.trusted else lowest
