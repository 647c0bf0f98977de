"""Leaving: always allowed, sometimes worth a word to the staff (spec/rules.md 3.4)."""

from policy import bookings
from policy.calendar import contract_refusal
from policy.case import still_open
from policy.model import Check, Decision, Device, Member, Reason, Rules, Scene, Verdict, Warn
from policy.timetable import offers, segment
from policy.trace import check

# Looking a word up in its enum costs more than most checks, so those of every exit stand here.
_ALLOW, _OK = Verdict.ALLOW, Reason.OK

CODE_WARNINGS = {
    Reason.CODE_EXPIRED: Warn.EXIT_CODE_EXPIRED,
    Reason.CODE_NOT_YET_VALID: Warn.EXIT_CODE_NOT_YET_VALID,
    Reason.CODE_REVOKED: Warn.EXIT_CODE_REVOKED,
}
"""What a fault of a correctly signed code is worth on the way out (spec/rules.md 3.4, 1)."""


def decide(
    rules: Rules,
    device: Device,
    member: Member | None,
    scene: Scene,
    *,
    code_warnings: tuple[Warn, ...] = (),
) -> Decision:
    """Let out whoever shows a correctly signed code, and say what staff should know.

    Total, and always ALLOW; nothing is counted. The caller closes the member's visit.

    Args:
        rules: The rules in force, however old.
        device: An exit of those rules.
        member: The member that the code names; None if this device does not know them.
        scene: Only the time and the member's open visit are looked at. A visit of another
            store, or older than `visit_max_h`, counts as none.
        code_warnings: What the check of the code had to say: expired, revoked ...

    Returns:
        ALLOW with `OK`, or with `OK_WITH_WARNING` and the warnings, sorted.

    Source:
        spec/rules.md 3.4; spec/cases.md, settled 2.
    """
    warnings = [*code_warnings]
    trace = [check("member_known", member is not None)]
    if member is None:
        warnings.append(Warn.EXIT_UNKNOWN_MEMBER)
    else:
        stopped = member.withdrawn or member.suspended or member.id_suspended
        visit, at = still_open(rules.settings, device, scene.visit, scene.at), scene.at
        in_time = visit is not None and (visit.until is None or at <= visit.until)
        trace += (
            check("member_not_stopped", not stopped),
            check("visit_open", visit is not None),
            check("in_visit", in_time),
        )
        if stopped:
            warnings.append(Warn.EXIT_SUSPENDED)
        if visit is None:
            warnings.append(Warn.EXIT_NO_ENTRY)
        if not in_time and not _entitled(rules, device, member, scene, trace):
            warnings.append(Warn.EXIT_NO_ENTITLEMENT if visit is None else Warn.EXIT_LATE)
    if not warnings:
        return Decision(_ALLOW, _OK, trace=tuple(trace))
    told = tuple(sorted(set(warnings)))
    return Decision(_ALLOW, Reason.OK_WITH_WARNING, warnings=told, trace=tuple(trace))


def _entitled(
    rules: Rules, device: Device, member: Member, scene: Scene, trace: list[Check]
) -> bool:
    """3.4-3 without the visit; neither the plan's stores nor closed dates are asked."""
    booked = bookings.leaving(member.bookings, device, scene.at)
    exempt = any(
        bookings.exempts(rules.plans[contract.plan], booking)
        for booking in booked
        for contract in member.contracts
        if contract.plan in rules.plans
    )
    trace.append(check("exempt_booking", exempt))
    if exempt:
        return True
    by_plan = _by_any_plan(rules, device, member, scene)
    trace.append(check("exit_window", by_plan, contracts=len(member.contracts)))
    return by_plan


def _by_any_plan(rules: Rules, device: Device, member: Member, scene: Scene) -> bool:
    store = rules.stores.get(device.store)
    if store is None:
        return False
    offered = offers(rules, store, device, scene.at)
    for contract in member.contracts:
        plan = rules.plans.get(contract.plan)
        if plan is None or plan.ticket_required:
            continue  # a ticket gives a right to leave by its visit only
        here = segment(rules, offered, plan, scene.at)
        for day in here.leaving if plan.restrict else (here.today,):
            if contract_refusal(contract, day) is None:
                return True
    return False
