"""What would come out otherwise under other rules: whose access changes, when, and why.

Both sides are asked with `policy.entry.decide`; no rule is known here. The assumptions are those
of `policy.explain`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from policy.entry import decide
from policy.limits import WINDOW_DAYS
from policy.model import Decision, Member, Reason, Rules, Scene, Side, UsageKey, Verdict
from policy.turns import turns

Under = tuple[Rules, Member | None]
"""The rules and, as they know them, the member; None: they don't."""


class Answer(NamedTuple):
    """What was, or would be, decided. `counted`: the usage keys that it adds."""

    verdict: Verdict
    reason: Reason
    via: str | None = None
    band: str | None = None
    counted: tuple[UsageKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A span `[start, end)` with another verdict, or another count, than before."""

    start: datetime
    end: datetime
    before: Answer
    after: Answer


@dataclass(frozen=True, slots=True)
class Passage:
    """A recorded entry: at which device, by which member, in which scene, and what was decided."""

    device: str
    member: str
    scene: Scene
    answer: Answer


@dataclass(frozen=True, slots=True)
class Otherwise:
    """A recorded entry that would come out otherwise."""

    passage: Passage
    after: Answer


def answer(decision: Decision) -> Answer:
    """Keep of a decision what is compared, and what explains it."""
    return Answer(decision.verdict, decision.reason, decision.via, decision.band, decision.new_keys)


def member(
    old: Under, new: Under, device: str, scene: Scene, first: datetime, last: datetime
) -> tuple[Change, ...]:
    """Return every span of `[first, last)` in which the verdict or the count differs, in order.

    Args:
        old: The rules in force, and the member.
        new: The draft, and the member.
        device: The id of an entrance; rules that have none of this id let nobody in there.
        scene: What was used, and the other facts; its time is not looked at.
        first: The beginning.
        last: The end.

    Raises:
        ValueError: `last` lies more than 70 days after `first`.
    """
    if last - first > timedelta(days=WINDOW_DAYS):
        raise ValueError(f"last: more than {WINDOW_DAYS} days after first")
    sides = [(replace(rules), who) for rules, who in (old, new)]  # timetables of their own
    times = {first, *(at for side in sides for at in _turns(side, device, scene, first, last))}
    found: list[Change] = []
    for start, end in pairwise([*sorted(times), last]):
        before, after = (_ask(*side, device, replace(scene, at=start)) for side in sides)
        if _differ(before, after):
            change = Change(start, end, before, after)
            if found and found[-1] == replace(change, start=found[-1].start, end=start):
                change = replace(found.pop(), end=end)
            found.append(change)
    return tuple(found)


def replay(
    rules: Rules, members: Mapping[str, Member], passages: Iterable[Passage]
) -> Iterator[Otherwise]:
    """Yield the recorded entries whose verdict or count would be another one under these rules.

    Each is judged by what was used when it happened: an earlier entry that would not have been
    let in still counts for the later ones.

    Args:
        rules: The draft; their doors' timetables are not touched.
        members: Those that it knows, by id.
        passages: What was recorded, in any order.
    """
    rules = replace(rules)
    for passage in passages:
        after = _ask(rules, members.get(passage.member), passage.device, passage.scene)
        if _differ(passage.answer, after):
            yield Otherwise(passage, after)


def _ask(rules: Rules, who: Member | None, device: str, scene: Scene) -> Answer:
    place = rules.devices.get(device)
    if place is None or place.side is Side.OUT:
        return Answer(Verdict.DENY, Reason.DEVICE_DISABLED)
    if who is None:
        return Answer(Verdict.DENY, Reason.MEMBER_UNKNOWN)
    return answer(decide(rules, place, who, scene))


def _turns(
    side: Under, device: str, scene: Scene, first: datetime, last: datetime
) -> list[datetime]:
    rules, who = side
    place = rules.devices.get(device)
    if place is None or who is None:
        return []
    return turns(rules, place, who, replace(scene, at=first), last)


def _differ(before: Answer, after: Answer) -> bool:
    return (before.verdict, before.counted) != (after.verdict, after.counted)
