"""What a member has used in a month, and who used more than a limit (spec/rules.md 2.6, 3.8)."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from edged.whatif import months
from edged.whatif.journal import Held, Uses, existing
from edged.whatif.sources import Source
from policy import usage as counting
from policy.model import Contract, Member, Rules, Ticket


@dataclass(frozen=True, slots=True)
class Line:
    """The uses of one band by a contract or a ticket in a counted month.

    `plan` None: a ticket. `band` `*`: that of a ticket that asks for none. `count`: what is
    held against `limit`; None: no limit. `left`: uses that are left, None without a limit; may
    be below 0. `days`: the keys that this device knows, by date.
    """

    owner: str
    plan: str | None
    band: str
    count: int
    limit: int | None
    left: int | None
    days: tuple[Held, ...]


def lines(rules: Rules, member: Member, uses: Uses, month: date) -> list[Line]:
    """Say what a member has used: a line for each band of a plan, and each that was used.

    Contracts in their order, then tickets. A contract's count includes those that it carries
    on (spec/rules.md 6, row 17).

    Args:
        rules: The rules in force.
        member: The member.
        uses: The journal's keys.
        month: The first day of the calendar month in which the counted month begins.
    """
    first, last = months.counted(rules.settings, month)
    kept = uses.held([c.id for c in member.contracts], first, last)
    by_plan = (
        line
        for contract in member.contracts
        for line in _contract(rules, member, contract, kept, first)
    )
    return [*by_plan, *(line for t in member.tickets for line in _ticket(t, uses, first, last))]


def _contract(
    rules: Rules, member: Member, contract: Contract, kept: list[Held], first: date
) -> Iterator[Line]:
    plan, settings = rules.plans.get(contract.plan), rules.settings
    limits = {} if plan is None else {grant.kind: grant.limit for grant in plan.bands}
    owners, used = counting.predecessors(settings, member, contract), existing(kept)
    own = [held for held in kept if held.key.owner == contract.id]
    for band in dict.fromkeys((*limits, *(held.key.band for held in own))):
        count, limit = counting.count(settings, used, owners, band, first), limits.get(band)
        left = None if limit is None else limit - count
        days = tuple(held for held in own if held.key.band == band)
        yield Line(contract.id, contract.plan, band, count, limit, left, days)


def _ticket(ticket: Ticket, uses: Uses, first: date, last: date) -> Iterator[Line]:
    every = uses.held([ticket.id], date.min, date.max)
    left = counting.tickets_left(existing(every), ticket)
    own = [held for held in every if first <= held.key.service_date <= last]
    for band in dict.fromkeys(held.key.band for held in own) or (counting.ANY_BAND,):
        days = tuple(held for held in own if held.key.band == band)
        count = sum(bool(held.events) for held in days)
        yield Line(ticket.id, None, band, count, None, left, days)


COLUMNS: Final = ("member", "contract", "band", "count", "limit", "excess")
"""The columns of the report, in order."""


@dataclass(frozen=True, slots=True)
class Over:
    """A limit that a member's contract exceeded (spec/rules.md 3.8)."""

    member: str
    found: counting.OverLimit


async def over_limit(
    source: Source, names: Iterable[str], uses: Uses, month: date
) -> AsyncIterator[Over]:
    """Yield what members exceeded, by member, contract and band.

    The device answers for the keys that it knows; the cloud's answer is the official one.

    Args:
        source: The rules in force.
        names: The ids of the members to look at.
        uses: The journal's keys.
        month: As in `lines`.
    """
    first, last = months.counted(source.rules.settings, month)
    for name in names:
        member = await source.members.member_by_id(name)
        if member is None:
            continue
        used = existing(uses.held((c.id for c in member.contracts), first, last))
        for found in counting.over_limit(source.rules, member, used, first):
            yield Over(name, found)
