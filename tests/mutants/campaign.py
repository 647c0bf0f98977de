"""Runs of mutmut, one a module, each in a copy of the project that is thrown away.

mutmut measures first which tests call which function, and tries each mutant with those alone.
The copy is needed because it takes its configuration and its results from the folder it runs in.
"""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.survivors import Survivor, survivor

COPIED = ("cloud_link", "drivers", "edged", "hil", "policy", "tests", "pyproject.toml")
ALL = "tests/policy"  # the rules are held by their own tests, not by those of whoever uses them
TESTS = {  # the tests that are named for a module; for others there are only ALL
    name: [f"{ALL}/{file}.py" for file in files.split()]
    for name, files in {
        "ahead": "test_ahead",
        "bookings": "test_ways test_entry test_exit",
        "by_booking": "test_ways test_entry test_trace test_trace_ways",
        "by_code": "test_by_code",
        "by_plan": "test_entry test_timetable test_trace test_trace_ways",
        "by_ticket": "test_ways test_modes test_trace_ways",
        "calendar": "test_calendar",
        "case": "test_entry test_ways test_modes test_trace test_trace_ways",
        "check": "test_check test_check_words",
        "check_cafe": "test_check_cafe",
        "check_codes": "test_check_codes",
        "compare": "test_compare",
        "doubt": "test_doubt test_trace",
        "entry": "test_entry test_kept_answers test_modes test_doubt test_trace_ways",
        "exit": "test_exit test_trace",
        "explain": "test_explain test_explain_edges",
        "facility": "lifecycles/test_facility",
        "key_schedule": "test_modes test_trace",
        "limits": "test_check",
        "line": "lifecycles/test_line",
        "lockers": "lifecycles/test_lockers lifecycles/test_locker_table",
        "loyalty": "lifecycles/test_loyalty",
        "qualify": "test_modes test_trace test_trace_ways",
        "record_only": "test_modes test_trace",
        "rooms": "lifecycles/test_rooms",
        "seats": "lifecycles/test_seats",
        "staff": "test_staff test_trace",
        "timetable": "test_timetable test_ahead test_entry test_trace_ways",
        "trace": "test_trace test_trace_ways",
        "turns": "test_turns",
        "usage": "test_usage",
        "usage_keys": "test_usage",
    }.items()
}
MUTMUT = Path(sys.executable).with_name("mutmut")

# A mutant may take as often the time that its tests took, and so many seconds, before it is
# stopped and counts as noticed: a loop without an end. Generous, because the machine is busy.
TIMES, SECONDS = 6, 3

REFUSED, SLOW = "caught by type check", "timeout"
NOTICED = {"killed", REFUSED, SLOW}
SURVIVED = {"survived", "no tests"}

# `assert_never` stands where types prove that nothing gets: nothing could notice it gone.
# forkserver: no test has run in the process that mutants are forked from, so none of them finds
# the memories of policy filled by code that is whole.
CONFIGURATION = """
[tool.mutmut]
source_paths = ["policy"]
only_mutate = {modules}
also_copy = {copied}
process_isolation = "forkserver"
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-profile=mutants"]
pytest_add_cli_args_test_selection = {tests}
do_not_mutate_patterns = ['assert_never\\(']
type_check_command = ["{python}", "-m", "mypy", "--output=json", "policy"]
timeout_multiplier = {times}
timeout_constant = {seconds}
"""
# The project's own, but for what it says to the comments that mutmut writes itself.
TYPES = """
[mypy]
strict = True
warn_unused_ignores = False
enable_error_code = exhaustive-match, possibly-undefined, truthy-bool
explicit_package_bases = True
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the mutants of one module."""

    module: str
    statuses: Counter[str]
    survivors: tuple[Survivor, ...]

    @property
    def mutants(self) -> int:
        return self.statuses.total()

    def line(self) -> str:
        """The outcome as a line of a table."""
        tests = self.statuses["killed"] + self.statuses[SLOW]
        return (
            f"{self.module:25} {self.mutants:5} mutants: {self.statuses[REFUSED]:5} refused by "
            f"the types, {tests:5} by tests, {len(self.survivors):3} survive"
        )

    def as_json(self) -> dict[str, object]:
        survivors = [each.as_json() for each in self.survivors]
        return {"module": self.module, "statuses": dict(self.statuses), "survivors": survivors}


def run(root: Path, module: str, jobs: int) -> Outcome:
    """Try every mutant of `module`, a path from `root`; progress goes to standard error.

    First with the tests that are named for it, which is fast; what survives, with all.

    Raises:
        subprocess.CalledProcessError: The tests fail without a mutant, or mutmut did.
        RuntimeError: A mutant ended in a way that is neither noticed nor survived.
    """
    with tempfile.TemporaryDirectory(prefix="edged-mutants-") as folder:
        copy = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in COPIED:
            if (root / name).is_dir():
                shutil.copytree(root / name, copy / name, ignore=ignored)
        (copy / "mypy.ini").write_text(TYPES)
        own = TESTS.get(Path(module).stem)
        ended = _tried(root, copy, module, own or [ALL], jobs)
        alive = [name for name, status in ended.items() if status in SURVIVED]
        if own and alive:
            ended = _tried(root, copy, module, [ALL], jobs, alive)
        return outcome(copy, module, ended)


def _tried(
    root: Path, copy: Path, module: str, tests: list[str], jobs: int, only: Iterable[str] = ()
) -> dict[str, str]:
    """Let mutmut try the mutants of a module, or `only` some of them; how each ended."""
    configuration = CONFIGURATION.format(
        modules=[module],
        copied=[*COPIED, "mypy.ini"],
        tests=tests,
        python=sys.executable,
        times=TIMES,
        seconds=SECONDS,
    )
    (copy / "pyproject.toml").write_text((root / "pyproject.toml").read_text() + configuration)
    (copy / "mutants/mutmut-stats.json").unlink(missing_ok=True)  # which tests call what
    mutmut = [str(MUTMUT), "run", f"--max-children={jobs}", *only]
    subprocess.run(mutmut, cwd=copy, stdout=sys.stderr, check=True)
    sys.stderr.write("\n")
    return statuses(_told(copy, "results", "--all=true"))


def statuses(results: str) -> dict[str, str]:
    """Read `mutmut results`: the mutant's name -> how it ended."""
    rows = (line.strip().rpartition(": ") for line in results.splitlines() if ": " in line)
    return {name: status for name, _, status in rows}


def outcome(copy: Path, module: str, ended: dict[str, str]) -> Outcome:
    """Sum up how the mutants of a module ended; what survived, with its place and its diff."""
    strange = {name: how for name, how in ended.items() if how not in NOTICED | SURVIVED}
    if strange:
        raise RuntimeError(f"mutants that ended oddly: {strange}")
    alive = [name for name, status in ended.items() if status in SURVIVED]
    source = (copy / module).read_text()
    found = [survivor(module, source, name, _told(copy, "show", name)) for name in alive]
    return Outcome(module, Counter(ended.values()), tuple(found))


def _told(copy: Path, *command: str) -> str:
    asked = [str(MUTMUT), *command]
    return subprocess.run(asked, cwd=copy, stdout=subprocess.PIPE, text=True, check=True).stdout
