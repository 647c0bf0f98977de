"""`python -m hil.planted`: break a promise on purpose, and see its named check notice."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUGS = Path(__file__).with_name("bugs.toml")
_PYTEST = (
    "import os, sys, pytest; code = pytest.main(sys.argv[1:]); sys.stdout.flush(); os._exit(code)"
)
"""What a bug leaves behind, such as a thread that nobody ends, may not keep the verdict back."""

WITHIN_S = 60
"""A check that takes longer is no check that somebody waits for."""


@dataclass(frozen=True, slots=True)
class Bug:
    """A patch: `old` stands once in `file`, and `new` breaks `promise`; `check` has to fail."""

    name: str
    promise: str
    file: str
    old: str
    new: str
    check: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one: `caught`, and what the check said if not."""

    name: str
    promise: str
    check: str
    caught: bool
    took_s: float
    said: str = ""


def bugs() -> list[Bug]:
    """Read all of them."""
    tables = tomllib.loads(BUGS.read_text())
    return [Bug(name, **table) for name, table in tables.items()]


def copy(folder: Path) -> None:
    """Copy this tree as it is now, without what is made from it."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "dist")
    shutil.copytree(ROOT, folder, ignore=ignored, dirs_exist_ok=True)


def run(folder: Path, checks: Sequence[str]) -> tuple[int, str]:
    """Run checks on the copy: pytest's exit code, and the end of what it said."""
    command = [sys.executable, "-c", _PYTEST, "-q", "-x", "-n0", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, *checks],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=WITHIN_S * max(1, len(checks) // 10),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "took too long"
    return done.returncode, done.stdout[-2_000:]


def plant(folder: Path, bug: Bug) -> Verdict:
    """Break the copy, run the check, mend the copy.

    Raises:
        ValueError: The text to replace is not there once: the code has moved on.
    """
    path = folder / bug.file
    text = path.read_text()
    if text.count(bug.old) != 1:
        raise ValueError(f"{bug.name}: {bug.file} has its text {text.count(bug.old)} times")
    began = time.monotonic()
    path.write_text(text.replace(bug.old, bug.new))
    code, said = run(folder, [bug.check])
    path.write_text(text)
    caught = code == 1  # tests failed; anything else is no verdict
    took_s = round(time.monotonic() - began, 1)
    return Verdict(bug.name, bug.promise, bug.check, caught, took_s, "" if caught else said)


def plant_all(wanted: Sequence[Bug]) -> Iterator[Verdict]:
    """Plant each in turn, after the checks have passed without any.

    Raises:
        ValueError: A check fails on the tree as it is, or a patch does not fit.
    """
    with tempfile.TemporaryDirectory(prefix="edged-planted-") as made:
        folder = Path(made)
        copy(folder)
        code, said = run(folder, sorted({bug.check for bug in wanted}))
        if code:
            raise ValueError(f"the checks fail without a bug:\n{said}")
        for bug in wanted:
            yield plant(folder, bug)


def main() -> int:
    """Plant the bugs that were asked for; 0 if each was caught."""
    parser = argparse.ArgumentParser(prog="python -m hil.planted", description=__doc__)
    parser.add_argument("names", nargs="*", help="which; default: all")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    wanted = [bug for bug in bugs() if not arguments.names or bug.name in arguments.names]
    if unknown := set(arguments.names) - {bug.name for bug in wanted}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    missed = 0
    try:
        for n, verdict in enumerate(plant_all(wanted), start=1):
            missed += not verdict.caught
            if arguments.json:
                print(json.dumps(asdict(verdict)), flush=True)
                continue
            word = "caught" if verdict.caught else "MISSED"
            print(f"[{n:2}/{len(wanted)}] {word} {verdict.took_s:5.1f} s  {verdict.name}")
            print(f"        {verdict.promise}", flush=True)
            if verdict.said:
                print(verdict.said)
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return 2
    if not arguments.json:
        print(f"{len(wanted) - missed} of {len(wanted)} caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
