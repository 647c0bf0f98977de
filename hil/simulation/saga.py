"""A run of the chain: a story that happens, the laws that are held, and what came of it."""

import asyncio
import hashlib
import json
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hil.people import Observation
from hil.simulation.chain import Chain, chain
from hil.simulation.happenings import happen
from hil.simulation.laws import Laws, chances
from hil.simulation.life import memory
from hil.simulation.places import USUAL, Opening
from hil.simulation.shrink import shrink
from hil.simulation.story import Event
from hil.virtual.disk import DiskState
from hil.virtual.loop import VirtualLoop

_SAVES: Final = 4
"""A broker saves what it has at every so many events."""
_QUIET_S: Final = 1_800
"""A link is back within a minute of the network, and everything is told within this."""
_LOOK_S: Final = 5.0
_CHANCE: Final = re.compile(r"\S*\d\S*")
"""The words of a violation that may be others the next time: times, numbers, ids."""


@dataclass(slots=True)
class Saga:
    """What came of a run; `trace` names the whole of it: the same seed, the same trace.

    `states`: how many `rare.py` names. `missed`: those that it never reached, by name. `story`:
    the shortest that breaks the same law, where that was asked for.
    """

    seed: int
    hours: float = 0.0
    happened: int = 0
    observations: int = 0
    pulses: int = 0
    records: int = 0
    trace: str = ""
    took_s: float = 0.0
    states: int = 0
    reached: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def add(self, other: "Saga", trace: str) -> None:
        """Add what came of another run; `trace` names both."""
        self.hours = round(self.hours + other.hours, 2)
        self.happened += other.happened
        self.observations += other.observations
        self.pulses += other.pulses
        self.records += other.records
        self.took_s = round(self.took_s + other.took_s, 1)
        self.reached = {name: self.reached.get(name, 0) + n for name, n in other.reached.items()}
        self.states, self.trace = other.states, trace
        self.missed = [name for name, times in self.reached.items() if not times]
        self.violations += [f"seed {other.seed}: {one}" for one in other.violations]


def tell(
    seed: int,
    events: Sequence[Event],
    told: Callable[[Saga], None] = lambda _: None,
    laws: type[Laws] = Laws,
    opening: Opening = USUAL,
) -> Saga:
    """Let these events happen in the weather of a seed, until one of the laws is broken."""
    saga = Saga(seed)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_Run(saga, events, told, laws).run(opening))
    return saga


def shortest(
    broken: Saga,
    events: Sequence[Event],
    told: Callable[[int], None] = lambda _: None,
    laws: type[Laws] = Laws,
) -> list[str]:
    """Tell in sentences what it takes to break the law that a run of these events broke first.

    `told` hears how many events are left.
    """
    law = _law(broken.violations[0])

    def fails(story: Sequence[Event]) -> bool:
        again = tell(broken.seed, story, laws=laws)
        found = any(_law(one) == law for one in again.violations)
        if found:
            told(len(story))
        return found

    left = shrink(events[: broken.happened], fails)
    last = tell(broken.seed, left, laws=laws)
    return [*(event.told() for event in left), f"Then: {last.violations[0]}"]


def _law(violation: str) -> str:
    """Name what was broken, whenever it was and however far."""
    return _CHANCE.sub("", violation)


class _Run:
    """One run."""

    def __init__(
        self,
        saga: Saga,
        events: Sequence[Event],
        told: Callable[[Saga], None],
        laws: type[Laws],
    ) -> None:
        self._saga = saga
        self._laws = laws
        self._events = events
        self._told = told
        self._trace = hashlib.sha256()
        self._began_s = time.monotonic()

    async def run(self, opening: Opening) -> None:
        """Put everything up, let the story happen, and look."""
        with tempfile.TemporaryDirectory(prefix="edged-", dir=memory()) as folder:
            async with chain(Path(folder), self._saga.seed, opening) as up:
                for home in up.households.values():
                    home.site.everything.observations.watchers.add(self._note)
                laws = self._laws(up)
                await self._happen(up, laws)
                await _calm_down(up)
                if not up.broken():
                    await _settle(up, laws)
                if not up.broken():
                    for record in laws.judge():
                        self._trace.update(chances(dict(record)).encode())
                        self._saga.records += 1
                self._sum_up(up)

    async def _happen(self, up: Chain, laws: Laws) -> None:
        loop = asyncio.get_running_loop()
        began_s, acts = loop.time(), list[asyncio.Task[None]]()
        for number, event in enumerate(self._events):
            await asyncio.sleep(max(0.0, began_s + event.at_s - loop.time()))
            self._saga.happened, self._saga.hours = number + 1, round(event.at_s / 3_600, 2)
            acts.append(asyncio.create_task(_act(up, laws, event), name=event.told()))
            if number % _SAVES == 0:
                up.broker.save()
            self._sum_up(up)
            self._told(self._saga)
            if up.broken():
                break
        for act in acts:
            await act

    def _note(self, seen: Observation) -> None:
        self._saga.observations += 1
        self._trace.update(json.dumps(seen, sort_keys=True).encode())

    def _sum_up(self, up: Chain) -> None:
        saga, homes = self._saga, up.households.values()
        saga.pulses = sum(home.witness.pulses for home in homes)
        saga.reached, saga.missed = dict(up.rare.reached), up.rare.missed()
        saga.states = len(saga.reached)
        saga.violations = up.broken()
        saga.took_s = round(time.monotonic() - self._began_s, 1)
        saga.trace = self._trace.hexdigest()


async def _act(up: Chain, laws: Laws, event: Event) -> None:
    laws.hold()
    await happen(up, event)
    laws.hold()


async def _calm_down(up: Chain) -> None:
    """End every trouble: whatever an event broke it has mended, but for who has no power."""
    up.broker.rough = {}
    if not up.office.serves:
        up.office.start()
    for home in up.households.values():
        home.site.disk.state, home.slow = DiskState.WELL, False
        await home.up()


async def _settle(up: Chain, laws: Laws) -> None:
    """Wait until nobody has anything more to tell."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + _QUIET_S
    while not laws.quiet():
        if loop.time() >= until_s:
            up.violate("it does not come to rest: somebody has something to tell still")
            return
        await asyncio.sleep(_LOOK_S)
        laws.hold()
