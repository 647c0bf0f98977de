"""`python -m hil.releases`: is everything that an earlier release decided decided so still?"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from hil.releases.kept import keep
from hil.releases.month import DAY_S
from hil.releases.played import checkout, prepare
from hil.releases.shadow import Shadow, ask, shadow
from hil.simulation.life import memory

_SHOWN = 20
"""Differences that are told to a person; --json has all."""


def main() -> int:
    """Play; 1 if anything is decided otherwise."""
    parser = argparse.ArgumentParser(prog="python -m hil.releases", description=__doc__)
    parser.add_argument("base", help="a commit of the earlier release")
    parser.add_argument("--rows", type=int, default=100, help="worlds that the rules are asked of")
    parser.add_argument("--stores", type=int, default=1, help="each with rules of its own")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--people", type=int, default=500, help="in each half hour, at most 500")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="only keep what it wrote by half")
    asked = parser.parse_args()
    told = Shadow()
    with tempfile.TemporaryDirectory(prefix="edged-", dir=memory()) as name:
        folder = Path(name)
        base = checkout(asked.base, folder / "base")
        if not asked.keep:
            ask(told, base, asked.seed, asked.rows)
        for seed in range(asked.seed, asked.seed + asked.stores):
            before = folder / f"{seed}" / "before"
            prepare(before, seed, asked.days, asked.people)
            if asked.keep:
                part_s = asked.days // 2 * DAY_S, asked.days * DAY_S
                kept = keep(asked.keep, asked.base, base, before, part_s)
                print(f"{sum(map(len, kept.decided.values()))} decisions to come")
                return 0
            shadow(told, base, before, asked.days)
    return _told(told, asked)


def _told(told: Shadow, asked: argparse.Namespace) -> int:
    if asked.json:
        said: dict[str, object] = {
            "base": asked.base,
            "seed": asked.seed,
            "stores": asked.stores,
            "days": asked.days,
        }
        said |= {**asdict(told), "answers": dict(told.answers)}  # asdict() spoils a Counter
        print(json.dumps({**said, "decisions": told.decisions}))
    else:
        for found in told.differences[:_SHOWN]:
            print(f"{found['at']}\n  was {found['before']}\n  now {found['after']}")
        print(
            f"{told.decisions} decisions: {told.asked} of the rules alone, {told.afresh} afresh, "
            f"{told.updated} after an update, {told.back} back again, "
            f"{told.refused} stores refused on the way back; "
            f"{len(told.differences)} differences, {told.approved} approved"
        )
    return 1 if told.differences else 0


if __name__ == "__main__":
    sys.exit(main())
