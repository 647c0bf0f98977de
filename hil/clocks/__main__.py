"""`python -m hil.clocks --schedules N`: any number of adversaries of a clock (README.md)."""

import argparse
import json
import secrets
import sys
import time

from hil.clocks.adversary import Betrayed, Schedule, places

SHOWN_EVERY = 5_000


def main() -> int:
    """Run the campaign; 1 if somebody was let in whom the rules would not have let in."""
    parser = argparse.ArgumentParser(prog="python -m hil.clocks", description=__doc__)
    parser.add_argument("--schedules", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    arguments = parser.parse_args()
    began_s, houses = time.monotonic(), places()
    allowed = doubted = 0
    for n in range(arguments.schedules):
        schedule = Schedule(arguments.seed + n, houses[n % len(houses)])
        try:
            schedule.run()
        except Betrayed as betrayed:
            print(f"BETRAYED, --seed {arguments.seed + n}: {betrayed}", file=sys.stderr)
            return 1
        allowed, doubted = allowed + schedule.allowed, doubted + schedule.doubted
        if n % SHOWN_EVERY == 0 and sys.stderr.isatty():
            print(f"\r{n} of {arguments.schedules}", end="", file=sys.stderr, flush=True)
    found = {
        "seed": arguments.seed,
        "schedules": arguments.schedules,
        "allowed": allowed,
        "to_settle": doubted,
        "betrayed": 0,
        "took_s": round(time.monotonic() - began_s, 1),
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
