"""What the device itself asks for, and the two device modes with rules of their own.

Gender and qualification: spec/rules.md 2.5, E12. Record only: 3.5. Key schedule: 3.6.
"""

from tests.oracle.entitlement import by_ticket
from tests.oracle.lifecycles import room_admits, seat_admits
from tests.oracle.rights import (
    by_priority,
    contract_fault,
    day_fault,
    exempting,
    fits,
    fits_of,
    open_bookings,
    paused_block,
    stores_fault,
    unpaid,
)
from tests.oracle.state import Scan, State
from tests.oracle.times import Data, minutes, shifted
from tests.oracle.verdict import Said, Verdict, deny

MIDNIGHT = 1440


def device_fault(scan: Scan) -> str | None:
    assert scan.member is not None
    gender = scan.device["gender"]
    if gender is not None and scan.member["gender"] != gender:
        return "DEVICE_GENDER"
    if any(_qualifies(scan, what) for what in scan.device["qualify"]):
        return None
    return "DEVICE_NOT_QUALIFIED"


def _qualifies(scan: Scan, what: str) -> bool:
    assert scan.member is not None
    if what == "any_member":
        return True
    if what == "plan":
        return any(_runs_here(scan, contract) for contract in scan.member["contracts"])
    if what.startswith("plan:"):
        contracts = [c for c in scan.member["contracts"] if f"plan:{c['plan']['id']}" == what]
        return any(_runs_here(scan, contract) for contract in contracts)
    if what == "booking":
        return bool(open_bookings(scan))
    if what == "ticket":
        return by_ticket(scan)[0] is not None
    if what in ("seat", "room"):
        return own_place(scan) is not None
    return False  # staff: never a member


def _runs_here(scan: Scan, contract: Data) -> bool:
    """Running today, or yesterday if a band of the plan goes over midnight at this store."""
    if not contract_fault(contract, scan.bandless_day):
        return True
    hours = [scan.store["bands"].get(band["kind"]) for band in contract["plan"]["bands"]]
    over_midnight = any(span is not None and span[1] > MIDNIGHT for span in hours)
    return over_midnight and not contract_fault(contract, shifted(scan.bandless_day, -1))


def own_place(scan: Scan) -> Verdict | None:
    """A held seat or a paid room is the entitlement itself (spec/rules.md 4.2, 4.3)."""
    assert scan.member is not None
    who, qualify = scan.member["id"], scan.device["qualify"]
    if "seat" in qualify and (seat := seat_admits(scan.world, scan.state, who, scan.at)):
        return Verdict("ALLOW", "OK", f"seat:{seat}")
    room = scan.device["room"]
    if "room" in qualify and (booking := room_admits(scan.world, scan.state, room, who, scan.at)):
        return Verdict("ALLOW", "OK", f"room:{booking}")
    return None


def record_only(scan: Scan) -> Verdict:
    assert scan.member is not None
    warnings = set()
    if {"suspended", "id_suspended"} & set(scan.member["flags"]):
        warnings.add("WARN_SUSPENDED")
    if "withdrawn" in scan.member["flags"]:
        warnings.add("WARN_WITHDRAWN")
    record = Verdict("RECORDED", "RECORDED", "record", warnings=frozenset(warnings))
    for contract in by_priority(scan.member["contracts"]):
        fitting = fits_of(scan, contract) if contract["plan"]["restrict"] else []
        if fitting:
            best = min(fitting, key=lambda f: (not f.counted, not f.core, f.length, f.place))
            keys = (best.key,) if scan.device["counts"] else ()
            return Verdict(
                "RECORDED",
                "RECORDED",
                "record",
                best.band["kind"],
                best.day,
                keys,
                warnings=record.warnings,
            )
    return record


# Key schedule


