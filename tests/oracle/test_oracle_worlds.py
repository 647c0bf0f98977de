"""The generator reaches what matters, and the oracle keeps its own promises there."""

from copy import deepcopy
from random import Random

import pytest

from tests.oracle.adequacy import Tally, main, play
from tests.oracle.oracle import State, answer
from tests.oracle.times import Data
from tests.oracle.worlds import row


def seeded(seed: int) -> Random:
    return Random(seed)


def answers(made: Data) -> list[Data]:
    state = State()
    return [answer(made["world"], state, step) for step in made["before"] + made["steps"]]


def test_a_seed_gives_the_same_row_and_the_same_answers() -> None:
    rows = [row(seeded(7)) for _ in range(2)]
    assert rows[0] == rows[1]
    assert answers(rows[0]) == answers(rows[1])


@pytest.mark.parametrize("seed", range(30))
def test_no_answer_contradicts_itself(seed: int) -> None:
    made, state = row(seeded(seed)), State()
    world = made["world"]
    for step in made["before"] + made["steps"]:
        before, unchanged = state.copy(), deepcopy(world)
        told = answer(world, state, step)
        assert world == unchanged
        if step["op"] != "enter":
            continue
        assert told["keys_added"] == len(told["new_keys"])
        assert told["warnings"] == sorted(told["warnings"])
        assert (told["via"] is None) <= (told["service_date"] is None)
        if told["decision"] == "DENY":
            assert (state.keys, state.visits) == (before.keys, before.visits)


def test_a_short_run_is_a_fair_mix() -> None:
    rng, tally = seeded(1), Tally()
    while tally.answers < 3_000:
        play(rng, tally)
    assert tally.reasons["ALLOW"] > 0.2 * tally.entries
    assert tally.reasons["QUOTA_EXHAUSTED"] > 0.1 * tally.entries
    assert len(tally.reasons) > 20


def test_a_run_that_is_too_short_says_what_it_misses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--answers", "20"]) == 1
    assert " missing\n  " in capsys.readouterr().out
