import importlib.util
import json
import sys
from pathlib import Path

import pytest

from hil.evidence import __main__ as evidence

CLAIMS = evidence.claims()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_claim_has_a_command_and_code_that_are_there(claim: evidence.Claim) -> None:
    assert claim.command[:2] == ["python", "-m"]
    assert importlib.util.find_spec(claim.command[2]) is not None
    assert all((evidence.ROOT / path).exists() for path in claim.about)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_table_says_what_the_command_said(claim: evidence.Claim) -> None:
    """And what was kept says it in the words that the claim has now."""
    result = evidence.kept(claim)
    if result is None:
        pytest.skip("not run yet")
    assert result["shown"] == claim.show.format(**evidence._given(result["rows"]))
    assert result["command"] == " ".join(claim.command)
    assert len(result["commit"]) == 40
    assert f"| {result['shown']} |" in evidence.README.read_text()


def test_what_a_command_says_is_kept_with_where_and_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "claimed.py"
    script.write_text('print(\'{"caught": true, "s": 2}\\n{"caught": false, "s": 5}\')')
    command = ["python", str(script)]
    claim = evidence.Claim("x", "It is so", command, ["policy"], "{sums[caught]} of {count}, {s}")
    monkeypatch.setattr(evidence, "RESULTS", tmp_path / "results")
    result = evidence.run(claim)
    assert result["shown"] == "1 of 2, 5"
    assert json.loads((tmp_path / "results" / "x.json").read_text()) == result
    assert not evidence.is_old(claim, result)
    assert evidence.is_old(claim, {**result, "code": ["another"]})
    assert evidence.is_old(claim, {"commit": result["commit"]})


def test_every_goal_has_a_claim_or_a_word_why_not() -> None:
    claimed = {goal for claim in CLAIMS for goal in claim.goal.split(", ") if goal}
    rows = evidence.CLAIMS.with_name("README.md").read_text().partition("## What is missing")[2]
    missing = {line.split(" | ")[0][2:] for line in rows.splitlines() if line.startswith("| N")}
    without = {line.split(" | ")[0][2:] for line in rows.splitlines() if " | no claim" in line}
    goals = {f"N{number}" for number in range(1, 31)}
    assert claimed == goals - without
    assert without <= missing <= goals


def test_an_array_is_its_objects_and_counts_have_a_least() -> None:
    rows = evidence._objects('[{"a": 1}, {"a": 2, "by": {"x": 7, "y": 3}, "words": {"x": "y"}}]')
    given = evidence._given(rows)
    assert (given["count"], given["sums"]["a"], given["least"]) == (2, 3, {"by": 3})


@pytest.mark.parametrize("text", ["raise SystemExit(3)", "print('nothing that is JSON')"])
def test_a_command_that_fails_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    script = tmp_path / "claimed.py"
    script.write_text(text)
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    claim = evidence.Claim("x", "It is so", [sys.executable, str(script)], ["policy"], "")
    with pytest.raises(ValueError, match=r"ended with|said nothing"):
        evidence.run(claim)
    assert not (tmp_path / "x.json").exists()


def test_what_a_long_run_said_is_kept_with_the_commit_that_it_ran_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = evidence.Claim("x", "It is so", ["python", "-m", "x"], ["policy"], "{s}")
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    result = evidence.keep(claim, '{"s": 7}', "HEAD")
    assert (result["shown"], result["commit"], result["took_s"]) == ("7", "HEAD", None)
    with pytest.raises(ValueError, match="said nothing"):
        evidence.keep(claim, "", "HEAD")
    with pytest.raises(ValueError, match="c0ffee"):
        evidence.keep(claim, '{"s": 7}', "c0ffee")
