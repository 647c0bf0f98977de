"""Every worked example, played through the oracle, each answer compared whole."""

import json
from pathlib import Path

import pytest

from tests.oracle.oracle import OPERATIONS, State, answer, build
from tests.oracle.times import Data

CASES: Data = json.loads(
    (Path(__file__).parent.parent / "vectors" / "cases.json").read_text(encoding="utf-8")
)
ROWS: list[Data] = CASES["cases"]


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_row_is_answered_as_it_says(row: Data) -> None:
    world, state = build(CASES["fixtures"], row["world"]), State()
    for step in row["before"] + row["steps"]:
        assert answer(world, state, step) == step.get("expect", {}), step


def test_every_operation_is_played_and_every_row_counted() -> None:
    played = {step["op"] for row in ROWS for step in row["before"] + row["steps"]}
    assert played == set(OPERATIONS) - {"staff"}  # test_oracle_staffing.py
    assert len(ROWS) == 211


def test_a_copied_state_goes_its_own_way() -> None:
    row = next(row for row in ROWS if row["id"] == "C04")
    world, state = build(CASES["fixtures"], row["world"]), State()
    for step in row["before"]:
        answer(world, state, step)
    other = state.copy()
    first = answer(world, state, row["steps"][0])
    assert answer(world, other, row["steps"][0]) == first
    assert state.keys.keys() == other.keys.keys()
