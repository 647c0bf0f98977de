"""Any number of power cuts of one recorded run, and what each left."""

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hil.crash import trace
from hil.crash.images import Disk
from hil.crash.trace import Op
from hil.crash.verdict import judge

CUTS_A_PASS = 200
"""Cuts along one replay of the run; the more, the less it is replayed."""


@dataclass(slots=True)
class Sum:
    """What came of the cuts. `lost`: commits that were told stored, and are not there.

    `wrong`: images that were taken for good and are not, or that lack what was told stored where
    the disk did not lie; the first few are described in `examples`.
    """

    images: int = 0
    flagged: int = 0
    lost: int = 0
    images_with_losses: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)


def run(images: int, seed: int, *, lying: bool = False, normal: bool = False) -> Iterator[Sum]:
    """Record a run and cut its power, `images` times; give the sum so far now and then.

    Args:
        images: How many.
        seed: Of the run and of the cuts.
        lying: Whether the disk says of half of the syncs that it did what it did not.
        normal: Plants synchronous=NORMAL.
    """
    found = Sum()
    memory = Path("/dev", "shm")  # no sync to wait for
    with (
        tempfile.TemporaryDirectory(prefix="edged-crash-") as disk,
        tempfile.TemporaryDirectory(
            prefix="edged-crash-", dir=memory if memory.is_dir() else None
        ) as made,
    ):
        worked, cut = Path(disk), Path(made)
        arguments = ["--seed", str(seed), *(["--normal"] if normal else [])]
        ops = trace.record(worked, arguments)
        dice = random.Random(seed)
        while found.images < images:
            wanted = min(CUTS_A_PASS, images - found.images)
            _cut(ops, sorted(dice.sample(range(len(ops)), min(wanted, len(ops)))), dice, cut, found,
                 lying=lying)  # fmt: skip
            yield found


def _cut(
    ops: Sequence[Op],
    points: Sequence[int],
    dice: random.Random,
    folder: Path,
    found: Sum,
    *,
    lying: bool,
) -> None:
    """Replay the run, and cut it at these points."""
    disk = Disk(lies=random.Random(dice.random()) if lying else None)
    at = set(points)
    for n, op in enumerate(ops):
        disk.do(op)
        if n not in at:
            continue
        coming = ops[n + 1] if n + 1 < len(ops) else None
        verdict = judge(folder, disk.cut(dice, coming))
        lost = max(0, disk.stored - verdict.count) if not verdict.flagged else disk.stored
        found.images += 1
        found.flagged += bool(verdict.flagged)
        found.lost += lost
        found.images_with_losses += bool(lost)
        problem = verdict.wrong or ("" if lying else verdict.flagged)
        if not problem and lost and not lying:
            problem = f"{lost} of {disk.stored} stored commits are lost"
        if problem:
            found.wrong += 1
            if len(found.examples) < 5:
                found.examples.append(f"after operation {n}: {problem}")
