"""Deciding without all that a decision should have: new rules, the time, a disk (3.7)."""

from collections.abc import Callable

from policy.case import Case, stopped, warned
from policy.model import (
    ClockPolicy,
    Decision,
    DiskFailurePolicy,
    Member,
    Reason,
    RuleSettings,
    StalePolicy,
    Verdict,
    Warn,
)
from policy.trace import failed


def without_clock(case: Case) -> Decision:
    """Decide while the time can't be told: let in whoever is not stopped, or nobody.

    What is let in is not counted; without a clock, hours and dates mean nothing. Whoever is
    stopped is told one and the same reason (spec/cases.md, settled 12).
    """
    if case.rules.settings.clock_policy is ClockPolicy.DENY:
        return Decision(Verdict.DENY, Reason.CLOCK_UNTRUSTED, trace=tuple(case.trace))
    reason = stopped(case.member)
    case.check("member_not_stopped", reason is None, reason=reason)
    trace = tuple(case.trace)
    if reason is not None:
        return Decision(Verdict.DENY, Reason.MEMBER_SUSPENDED, trace=trace)
    let_in = _let_in(case.member)._replace(trace=trace, unsettled=True)
    return warned(let_in, Warn.CLOCK_UNTRUSTED)


def by_old_rules(case: Case, decide: Callable[[Case], Decision]) -> Decision:
    """Decide by rules older than `rules_max_age_h`, as `stale_policy` says; always with a warning.

    Args:
        case: The entry.
        decide: How the rules decide it.
    """
    policy = case.rules.settings.stale_policy
    if policy is StalePolicy.DENY:
        decision = Decision(Verdict.DENY, Reason.RULES_STALE, trace=tuple(case.trace))
    else:
        decision = decide(case)
        denied = decision.verdict is Verdict.DENY and stopped(case.member) is None
        if denied and policy is StalePolicy.MEMBERS:
            decision = _let_in(case.member)._replace(trace=decision.trace)
    return warned(decision, Warn.RULES_STALE)


def maybe(settings: RuleSettings, member: Member, first: Decision, last: Decision) -> Decision:
    """Answer from the decisions at the earliest and the latest time that it may be now.

    Where they agree, that is it. Where both let in, but as something else, the earlier counts,
    to be settled. Where only one of them does, `clock_policy` decides; a key is added if it is
    the earlier. Two refusals are the earlier one.
    """
    if first.verdict is Verdict.DENY and last.verdict is Verdict.DENY:
        return first
    if _counts_as(first) == _counts_as(last):
        return first
    differ = failed("time_certain", earliest=first.reason, latest=last.reason)
    trace = (*first.trace, differ)
    if first.verdict is last.verdict:
        return warned(first._replace(trace=trace, unsettled=True), Warn.CLOCK_UNTRUSTED)
    if settings.clock_policy is ClockPolicy.DENY:
        return Decision(Verdict.DENY, Reason.CLOCK_UNTRUSTED, trace=trace)
    let_in = _let_in(member) if first.verdict is Verdict.DENY else first
    return warned(let_in._replace(trace=trace, unsettled=True), Warn.CLOCK_UNTRUSTED)


def unrecorded(settings: RuleSettings, member: Member | None) -> Decision:
    """Decide an entry that can't be recorded: nobody, or whoever is known and not stopped.

    That staff pass all the same is `policy.staff`; leaving is `policy.exit`. The caller has
    asked whether the device is on and no lockdown rules.
    """
    reason = stopped(member) if member is not None else Reason.RECORD_FAILED
    if settings.disk_failure_policy is DiskFailurePolicy.DENY:
        reason = Reason.RECORD_FAILED
    trace = (failed("recordable"),)
    if member is None or reason is not None:
        return Decision(Verdict.DENY, reason or Reason.RECORD_FAILED, trace=trace)
    return _let_in(member)._replace(trace=trace, unsettled=True)


def _let_in(member: Member) -> Decision:
    """Let in without the rules: nothing is counted and no visit begins."""
    return Decision(Verdict.ALLOW, Reason.OK, warnings=tuple(sorted(member.notices)))


def _counts_as(decision: Decision) -> tuple[object, ...]:
    """Tell apart what counts apart; the instant in the key of a ticket's entry does not."""
    keys = [(owner, band.partition("@")[0], day) for owner, band, day, _ in decision.keys]
    return (decision.verdict, decision.via, decision.band, decision.service_date, keys)
