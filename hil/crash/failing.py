"""`python -m hil.crash.failing`: each call of the journal to the disk fails, one after the other.

strace lets the Nth call of each kind fail, for N from 1 until there are no more: that one alone,
or every one from there on; counted in each thread, and each opening of the journal has new ones.
`stubborn.py` is what writes. Then everything that was told stored has to be there, in a journal
that opens, and on a disk that is well again it comes to its end (README.md).
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
from itertools import count
from pathlib import Path
from typing import Final

from hil.crash.verdict import judge

KINDS: Final = {
    "EIO": ("openat", "pread64", "pwrite64", "fdatasync", "fsync", "ftruncate", "unlink"),
    "ENOSPC": ("openat", "pwrite64", "ftruncate"),
}
"""What may fail, and with which word of the kernel."""
NAMES: Final = ("", "journal.db", "journal.db-wal", "journal.db-journal")
"""Whose calls fail: the folder's and its files'. The shared memory beside a WAL is no disk."""
_HANGS_S: Final = 60.0
_STORED: Final = re.compile(r"^stored (\d+)$", re.MULTILINE)


@dataclass(slots=True)
class Tally:
    """What was tried, and what came of it.

    `points`: runs in which something failed; `failures`: calls that did. `ended`: runs that
    stored everything all the same; the others had to wait for the disk.
    """

    points: int = 0
    failures: int = 0
    ended: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


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


def suffer(fault: Fault) -> Came:
    """Let the journal be written to with this fault, and look at what is left."""
    with tempfile.TemporaryDirectory(prefix="edged-failing-") as made:
        written, looked = Path(made, "written"), Path(made, "looked")
        written.mkdir()
        looked.mkdir()
        ours = [word for name in NAMES for word in ("-P", str(written / name))]
        trace = ["-o", f"{made}/trace", "-e", f"trace={fault.call}", "-e", f"inject={fault.rule}"]
        try:
            done = _write(written, "strace", "-f", "-qq", *ours, *trace)
            wrong = _wrong(done, written, looked)
            if done.returncode and not wrong:
                again = _write(written)
                wrong = _wrong(again, written, looked)
                wrong = wrong or ("it does not end on a good disk" if again.returncode else "")
        except subprocess.TimeoutExpired:
            return Came(1, ended=False, violation="it hangs")
        failures = Path(made, "trace").read_text().count("(INJECTED)")
        return Came(failures, done.returncode == 0, wrong)


def _write(folder: Path, *below: str) -> subprocess.CompletedProcess[str]:
    worker = [*below, sys.executable, "-m", "hil.crash.stubborn", str(folder)]
    return subprocess.run(worker, capture_output=True, text=True, check=False, timeout=_HANGS_S)


def _wrong(done: subprocess.CompletedProcess[str], written: Path, looked: Path) -> str:
    """Say what must not be: of what was told, and of what is there."""
    if "WRONG" in done.stdout or done.stderr:
        return f"{done.stdout[-200:]}{done.stderr[-1_000:]}"
    told = max((int(number) for number in _STORED.findall(done.stdout)), default=0)
    files = {path.name: path.read_bytes() for path in written.iterdir() if path.suffix != ".db-shm"}
    verdict = judge(looked, files)
    if verdict.flagged or verdict.wrong:
        return verdict.flagged or verdict.wrong
    return f"{told} were told stored, {verdict.count} are there" if verdict.count < told else ""


def faults(tally: Tally, jobs: int) -> Iterator[Tally]:
    """Try all of them; give the tally now and then."""
    with ThreadPoolExecutor(jobs) as pool:
        for error, calls in KINDS.items():
            for call in calls:
                for lasting in (False, True):
                    for first in count(1, jobs):
                        tried = [
                            Fault(call, error, at, lasting) for at in range(first, first + jobs)
                        ]
                        came = list(pool.map(suffer, tried))
                        for fault, one in zip(tried, came, strict=True):
                            _add(tally, fault, one)
                        yield tally
                        if not all(one.failures for one in came):
                            break


def _add(tally: Tally, fault: Fault, came: Came) -> None:
    if came.failures:
        tally.points += 1
        tally.failures += came.failures
        tally.ended += came.ended
        tally.kinds[fault.kind] = tally.kinds.get(fault.kind, 0) + 1
    if came.violation:
        tally.violations.append(f"{fault.kind}, {fault.at}: {came.violation}")


def main() -> int:
    """Try all; 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m hil.crash.failing", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    began_s, tally = time.monotonic(), Tally()
    for _ in faults(tally, asked.jobs):
        if sys.stderr.isatty():
            print(f"\r{tally.points} points", end="", file=sys.stderr, flush=True)
    print(json.dumps({**asdict(tally), "took_s": round(time.monotonic() - began_s, 1)}))
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
