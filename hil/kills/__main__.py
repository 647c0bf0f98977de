"""`python -m hil.kills --rounds N`: any number of kills (README.md)."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from hil.kills.campaign import CROWD_A_ROUND, Campaign, Tally, crowd
from hil.site.site import Site


async def campaign(rounds: int, seed: int, *, quiet: bool) -> Tally:
    """Play `rounds` rounds in a folder of their own, with a progress line on standard error."""
    with tempfile.TemporaryDirectory(prefix="edged-kills-") as folder:
        site = Site(Path(folder))
        crowd(site, rounds * CROWD_A_ROUND)
        site.write()
        try:
            await site.start_building()
            await site.load_rules()
            playing = Campaign(site, seed)
            async with site.people() as people:
                while playing.tally.rounds < rounds and not playing.tally.violations:
                    await playing.round(people)
                    if not quiet:
                        progress = f"\r{playing.tally.rounds}/{rounds} kills"
                        print(progress, end="", file=sys.stderr, flush=True)
        finally:
            await site.stop()
    if not quiet:
        print(file=sys.stderr)
    return playing.tally


def main() -> int:
    """Run the campaign; 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m hil.kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    tally = asyncio.run(campaign(arguments.rounds, arguments.seed, quiet=arguments.json))
    if arguments.json:
        print(tally.as_json())
    else:
        print(
            f"seed {tally.seed}: {tally.rounds} kills, {tally.presented} presentations, "
            f"{tally.movements} bolt movements, {tally.allowed} recorded entries, "
            f"{tally.records} records, {len(tally.violations)} violations"
        )
        for violation in tally.violations:
            print(f"VIOLATED: {violation}")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
