"""Leaving: always possible for a known member, with a warning at most (spec/rules.md 3.4)."""

from tests.oracle.rights import LIVE, contract_fault, day_fault
from tests.oracle.state import Scan, State, count_after, scan_of, tickets_left
from tests.oracle.times import Data, around, instant, minutes, occurrence

STOPS = {"suspended", "id_suspended", "withdrawn"}


def leave(world: Data, state: State, step: Data) -> Data:
    scan = scan_of(world, state, step)
    if scan.member is None:
        return _told(scan, ["EXIT_UNKNOWN_MEMBER"])
    visit = scan.visit
    warnings = []
    if STOPS & set(scan.member["flags"]):
        warnings.append("EXIT_SUSPENDED")
    if visit is None:
        warnings.append("EXIT_NO_ENTRY")
    inside = visit is not None and (visit["until"] is None or scan.at <= instant(visit["until"]))
    if not inside and not any(_may_leave(scan, c) for c in scan.member["contracts"]):
        warnings.append("EXIT_NO_ENTITLEMENT" if visit is None else "EXIT_LATE")
    if scan.device["counts"]:
        state.visits.pop((scan.member["id"], scan.store["id"]), None)
    return _told(scan, warnings)


def _told(scan: Scan, warnings: list[str]) -> Data:
    told: Data = {
        "decision": "ALLOW",
        "reason": "OK_WITH_WARNING" if warnings else "OK",
        "warnings": sorted(warnings),
        "count_after": count_after(scan.world, scan.state, scan.member, scan.today),
        "visit_after": None if scan.member is None else scan.visit,
    }
    if scan.member is not None and scan.member["tickets"]:
        told["tickets_left"] = tickets_left(scan.state, scan.member)
    return told


def _may_leave(scan: Scan, contract: Data) -> bool:
    """A right of this contract to be here until now; store lists and closed dates play no part."""
    plan = contract["plan"]
    if plan["ticket_required"]:
        return False
    if not plan["restrict"]:
        return not contract_fault(contract, scan.bandless_day)
    return _inside_band(scan, contract) or (plan["exempt"] and _inside_booking(scan, plan))


def _inside_band(scan: Scan, contract: Data) -> bool:
    plan = contract["plan"]
    for band in plan["bands"]:
        for day in around(scan.today):
            span = occurrence(scan.store, band["kind"], day)
            if span is None or contract_fault(contract, day) or day_fault(scan.store, band, day):
                continue
            opens, closes = span
            early, late = minutes(plan["early_min"]), minutes(plan["late_min"])
            if opens - early <= scan.at <= closes + late:
                return True
    return False


def _inside_booking(scan: Scan, plan: Data) -> bool:
    """`[start - early, end + exit late]` of an exempt booking, whatever the contract's dates."""
    assert scan.member is not None
    device, programs = scan.device, plan["exempt_programs"]
    early = minutes(device["booking_early_min"])
    late = minutes(device["booking_exit_late_min"])
    return any(
        booking["status"] in LIVE
        and booking["store"] == scan.store["id"]
        and device["room"] in (None, booking["room"])
        and (not programs or booking["program"] in programs)
        and instant(booking["start"]) - early <= scan.at <= instant(booking["end"]) + late
        for booking in scan.member["bookings"]
    )
