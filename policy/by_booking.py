"""Coming in by a booking (spec/rules.md 3.3-1, 3.3-4)."""

from policy import bookings
from policy.calendar import MINUTES, contract_refusal, local_date
from policy.case import Case, allow
from policy.model import Booking, Decision, Reason
from policy.trace import failed

_NONE_DUE = failed("booking_due")


def exempt(case: Case) -> Booking | None:
    """Return a booking that a plan exempts from its limits; using it uses up nothing.

    Only the earliest booking that fits a contract is asked for the contract's dates
    (spec/cases.md, settled 3).
    """
    settings, store, at = case.rules.settings, case.store, case.scene.at
    beyond = not case.here.windowed
    booked = bookings.live(store, case.device, case.member, settings) if beyond else case.booked
    for contract, here, _ in case.offered if booked else ():
        if here.outside:
            continue
        plan = here.plan
        booking = next(
            (
                b
                for b in booked
                if bookings.exempts(plan, b)
                and (
                    not beyond
                    or bookings.is_due(b, case.device, at)
                    or bookings.exempts_beyond(store, settings, plan, b, at)
                )
            ),
            None,
        )
        if booking is None:
            continue
        runs = contract_refusal(contract, local_date(store, booking.start)) is None
        if case.check("exempt_booking", runs, contract=contract.id, booking=booking.id):
            return booking
    return None


def by_exemption(case: Case) -> Decision | None:
    """3.3-1: let in by a booking that a plan exempts."""
    booking = exempt(case)
    return None if booking is None else _allow(case, booking)


def alone(case: Case) -> Decision | None:
    """3.3-4: let in by a booking whose member has no contract that runs today.

    With `paid_booking_opens` a paid one also lets in whoever has a running contract with limits.
    """
    booked = case.booked
    if not booked:
        case.trace.append(_NONE_DUE)
        return None
    today = case.today()
    running = [c for c in case.member.contracts if contract_refusal(c, today) is None]
    if running:
        plans = [case.rules.plans.get(c.plan) for c in running]
        limited = any(p is not None and p.restrict for p in plans)
        opens = limited and case.rules.settings.paid_booking_opens
        booked = [b for b in booked if b.paid and opens]
    case.check("booking_alone", bool(booked), running=bool(running))
    return _allow(case, booked[0]) if booked else None


def pause_blocks(case: Case) -> bool:
    """Tell whether a pause stops tickets and bookings too (spec/rules.md 6, row 20a).

    So it does with `paused_blocks_all`, while one contract is paused and none runs.
    """
    if not case.rules.settings.paused_blocks_all:
        return False
    told = {contract_refusal(c, case.today()) for c in case.member.contracts}
    blocked = None not in told and Reason.CONTRACT_PAUSED in told
    case.check("no_pause", not blocked)
    return blocked


def _allow(case: Case, booking: Booking) -> Decision:
    """Let in until the booking is over (spec/cases.md, settled 1)."""
    until = booking.end + MINUTES[case.device.booking_exit_late_min]
    return allow(case, f"booking:{booking.id}", until=until, paid=booking.paid)
