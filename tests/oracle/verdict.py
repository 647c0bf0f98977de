"""What an answer is before anything is changed by it, and which refusal tells most."""

from dataclasses import dataclass
from datetime import datetime

from tests.oracle.state import Key

MOST_TELLING = (  # spec/rules.md 3.3-5
    "QUOTA_EXHAUSTED",
    "STORE_CLOSED",
    "HOLIDAY_NOT_ALLOWED",
    "WEEKDAY_NOT_ALLOWED",
    "CONTRACT_PAUSED",
    "CONTRACT_ENDED",
    "CONTRACT_NOT_STARTED",
    "OUT_OF_BAND",
    "TICKET_USED_UP",
    "TICKET_EXPIRED",
    "TICKET_OUT_OF_BAND",
    "TICKET_STORE_NOT_ALLOWED",
    "TICKET_REQUIRED",
    "PLAN_NO_BANDS",
    "STORE_NOT_ALLOWED",
    "NO_ENTITLEMENT",
)


@dataclass(frozen=True)
class Verdict:
    """One answer. `keys`: what the entry is counted under, there already or not.

    `until` ends its visit, None = no end. `by_the_rules` is False where somebody is let in
    against or without them (spec/rules.md 3.7).
    """

    decision: str
    reason: str
    via: str | None = None
    band: str | None = None
    day: str | None = None
    keys: tuple[Key, ...] = ()
    until: datetime | None = None
    warnings: frozenset[str] = frozenset()
    by_the_rules: bool = True


Said = tuple[Verdict | None, list[str]]  # a verdict if it lets in, and all that it has to say


def deny(reason: str) -> Verdict:
    return Verdict("DENY", reason)


def most_telling(reasons: list[str]) -> str:
    return min(reasons, key=MOST_TELLING.index)
