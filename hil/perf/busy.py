"""What a scan takes while the link is busy, beside a quiet one, in one run.

`python -m hil.perf.busy [--json] [--members N] [--backlog N] [--scans N] [--rounds N]`. Members
come one after the other to a real daemon: quiet; while a backlog of records is sent and signed
for; while a new set of rules, of which every member changed, is fetched, built and swapped in; and
quiet again.
The time is from the code at the scanner to the green light, which comes with the bolt; it has the
serial line and the building in it, in all of them alike. All of it is done twice: with the daemon's
files on this computer's disk, and on the model of a card. The broker and the cloud, which stand
elsewhere in life, get what this machine has left, and keep their files in memory (/dev/shm, where
there is one), because the disk that they wait for is not the device's; what else runs on this
machine has its part in all phases. The daemon is begun anew before the drain: who comes first then
is not counted, the start has a measurement of its own (hil.perf.offline). An update is over after
two or three hundred scans, too few for a p99, so that all of it is done several times; what
disturbs one round does not move the median.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from edged.control import client
from edged.control.wire import Verb
from edged.core import events
from edged.core.events import Stamp
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from edged.store.state_dir import claim
from hil.chain.line import now
from hil.people import People
from hil.perf.card import card
from hil.perf.linked import linked
from hil.perf.memory import come
from hil.site.site import Site
from hil.stores.cloud import BACK
from hil.stores.stores import Stores

_COMMIT: Final = 500  # records of a backlog that are written at once
_BETWEEN_S: Final = 0.02
_LOOK_S: Final = 0.1
_MEMORY: Final = Path("/dev") / "shm"
_LIMIT_S: Final = 300.0  # of a phase: a cloud that died sends no more

Busy = Callable[[], Awaitable[bool]]
Tell = Callable[[str], object]
Took = list[float]


@dataclass(frozen=True, slots=True)
class Scans:
    """What the scans of one phase took, ms, over all rounds.

    `disk`: this computer's, or a model of a card (hil/perf/card.py).
    `ratio`: the p99 of a round, times that of the quiet ones before and after; the median of them.
    """

    disk: str
    phase: str
    scans: int
    p50_ms: float
    p99_ms: float
    ratio: float


class Phases:
    """One store that is up, and who comes to it."""

    def __init__(self, up: Stores, site: Site, people: People, members: int, tell: Tell) -> None:
        self._up = up
        self._site = site
        self._people = people
        self._members = members
        self._tell = tell
        self._next = 0

    async def quiet(self, scans: int) -> list[float]:
        """Let so many members come while nothing else goes on."""
        return await self._while("quiet", lambda took: len(took) < scans)

    async def drain(self, backlog: int) -> list[float]:
        """Let members come while a backlog goes up."""
        await self._up.broker.stop()
        await self._site.daemon.stop()
        self._tell(f"{backlog:,} records are written")
        await _write(self._site.folder / "state", backlog)
        await self._site.start_daemon()
        await self._come()
        before = (await self._status())["link"]["acknowledged"]

        async def drains() -> bool:
            return bool((await self._status())["link"]["acknowledged"] > before)

        await self._links(drains)
        return await self._until("drain", self._drained)

    async def update(self, since: str) -> list[float]:
        """Let members come while all the rules are changed: their contracts begin at a day."""
        for member in self._up.rules["members"].values():
            member["contracts"][0]["start"] = since
        await self._up.broker.stop()  # while the cloud packs: that is not the device's work
        self._tell("rules are published")
        version = await self._up.cloud.publish(self._up.rules)
        await self._links(self._hears)
        return await self._until("rules update", lambda: self._has(version))

    async def _links(self, busy: Busy) -> None:
        """Begin the broker again, and wait until it is `busy`: till then it would be quiet."""
        await self._up.broker.start()
        _elsewhere(self._up)
        await _ask(busy, _LOOK_S)

    async def _until(self, phase: str, done: Busy) -> list[float]:
        """Let members come until it is `done`. Raises TimeoutError: it is not within `_LIMIT_S`."""
        ending = asyncio.create_task(_ask(done))
        try:
            async with asyncio.timeout(_LIMIT_S):
                return await self._while(phase, lambda _: not ending.done())
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)

    async def _while(self, phase: str, more: Callable[[list[float]], bool]) -> list[float]:
        took: list[float] = []
        while more(took):
            took.append(await self._come())
            self._tell(f"{phase}: {len(took)} scans")
            await asyncio.sleep(_BETWEEN_S)
        return took

    async def _come(self) -> float:
        self._next = (self._next + 7919) % self._members
        return await come(self._people, self._site, self._next)

    async def _drained(self) -> bool:
        link = (await self._status())["link"]
        return bool(link["records"] - link["acknowledged"] < _COMMIT)

    async def _has(self, version: int) -> bool:
        return bool((await self._status())["rules"]["version"] == version)

    async def _hears(self) -> bool:
        link = (await self._status())["link"]
        return bool(link["connected"] and link["fresh_s"] == 0)

    async def _status(self) -> Mapping[str, Any]:
        return await asyncio.to_thread(client.ask, self._site.control_socket, Verb.STATUS)


async def _ask(done: Busy, every_s: float = 1.0) -> None:
    while True:
        if await done():
            return
        await asyncio.sleep(every_s)  # to be asked costs the daemon something too


async def _write(state: Path, records: int) -> None:
    """Write so many records into the journal of a daemon that is not running."""
    with claim(state):
        journal = Journal(state / "journal.db")
        await journal.open()
        serving = asyncio.create_task(journal.serve())
        for _ in range(0, records, _COMMIT):
            await journal.commit(_append)
        serving.cancel()
        await asyncio.wait({serving})
        await journal.close()


def _append(ledger: Ledger) -> None:
    stamp = Stamp(now(), "SYNCED")
    for _ in range(_COMMIT):
        ledger.append(events.exit_button(stamp, "front", str(uuid.uuid4())))


async def measure(
    members: int,
    backlog: int,
    scans: int,
    rounds: int = 1,
    tell: Tell = lambda _: None,
    *,
    on_card: bool = False,
) -> list[Scans]:
    """Put the store up and go through the phases so many times; `tell` hears how far it is.

    `on_card`: the daemon's files are on the model of a card.

    Raises:
        TimeoutError: A phase came to no end.
    """
    tell("the store is put up")
    memory = str(_MEMORY) if _MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="edged-b-") as made,
        tempfile.TemporaryDirectory(prefix="edged-b-", dir=memory) as far,
    ):
        env = card(Path(made)) if on_card else {}
        store = linked(Path(made), members, straight=True, far=Path(far), env=env)
        async with store as (up, site), site.people() as people:
            _elsewhere(up)
            phases = Phases(up, site, people, members, tell)
            quiet, draining, updating = [await phases.quiet(scans)], list[Took](), list[Took]()
            for each in range(rounds):
                draining.append(await phases.drain(backlog))
                updating.append(await phases.update(f"2024-01-{each + 1:02}"))
                quiet.append(await phases.quiet(scans))
    beside = [before + after for before, after in pairwise(quiet)]
    disk = "card" if on_card else "bare"
    return [
        _summed(disk, "quiet", quiet, quiet),
        _summed(disk, "drain", draining, beside),
        _summed(disk, "rules update", updating, beside),
    ]


def _summed(disk: str, phase: str, rounds: Sequence[Took], beside: Sequence[Took]) -> Scans:
    took = [each for one in rounds for each in one]
    ratio = median(_p99(one) / _p99(quiet) for one, quiet in zip(rounds, beside, strict=True))
    return Scans(disk, phase, len(took), _ms(median(took)), _ms(_p99(took)), round(ratio, 2))


def _elsewhere(up: Stores) -> None:
    """Let the cloud and the broker stand back."""
    up.cloud.stand_back()
    if up.broker.process is not None:
        os.setpriority(os.PRIO_PROCESS, up.broker.process.pid, BACK)


def _p99(took: list[float]) -> float:
    return quantiles(took, n=100)[-1] if len(took) > 1 else took[0]


def _ms(took_s: float) -> float:
    return round(took_s * 1000, 2)


def main() -> None:
    """Measure, and say what was measured."""
    parser = argparse.ArgumentParser(prog="python -m hil.perf.busy", description=__doc__)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--scans", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 31), metavar="N")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    shown = sys.stderr.isatty()

    def tell(what: str) -> None:
        if shown:
            print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)

    sizes = asked.members, asked.backlog, asked.scans, asked.rounds
    found = [asyncio.run(measure(*sizes, tell, on_card=on_card)) for on_card in (False, True)]
    tell("")
    for phase in chain.from_iterable(found):
        row = asdict(phase)
        print(json.dumps(row) if asked.json else "  ".join(f"{k} {v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
