"""`python -m hil.stores chaos`: any number of records under any harm (README.md)."""

import argparse
import asyncio
import json
import random
import secrets
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from hil.site.site import Site
from hil.stores.chaos import Chaos, Plan, Tally, crowd
from hil.stores.mischief import Mischief
from hil.stores.stores import Stores

WORKERS = 2
"""Of the cloud: what one hears first, another may handle first."""


async def chaos(plan: Plan, *, quiet: bool) -> Tally:
    """Run one campaign in a folder of its own, with a progress line on standard error."""

    def tell(what: str) -> None:
        if not quiet:
            print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="edged-chaos-") as made:
        folder, mischief = Path(made), Mischief(random.Random(plan.seed))
        main, branch = Site(folder / "s1"), Site(folder / "s2")
        stores = Stores(folder, main, branch, workers=WORKERS, tell=tell, mischief=mischief)
        crowd(stores, plan)
        async with stores as up:
            tally = await Chaos(up, plan, mischief).run(tell)
    tell("\n")
    return tally


def main() -> int:
    """Run the campaign; 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m hil.stores", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    asked = commands.add_parser("chaos", help="harm everything between two stores and their cloud")
    asked.add_argument("--events", type=int, default=10_000, help="records, at least")
    asked.add_argument("--seed", type=int, default=secrets.randbits(32))
    asked.add_argument("--delay-s", type=float, default=30, help="of the slowest line")
    asked.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    plan = Plan(arguments.events, arguments.seed, arguments.delay_s)
    tally = asyncio.run(chaos(plan, quiet=arguments.json))
    if arguments.json:
        print(json.dumps(asdict(tally)))
    else:
        for name, value in asdict(tally).items():
            print(f"{name}: {value}")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
