"""What the lines are at, whatever was ordered: nothing is energised without a running order."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.line_keeper import limits, lines
from drivers.line_keeper.lines import Line, Lines
from drivers.line_keeper.protocol import Kind, Malformed, Request, Result, Use

STRIKE, MAGNET, LAMP = 1, 2, 3
CLAIMED = Lines(
    limits.SILENCE_MS,
    {
        STRIKE: Line(Use.STRIKE, active_low=False),
        MAGNET: Line(Use.MAGNET, active_low=True),
        LAMP: Line(Use.LAMP, active_low=False),
    },
)
ORDERS = st.one_of(
    st.tuples(st.just(Kind.ALIVE), st.just(0), st.just(0), st.just(0)),
    st.tuples(st.just(Kind.PULSE), st.sampled_from([1, 2]), st.integers(1, 60_000), st.just(0)),
    st.tuples(st.just(Kind.END), st.sampled_from([1, 2, 3]), st.just(0), st.just(0)),
    st.tuples(st.just(Kind.HOLD), st.just(2), st.integers(1, limits.HOLD_MS), st.just(0)),
    st.tuples(st.just(Kind.SHOW), st.just(3), st.integers(1, 10_000), st.integers(0, 100)),
)
HISTORIES = st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 2_000), ORDERS), max_size=12)


def ordered(state: Lines, now_ms: int, kind: Kind, line: int, a: int = 0, b: int = 0) -> Lines:
    state, result = lines.take(state, Request(kind, 1, now_ms, line, a, b), now_ms)
    assert result is Result.DONE
    return state


def play(history: list[tuple[int, int, tuple[Kind, int, int, int]]]) -> tuple[Lines, int, int]:
    """Give the state, the time, and when the daemon spoke last."""
    state, now_ms, spoke_ms = CLAIMED, 2_000, 0
    for later_ms, age_ms, (kind, line, a, b) in history:
        now_ms += later_ms
        asked_ms = now_ms - age_ms
        state, _ = lines.take(state, Request(kind, 1, asked_ms, line, a, b), now_ms)
        spoke_ms = max(spoke_ms, asked_ms)
    return state, now_ms, spoke_ms


def energised(state: Lines, at_ms: int, *, latched: bool = False) -> set[int]:
    state = lines.pass_time(state, at_ms)
    return {n for n, line in state.lines.items() if line.energised(at_ms, latched=latched)}


@pytest.mark.threat("J1")
@given(HISTORIES, st.booleans())
def test_nothing_is_energised_three_seconds_after_the_last_word(
    history: list[tuple[int, int, tuple[Kind, int, int, int]]], latched: bool
) -> None:
    state, now_ms, spoke_ms = play(history)
    silent_ms = max(now_ms, spoke_ms + limits.SILENCE_MS)
    assert energised(state, silent_ms, latched=latched) == set()


@pytest.mark.threat("J2")
@given(HISTORIES)
def test_no_magnet_has_power_while_the_latch_is_set(
    history: list[tuple[int, int, tuple[Kind, int, int, int]]],
) -> None:
    state, now_ms, _ = play(history)
    assert MAGNET not in energised(state, now_ms, latched=True)


@given(HISTORIES)
def test_nothing_changes_before_it_is_due(
    history: list[tuple[int, int, tuple[Kind, int, int, int]]],
) -> None:
    state, now_ms, _ = play(history)
    due_ms = lines.due_ms(state, now_ms)
    last_ms = now_ms + 10_000 if due_ms is None else due_ms - 1
    assert last_ms >= now_ms
    assert energised(state, last_ms) == energised(state, now_ms)


@given(HISTORIES)
def test_a_strike_has_power_only_within_a_pulse_that_is_not_ended(
    history: list[tuple[int, int, tuple[Kind, int, int, int]]],
) -> None:
    state, now_ms, _ = play(history)
    ends_ms, at_ms = 0, 2_000
    for later_ms, age_ms, (kind, line, a, _) in history:
        at_ms += later_ms
        if line == STRIKE and age_ms <= limits.ORDER_AGE_MS:
            ends_ms = at_ms - age_ms + a if kind is Kind.PULSE else 0
    assert STRIKE not in energised(state, max(now_ms, ends_ms))


def test_a_magnet_is_held_but_while_it_is_pulsed() -> None:
    state = ordered(CLAIMED, 0, Kind.HOLD, MAGNET, 3_000)
    assert energised(state, 2_999) == {MAGNET}
    state = ordered(state, 100, Kind.PULSE, MAGNET, 500)
    assert energised(state, 599) == set()
    assert energised(state, 600) == {MAGNET}
    assert energised(ordered(state, 200, Kind.END, MAGNET), 200) == {MAGNET}
    assert energised(state, 3_000) == set()


def test_a_low_line_that_gives_power_rests_high() -> None:
    magnet = ordered(CLAIMED, 0, Kind.HOLD, MAGNET, 10).lines[MAGNET]
    assert magnet.rest_level
    assert [magnet.level(at_ms, latched=False) for at_ms in (9, 10)] == [False, True]


def test_a_later_pulse_replaces_an_earlier_one() -> None:
    state = ordered(CLAIMED, 0, Kind.PULSE, STRIKE, 2_000)
    state = ordered(state, 10, Kind.PULSE, STRIKE, 100)
    assert energised(state, 109) == {STRIKE}
    assert energised(state, 110) == set()


def test_a_pattern_flashes_and_ends_dark() -> None:
    state = ordered(CLAIMED, 0, Kind.SHOW, LAMP, 1_001, 2)
    lit = [LAMP in energised(state, at_ms) for at_ms in (0, 249, 250, 499, 500, 749, 750, 1_000)]
    assert lit == [True, True, False, False, True, True, False, False]
    steady = ordered(state, 10, Kind.SHOW, LAMP, 300)
    assert [LAMP in energised(steady, at_ms) for at_ms in (10, 260, 309, 310)] == [True] * 3 + [
        False
    ]
    assert energised(ordered(state, 10, Kind.END, LAMP), 10) == set()


def test_what_a_silent_daemon_ordered_is_not_resumed() -> None:
    state = ordered(CLAIMED, 0, Kind.PULSE, STRIKE, 60_000)
    state = ordered(state, limits.SILENCE_MS, Kind.ALIVE, 0)
    assert energised(state, limits.SILENCE_MS) == set()


@pytest.mark.parametrize(
    ("kind", "line", "age_ms", "result"),
    [
        (Kind.PULSE, 9, 0, Result.UNKNOWN_LINE),
        (Kind.PULSE, LAMP, 0, Result.UNKNOWN_LINE),
        (Kind.HOLD, STRIKE, 0, Result.UNKNOWN_LINE),
        (Kind.SHOW, STRIKE, 0, Result.UNKNOWN_LINE),
        (Kind.PULSE, STRIKE, limits.ORDER_AGE_MS + 1, Result.STALE),
    ],
)
def test_an_order_that_is_not_taken_moves_nothing(
    kind: Kind, line: int, age_ms: int, result: Result
) -> None:
    state, said = lines.take(CLAIMED, Request(kind, 1, 2_000 - age_ms, line, 100), 2_000)
    assert said is result
    assert replace(state, silent_ms=0) == replace(CLAIMED, silent_ms=0)


def test_an_order_from_the_future_is_malformed() -> None:
    with pytest.raises(Malformed, match="future"):
        lines.take(CLAIMED, Request(Kind.PULSE, 1, 11, STRIKE, 100), 10)
