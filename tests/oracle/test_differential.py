"""200,000 decisions by `policy` and by the oracle, and not one that differs."""

import json
from pathlib import Path

import pytest

from tests.oracle.adequacy import Tally
from tests.oracle.differential import Found, Run, first_mismatch, made_row, run, shrunk
from tests.oracle.engine import OPERATIONS, Engine
from tests.oracle.oracle import build
from tests.oracle.smaller import smaller
from tests.oracle.times import Data

SEED = 1
SHARDS = 8
DECISIONS = 25_000  # of a shard
PORTION = 60  # rows, about 3,200 decisions

CASES: Data = json.loads(
    (Path(__file__).parent.parent / "vectors" / "cases.json").read_text(encoding="utf-8")
)
ROWS = [r for r in CASES["cases"] if all(s["op"] in OPERATIONS for s in r["before"] + r["steps"])]


@pytest.mark.threat("B1")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_policy_and_the_oracle_agree(shard: int) -> None:
    whole, first = Run(), shard * 10_000
    while whole.decisions < DECISIONS:
        whole.add(run(SEED, first, PORTION))
        first += PORTION
        assert not whole.found, _first(whole)
    missing = whole.tally.missing(part=0.5, pairs=False)  # a longer run is asked for all
    assert not missing, missing


def _first(whole: Run) -> str:
    least = shrunk(whole.found[0])
    return json.dumps([least.kind, least.number, least.made, least.ours, least.theirs], default=str)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_the_engine_of_the_comparison_plays_the_worked_examples(row: Data) -> None:
    engine = Engine(build(CASES["fixtures"], row["world"]))
    for step in row["before"] + row["steps"]:
        assert engine.play(step) == step.get("expect", {}), step


def test_most_worked_examples_are_played() -> None:
    assert len(ROWS) == 151


def test_a_mismatch_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an engine that takes one band for another, as an example of a misreading."""

    def mistaken(self: Engine, step: Data) -> Data:
        told = dict(played(self, step))
        return {**told, "band": "DAY"} if told.get("band") == "NIGHT" else told

    played = Engine.play
    monkeypatch.setattr(Engine, "play", mistaken)
    each = (first_mismatch(made_row(1, n), 1, n) for n in range(100))
    found = next(one for one in each if one is not None and one.fields == ["band"])
    least = shrunk(found)
    assert least.fields == found.fields == ["band"]
    assert len(least.made["steps"]) == 1
    world = least.made["world"]
    assert [len(world[name]) for name in ("members", "stores", "devices")] == [1, 1, 1]
    assert len(world["members"][0]["contracts"]) == 1


def test_a_raised_error_is_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Engine, step: Data) -> Data:
        raise LookupError(step["op"])

    monkeypatch.setattr(Engine, "play", broken)
    found = first_mismatch(made_row(1, 0))
    assert isinstance(found, Found)
    assert "LookupError" in found.ours["raised"]


def test_smaller_keeps_what_is_asked_for() -> None:
    made = made_row(1, 1)
    devices = sorted(made["world"]["devices"])
    least = smaller(made, lambda less: devices[0] in less["world"]["devices"])
    assert list(least["world"]["devices"]) == [devices[0]]
    assert (least["before"], least["steps"], least["world"]["members"]) == ([], [], [])


def test_runs_add_up() -> None:
    one, other, both = run(2, 0, 10), run(2, 10, 10), run(2, 0, 20)
    one.add(other)
    assert one.decisions == both.decisions
    assert one.tally.reasons == both.tally.reasons
    assert one.tally.pairs == both.tally.pairs
    assert isinstance(one.tally, Tally)
