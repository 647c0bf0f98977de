"""Leaving: always allowed, sometimes worth a word to the staff (spec/rules.md 3.4)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from policy import bookings
from policy.calendar import contract_refusal, day_refusal, leaving, local_date
from policy.model import (
    Contract,
    Decision,
    Device,
    Member,
    Plan,
    Reason,
    Rules,
    Store,
    Verdict,
    Visit,
    Warn,
)
from policy.trace import Trace


def decide(  # noqa: PLR0913 - one question, and all that its answer depends on
    rules: Rules,
    device: Device,
    member: Member | None,
    visit: Visit | None,
    at: datetime,
    *,
    code_warnings: tuple[Warn, ...] = (),
) -> Decision:
    """Let out whoever shows a correctly signed code, and say what staff should know.

    Total, and always ALLOW; nothing is counted. The caller closes the member's visit.

    Args:
        rules: The rules in force, however old.
        device: An exit of those rules.
        member: The member that the code names; None if this device does not know them.
        visit: The member's open visit. One of another store, or older than `visit_max_h`,
            counts as none.
        at: When, an aware UTC instant of the years 2 to 9998.
        code_warnings: What the check of the code had to say: expired, revoked ...

    Returns:
        ALLOW with `OK`, or with `OK_WITH_WARNING` and the warnings, sorted.

    Source:
        spec/rules.md 3.4; spec/cases.md, settled 2.
    """
    trace = Trace()
    warnings = set(code_warnings)
    trace.check("member_known", member is not None)
    if member is None:
        warnings.add(Warn.EXIT_UNKNOWN_MEMBER)
    else:
        stopped = member.withdrawn or member.suspended or member.id_suspended
        if not trace.check("member_not_stopped", not stopped):
            warnings.add(Warn.EXIT_SUSPENDED)
        visit = _still_open(rules, device, visit, at)
        if not trace.check("visit_open", visit is not None):
            warnings.add(Warn.EXIT_NO_ENTRY)
        in_time = visit is not None and (visit.until is None or at <= visit.until)
        if not trace.check("in_visit", in_time) and not _entitled(rules, device, member, at, trace):
            warnings.add(Warn.EXIT_NO_ENTITLEMENT if visit is None else Warn.EXIT_LATE)
    return Decision(
        Verdict.ALLOW,
        Reason.OK_WITH_WARNING if warnings else Reason.OK,
        warnings=tuple(sorted(warnings)),
        trace=trace.checks,
    )


def _still_open(rules: Rules, device: Device, visit: Visit | None, at: datetime) -> Visit | None:
    max_stay = timedelta(hours=rules.settings.visit_max_h)
    if visit is None or visit.store != device.store or at - visit.since > max_stay:
        return None
    return visit


def _entitled(rules: Rules, device: Device, member: Member, at: datetime, trace: Trace) -> bool:
    """3.4-3 without the visit; neither the plan's stores nor closed dates are asked."""
    plans = [(c, rules.plans[c.plan]) for c in member.contracts if c.plan in rules.plans]
    booked = bookings.leaving(member.bookings, device, at)
    exempt = any(bookings.exempts(plan, b) for _, plan in plans for b in booked)
    if trace.check("exempt_booking", exempt):
        return True
    store = rules.stores.get(device.store)
    by_plan = store is not None and _by_any_plan(store, plans, at)
    return trace.check("exit_window", by_plan, contracts=len(plans))


def _by_any_plan(store: Store, plans: Iterable[tuple[Contract, Plan]], at: datetime) -> bool:
    today = local_date(store, at)
    for contract, plan in plans:
        if plan.ticket_required:
            continue  # a ticket gives a right to leave by its visit only
        if not plan.restrict:
            if contract_refusal(contract, today) is None:
                return True
            continue
        for place, occurrence in leaving(store, plan, today, at):
            day = occurrence.service_date
            runs = contract_refusal(contract, day) is None
            if runs and day_refusal(store, plan.bands[place].days, day) is None:
                return True
    return False