def repeating_keys(device: Data, plan: Data) -> dict[str, list[Data]]:
    """Band -> the grants that the key is the union of; booking bands stand first."""
    keys: dict[str, list[Data]] = {}
    if plan["ticket_required"]:
        return keys
    if device["grant_timing"] == "CONTRACT_AND_BOOKING":
        for band in plan["booking_bands"]:
            keys.setdefault(band["kind"], []).append(band)
    if plan["restrict"]:
        for band in plan["bands"]:
            keys.setdefault(band["kind"], []).append(band)
    return keys


def keys_of(world: Data, _state: State, step: Data) -> Data:
    contract = next(
        c for m in world["members"] for c in m["contracts"] if c["id"] == step["contract"]
    )
    device, plan = world["devices"][step["device"]], contract["plan"]
    keys = [
        {"band": kind, "weekdays": _union(each)}
        for kind, each in repeating_keys(device, plan).items()
    ]
    return {"keys": [{"band": None, "weekdays": "1" * 7}] if permanent(device, plan) else keys}


def permanent(device: Data, plan: Data) -> bool:
    """Whether the plan's key opens at any time (spec/rules.md 3.6-4)."""
    free = not plan["restrict"] and not plan["ticket_required"] and not plan["booking_bands"]
    return free and bool(device["grant_timing"] == "CONTRACT_AND_BOOKING")


def _union(grants: list[Data]) -> str:
    return "".join(max(grant["weekdays"][day] for grant in grants) for day in range(7))


def key_schedule(scan: Scan) -> Verdict:
    assert scan.member is not None
    last = "OUT_OF_BAND"
    for contract in by_priority(scan.member["contracts"]):
        verdict, reasons = _by_keys(scan, contract)
        if verdict is not None:
            return verdict
        last = (reasons or [last])[-1]
    bookings = [] if paused_block(scan) else open_bookings(scan)
    if bookings:
        return Verdict("ALLOW", "OK", "key:booking", warnings=unpaid(bookings[0]))
    verdict, reasons = by_ticket(scan)
    if verdict is not None:
        return verdict
    return deny(reasons[0] if reasons and last == "TICKET_REQUIRED" else last)


def _by_keys(scan: Scan, contract: Data) -> Said:
    """The last fitting key of one contract, or every failure in the order met."""
    plan = contract["plan"]
    if fault := stores_fault(scan, plan):
        return None, [fault]
    if plan["ticket_required"]:
        return None, [contract_fault(contract, scan.bandless_day) or "TICKET_REQUIRED"]
    if permanent(scan.device, plan):
        return _by_contract(scan, contract)
    keys = repeating_keys(scan.device, plan)
    found: Verdict | None = None
    faults: list[str] = []
    for kind, grants in keys.items():
        fitting: Verdict | None = None
        for fit in fits(scan, contract, [grants[0]]):
            if fault := _key_fault(scan, contract, grants, fit.day):
                faults.append(fault)
            elif fitting is None:
                counted = plan["restrict"] and kind in {band["kind"] for band in plan["bands"]}
                counted = counted and scan.device["counts"] and exempting(scan) is None
                until = fit.closes + minutes(plan["late_min"])
                usage = (fit.key,) if counted else ()
                fitting = Verdict("ALLOW", "OK", f"key:{kind}", kind, fit.day, usage, until=until)
        found = fitting or found
    return found, faults


def _key_fault(scan: Scan, contract: Data, grants: list[Data], day: str) -> str | None:
    if fault := contract_fault(contract, day):
        return fault
    if day in scan.store["closed"]:
        return "STORE_CLOSED"
    if all(day_fault(scan.store, grant, day) for grant in grants):
        return "WEEKDAY_NOT_ALLOWED"
    return None


def _by_contract(scan: Scan, contract: Data) -> Said:
    day = scan.bandless_day
    closed = "STORE_CLOSED" if day in scan.store["closed"] else None
    fault = contract_fault(contract, day) or closed
    return (None, [fault]) if fault else (Verdict("ALLOW", "OK", "key:contract"), [])
