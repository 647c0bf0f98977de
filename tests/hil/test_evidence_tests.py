"""Tests that show a goal, run by a command: what it says, and when it says nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hil.evidence import __main__ as evidence
from hil.evidence.tests import _taken

SWEEPS = """
def test_a(record_property): record_property("cases", 300)
def test_b(record_property): record_property("cases", 7); record_property("words", "not a number")
def test_c(): pass
"""
FAILS = "def test_it(): assert False"
SKIPS = "import pytest\ndef test_it(): pass\ndef test_not(): pytest.skip('no')"
BREAKS = "import pytest\n@pytest.fixture\ndef x(): yield; raise OSError\ndef test_it(x): pass"


def said(folder: Path, text: str, *more: str) -> subprocess.CompletedProcess[str]:
    file = folder / "test_claimed.py"
    file.write_text(text)
    command = [sys.executable, "-m", "hil.evidence.tests", str(file), *more]
    return subprocess.run(command, cwd=evidence.ROOT, capture_output=True, text=True, check=False)


def test_tests_of_several_folders_are_one_run(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "conftest.py").touch()
        (tmp_path / name / f"test_{name}.py").write_text("def test_it(): pass")
    done = said(tmp_path, SWEEPS, str(tmp_path / "one"), str(tmp_path / "two"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"] == 5


@pytest.mark.parametrize("more", [(), ("--jobs", "2")], ids=["here", "in processes"])
def test_cases_are_summed_and_tests_counted(tmp_path: Path, more: tuple[str, ...]) -> None:
    done = said(tmp_path, SWEEPS, *more)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["passed"], row["cases"], "words" in row) == (3, 307, False)


@pytest.mark.parametrize("text", [FAILS, SKIPS, BREAKS, ""], ids=["f", "skip", "after", "none"])
def test_tests_that_did_not_all_pass_show_nothing(tmp_path: Path, text: str) -> None:
    done = said(tmp_path, text)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pytest ended with" in done.stderr


def covered(branches: int, missing: int) -> dict[str, dict[str, int]]:
    numbers = {"num_statements": 9, "num_branches": branches, "missing_lines": 0}
    return {"summary": {**numbers, "missing_branches": missing}}


def test_branches_count_when_all_of_them_are_taken() -> None:
    files = {"policy/a.py": covered(4, 0), "policy/b.py": covered(2, 0), "hil/c.py": covered(1, 1)}
    assert _taken(files, ["policy"]) == {"files": 2, "statements": 18, "branches": 6}
    with pytest.raises(ValueError, match=r"hil/c\.py"):
        _taken(files, ["policy", "hil"])
    with pytest.raises(ValueError, match="nowhere"):
        _taken(files, ["nowhere"])
