"""One target fuzzed for a while in a process of its own, and what came of it."""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.target import INPUT_BYTES, Target

SLOW_S: Final = 20
"""A parser that takes so long for one input is broken, though the machine has more to do; what it
costs of the processor is held by `cost.py`. By itself the fuzzer tells of 10 s on the clock."""
MEMORY_MB: Final = 1_024
"""Of the whole process; with all that is imported it begins at 200."""
KEPT_BYTES: Final = 256
KEPT: Final = 40
"""A corpus that is read by people: small inputs, and few."""

_EXECUTIONS: Final = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_COVERAGE: Final = re.compile(r"cov: (\d+) ft: (\d+)")
_RAISED: Final = re.compile(r"=== Uncaught Python exception: ===\n(.*)")


@dataclass(frozen=True, slots=True)
class Find:
    """An input that broke a target: the file that holds it, and what was raised, if anything."""

    file: str
    raised: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. `features`: edges of the code, told apart by how often they are taken."""

    target: str
    seconds: int
    executions: int
    edges: int
    features: int
    finds: tuple[Find, ...]

    def line(self) -> str:
        return (
            f"{self.target:<14} {self.executions:>12,} executions  {self.edges:>6,} edges"
            f"  {self.features:>6,} features  {len(self.finds)} finds"
        )

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def run(target: Target, seconds: int, found: Path, *, keep: bool) -> Outcome:
    """Fuzz a target until the time is over or it is broken; inputs that break it stay in `found`.

    `keep`: put what reached new code into the target's corpus.
    """
    found.mkdir(parents=True, exist_ok=True)
    mine = f"{target.name}-*"
    before = set(found.glob(mine))
    with tempfile.TemporaryDirectory(prefix="edged-fuzz-") as folder:
        inputs, known = Path(folder) / "inputs", target.known()
        inputs.mkdir()
        for data in known:
            (inputs / hashlib.sha256(data).hexdigest()).write_bytes(data)
        command = (
            *(sys.executable, "-m", "tests.fuzz.worker", target.name),
            f"-max_total_time={seconds}",
            f"-max_len={INPUT_BYTES}",
            f"-timeout={SLOW_S}",
            f"-report_slow_units={SLOW_S}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-artifact_prefix={found}/{target.name}-",
            "-print_final_stats=1",
            str(inputs),
        )
        there = {**os.environ, "TMPDIR": folder}  # the fuzzer ends its process without tidying up
        done = subprocess.run(command, env=there, capture_output=True, check=False)
        if keep:
            _keep(target, {file.read_bytes() for file in inputs.iterdir()} - set(known))
    said = (done.stdout + done.stderr).decode(errors="replace") + f"\nended with {done.returncode}"
    broke = sorted(set(found.glob(mine)) - before)
    return read(target.name, seconds, said, [str(file) for file in broke])


def read(name: str, seconds: int, said: str, broke: list[str]) -> Outcome:
    """Read what the fuzzer said. Raises ValueError if it never got as far as to run."""
    executions, covered = _EXECUTIONS.search(said), _COVERAGE.findall(said)
    if executions is None and not broke:
        raise ValueError(f"{name}: the fuzzer did not run:\n{said[-2_000:]}")
    edges, features = covered[-1] if covered else (0, 0)
    raised = _RAISED.search(said)
    finds = tuple(Find(file, raised.group(1) if raised else "") for file in broke)
    ran = int(executions.group(1)) if executions else 0
    return Outcome(name, seconds, ran, int(edges), int(features), finds)


def _keep(target: Target, new: set[bytes]) -> None:
    """Add the smallest of what reached new code to the corpus."""
    small = sorted((data for data in new if len(data) <= KEPT_BYTES), key=len)[:KEPT]
    with target.corpus.open("a") as corpus:
        corpus.writelines(f"{data!r}\n" for data in small)
