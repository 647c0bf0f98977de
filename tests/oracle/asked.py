"""Questions that are asked of a generated world and of a changed one, on the same history."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

from policy.model import Decision, Verdict
from tests.oracle.differential import made_row
from tests.oracle.engine import Engine
from tests.oracle.times import Data

ROWS = 150
SEED = 20_261
ASKED = 3  # of so many questions of a row one, all through its time
Change = Callable[[Random, Data], None]


@cache
def rows() -> list[Data]:
    made = [made_row(SEED, number) for number in range(ROWS)]
    return [{**row, "steps": row["steps"][::ASKED]} for row in made]


def dice(number: int) -> Random:
    return Random(number)


def entries(made: Data) -> list[Data]:
    return [step for step in made["steps"] if step["op"] == "enter"]


def decided(made: Data, steps: list[Data]) -> list[Decision]:
    """The answers to all of the questions, each on the history before the first of them."""
    engine = Engine(made["world"])
    for step in made["before"]:
        engine.play(step)
    return [engine.decide(step) for step in steps]


def both(change: Change) -> Iterator[tuple[Data, Decision, Decision, Data]]:
    """Every question with both answers, and the changed row."""
    for number, made in enumerate(rows()):
        changed = deepcopy(made)
        change(dice(number), changed)
        steps = entries(made)
        answers = decided(made, steps), decided(changed, entries(changed))
        for step, before, after in zip(steps, *answers, strict=True):
            yield step, before, after, changed


def denied(decision: Decision) -> bool:
    return decision.verdict is Verdict.DENY


def gist(decision: Decision) -> tuple[object, ...]:
    """All of it but the trace and the instant at which a visit began."""
    visit = None if decision.visit is None else (decision.visit.until, decision.visit.via)
    return (*decision._replace(visit=None, trace=()), visit)


def contracts(made: Data) -> list[Data]:
    return [contract for m in made["world"]["members"] for contract in m["contracts"]]


def plainly(made: Data) -> list[Data]:
    """The entries without what makes them odd: only who, where and when."""
    return [
        {name: step[name] for name in ("op", "device", "member", "at")} for step in entries(made)
    ]


def restricted(made: Data) -> list[Data]:
    return [c["plan"] for c in contracts(made) if c["plan"]["restrict"]]


def drop(name: str) -> Change:
    """Take one of these away from every member that has any."""

    def change(rng: Random, made: Data) -> None:
        for member in made["world"]["members"]:
            if member[name]:
                del member[name][rng.randrange(len(member[name]))]

    return change


def plain(decision: Decision) -> list[Any]:
    keys = [
        [key.owner, key.band.partition("@")[0], str(key.service_date), key.store]
        for key in decision.keys
    ]
    via = (decision.via or "").split(":")
    return [decision.verdict.value, decision.reason.value, via, decision.band, keys]
