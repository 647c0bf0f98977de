"""`python -m hil.quota`: how far a limit can be passed by stores that are cut off (README.md)."""

import argparse
import json
import secrets
import sys
import time
from dataclasses import asdict
from random import Random

from hil.quota.chain import DAYS, Chain
from hil.quota.chance import Lived, Month, drawn
from hil.quota.every import Explored, Passed, explore

SHOWN_EVERY = 10_000


def main() -> int:
    """Look at every small month and at many of chance; 1 if a law is broken."""
    parser = argparse.ArgumentParser(prog="python -m hil.quota", description=__doc__)
    parser.add_argument(
        "--stores", type=int, default=3, help="of the months that are all looked at"
    )
    parser.add_argument("--limit", type=int, default=4, help="theirs, from 1 to this")
    parser.add_argument("--steps", type=int, default=10_000_000, help="of chance")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    asked = parser.parse_args()
    if min(asked.stores, asked.limit) < 1 or asked.limit > len(DAYS) // asked.stores:
        parser.error("at least one store and one day, and all of them in one month")
    began_s, dice, lived = time.monotonic(), Random(asked.seed), Lived()
    try:
        every = [_every(asked.stores, limit) for limit in range(1, asked.limit + 1)]
        while lived.steps < asked.steps:
            Month(drawn(dice), dice, lived).live()
            _show(f"{lived.steps} steps of chance", lived.months)
    except Passed as passed:
        print(f"BROKEN, --seed {asked.seed}: {passed}", file=sys.stderr)
        return 1
    found = {
        "seed": asked.seed,
        "stores": asked.stores,
        "limit": asked.limit,
        "states": sum(one.states for one in every),
        "moves": sum(one.moves for one in every),
        "most": every[-1].most,
        **asdict(lived),
        "took_s": round(time.monotonic() - began_s, 1),
    }
    print(json.dumps(found))
    return 0


def _every(stores: int, limit: int) -> Explored:
    found = explore(Chain(stores, limit), lambda so_far: _show(f"{so_far.states}", so_far.states))
    if found.most != stores * limit:
        raise Passed(f"{found.most} days of {limit} at most: the bound is not reached")
    return found


def _show(what: str, at: int) -> None:
    if at % SHOWN_EVERY == 0 and sys.stderr.isatty():
        print(f"\r{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
