"""Tells the checks of a decision, from the facts that it noted on its way.

A decision notes steps: a function of this module and what to call it with. Naming the facts
takes as long as deciding, so it waits until somebody reads `Decision.trace`.
"""

from policy.decision import Fact, Step
from policy.model import Check, Reason
from policy.timetable import Fit

_DATES = frozenset({Reason.CONTRACT_NOT_STARTED, Reason.CONTRACT_ENDED, Reason.CONTRACT_PAUSED})
_DAYS = frozenset({Reason.WEEKDAY_NOT_ALLOWED, Reason.HOLIDAY_NOT_ALLOWED})
_BEFORE_QUOTA = (
    ("contract_date", _DATES),
    ("day_rule", _DAYS),
    ("store_open", {Reason.STORE_CLOSED}),
)


def held(*names: str) -> Step:
    """Return a step of checks that held and have nothing more to say."""
    return (_checks, tuple(Check(name, passed=True) for name in names))


def _checks(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    return checks


def check(name: str, passed: bool, *facts: Fact) -> tuple[Check]:
    """Tell one check. `facts`: names and values by turns."""
    return (Check(name, passed, dict(zip(map(str, facts[::2]), facts[1::2], strict=True))),)


def in_band(owner: str, fits: tuple[Fit, ...]) -> tuple[Check]:
    """Tell how many occurrences of the plan's bands the instant lies in."""
    return (Check("in_band", bool(fits), {"contract": owner, "bands": len(fits)}),)


def occurrence(
    owner: str, fit: Fit, new: bool, counted: int | None, refusal: Reason | None
) -> list[Check]:
    """Tell the checks of one band occurrence, as far as the first that failed.

    `counted`: the uses of the month, None if nobody looked.
    """
    key = {"key": f"{owner}/{fit.kind}/{fit.day.isoformat()}"}
    told = []
    for name, refusals in _BEFORE_QUOTA:
        failed = refusal in refusals
        told.append(Check(name, not failed, {**key, "reason": refusal} if failed else key))
        if failed:
            return told
    if not new:
        told.append(Check("counted_already", not new, key))
    elif counted is not None:
        facts: dict[str, Fact] = {**key, "counted": counted, "limit": fit.limit}
        told.append(Check("quota", refusal is None, facts))
    return told
