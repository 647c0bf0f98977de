"""A run of the simulation, and the hash that tells whether two runs were the same."""

import asyncio
import hashlib
import json
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edged.store.audit import read_records
from hil.people import Observation
from hil.simulation.laws import chances
from hil.simulation.town import Town, settle_in
from hil.virtual.loop import VirtualLoop
from hil.virtual.site import virtual_site

_MEMORY: Final = Path("/dev") / "shm"
"""No sync is waited for here: what a disk loses is asked elsewhere (hil.crash)."""


@dataclass(slots=True)
class Lived:
    """What came of a run; `trace` names the whole story: the same seed, the same trace."""

    seed: int
    days: int = 0
    acts: int = 0
    events: int = 0
    pulses: int = 0
    records: int = 0
    trace: str = ""
    took_s: float = 0.0
    reached: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def live(
    days: int, seed: int, told: Callable[[Lived], None] = lambda _: None, *, hours: int = 24
) -> Lived:
    """Live so many days, or until a law is broken; `told` hears of each day.

    `hours`: how long a day is; the first begins at ten in the morning.
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_live(days, seed, told, hours))


async def _live(days: int, seed: int, told: Callable[[Lived], None], hours: int) -> Lived:
    dice = random.Random(seed)
    lived, trace, began_s = Lived(seed), hashlib.sha256(), time.monotonic()
    town: Town

    def note(seen: Observation) -> None:
        trace.update(json.dumps(seen, sort_keys=True).encode())

    with tempfile.TemporaryDirectory(prefix="edged-", dir=memory()) as folder:
        async with virtual_site(Path(folder), settle_in, lambda: 0.001) as site:
            async with site, site.people() as people:
                site.everything.observations.watchers.add(note)
                town = Town(site, people, dice)
                site.disk.delay_s = town.delay_s
                while lived.days < days and not town.witness.violations:
                    await town.day(hours)
                    lived.days += 1
                    _sum_up(lived, town)
                    lived.took_s = round(time.monotonic() - began_s, 1)
                    told(lived)
            for one in read_records(town.witness.journal, 0, 10_000_000):
                trace.update(chances(json.loads(one.data)).encode())
                lived.records += 1
    lived.trace = trace.hexdigest()
    return lived


def _sum_up(lived: Lived, town: Town) -> None:
    witness = town.witness
    lived.acts, lived.events, lived.pulses = town.acts, witness.events, witness.pulses
    lived.reached, lived.violations = dict(sorted(town.reached.items())), witness.violations


def memory() -> Path | None:
    """Return a folder for which no sync is waited; None: the system has none."""
    return _MEMORY if _MEMORY.is_dir() else None
