"""Members who differ by their ids only have one answer: most of a membership is a few of them."""

from dataclasses import replace

from policy.compare import Answer, Change
from policy.model import Member

Pair = tuple[Member | None, Member | None]
"""A member as two rule sets know it."""


def nameless(pair: Pair) -> tuple[Pair, tuple[str, ...]]:
    """Return the pair with its contracts numbered, and their ids by number."""
    contracts = (c.id for member in pair if member is not None for c in member.contracts)
    ids = tuple(dict.fromkeys(contracts))
    old, new = (None if member is None else _nameless(member, ids) for member in pair)
    return (old, new), ids


def named(change: Change, ids: tuple[str, ...]) -> Change:
    """Put the ids back into what was found for a nameless pair."""
    return replace(change, before=_named(change.before, ids), after=_named(change.after, ids))


def _nameless(member: Member, ids: tuple[str, ...]) -> Member:
    contracts = tuple(replace(c, id=str(ids.index(c.id))) for c in member.contracts)
    return replace(member, id="", handle=b"", label=None, contracts=contracts)


def _named(answer: Answer, ids: tuple[str, ...]) -> Answer:
    via, (kind, _, number) = answer.via, (answer.via or "").partition(":")
    if kind == "plan":
        via = f"plan:{ids[int(number)]}"
    counted = tuple(key._replace(owner=ids[int(key.owner)]) for key in answer.counted)
    return answer._replace(via=via, counted=counted)
