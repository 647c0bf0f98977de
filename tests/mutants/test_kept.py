"""A campaign that was stopped goes on, and never with what other code came to."""

from collections import Counter
from pathlib import Path

from tests.mutants.campaign import Outcome
from tests.mutants.kept import Kept
from tests.mutants.survivors import Survivor

SEATS = Outcome(
    "policy/seats.py",
    Counter(killed=3, survived=1),
    (Survivor("policy/seats.py", 4, "free", "at > 3", "at > 4"),),
)


def again() -> Outcome:
    raise AssertionError("it was tried again")


def test_a_module_is_tried_once_for_the_same_rules_and_tests(tmp_path: Path) -> None:
    rules, tests = tmp_path / "policy", tmp_path / "tests/policy"
    for folder in (rules, tests):
        folder.mkdir(parents=True)
    (rules / "seats.py").write_text("free = 3\n")
    folder = tmp_path / "kept"
    assert Kept.of(folder, tmp_path).outcome("policy/seats.py", lambda: SEATS) == SEATS
    assert Kept.of(folder, tmp_path).outcome("policy/seats.py", again) == SEATS
    fewer = Outcome("policy/seats.py", Counter(killed=4), ())
    for changed in (rules / "rooms.py", tests / "test_rooms.py"):
        changed.write_text("free = 4\n")
        assert Kept.of(folder, tmp_path).outcome("policy/seats.py", lambda: fewer) == fewer
        assert Kept.of(folder, tmp_path).outcome("policy/seats.py", again) == fewer
