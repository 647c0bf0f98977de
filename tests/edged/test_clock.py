from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged import clock
from edged.clock import ClockState, Instant, SystemClock, host_error_s, kernel_error_s
from edged.core import limits

NOW = datetime(2026, 11, 4, 3, 0, tzinfo=UTC)
BEFORE_NTP = datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
UNSET, RESTORED, SYNCED, HOLDOVER, SUSPECT = ClockState


class Machine(SystemClock):
    """A machine whose two clocks and whose NTP daemon a test turns."""

    def __init__(self, wall: datetime = NOW, floor: datetime | None = None) -> None:
        self.wall, self.error_s, self.tick_ms = wall, None, 0
        super().__init__(lambda: self.error_s, floor, lambda: self.wall)

    wall: datetime
    error_s: float | None
    tick_ms: int

    def monotonic_ms(self) -> int:
        return self.tick_ms

    def wait(self, time: timedelta) -> None:
        self.wall += time
        self.tick_ms += time // timedelta(milliseconds=1)


def ntp(machine: Machine) -> None:
    machine.error_s = 0.25


def no_ntp(machine: Machine) -> None:
    machine.error_s = None


def step(by: timedelta) -> Callable[[Machine], None]:
    def stepped(machine: Machine) -> None:
        machine.wall += by

    return stepped


def wait(machine: Machine) -> None:
    machine.wait(HOUR)


def seen_later(machine: Machine) -> None:
    machine.observe(machine.wall + HOUR)


def set_by_hand(machine: Machine) -> None:
    machine.wall = NOW


@pytest.mark.parametrize(
    ("starts_at", "story"),
    [
        pytest.param(NOW, [(wait, RESTORED), (ntp, SYNCED)], id="synced after the start"),
        pytest.param(BEFORE_NTP, [(ntp, UNSET), (set_by_hand, SYNCED)], id="unset"),
        pytest.param(BEFORE_NTP, [(set_by_hand, RESTORED)], id="set, and confirmed by nothing"),
        pytest.param(
            NOW, [(ntp, SYNCED), (no_ntp, HOLDOVER), (wait, HOLDOVER), (ntp, SYNCED)], id="holdover"
        ),
        pytest.param(NOW, [(seen_later, SUSPECT)], id="behind what was seen"),
        pytest.param(NOW, [(ntp, SYNCED), (seen_later, SUSPECT)], id="two sources disagree"),
        pytest.param(
            NOW, [(seen_later, SUSPECT), (wait, SUSPECT), (step(HOUR), RESTORED)], id="caught up"
        ),
        pytest.param(
            NOW, [(ntp, SYNCED), (seen_later, SUSPECT), (step(HOUR), SYNCED)], id="made up"
        ),
        pytest.param(
            NOW,
            [(ntp, SYNCED), (no_ntp, HOLDOVER), (step(HOUR), SUSPECT), (wait, SUSPECT)],
            id="stepped forward",
        ),
        pytest.param(
            NOW,
            [(ntp, SYNCED), (no_ntp, HOLDOVER), (step(-HOUR), SUSPECT), (step(HOUR), HOLDOVER)],
            id="stepped back, and forth",
        ),
        pytest.param(
            NOW,
            [(ntp, SYNCED), (no_ntp, HOLDOVER), (step(HOUR), SUSPECT), (ntp, SYNCED)],
            id="stepped, and confirmed",
        ),
        pytest.param(
            NOW,
            [(ntp, SYNCED), (no_ntp, HOLDOVER), (step(limits.CLOCK_STEP), HOLDOVER)],
            id="a leap is no step",
        ),
        pytest.param(
            NOW,
            [(ntp, SYNCED), (step(HOUR), SYNCED), (no_ntp, HOLDOVER), (wait, HOLDOVER)],
            id="stepped by who confirms it",
        ),
    ],
)
def test_a_clock_is_worth_what_confirms_it(
    starts_at: datetime, story: list[tuple[Callable[[Machine], None], ClockState]]
) -> None:
    machine = Machine(starts_at)
    assert not machine.now().trusted
    for happens, state in story:
        happens(machine)
        found = machine.now()
        assert found.state is state
        assert found.trusted is (state in {SYNCED, HOLDOVER})


@pytest.mark.threat("D7")
def test_a_clock_behind_the_last_seen_time_is_not_believed() -> None:
    machine = Machine(NOW, floor=NOW + HOUR)
    ntp(machine)
    found = machine.now()
    assert found == Instant(NOW + HOUR, NOW + HOUR, None, SUSPECT)


