"""The worked examples of spec/cases.md that the decision is about, played row by row.

The others: `tests/policy/lifecycles` (L, S, R, P, N, Y), `tests/edged/core` (Q, O06).
"""

import json
from pathlib import Path

import pytest

from tests.policy.player import Json, Player

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "cases.json").read_text("utf-8"))
ROWS: dict[str, Json] = {
    row["id"]: row
    for row in CASES["cases"]
    if row["id"][0] in "ABCDEFGHJKXO" and row["id"] != "O06"
}


def test_no_row_is_lost() -> None:
    assert len(CASES["cases"]) == 211
    assert len(ROWS) == 151


@pytest.mark.threat("B1")
@pytest.mark.parametrize("row_id", ROWS)
def test_row(row_id: str) -> None:
    row = ROWS[row_id]
    player = Player(CASES["fixtures"], row["world"])
    for step in [*row["before"], *row["steps"]]:
        assert player.play(step) == step.get("expect", {}), step
