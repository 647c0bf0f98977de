"""Ask `policy` and the oracle the same questions, and show the smallest world where they differ.

    python -m tests.oracle.differential --decisions 1000000 --seed 1 --jobs 2

A row is made from its seed and number alone, so that every mismatch can be played again, and a
run that was broken off goes on `--from` the row that its last line names. The exit status is 1
for a mismatch, and for a run that missed what `adequacy` demands.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import Pool
from random import Random

from tests.oracle.adequacy import Tally
from tests.oracle.engine import OPERATIONS, Engine
from tests.oracle.oracle import State, answer
from tests.oracle.smaller import smaller
from tests.oracle.times import Data
from tests.oracle.worlds import row

ROWS = 200  # a piece of work: some seconds
TOLD = 1_000_000  # decisions between two lines of a run that nobody watches
SHOWN = 10  # mismatches that are shown whole
DECIDED = ("enter", "exit")
PAIRED = 8  # of so many questions one is asked for its pairs: that costs as much as the answers


@dataclass
class Found:
    """One mismatch: where it is, and what each side says."""

    seed: int
    number: int
    made: Data  # the row, without what comes after the step
    ours: Data
    theirs: Data

    @property
    def fields(self) -> list[str]:
        """What they differ in."""
        names = sorted(self.ours.keys() | self.theirs.keys())
        return [name for name in names if self.ours.get(name) != self.theirs.get(name)]

    @property
    def kind(self) -> str:
        step, says = self.made["steps"][-1], (self.theirs.get("reason"), self.ours.get("reason"))
        device = self.made["world"]["devices"].get(step.get("device"), {"mode": "-"})
        return f"{step['op']} {device['mode']} {self.fields} oracle {says[0]}, policy {says[1]}"


@dataclass
class Run:
    """What a piece of work, or all of them together, came to."""

    tally: Tally = field(default_factory=Tally)
    found: list[Found] = field(default_factory=list)

    @property
    def decisions(self) -> int:
        return sum(self.tally.operations[op] for op in DECIDED)

    def add(self, other: "Run") -> None:
        self.tally.merge(other.tally)
        self.found += other.found


def made_row(seed: int, number: int) -> Data:
    return row(Random(f"{seed}:{number}"))


def play(made: Data) -> Iterator[tuple[Data, Data, Data]]:
    """Each step with what `policy` and what the oracle says to it."""
    world, state, engine = made["world"], State(), Engine(made["world"])
    for step in made["before"] + made["steps"]:
        if step["op"] in OPERATIONS:  # the code check and repeated reads are not policy's
            yield step, _asked(engine, step), answer(world, state, step)


def _asked(engine: Engine, step: Data) -> Data:
    try:
        return dict(engine.play(step))
    except Exception as error:  # noqa: BLE001 - what the engine raises is a mismatch too
        return {"raised": repr(error)}


def first_mismatch(made: Data, seed: int = 0, number: int = 0) -> Found | None:
    """The first step of the row to which they say different things."""
    played = []
    for step, ours, theirs in play(made):
        played.append(step)
        if ours != theirs:
            until = {"world": made["world"], "before": [], "steps": played}
            return Found(seed, number, until, ours, theirs)
    return None


def run(seed: int, first: int, rows: int) -> Run:
    """Play rows `first` and following; of each, up to its first mismatch."""
    done = Run()
    for number in range(first, first + rows):
        made = made_row(seed, number)
        for place, (step, ours, theirs) in enumerate(play(made)):
            if place >= len(made["before"]):
                done.tally.add(
                    made["world"], step, theirs, paired=place % PAIRED == number % PAIRED
                )
            if ours != theirs:
                mismatch = first_mismatch(made, seed, number)
                assert mismatch is not None, "the same row went another way the second time"
                done.found.append(mismatch)
                break
    return done


def shrunk(found: Found) -> Found:
    """The smallest row in which they still differ in the same fields."""

    def still(made: Data) -> bool:
        try:
            again = first_mismatch(made)
        except (AssertionError, LookupError, StopIteration, TypeError, ValueError):
            return False  # something that the rest needs was taken away
        return again is not None and again.fields == found.fields

    again = first_mismatch(smaller(found.made, still))
    assert again is not None
    return Found(found.seed, found.number, again.made, again.ours, again.theirs)


def _piece(work: tuple[int, int]) -> Run:
    return run(*work, ROWS)


def run_all(seed: int, decisions: int, jobs: int, first: int = 0) -> Run:
    """Play as many rows as it takes, from the row `first` on, and tell how far it is."""
    whole, began, lines = Run(), time.monotonic(), 0
    with Pool(jobs) as pool:
        pieces = ((seed, number) for number in range(first, first + decisions, ROWS))
        for piece in pool.imap(_piece, pieces):
            whole.add(piece)
            first += ROWS
            for each in piece.found:
                sys.stderr.write(f"\nrow {each.number}: {each.kind}\n")
            rate = whole.decisions / (time.monotonic() - began)
            line = f"{whole.decisions} of {decisions} decisions, {rate:.0f}/s"
            line += f", {len(whole.found)} mismatches before row {first}"
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{line} ")
            elif whole.decisions // TOLD > lines:
                lines = whole.decisions // TOLD
                sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
            if whole.decisions >= decisions:
                pool.terminate()
                break
    sys.stderr.write("\n")
    return whole


def told(whole: Run, options: argparse.Namespace) -> Data:
    return {
        "seed": options.seed,
        "decisions": whole.decisions,
        "answers": whole.tally.answers,
        "operations": dict(whole.tally.operations.most_common()),
        "entries": dict(whole.tally.reasons.most_common()),
        "staff": dict(whole.tally.to_staff.most_common()),
        "ways": dict(whole.tally.ways.most_common()),
        "warnings": dict(whole.tally.warnings.most_common()),
        "missing": whole.tally.missing(),
        "mismatches": len(whole.found),
        "reproducers": [
            {"seed": each.seed, "row": each.number, "kind": each.kind, **_sides(shrunk(each))}
            for each in _one_of_a_kind(whole.found)
        ],
    }


def _sides(found: Found) -> Data:
    return {
        "made": found.made,
        "policy": {name: found.ours.get(name) for name in found.fields},
        "oracle": {name: found.theirs.get(name) for name in found.fields},
    }


def _one_of_a_kind(found: list[Found]) -> list[Found]:
    return list({each.kind: each for each in reversed(found)}.values())[:SHOWN]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="policy and the oracle, side by side.")
    parser.add_argument("--decisions", type=int, default=100_000, help="entries and exits")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=int, default=0, dest="first", help="its first row")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    options = parser.parse_args(arguments)
    whole = run_all(options.seed, options.decisions, options.jobs, options.first)
    result = told(whole, options)
    if options.json:
        sys.stdout.write(json.dumps(result, indent=1, default=str) + "\n")
    else:
        sys.stdout.write(f"{whole.tally.report()}\n\n{len(result['missing'])} missing\n")
        sys.stdout.write("".join(f"  {line}\n" for line in result["missing"]))
        for each in result["reproducers"]:
            sys.stdout.write(json.dumps(each, default=str) + "\n")
        last = f"{whole.decisions} decisions, seed {options.seed}"
        sys.stdout.write(f"\n{last}: {len(whole.found)} mismatches\n")
    return 1 if whole.found or result["missing"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
