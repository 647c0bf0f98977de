"""What plans, tickets and bookings give at an instant (spec/rules.md 3.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.oracle.state import Key, Scan, count, counted_together
from tests.oracle.times import (
    Data,
    around,
    instant,
    local_date,
    minutes,
    month_of,
    occurrence,
    weekday,
)
from tests.oracle.verdict import Said, Verdict

LIVE = ("CONFIRMED", "CHECKED_IN")
SATURDAY = 5


def contract_fault(contract: Data, day: str) -> str | None:
    """Why the contract does not run on this date (spec/rules.md 2.4)."""
    if day < contract["start"]:
        return "CONTRACT_NOT_STARTED"
    if contract["end"] is not None and day > contract["end"]:
        return "CONTRACT_ENDED"
    if any(first <= day <= last for first, last in contract["paused"]):
        return "CONTRACT_PAUSED"
    return None


def day_fault(store: Data, rule: Data, day: str) -> str | None:
    """Why the weekdays and the holiday rule refuse this date (spec/rules.md 2.3)."""
    ticked = rule["weekdays"][weekday(day)] == "1"
    if day not in store["holidays"]:
        return None if ticked else "WEEKDAY_NOT_ALLOWED"
    weekend = weekday(day) >= SATURDAY
    allowed = {
        "NONE": False,
        "ALL": True,
        "WEEKEND_ONLY": weekend and ticked,
        "WEEKDAY_ONLY": not weekend and ticked,
        "FOLLOW_WEEKDAY": ticked,
    }[rule["holiday"]]
    return None if allowed else "HOLIDAY_NOT_ALLOWED"


def by_priority(contracts: list[Data]) -> list[Data]:
    """Lower priority first, then the main one, then the older, then as listed (6, row 21a)."""
    return sorted(
        contracts,
        key=lambda c: (c["plan"]["priority"], not c.get("main", False), c["start"]),
    )


def stores_fault(scan: Scan, plan: Data) -> str | None:
    """The plan's store list, where the device asks for it (spec/rules.md 6, row 6)."""
    asked = scan.device.get("check_stores", True)
    if asked and plan["stores"] is not None and scan.store["id"] not in plan["stores"]:
        return "STORE_NOT_ALLOWED"
    return None


# Bookings


def booking_stands(scan: Scan, booking: Data) -> bool:
    """Live, for this store, for this room at a room door, not on a closed date."""
    room = scan.device["room"]
    start_day = local_date(instant(booking["start"]), scan.tz)
    blocked = scan.settings.get("closed_days_block_bookings", True)
    return (
        booking["status"] in LIVE
        and booking["store"] == scan.store["id"]
        and (room is None or booking["room"] == room)
        and not (blocked and start_day in scan.store["closed"])
    )


def in_window(scan: Scan, booking: Data) -> bool:
    opens = instant(booking["start"]) - minutes(scan.device["booking_early_min"])
    return opens <= scan.at < instant(booking["end"])


def in_order(bookings: list[Data]) -> list[Data]:
    return sorted(bookings, key=lambda b: (instant(b["start"]), b["id"]))


def open_bookings(scan: Scan) -> list[Data]:
    assert scan.member is not None
    bookings = in_order(scan.member["bookings"])
    return [b for b in bookings if booking_stands(scan, b) and in_window(scan, b)]


def _exempts_now(scan: Scan, plan: Data, booking: Data) -> bool:
    """Whether t lies where this booking exempts (spec/rules.md 6, row 7): its window at least."""
    scope = scan.settings.get("exempt_scope", "window")
    if in_window(scan, booking):
        return True
    start, end = instant(booking["start"]), instant(booking["end"])
    if scope == "day":
        return scan.bandless_day == local_date(start, scan.tz)
    for band in plan["booking_bands"] if scope == "booking_band" else ():
        for day in around(scan.today):
            span = occurrence(scan.store, band["kind"], day)
            holds = span is not None and span[0] <= start and end <= span[1]
            if span is None or not holds or day_fault(scan.store, band, day):
                continue
            if span[0] <= scan.at < span[1]:
                return True
    return False


def exempting(scan: Scan) -> Data | None:
    """The booking that opens without using up a count (spec/rules.md 3.3-1)."""
    assert scan.member is not None
    for contract in by_priority(scan.member["contracts"]):
        plan = contract["plan"]
        if not (plan["restrict"] and plan["exempt"]) or stores_fault(scan, plan):
            continue
        programs = plan["exempt_programs"]
        fitting = [
            booking
            for booking in in_order(scan.member["bookings"])
            if booking_stands(scan, booking)
            and (not programs or booking["program"] in programs)
            and _exempts_now(scan, plan, booking)
        ]
        if fitting and not contract_fault(
            contract, local_date(instant(fitting[0]["start"]), scan.tz)
        ):
            return fitting[0]
    return None


def unpaid(booking: Data) -> frozenset[str]:
    return frozenset() if booking["paid"] else frozenset({"WARN_BOOKING_UNPAID"})


def via_booking(scan: Scan, booking: Data) -> Verdict:
    until = instant(booking["end"]) + minutes(scan.device["booking_exit_late_min"])
    via = f"booking:{booking['id']}"
    return Verdict("ALLOW", "OK", via, until=until, warnings=unpaid(booking))


def by_exempt_booking(scan: Scan) -> Said:
    booking = exempting(scan)
    return (None, []) if booking is None else (via_booking(scan, booking), [])


def paused_block(scan: Scan) -> bool:
    """`paused_blocks_all`: a pause with no other contract running (spec/rules.md 6, row 20a)."""
    assert scan.member is not None
    faults = [contract_fault(c, scan.bandless_day) for c in scan.member["contracts"]]
    wanted = scan.settings.get("paused_blocks_all", False)
    return bool(wanted) and None not in faults and "CONTRACT_PAUSED" in faults


