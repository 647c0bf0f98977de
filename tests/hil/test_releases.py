"""What an earlier release wrote is taken up, and what it decided is decided so still."""

import io
import json
import shutil
import sqlite3
from argparse import Namespace
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from itertools import islice
from pathlib import Path

import pytest

from edged.cloud.export import export_lines
from edged.cloud.verify_audit import verify
from edged.rulebook.file import RuleSet, read
from edged.whatif.replay import Difference, Replay
from hil.releases import __main__ as command
from hil.releases import shadow
from hil.releases.kept import Kept, unpack
from hil.releases.month import acts
from hil.releases.played import ROOT, NotPlayed, checkout, play, prepare
from hil.releases.recorded import Body, Decided
from hil.releases.shadow import Approved, Shadow, approved, hold, whole

KEPT = sorted((ROOT / "tests" / "vectors" / "releases").glob("*.tar.xz"))
OTHERS = ("edged", "drivers", "cloud_link", "hil", "tests")
REFUSED: Body = {"kind": "passage", "reason": "OUT_OF_BAND", "decision": "DENY", "member": "m1"}
LET_IN: Body = {**REFUSED, "reason": "OK", "decision": "ALLOW"}


def stand_alone(folder: Path) -> int:
    """How many records the verifier has seen that needs nothing of ours."""
    lines = io.BytesIO()
    export_lines(folder / "state" / "journal.db", lines)
    return verify(lines.getvalue().splitlines(keepends=True), []).last


def otherwise(folder: Path) -> list[Difference]:
    """What its own rules would let come out otherwise, by the records alone."""
    rules = read(json.dumps(json.loads((folder / "store.json").read_text())["rules"]).encode())
    assert isinstance(rules, RuleSet)
    replay = Replay(rules, folder / "state" / "journal.db", date(2026, 11, 1))
    found = list(replay.differences())
    assert replay.asked > 200
    return found


def go_on(kept: Kept, folder: Path) -> Shadow:
    """Let this release go on where the earlier one ended, and compare."""
    play(ROOT, folder, kept.first_s, kept.last_s)
    told = Shadow()
    now = shadow.read(folder, kept.first_s, kept.last_s)
    told.updated = hold(told, kept.decided, now, approved())
    return told


@pytest.mark.slow
@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.name.partition(".")[0])
def test_a_device_goes_on_with_what_an_earlier_release_wrote(file: Path, tmp_path: Path) -> None:
    kept = unpack(file, tmp_path)
    before = whole(tmp_path)
    assert before == stand_alone(tmp_path) > 300
    told = go_on(kept, tmp_path)
    assert told.differences == []
    assert told.updated > 300
    assert len(told.answers) > 20
    assert whole(tmp_path) == stand_alone(tmp_path) > before + told.updated
    assert otherwise(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["DELETE FROM usage", "DELETE FROM locker"])
