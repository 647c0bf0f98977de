"""vakt: a guard a plan over policies in memory, a policy a band.

A policy fits if any of its subjects does, which is how "uses left, or used today" is said.
"""

import vakt
from vakt.rules import And, Eq, Falsy, GreaterOrEqual, In, Less, Truthy

from hil.perf.peers import Answer, Band, Facts, Plans


def _policy(place: int, band: Band) -> vakt.Policy:
    if band.limit is None:
        subjects = [{"suspended": Falsy()}]
    else:
        subjects = [
            {"suspended": Falsy(), f"used{place}": Less(band.limit)},
            {"suspended": Falsy(), f"today{place}": Truthy()},
        ]
    return vakt.Policy(
        place,
        subjects=subjects,
        actions=[Eq("enter")],
        resources=[Eq("door")],
        context={
            "minute": And(GreaterOrEqual(band.start), Less(band.end)),
            "weekday": In(*band.weekdays),
        },
        effect=vakt.ALLOW_ACCESS,
    )


def _guard(bands: tuple[Band, ...]) -> vakt.Guard:
    storage = vakt.MemoryStorage()
    for place, band in enumerate(bands):
        storage.add(_policy(place, band))
    return vakt.Guard(storage, vakt.RulesChecker())


def engine(plans: Plans) -> Answer:
    """Store the policies."""
    guards = {name: _guard(bands) for name, bands in plans.items()}
    most = max(map(len, plans.values()))
    used = [f"used{place}" for place in range(most)]
    today = [f"today{place}" for place in range(most)]

    def answer(facts: Facts) -> bool:
        inquiry = vakt.Inquiry(
            subject={
                "suspended": facts.suspended,
                **dict(zip(used, facts.used, strict=False)),
                **dict(zip(today, facts.today, strict=False)),
            },
            action="enter",
            resource="door",
            context={"minute": facts.minute, "weekday": facts.weekday},
        )
        return bool(guards[facts.plan].is_allowed(inquiry))

    return answer
