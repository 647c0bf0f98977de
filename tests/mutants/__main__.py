"""`python -m tests.mutants [MODULE ...]`: the rules broken on purpose (README.md)."""

import argparse
import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from tests.mutants.campaign import Outcome, run
from tests.mutants.kept import Kept
from tests.mutants.survivors import EXPLAINED, Explanation, Survivor, explained, judged, starts

AT_IMPORT = {"decision.py"}  # its function makes classes, before any mutant could be chosen
ROOT = Path(__file__).parents[2]


def modules(asked: list[str]) -> list[str]:
    """The modules asked for, or all those of the rules that have functions, as paths."""
    paths = sorted(path for path in (ROOT / "policy").glob("*.py") if path.name not in AT_IMPORT)
    have = [str(path.relative_to(ROOT)) for path in paths if starts(path.read_text())]
    unknown = sorted(set(asked) - set(have))
    if unknown:
        raise SystemExit(f"not a module of the rules with functions: {', '.join(unknown)}")
    return asked or have


def as_text(outcomes: list[Outcome], new: list[Survivor], gone: list[Explanation]) -> str:
    lines = [each.line() for each in outcomes if each.mutants]
    lines += [f"\n{each.file}:{each.line} {each.function}\n{each.diff()}" for each in new]
    lines += [f"\nexplained, but it is not there: {each.where} {each.was!r}" for each in gone]
    total = sum((each.mutants for each in outcomes), 0)
    survive = sum(len(each.survivors) for each in outcomes)
    left = survive - len(new)
    lines.append(f"\n{total} mutants, {survive} survive: {left} explained, {len(new)} new")
    return "\n".join(lines)


def noticed(outcomes: list[Outcome]) -> float:
    """How many of the mutants were noticed, in percent and rounded down to tenths."""
    total = sum((each.mutants for each in outcomes), 0)
    survive = sum(len(each.survivors) for each in outcomes)
    return 1_000 * (total - survive) // total / 10 if total else 0.0


def main(arguments: list[str]) -> int:
    """Run the campaign; 1 if a survivor is not explained, or an explanation has none."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as policy/seats.py")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kept", type=Path, metavar="FOLDER", help="go on with what is there")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    options = parser.parse_args(arguments)
    chosen = modules(options.modules)
    began = time.monotonic()
    kept = Kept.of(options.kept, ROOT) if options.kept else None
    outcomes = []
    for module in chosen:
        tried = partial(run, ROOT, module, options.jobs)
        outcomes.append(kept.outcome(module, tried) if kept else tried())
        sys.stderr.write(f"{outcomes[-1].line()}\n")
    survivors = [survivor for each in outcomes for survivor in each.survivors]
    new, gone = judged(survivors, [e for e in explained(EXPLAINED) if e.module in chosen])
    if options.json:
        result = {
            "seconds": round(time.monotonic() - began),
            "mutants": sum((each.mutants for each in outcomes), 0),
            "survive": len(survivors),
            "noticed_percent": noticed(outcomes),
            "modules": [each.as_json() for each in outcomes],
            "new": [each.as_json() for each in new],
            "gone": [each.where for each in gone],
        }
        sys.stdout.write(json.dumps(result, indent=1) + "\n")
    else:
        sys.stdout.write(as_text(outcomes, new, gone) + "\n")
    return 1 if new or gone else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
