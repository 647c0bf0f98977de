"""The walk through everything that may let a member in (spec/rules.md 3.3)."""

from collections.abc import Iterator

from tests.oracle.rights import (
    by_exempt_booking,
    by_plain_booking,
    by_plan,
    day_fault,
    paused_block,
)
from tests.oracle.state import Key, Scan, tickets_left
from tests.oracle.times import Data, around, occurrence
from tests.oracle.verdict import Said, Verdict, deny, most_telling

NEVER = "9999-12-31"


def _candidates(scan: Scan, ticket: Data) -> Iterator[tuple[str | None, str]]:
    """(band, service date) under which the ticket could be used now; no early tolerance."""
    if ticket["bands"] is None:
        yield None, scan.bandless_day
        return
    for kind in sorted(ticket["bands"]):
        for day in around(scan.today):
            span = occurrence(scan.store, kind, day)
            if span is not None and span[0] <= scan.at < span[1]:
                yield kind, day


def _ticket_fault(scan: Scan, ticket: Data, day: str, *, used_today: bool) -> str | None:
    if not ticket["valid_from"] <= day <= (ticket["valid_to"] or NEVER):
        return "TICKET_EXPIRED"
    if fault := day_fault(scan.store, ticket, day):
        return fault
    if day in scan.store["closed"]:
        return "STORE_CLOSED"
    left = tickets_left(scan.state, scan.member)[ticket["id"]]
    return None if left > 0 or used_today else "TICKET_USED_UP"


def _use(scan: Scan, ticket: Data) -> Said:
    if ticket["stores"] is not None and scan.store["id"] not in ticket["stores"]:
        return None, ["TICKET_STORE_NOT_ALLOWED"]
    uses = [(kind, day, _key(scan, ticket, kind, day)) for kind, day in _candidates(scan, ticket)]
    uses.sort(key=lambda use: not scan.state.live(use[2]))
    fault: str | None = "TICKET_OUT_OF_BAND"
    for kind, day, key in uses:
        fault = _ticket_fault(scan, ticket, day, used_today=scan.state.live(key))
        if fault is None:
            keys = (key,) if scan.device["counts"] else ()
            return Verdict("ALLOW", "OK", f"ticket:{ticket['id']}", kind, day, keys), []
    assert fault is not None
    return None, [fault]


def _key(scan: Scan, ticket: Data, kind: str | None, day: str) -> Key:
    """A use each date and band, each date, or each entry: then the instant tells them apart."""
    dedupe = scan.settings.get("ticket_dedupe", "band")
    name = "*" if dedupe == "day" else kind or "*"
    if dedupe == "entry":
        name += f"@{scan.at:%Y%m%dT%H%M%S.%f}Z"
    return ticket["id"], name, day, None


def by_ticket(scan: Scan) -> Said:
    """Entry tickets, the one that ends first first; the last one's refusal is told."""
    assert scan.member is not None
    if paused_block(scan):
        return None, []
    entry = [t for t in scan.member["tickets"] if t["type"] == "ENTRY"]
    reasons: list[str] = []
    for ticket in sorted(entry, key=lambda t: (t["valid_to"] or NEVER, t["id"])):
        verdict, reasons = _use(scan, ticket)
        if verdict is not None:
            return verdict, []
    return None, reasons


def entitlement(scan: Scan) -> Verdict:
    """The first of booking, plan and ticket that lets in, else the most telling refusal."""
    plan: list[str] = []
    ticket: list[str] = []
    ticket_first = scan.settings.get("entitlement_order", "plan_first") == "ticket_first"
    verdict, _ = by_exempt_booking(scan)
    if verdict is None and ticket_first:
        verdict, ticket = by_ticket(scan)
    if verdict is None:
        verdict, plan = by_plan(scan)
    if verdict is None and not ticket_first:
        verdict, ticket = by_ticket(scan)
    if verdict is None:
        verdict, _ = by_plain_booking(scan)
    if verdict is not None:
        return verdict
    if "TICKET_REQUIRED" in plan or not plan:
        plan = plan + ticket
    return deny(most_telling(plan or ["NO_ENTITLEMENT"]))
