"""A scenario as read, and what came of playing it on a bench."""

import asyncio
import tempfile
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hil.machine.qemu import Machine
from hil.machine.site import MachineSite, rewire
from hil.people import BuildingGone, Refused
from hil.scenarios import words
from hil.scenarios.stage import NotSeen, Stage, furnish, staged
from hil.scenarios.words import Phrase
from hil.site.processes import DidNotStart
from hil.site.site import Site
from hil.virtual.loop import VirtualLoop
from hil.virtual.site import virtual_site

FILE: Final = Path(__file__).with_name("scenarios.toml")
BENCHES: Final = ("virtual", "process", "machine")
_DISK_S: Final = 0.003
"""A commit on a virtual disk: about that of a good card."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a scenario: the phrase, and what fills its gaps."""

    line: str
    phrase: Phrase
    gaps: dict[str, str]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What people do and what must be seen; `benches` are those that can show it."""

    name: str
    says: str
    steps: Sequence[Step]

    @property
    def benches(self) -> tuple[str, ...]:
        """Give the benches on which every line can be done."""
        return tuple(
            bench for bench in BENCHES if all(bench in step.phrase.benches for step in self.steps)
        )

    def hindrance(self, bench: str) -> str | None:
        """Give the first line that can't be done on a bench, if there is one."""
        lines = (step.line for step in self.steps if bench not in step.phrase.benches)
        return next(lines, None)


@dataclass(slots=True)
class Played:
    """What came of it. Times are ms since the first line.

    `lines`: when each line began. `failed`: what was wrong with the last of them, None: nothing.
    `took_s`: how long it took to play, by the clock on the wall.
    """

    name: str
    says: str
    bench: str
    lines: list[tuple[int, str]] = field(default_factory=list)
    failed: str | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    took_s: float = 0.0


class BadScenario(Exception):
    """A line is no phrase, or more than one. The text names scenario and line."""


def scenarios(file: Path = FILE) -> list[Scenario]:
    """Read all scenarios. Raises BadScenario."""
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return [
        Scenario(name, table["says"], [_step(name, line) for line in _lines(table["steps"])])
        for name, table in tables.items()
    ]


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())


def _step(name: str, line: str) -> Step:
    found = [(phrase, gaps) for phrase in words.PHRASES if (gaps := phrase.match(line)) is not None]
    if len(found) != 1:
        what = "is no phrase" if not found else "has more than one meaning"
        raise BadScenario(f"{name}: {line!r} {what}; python -m hil.scenarios words")
    return Step(line, *found[0])


def play(
    scenario: Scenario,
    bench: str,
    told: Callable[[str], None] = lambda _: None,
    machine: Machine | None = None,
    pace: float = 1.0,
) -> Played:
    """Play it in a folder of its own; `told` hears each line when it begins.

    `machine`: one that is switched on, for the bench of that name. `pace`: of the bench `process`
    (hil.site.site.Site).
    """
    loop = VirtualLoop if bench == "virtual" else asyncio.new_event_loop
    with (
        tempfile.TemporaryDirectory(prefix="edged-") as folder,
        asyncio.Runner(loop_factory=loop) as runner,
    ):
        return runner.run(_play(scenario, bench, _site(bench, Path(folder), machine, pace), told))


@asynccontextmanager
async def _site(
    bench: str, folder: Path, machine: Machine | None, pace: float
) -> AsyncIterator[Site]:
    if bench == "virtual":
        async with virtual_site(folder, furnish, lambda: _DISK_S) as site:
            yield site
    elif machine is not None:
        real = MachineSite(folder, machine)
        furnish(real)
        rewire(real)
        yield real
    else:
        plain = Site(folder, pace=pace)
        furnish(plain)
        yield plain


async def _play(
    scenario: Scenario,
    bench: str,
    prepared: AbstractAsyncContextManager[Site],
    told: Callable[[str], None],
) -> Played:
    played = Played(scenario.name, scenario.says, bench)
    async with prepared as site, staged(site) as stage:
        loop = asyncio.get_running_loop()
        began_s, first = loop.time(), stage.people.last
        for step in scenario.steps:
            told(step.line)
            played.lines.append((round((loop.time() - began_s) * 1_000), step.line))
            try:
                await _take(stage, step)
            except (NotSeen, Refused, BuildingGone, DidNotStart, TimeoutError) as error:
                played.failed = f"{step.line}: {error}"
                break
        await stage.people.state()  # what was seen until now has been told
        zero_ms = round(began_s * 1_000)
        played.seen = [
            {**one, "at_ms": one["at_ms"] - zero_ms}
            for one in stage.people.seen
            if one["n"] > first
        ]
        played.heard = [dict(event) for event in stage.heard if event["event"] == "alarm"]
    return played


async def _take(stage: Stage, step: Step) -> None:
    if step.phrase.does:
        stage.begin()
    await step.phrase.carry_out(stage, **step.gaps)
