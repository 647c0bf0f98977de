"""The worked examples of the life cycles (spec/cases.md, groups L, S, R, P, N, Y), row by row."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.policy.lifecycles.bench import Bench, Json

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "cases.json").read_text("utf-8"))
ROWS: dict[str, Json] = {row["id"]: row for row in CASES["cases"] if row["id"][0] in "LSRPNY"}


def test_no_row_is_lost() -> None:
    assert Counter(row_id[0] for row_id in ROWS) == {
        "L": 13,
        "S": 12,
        "R": 10,
        "P": 8,
        "N": 5,
        "Y": 5,
    }


@pytest.mark.parametrize("row_id", ROWS)
def test_row(row_id: str) -> None:
    row = ROWS[row_id]
    bench = Bench(CASES["fixtures"], row["world"])
    for step in [*row["before"], *row["steps"]]:
        assert bench.play(step) == step.get("expect", {}), step
