"""`python -m hil.machine.cuts`: a kernel is cut off while people come, again and again.

QEMU's reset takes with it what the machine's kernel had not put on its disk. After each boot the
audit verifies, every decision that was told is in it, and no bolt moved oftener than it says.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final

from hil.machine.site import MachineSite, machine_site, make, started
from hil.people import BuildingGone
from hil.scenarios.stage import NotSeen, Stage, staged

_DOOR: Final = "front"
_READER: Final = "front-in"
_WHO: Final = ("aiko", "eun", "goro")
_BETWEEN_S: Final = 0.4
_CUT_AFTER_S: Final = (0.5, 6.0)


@dataclass(slots=True)
class Tally:
    """What came of the cuts so far.

    `told`: decisions that were told before them; `records`: those in the audit behind the last
    one; `movements`: of the bolt.
    """

    seed: int
    cuts: int = 0
    told: int = 0
    records: int = 0
    movements: int = 0
    took_s: float = 0.0


async def campaign(stage: Stage, tally: Tally, cuts: int) -> None:
    """Cut so many times. Raises NotSeen: something that must hold does not."""
    pick = Random(tally.seed)
    while tally.cuts < cuts:
        coming = asyncio.create_task(_come(stage))
        await asyncio.sleep(pick.uniform(*_CUT_AFTER_S))
        await stage.power_off()
        coming.cancel()
        await asyncio.wait({coming})
        tally.cuts += 1
        await stage.power_on()
        await stage.at_rest()
        await stage.site.fetch_journal()
        _look(stage, tally)
        if sys.stderr.isatty():
            print(f"\r{tally.cuts} of {cuts} cuts", end="", file=sys.stderr, flush=True)


async def _come(stage: Stage) -> None:
    """Show codes, for ever: to whoever is cut off, they are as good as others."""
    with suppress(BuildingGone):
        for who in cycle(_WHO):
            await stage.people.scan(_READER, stage.site.code(who))
            await asyncio.sleep(_BETWEEN_S)


def _look(stage: Stage, tally: Tally) -> None:
    """Hold the audit against what was told and seen."""
    stage.verify()
    records = stage.records(kind="passage")
    told = {one["event_id"] for one in stage.heard if one["event"] == "decided"}
    if lost := told - {one["event_id"] for one in records}:
        raise NotSeen(f"cut {tally.cuts} lost {len(lost)} of {len(told)} that were told")
    tally.told, tally.records = len(told), len(records)
    tally.movements = stage.count("bolt", door=_DOOR, released=True)
    allowed = sum(one["decision"] == "ALLOW" for one in records)
    if tally.movements > allowed:
        raise NotSeen(f"the bolt moved {tally.movements} times, {allowed} were let in")


async def _run(site: MachineSite, tally: Tally, cuts: int) -> None:
    async with staged(site) as stage:
        await campaign(stage, tally, cuts)


def main() -> int:
    """Cut, and say what was found; 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m hil.machine.cuts", description=__doc__)
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path(".run"), help="kept between runs")
    asked = parser.parse_args()
    disks = make(asked.work.resolve())
    tally, began_s = Tally(asked.seed), time.monotonic()
    with started(disks) as machine, tempfile.TemporaryDirectory(prefix="e-") as folder:
        try:
            asyncio.run(_run(machine_site(Path(folder), machine), tally, asked.cuts))
        except NotSeen as wrong:
            print(wrong, file=sys.stderr)
            return 1
        finally:
            tally.took_s = round(time.monotonic() - began_s, 1)
    print(json.dumps(asdict(tally)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
