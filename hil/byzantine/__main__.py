"""`python -m hil.byzantine --schedules N`: a broker lies to a device in N ways (README.md)."""

import argparse
import asyncio
import json
import logging
import multiprocessing
import secrets
import sys
import tempfile
from collections import Counter
from pathlib import Path

import structlog

from hil.byzantine.campaign import Outcome, play

_AT_ONCE = 50
"""Schedules that a process plays before it is given others: one that waits holds up no more."""


def _play(seeds: range) -> list[Outcome]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(play(seeds, Path(folder)))


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} schedules", end="\n" if done == of else "", file=sys.stderr)


def main() -> int:
    """Run the campaign; 1 if the device did anything that nobody had told it to do."""
    parser = argparse.ArgumentParser(prog="python -m hil.byzantine", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="the first")
    parser.add_argument("--jobs", type=int, default=1, help="processes; most of it is waiting")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.schedules)
    some = [seeds[n : n + _AT_ONCE] for n in range(0, len(seeds), _AT_ONCE)]
    with multiprocessing.Pool(arguments.jobs) as pool:
        outcomes = list[Outcome]()
        for played in pool.imap(_play, some):
            outcomes += played
            _progress(len(outcomes), len(seeds))
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
