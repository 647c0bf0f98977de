"""Coming in by an entry ticket (spec/rules.md 3.3-3)."""

from collections.abc import Iterator
from datetime import date
from typing import assert_never

from policy import usage
from policy.calendar import day_refusal, local_date, occurrences
from policy.case import Case, allow
from policy.model import Decision, Reason, Ticket, TicketDedupe, TicketType, UsageKey
from policy.usage import ANY_BAND


def decide(case: Case, refusals: list[Reason]) -> Decision | None:
    """Let in by the first ticket that is good here and now, the earliest `valid_to` first.

    Adds to `refusals` the last thing that the last ticket lacks (spec/cases.md, settled 6). The
    plan's store list does not bind a ticket, and there is no early tolerance.
    """
    told: Reason | None = None
    for ticket, band, key, new, told in _tries(case):
        case.check("ticket", told is None, ticket=ticket.id, key=str(key), reason=told)
        if told is None:
            new_keys = (key,) if new else ()
            via = f"ticket:{ticket.id}"
            return allow(case, via, band, key.service_date, (key,), new_keys)
    if told is not None:
        refusals.append(told)
    return None


def usable(case: Case) -> bool:
    """Tell whether `decide` would let in."""
    return any(told is None for *_, told in _tries(case))


def _tries(case: Case) -> Iterator[tuple[Ticket, str | None, UsageKey, bool, Reason | None]]:
    """Yield each way to use a ticket: it, the band, the key, whether that is new, what it lacks."""
    for ticket in _in_order(case):
        for band, day in _uses(case, ticket):
            key = _key(case, ticket, band, day)
            new = not usage.present(case.scene.used, key)
            yield ticket, band, key, new, _refusal(case, ticket, band, day, new=new)


def _in_order(case: Case) -> list[Ticket]:
    entry = (t for t in case.member.tickets if t.type is TicketType.ENTRY)
    return sorted(entry, key=lambda t: (t.valid_to or date.max, t.id))


def _uses(case: Case, ticket: Ticket) -> Iterator[tuple[str | None, date]]:
    """Yield the bands and service dates that a use could be of, the preferred one first.

    A ticket without bands is used on the date; one whose bands are all shut is used in none,
    which shows as the date and no band.
    """
    if ticket.bands is None:
        yield None, case.today()
        return
    at, today = case.scene.at, local_date(case.store, case.scene.at)
    open_: list[tuple[str | None, date]] = [
        (kind, occurrence.service_date)
        for kind in sorted(ticket.bands)
        for occurrence in occurrences(case.store, kind, today)
        if occurrence.opens <= at < occurrence.closes
    ]
    used = case.scene.used
    open_.sort(key=lambda use: not usage.present(used, _key(case, ticket, *use)))
    yield from open_ or [(None, case.today())]


def _key(case: Case, ticket: Ticket, band: str | None, day: date) -> UsageKey:
    """Return the key of a use: one a date and band, a date, or an instant (6, row 11)."""
    name = band or ANY_BAND
    match case.rules.settings.ticket_dedupe:
        case TicketDedupe.BAND:
            return UsageKey(ticket.id, name, day)
        case TicketDedupe.DAY:
            return UsageKey(ticket.id, ANY_BAND, day)
        case TicketDedupe.ENTRY:
            instant = case.scene.at.strftime("@%Y%m%dT%H%M%S.%fZ")
            return UsageKey(ticket.id, name + instant, day)
        case never:
            assert_never(never)


def _refusal(
    case: Case, ticket: Ticket, band: str | None, day: date, *, new: bool
) -> Reason | None:
    """Say what a use lacks: store, band, validity, day rule, open date, balance."""
    store = case.store
    if ticket.stores is not None and store.id not in ticket.stores:
        return Reason.TICKET_STORE_NOT_ALLOWED
    if ticket.bands is not None and band is None:
        return Reason.TICKET_OUT_OF_BAND
    if day < ticket.valid_from or (ticket.valid_to is not None and day > ticket.valid_to):
        return Reason.TICKET_EXPIRED
    refusal = day_refusal(store, ticket.days, day)
    if refusal is None and day in store.closed:
        refusal = Reason.STORE_CLOSED
    if refusal is None and new and usage.tickets_left(case.scene.used, ticket) <= 0:
        refusal = Reason.TICKET_USED_UP
    return refusal
