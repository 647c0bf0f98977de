"""Whether a device lets this member use it at all, before any plan is asked (2.5, 3.2 E12)."""

from datetime import timedelta

from policy import by_booking, by_ticket
from policy.calendar import contract_refusal
from policy.case import Case, allow, deny
from policy.model import Check, Contract, Decision, Qualifier, Reason
from policy.timetable import Segment
from policy.trace import failed

_DAY = timedelta(days=1)
_MIDNIGHT = 1_440  # minutes
# Looking a word up in its enum costs more than most checks.
_ANY_MEMBER, _BOOKING = Qualifier.ANY_MEMBER, Qualifier.BOOKING
_TICKET, _SEAT, _ROOM = Qualifier.TICKET, Qualifier.SEAT, Qualifier.ROOM

_BY_BEING_MEMBER, _BY_BOOKING, _BY_TICKET = (
    Check("qualified", passed=True, facts={"by": by}) for by in (_ANY_MEMBER, _BOOKING, _TICKET)
)
_UNQUALIFIED = failed("qualified")


def decide(case: Case) -> Decision | None:
    """Decide where the device does; None leaves it to what the member has bought."""
    told: Reason | None = None
    if case.here.personal:
        decided = _by_person(case)
        if isinstance(decided, Decision):
            return decided
        told = decided
    by = _qualified_by(case)
    case.trace.append(by or _UNQUALIFIED)
    return deny(case, told or Reason.DEVICE_NOT_QUALIFIED) if by is None else None


def _by_person(case: Case) -> Decision | Reason | None:
    """Decide by gender, room or seat; else what the seat lacks, None if no seat is asked for.

    Seats and rooms decide by themselves: who holds a seat comes in by it, and at a room's door
    nothing but the room's booking counts (spec/rules.md 4.2, 4.3).
    """
    device, scene = case.device, case.scene
    if device.gender is not None:
        fits = device.gender is case.member.gender
        case.check("gender", fits, device=device.gender, member=case.member.gender)
        if not fits:
            return deny(case, Reason.DEVICE_GENDER)
    if _ROOM in device.qualify:
        blocks = case.rules.settings.closed_days_block_bookings
        refusal = _shut(case) if blocks else None
        refusal = refusal or scene.room_refusal
        case.check("room", refusal is None, reason=refusal)
        return allow(case, "room") if refusal is None else deny(case, refusal)
    if _SEAT not in device.qualify:
        return None
    refusal = _shut(case) or scene.seat_refusal
    case.check("seat", refusal is None, reason=refusal)
    return allow(case, "seat") if refusal is None else refusal


def _shut(case: Case) -> Reason | None:
    return Reason.STORE_CLOSED if case.today() in case.store.closed else None


def _qualified_by(case: Case) -> Check | None:
    """Tell what the member qualifies by; None: by nothing."""
    qualify = case.device.qualify
    if _ANY_MEMBER in qualify:
        return _BY_BEING_MEMBER
    if case.booked and _BOOKING in qualify:
        return _BY_BOOKING
    for contract, now, runs in case.offered:
        if now.qualified is not None and (runs or _runs(case, contract, now)):
            return now.qualified
    if case.member.tickets and _TICKET in qualify:
        usable = by_ticket.usable(case) and not by_booking.pause_blocks(case)
        return _BY_TICKET if usable else None
    return None


def _runs(case: Case, contract: Contract, here: Segment) -> bool:
    """Tell whether it runs today, or ran yesterday with a band that goes over midnight here."""
    if contract_refusal(contract, here.today) is None:
        return True
    hours = case.store.bands
    late = any(g.kind in hours and hours[g.kind].end_min > _MIDNIGHT for g in here.plan.bands)
    return late and contract_refusal(contract, here.today - _DAY) is None