def by_plain_booking(scan: Scan) -> Said:
    """Bookings of a member without a running contract; paid ones where the setting says so."""
    assert scan.member is not None
    bookings = [] if paused_block(scan) else open_bookings(scan)
    running = [c for c in scan.member["contracts"] if not contract_fault(c, scan.bandless_day)]
    if running:
        limited = any(c["plan"]["restrict"] for c in running)
        opens = scan.settings.get("paid_booking_opens", False) and limited
        bookings = [b for b in bookings if b["paid"]] if opens else []
    return (via_booking(scan, bookings[0]), []) if bookings else (None, [])


# Plans


@dataclass(frozen=True)
class Fit:
    """One occurrence of a band whose entry window holds t."""

    band: Data
    day: str
    opens: datetime
    closes: datetime
    key: Key
    counted: bool  # the usage key is there already
    core: bool  # not by early tolerance only
    length: int  # nominal minutes of the band at this store
    place: int  # in its plan

    @property
    def rank(self) -> tuple[bool, bool, bool, int, int]:
        """The order of spec/rules.md 3.3-2f, best first."""
        unlimited = self.band.get("limit") is None
        return not self.counted, not self.core, not unlimited, self.length, self.place


def fits(scan: Scan, contract: Data, bands: list[Data]) -> Iterator[Fit]:
    """Occurrences whose entry window holds t: bands as listed, dates ascending."""
    early = minutes(contract["plan"]["early_min"])
    for place, band in enumerate(bands):
        for day in around(scan.today):
            span = occurrence(scan.store, band["kind"], day)
            if span is None or not span[0] - early <= scan.at < span[1]:
                continue
            start_min, end_min = scan.store["bands"][band["kind"]]
            key = scan.usage_key(contract["id"], band["kind"], day)
            counted, core = scan.state.live(key), scan.at >= span[0]
            yield Fit(band, day, *span, key, counted, core, end_min - start_min, place)


def quota_gone(scan: Scan, contract: Data, fit: Fit) -> bool:
    if fit.counted or fit.band["limit"] is None:
        return False
    assert scan.member is not None
    owners = counted_together(scan.settings, scan.member, contract)
    month = month_of(fit.day, scan.settings.get("month_anchor_day", 1))
    kind = fit.band["kind"]
    number = sum(count(scan.world, scan.state, owner["id"], kind, month) for owner in owners)
    return bool(number >= fit.band["limit"])


def _fault(scan: Scan, contract: Data, fit: Fit) -> str | None:
    if fault := contract_fault(contract, fit.day) or day_fault(scan.store, fit.band, fit.day):
        return fault
    if fit.day in scan.store["closed"]:
        return "STORE_CLOSED"
    return "QUOTA_EXHAUSTED" if quota_gone(scan, contract, fit) else None


def _severity(fault: str) -> int:
    """Within one contract: quota, then days and closed dates, then contract dates."""
    if fault == "QUOTA_EXHAUSTED":
        return 0
    return 2 if fault.startswith("CONTRACT_") else 1


def flat_fault(scan: Scan, contract: Data) -> str | None:
    """Why a contract gives nothing before any band is looked at (spec/rules.md 3.3-2a to d)."""
    plan = contract["plan"]
    if fault := stores_fault(scan, plan):
        return fault
    if plan["ticket_required"]:
        return contract_fault(contract, scan.bandless_day) or "TICKET_REQUIRED"
    if not plan["restrict"]:
        day = scan.bandless_day
        closed = "STORE_CLOSED" if day in scan.store["closed"] else None
        return contract_fault(contract, day) or closed
    return None if plan["bands"] else "PLAN_NO_BANDS"


def by_plan(scan: Scan) -> Said:
    assert scan.member is not None
    feasible: list[tuple[Data, list[Fit]]] = []
    reasons: list[str] = []
    for contract in by_priority(scan.member["contracts"]):
        if fault := flat_fault(scan, contract):
            reasons.append(fault)
        elif not contract["plan"]["restrict"]:
            feasible.append((contract, []))
        else:
            met = [(fit, _fault(scan, contract, fit)) for fit in fits_of(scan, contract)]
            good = [fit for fit, fault in met if fault is None]
            if good:
                feasible.append((contract, sorted(good, key=lambda fit: fit.rank)))
            faults = [fault for _, fault in met if fault is not None]
            reasons.append(min(faults, key=_severity, default="OUT_OF_BAND"))
    for contract, good in feasible:
        if not good:  # a running contract without limits wins, whatever its priority
            return Verdict("ALLOW", "OK", f"plan:{contract['id']}"), []
    if not feasible:
        return None, reasons
    contract, good = min(feasible, key=lambda one: one[1][0].rank)
    return _by_bands(scan, contract, good), []


def fits_of(scan: Scan, contract: Data) -> list[Fit]:
    return list(fits(scan, contract, contract["plan"]["bands"]))


def _by_bands(scan: Scan, contract: Data, good: list[Fit]) -> Verdict:
    best = good[0]
    keys = [best.key]
    if scan.settings.get("overlap", "one") == "all":
        seen: dict[str, Key] = {}
        for fit in good:
            seen.setdefault(fit.band["kind"], fit.key)
        keys = list(seen.values())
    return Verdict(
        "ALLOW",
        "OK",
        f"plan:{contract['id']}",
        best.band["kind"],
        best.day,
        tuple(keys) if scan.device["counts"] else (),
        until=best.closes + minutes(contract["plan"]["late_min"]),
    )
