"""Whether a device lets this member use it at all, before any plan is asked (2.5, 3.2 E12)."""

from datetime import timedelta

from policy import by_booking, by_ticket
from policy.calendar import contract_refusal
from policy.case import Case, allow, deny
from policy.model import Contract, Decision, Qualifier, Reason

_DAY = timedelta(days=1)
_MIDNIGHT = 1_440  # minutes
# Looking a word up in its enum costs more than most checks.
_ANY_MEMBER, _PLAN, _BOOKING = Qualifier.ANY_MEMBER, Qualifier.PLAN, Qualifier.BOOKING
_TICKET, _SEAT, _ROOM = Qualifier.TICKET, Qualifier.SEAT, Qualifier.ROOM


def decide(case: Case) -> Decision | None:
    """Decide where the device does; None leaves it to what the member has bought.

    Seats and rooms decide by themselves: who holds a seat comes in by it, and at a room's door
    nothing but the room's booking counts (spec/rules.md 4.2, 4.3).
    """
    device, scene = case.device, case.scene
    if device.gender is not None:
        fits = device.gender is case.member.gender
        case.check("gender", fits, "device", device.gender, "member", case.member.gender)
        if not fits:
            return deny(case, Reason.DEVICE_GENDER)
    if _ROOM in device.qualify:
        blocks = case.rules.settings.closed_days_block_bookings
        refusal = _shut(case) if blocks else None
        refusal = refusal or scene.room_refusal
        case.check("room", refusal is None, "reason", refusal)
        return allow(case, "room") if refusal is None else deny(case, refusal)
    told = Reason.DEVICE_NOT_QUALIFIED
    if _SEAT in device.qualify:
        refusal = _shut(case) or scene.seat_refusal
        if case.check("seat", refusal is None, "reason", refusal):
            return allow(case, "seat")
        told = refusal or told
    by = _qualified_by(case)
    return None if case.check("qualified", by is not None, "by", by) else deny(case, told)


def _shut(case: Case) -> Reason | None:
    return Reason.STORE_CLOSED if case.today() in case.store.closed else None


def _qualified_by(case: Case) -> str | None:
    qualify = case.device.qualify
    if _ANY_MEMBER in qualify:
        return _ANY_MEMBER
    if _BOOKING in qualify and case.booked():
        return _BOOKING
    for contract in case.member.contracts:
        asked = _PLAN in qualify or contract.plan in case.device.qualify_plans
        if asked and _runs(case, contract):
            return f"plan:{contract.plan}"
    usable = _TICKET in qualify and by_ticket.usable(case)
    return _TICKET if usable and not by_booking.pause_blocks(case) else None


def _runs(case: Case, contract: Contract) -> bool:
    """Tell whether it runs today, or ran yesterday with a band that goes over midnight here."""
    plan, hours, today = case.rules.plans.get(contract.plan), case.store.bands, case.today()
    if plan is None:
        return False
    if contract_refusal(contract, today) is None:
        return True
    late = any(g.kind in hours and hours[g.kind].end_min > _MIDNIGHT for g in plan.bands)
    return late and contract_refusal(contract, today - _DAY) is None