def test_a_little_behind_is_no_disagreement() -> None:
    machine = Machine(NOW, floor=NOW + limits.FLOOR_SLACK)
    ntp(machine)
    assert machine.now().at == NOW
    assert machine.now().trusted


def test_a_doubted_clock_is_as_late_as_what_it_saw_and_has_no_upper_bound() -> None:
    machine = Machine(NOW)
    machine.observe(NOW + timedelta(seconds=30))
    machine.observe(NOW - HOUR)
    found = machine.now()
    assert (found.at, found.earliest, found.latest) == (
        NOW + timedelta(seconds=30),
        NOW + timedelta(seconds=30),
        None,
    )
    machine.wait(HOUR)  # which passed at least, for the slowest crystal
    slowest = timedelta(hours=1) * (1 - limits.DRIFT_PPM / 1e6)
    assert machine.now().at == machine.now().earliest == NOW + timedelta(seconds=30) + slowest


def test_a_trusted_clock_knows_its_bounds() -> None:
    machine = Machine(NOW)
    ntp(machine)
    found = machine.now()
    quarter = timedelta(seconds=0.25)
    assert (found.earliest, found.at, found.latest) == (NOW - quarter, NOW, NOW + quarter)
    no_ntp(machine)
    machine.wait(timedelta(seconds=10_000))
    found = machine.now()
    drifted = timedelta(seconds=0.5 + 10_000 * 100e-6)
    assert found.at == NOW + timedelta(seconds=10_000)
    assert (found.at - found.earliest, found.latest) == (drifted, found.at + drifted)


turns = st.one_of(
    st.tuples(st.just("observe"), st.integers(-100_000, 100_000)),
    st.tuples(st.just("step"), st.integers(-100_000, 100_000)),
    st.tuples(st.just("wait"), st.integers(0, 100_000)),
    st.tuples(st.just("ntp"), st.booleans()),
)


@given(st.lists(turns, max_size=30))
def test_what_was_seen_is_never_unseen(story: list[tuple[str, int | bool]]) -> None:
    machine, seen = Machine(NOW), limits.BUILT_AFTER
    for what, value in story:
        match what:
            case "observe":
                machine.observe(NOW + timedelta(seconds=value))
                seen = max(seen, NOW + timedelta(seconds=value))
            case "step":
                machine.wall += timedelta(seconds=value)
            case "wait":
                machine.wait(timedelta(seconds=value))
            case _:
                machine.error_s = 0.1 if value else None
        found = machine.now()
        assert found.at >= seen - (limits.FLOOR_SLACK if found.trusted else timedelta(0))
        assert found.latest is None or found.earliest <= found.at <= found.latest
        if not found.trusted:
            assert found.latest is None
        assert found.earliest >= seen - (limits.FLOOR_SLACK if found.trusted else timedelta(0))


class Kernel:
    """adjtimex(2) that gives one answer."""

    def __init__(self, state: int, error_us: int) -> None:
        self.state, self.error_us = state, error_us

    def adjtimex(self, found: object) -> int:
        assert found is not None
        timex = found._obj  # type: ignore[attr-defined] # what byref() points at
        assert timex.modes == 0  # it only asks
        timex.maxerror = self.error_us
        return self.state


@pytest.mark.parametrize(
    ("kernel", "error_s"),
    [(Kernel(0, 250_000), 0.25), (Kernel(5, 250_000), None), (Kernel(-1, 0), None), (None, None)],
)
def test_the_kernel_says_how_far_its_clock_may_be_off(
    monkeypatch: pytest.MonkeyPatch, kernel: Kernel | None, error_s: float | None
) -> None:
    monkeypatch.setattr(clock, "_LIBC", kernel)
    assert kernel_error_s() == error_s


def test_this_machines_kernel_can_be_asked() -> None:
    error_s = kernel_error_s()
    assert error_s is None or error_s >= 0
    assert host_error_s() == limits.SYNCED_ERROR.total_seconds()


@pytest.mark.threat("D7")
async def test_this_machines_clock_goes_on() -> None:
    clock = SystemClock(host_error_s)
    before_ms, before = clock.monotonic_ms(), clock.now()
    for for_ms in (2, 0, -1):
        await clock.sleep_ms(for_ms)
    assert clock.monotonic_ms() > before_ms
    assert clock.now().at > before.at
    assert before.at.tzinfo is UTC
    assert before.state is SYNCED
