from hypothesis import given
from hypothesis import strategies as st

from edged.core.guesses import Guesses, missed
from edged.core.limits import GUESS_DELAY_MS


def test_the_delay_doubles_from_the_third_in_a_row_to_its_limit() -> None:
    guesses, delays = Guesses(), []
    for _ in range(9):
        guesses = missed(guesses, 1_000)
        delays.append(guesses.until_ms - 1_000)
    assert delays == [0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]


@given(st.integers(0, 10**9), st.integers(0, 10**12))
def test_nobody_waits_longer_than_the_limit(wrong: int, now_ms: int) -> None:
    guesses = missed(Guesses(wrong), now_ms)
    assert now_ms <= guesses.until_ms <= now_ms + GUESS_DELAY_MS[1]
    assert guesses.wrong == wrong + 1
