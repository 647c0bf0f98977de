"""`python -m hil.byzantine --schedules N`: a broker lies to a device in N ways (README.md)."""

import argparse
import asyncio
import json
import logging
import secrets
import sys
import tempfile
from collections import Counter
from pathlib import Path

import structlog

from hil.byzantine.campaign import play


def main() -> int:
    """Run the campaign; 1 if the device did anything that nobody had told it to do."""
    parser = argparse.ArgumentParser(prog="python -m hil.byzantine", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="the first")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    seeds = range(arguments.seed, arguments.seed + arguments.schedules)
    with tempfile.TemporaryDirectory() as folder:
        outcomes = asyncio.run(play(seeds, Path(folder)))
    lies: Counter[str] = Counter()
    for outcome in outcomes:
        lies.update(outcome.lies)
    broken = {outcome.seed: outcome.broken for outcome in outcomes if outcome.broken}
    sums = {
        "schedules": len(outcomes),
        "seed": arguments.seed,
        "lies": dict(sorted(lies.items())),
        "rejected": sum(outcome.rejects for outcome in outcomes),
        "commands_done": sum(outcome.done for outcome in outcomes),
        "broken": broken,
    }
    if arguments.json:
        print(json.dumps(sums))
    else:
        for name, value in sums.items():
            print(f"{name:>14}  {value}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