def test_what_a_release_does_not_take_up_is_noticed(loss: str, tmp_path: Path) -> None:
    kept = unpack(KEPT[-1], tmp_path)
    with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as db, db:
        assert db.execute(loss).rowcount
    assert go_on(kept, tmp_path).differences


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A release that differs from this one in one rule."""
    folder = tmp_path / "other"
    folder.mkdir()
    for package in OTHERS:
        (folder / package).symlink_to(ROOT / package)
    shutil.copytree(ROOT / "policy", folder / "policy")
    file = folder / "policy" / "qualify.py"
    text = file.read_text()
    assert text.count("Reason.DEVICE_GENDER") == 1
    file.write_text(text.replace("Reason.DEVICE_GENDER", "Reason.DEVICE_NOT_QUALIFIED"))
    return folder


def reasons(bodies: Iterable[Body]) -> list[str]:
    return [body["reason"] for body in bodies if body["kind"] == "passage"]


@pytest.mark.slow
def test_a_changed_rule_is_reported(other: Path, tmp_path: Path) -> None:
    before, told = tmp_path / "before", Shadow()
    prepare(before, 1, 2, 40)
    shadow.shadow(told, other, before, 2)
    assert told.differences
    for found in told.differences:
        assert reasons(found["before"]) == ["DEVICE_NOT_QUALIFIED"]
        assert reasons(found["after"]) == ["DEVICE_GENDER"]
    assert told.afresh > len(told.differences)
    assert told.updated > 100
    assert told.back == told.updated


@pytest.mark.slow
def test_a_release_that_does_not_know_the_form_leaves_the_files_alone(tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.mkdir()
    for package in {*OTHERS, "policy"} - {"edged"}:
        (older / package).symlink_to(ROOT / package)
    shutil.copytree(ROOT / "edged", older / "edged")
    with (older / "edged" / "store" / "migrations.py").open("a") as file:
        file.write("\nJOURNAL = JOURNAL[:-1]\n")
    before, told = tmp_path / "before", Shadow()
    prepare(before, 1, 2, 10)
    shadow.shadow(told, older, before, 2)
    assert (told.refused, told.back, told.differences) == (1, 0, [])
    assert told.updated > 20
    with pytest.raises(NotPlayed, match="SchemaTooNew"):
        play(older, tmp_path / "back", 0, 1)


def test_rules_that_answer_otherwise_are_reported(other: Path) -> None:
    told = Shadow()
    shadow.ask(told, ROOT, 1, 30)
    assert told.differences == []
    assert told.asked > 1_500
    shadow.ask(told, other, 1, 30)
    assert {found["before"]["reason"] for found in told.differences} == {"DEVICE_NOT_QUALIFIED"}
    assert {found["after"]["reason"] for found in told.differences} == {"DEVICE_GENDER"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": (REFUSED,)}, {"a": (LET_IN,)}),
        ({"a": (REFUSED,)}, {}),
        ({}, {"a": (REFUSED,)}),
        ({"a": (REFUSED,)}, {"b": (REFUSED,)}),
        ({"a": (REFUSED, LET_IN)}, {"a": (LET_IN, REFUSED)}),
        ({"a": (REFUSED,)}, {"a": (REFUSED, REFUSED)}),
    ],
)
def test_another_decision_a_missing_and_a_new_one_differ(before: Decided, after: Decided) -> None:
    told = Shadow()
    hold(told, before, after, ())
    assert told.differences


def test_only_what_was_approved_may_differ() -> None:
    meant = Approved({"reason": "OUT_OF_BAND"}, {"reason": "OK", "decision": "ALLOW"}, "so it is")
    told = Shadow()
    assert hold(told, {"a": (REFUSED,)}, {"a": (LET_IN,)}, [meant]) == 1
    assert (told.approved, told.differences) == (1, [])
    hold(told, {"a": (LET_IN,)}, {"a": (REFUSED,)}, [meant])
    hold(told, {"b": (REFUSED,)}, {"b": ({**LET_IN, "member": "m2"},)}, [meant])
    hold(told, {"c": (REFUSED,)}, {"c": (LET_IN, LET_IN)}, [meant])
    assert [found["at"] for found in told.differences] == ["a", "b", "c"]


def test_what_came_of_it_is_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    told = Shadow()
    told.afresh = hold(told, {"a": (REFUSED,), "b": (REFUSED,)}, {"a": (LET_IN,)}, ())
    asked = Namespace(json=True, base="c", seed=1, stores=1, days=2)
    assert command._told(told, asked) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["decisions"], said["answers"]) == (2, {"OUT_OF_BAND": 2})
    assert [found["at"] for found in said["differences"]] == ["a", "b"]
    assert command._told(Shadow(), asked) == 0


def test_each_approved_difference_says_why() -> None:
    assert all(one.why and one.now for one in approved())


def test_the_same_seed_is_the_same_story() -> None:
    assert list(islice(acts(3, 2, 20), 200)) == list(islice(acts(3, 2, 20), 200))
    assert list(islice(acts(3, 2, 20), 200)) != list(islice(acts(4, 2, 20), 200))


def test_a_release_that_fails_or_is_not_there_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotPlayed, match="0000000"):
        checkout("0" * 40, tmp_path)
    with pytest.raises(NotPlayed, match="can't be asked"):
        shadow.ask(Shadow(), tmp_path, 1, 1)
    with pytest.raises(NotPlayed, match="No such file"):
        play(ROOT, tmp_path, 0, 1)
    prepare(tmp_path / "store", 1, 1, 1)
    with pytest.raises(NotPlayed, match="was to play"):
        play(tmp_path, tmp_path / "store", 0, 0)
