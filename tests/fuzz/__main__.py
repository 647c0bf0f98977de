"""`python -m tests.fuzz [TARGET ...]`: look for an input that breaks a parser (README.md)."""

import argparse
import json
import sys
from pathlib import Path

from tests.fuzz.campaign import run
from tests.fuzz.targets import TARGETS

FOUND = Path(__file__).parents[2] / ".run" / "fuzz"


def main(arguments: list[str]) -> int:
    """Fuzz the targets one after the other; 1 if one is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--keep", action="store_true", help="add to the corpus what is worth it")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.targets) - TARGETS.keys())
    if unknown:
        parser.error(f"not a target: {', '.join(unknown)}")
    outcomes = []
    for name in options.targets or TARGETS:
        outcomes.append(run(TARGETS[name], options.seconds, FOUND, keep=options.keep))
        for line in (outcomes[-1].line(), *map(str, outcomes[-1].finds)):
            sys.stderr.write(f"{line}\n")
    if options.json:
        sys.stdout.write(json.dumps([each.as_json() for each in outcomes], indent=1) + "\n")
    return 1 if any(each.finds for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
