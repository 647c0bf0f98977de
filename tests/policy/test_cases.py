"""The worked examples of spec/cases.md, played row by row."""

import json
from pathlib import Path

import pytest

from tests.policy.player import Json, Player

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "cases.json").read_text("utf-8"))
ROWS: dict[str, Json] = {row["id"]: row for row in CASES["cases"]}

GROUPS = frozenset("ABCDEFKX")
NOT_YET = frozenset({"ticket", "report", "merge"})
WHOLE_GROUPS = [i for i, row in ROWS.items() if i[0] in GROUPS and not NOT_YET & {*row["needs"]}]
SINGLE_ROWS = ["G01", "G11", "G12", "G13", "G14", "G15", "H01", "H02", "H03", "H04", "H16", "O05"]


def test_no_row_is_lost() -> None:
    assert len(ROWS) == 211
    assert len(WHOLE_GROUPS) == 99
    assert not set(SINGLE_ROWS) & set(WHOLE_GROUPS)


@pytest.mark.parametrize("row_id", [*WHOLE_GROUPS, *SINGLE_ROWS])
def test_row(row_id: str) -> None:
    row = ROWS[row_id]
    player = Player(CASES["fixtures"], row["world"])
    for step in [*row["before"], *row["steps"]]:
        assert player.play(step) == step.get("expect", {}), step
