"""`python -m hil.crash.failing`: each call to the disk fails, one after the other.

strace lets the Nth call of each kind fail, for N from 1 until there are no more: that one alone,
or every one from there on; counted in each thread, and whatever is opened anew has new ones.
What works meanwhile is a program that goes on whatever the disk says (`subjects.py`). Then all
that was told has to be there, and on a disk that is well again it comes to its end (README.md).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

from hil.crash.forked import run
from hil.crash.subjects import SUBJECTS, Subject


@dataclass(slots=True)
class Tally:
    """What was tried, and what came of it.

    `points`: runs in which something failed; `failures`: calls that did. `ended`: runs that
    did everything all the same; the others had to wait for the disk.
    """

    points: int = 0
    failures: int = 0
    ended: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    took_s: float = 0.0

    def add(self, fault: "Fault", came: "Came") -> None:
        """Count what came of a fault."""
        if came.failures:
            self.points += 1
            self.failures += came.failures
            self.ended += came.ended
            self.kinds[fault.kind] = self.kinds.get(fault.kind, 0) + 1
        if came.violation:
            self.violations.append(f"{fault.kind}, {fault.at}: {came.violation}")


@dataclass(frozen=True, slots=True)
class Fault:
    """The `at`th call of a kind fails; `lasting`: and all that follow."""

    call: str
    error: str
    at: int
    lasting: bool

    @property
    def kind(self) -> str:
        """What fails, and how, without when."""
        return f"{self.call} {self.error}{' from there on' if self.lasting else ''}"

    @property
    def rule(self) -> str:
        """Spell it for strace."""
        return f"{self.call}:error={self.error}:when={self.at}{'+' if self.lasting else ''}"


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a fault. `violation`: what must not be, or nothing."""

    failures: int
    ended: bool
    violation: str


def suffer(fault: Fault, subject: Subject = SUBJECTS["journal"]) -> Came:
    """Let the subject work with this fault, and look at what is left."""
    with tempfile.TemporaryDirectory(prefix="edged-failing-") as made:
        folder, trace = Path(made, "written"), Path(made, "trace")
        folder.mkdir()
        ours = [word for name in touched(subject) for word in ("-P", str(folder / name))]
        faulty = ["-o", str(trace), "-e", f"trace={fault.call}", "-e", f"inject={fault.rule}"]
        try:
            done = run(subject.worker, folder, "", *ours, *faulty)
            wrong = _wrong(subject, folder, done)
            if done.returncode and not wrong:
                again = run(subject.worker, folder, done.stdout)
                wrong = _wrong(subject, folder, again)
                wrong = wrong or ("it does not end on a good disk" if again.returncode else "")
        except TimeoutError:
            return Came(1, ended=False, violation="it hangs")
        failures = trace.read_text().count("(INJECTED)")
        return Came(failures, done.returncode == 0, wrong)


@cache
def touched(subject: Subject) -> tuple[str, ...]:
    """Name the files that a subject touches on a good disk, and their folders.

    The shared memory beside a WAL is no disk.
    """
    with tempfile.TemporaryDirectory(prefix="edged-failing-") as made:
        folder, trace = Path(made, "written"), Path(made, "trace")
        folder.mkdir()
        calls = ",".join({call for calls in subject.calls.values() for call in calls})
        words = ["-y", "-o", str(trace), "-s", "4096", "-e", f"trace={calls}"]
        done = run(subject.worker, folder, "", *words)
        if done.returncode:
            raise RuntimeError(f"{done.stdout}{done.stderr}")
        below = re.escape(str(folder / subject.below).rstrip("/"))
        named = re.findall(rf'[<"]({below}[^>"]*)[>"]', trace.read_text())
    found = {str(Path(name).relative_to(folder)) for name in named}
    return tuple(sorted(name for name in found if not name.endswith("-shm")))


def _wrong(subject: Subject, folder: Path, done: subprocess.CompletedProcess[str]) -> str:
    """Say what must not be: of what was told, and of what is there."""
    said = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    if said or done.stderr:
        return "\n".join((*said, done.stderr[-2_000:]))
    return subject.wrong(folder, done.stdout)


def faults(subject: Subject, tally: Tally, jobs: int, step: int = 1) -> Iterator[Tally]:
    """Try all of them, or each `step`th; give the tally now and then."""
    with ThreadPoolExecutor(jobs) as pool:
        for error, calls in subject.calls.items():
            for call in calls:
                for lasting in (False, True):
                    for first in count(1, jobs * step):
                        numbers = range(first, first + jobs * step, step)
                        tried = [Fault(call, error, at, lasting) for at in numbers]
                        came = list(pool.map(lambda fault: suffer(fault, subject), tried))
                        for fault, one in zip(tried, came, strict=True):
                            tally.add(fault, one)
                        yield tally
                        if not all(one.failures for one in came):
                            break


def main() -> int:
    """Try all; 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m hil.crash.failing", description=__doc__)
    parser.add_argument("--of", choices=SUBJECTS, help="one of them; default: all")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--step", type=int, default=1, help="only each Nth call")
    asked = parser.parse_args()
    tallies = {name: Tally() for name in ([asked.of] if asked.of else SUBJECTS)}
    for name, tally in tallies.items():
        began_s = time.monotonic()
        for _ in faults(SUBJECTS[name], tally, asked.jobs, asked.step):
            if sys.stderr.isatty():
                print(f"\r{name}: {tally.points} points", end="", file=sys.stderr, flush=True)
        tally.took_s = round(time.monotonic() - began_s, 1)
    print(json.dumps(_summed(tallies)))
    return 1 if any(tally.violations for tally in tallies.values()) else 0


def _summed(tallies: dict[str, Tally]) -> dict[str, object]:
    every = tallies.values()
    return {
        "points": sum(one.points for one in every),
        "failures": sum(one.failures for one in every),
        "ended": sum(one.ended for one in every),
        "violations": [line for one in every for line in one.violations],
        "took_s": round(sum(one.took_s for one in every), 1),
        **{name: asdict(one) for name, one in tallies.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
