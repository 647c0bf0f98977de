"""`python -m hil.crash --images N`: any number of power cuts of the journal (README.md)."""

import argparse
import json
import secrets
import sys
import time
from dataclasses import asdict

from hil.crash.campaign import Sum, run


def main() -> int:
    """Run the campaign; 1 if a cut left what is silently wrong."""
    parser = argparse.ArgumentParser(prog="python -m hil.crash", description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--lying", action="store_true", help="the disk drops half of the syncs")
    parser.add_argument("--normal", action="store_true", help="plant synchronous=NORMAL")
    arguments = parser.parse_args()
    began_s, found = time.monotonic(), Sum()
    for found in run(
        arguments.images, arguments.seed, lying=arguments.lying, normal=arguments.normal
    ):
        if sys.stderr.isatty():
            print(f"\r{found.images} of {arguments.images}", end="", file=sys.stderr, flush=True)
    took_s = round(time.monotonic() - began_s, 1)
    said = {"seed": arguments.seed, "lying": arguments.lying, "normal": arguments.normal}
    print(json.dumps({**said, **asdict(found), "took_s": took_s}))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
