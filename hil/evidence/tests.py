"""`python -m hil.evidence.tests PATH ...`: run tests that show a goal, and say so in one line.

The line is a JSON object: how many tests passed, and the sum of each number that they gave by
pytest's `record_property`. A test that sweeps says there how many cases it tried: a goal counts
cases, and not functions. With `--branches`, how many branches of those folders were all taken.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass(slots=True, eq=False)  # pytest keeps plugins in sets
class Seen:
    """What a run of pytest came to: a plugin that listens."""

    passed: int = 0
    amiss: list[str] = field(default_factory=list)
    given: dict[str, int | float] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test that passed, or note one that failed or was skipped."""
        if not report.passed:
            self.amiss.append(f"{report.nodeid}: {report.outcome}")
        elif report.when == "call":
            self.passed += 1
            for name, number in report.user_properties:
                if isinstance(number, int | float):
                    self.given[name] = self.given.get(name, 0) + number


def run(paths: Sequence[str], branches: Sequence[str] = (), jobs: int = 0) -> dict[str, Any]:
    """Run these tests; pytest's own words go to standard error.

    Raises:
        ValueError: One failed or was skipped, none ran, or a branch was not taken.
    """
    seen = Seen()
    with tempfile.TemporaryDirectory(prefix="edged-tests-") as folder:
        report = Path(folder) / "coverage.json"
        cover = ["--cov", f"--cov-report=json:{report}"] if branches else []
        with redirect_stdout(sys.stderr):
            ended = pytest.main([*paths, "-q", f"-n{jobs}", *cover], plugins=[seen])
        if ended or seen.amiss or not seen.passed:
            raise ValueError(f"pytest ended with {ended:d}: {seen.passed} passed, {seen.amiss}")
        taken = _taken(json.loads(report.read_text())["files"], branches) if branches else {}
    return {"passed": seen.passed, **seen.given, **taken}


def _taken(files: Mapping[str, Any], folders: Sequence[str]) -> dict[str, int]:
    """Count what coverage saw below the folders. Raises ValueError: something was not reached."""
    below = {
        name: file["summary"]
        for name, file in files.items()
        if any(Path(name).is_relative_to(folder) for folder in folders)
    }
    left = [name for name, one in below.items() if one["missing_lines"] or one["missing_branches"]]
    if left or not below:
        raise ValueError(f"not all is reached: {left or folders}")
    return {
        "files": len(below),
        "statements": sum(one["num_statements"] for one in below.values()),
        "branches": sum(one["num_branches"] for one in below.values()),
    }


def main() -> int:
    """Run them; 1 if they do not show it."""
    parser = argparse.ArgumentParser(prog="python -m hil.evidence.tests", description=__doc__)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="as pytest takes them")
    parser.add_argument("--branches", nargs="+", default=(), metavar="FOLDER", help="all taken?")
    parser.add_argument("--jobs", type=int, default=0, help="processes (default: this one)")
    asked = parser.parse_args()
    began_s = time.monotonic()
    try:
        said = run(asked.paths, asked.branches, asked.jobs)
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    print(json.dumps({**said, "took_s": round(time.monotonic() - began_s, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
