"""From a verified code to a decision: the common part of spec/rules.md 3.2 and 3.4. Pure.

The caller has read the code (E3) and judged its time and version (E4, E5); what is left is the
order in which the answers count, which is that of spec/credentials.md "Checks".
"""

from dataclasses import dataclass
from datetime import datetime

from policy import entry, exit  # noqa: A004 - the rules call it exit, and so do we
from policy.model import (
    Check,
    Decision,
    Device,
    Member,
    Reason,
    Rules,
    UsageKey,
    Verdict,
    Visit,
    Warn,
)

_LEAVING = {
    Reason.CODE_EXPIRED: Warn.EXIT_CODE_EXPIRED,
    Reason.CODE_NOT_YET_VALID: Warn.EXIT_CODE_NOT_YET_VALID,
    Reason.CODE_REVOKED: Warn.EXIT_CODE_REVOKED,
}


@dataclass(frozen=True, slots=True)
class Request:
    """A correctly signed code at a device.

    `member` None: the rules do not know the handle. `code_fault`: what E4 or E5 has against the
    code, judged at `at`.
    """

    rules: Rules
    device: Device
    member: Member | None
    code_fault: Reason | None
    at: datetime
    clock_trusted: bool = True


def deny(reason: Reason, *trace: Check) -> Decision:
    """Refuse without having asked the entitlement."""
    return Decision(Verdict.DENY, reason, trace=trace)


def decide_entry(request: Request, used: frozenset[UsageKey]) -> Decision:
    """Decide a coming in: E2, E4 and E5, E8, then the rules. Total."""
    if not request.device.enabled:
        return deny(Reason.DEVICE_DISABLED, Check("device", passed=False))
    fault, member = request.code_fault, request.member
    if fault is not None:
        return deny(fault, Check("code", passed=False, facts={"reason": fault.value}))
    if member is None:
        return deny(Reason.MEMBER_NOT_SYNCED, Check("member", passed=False))
    return entry.decide(
        request.rules,
        request.device,
        member,
        used,
        request.at,
        clock_trusted=request.clock_trusted,
    )


def decide_exit(request: Request, visit: Visit | None) -> Decision:
    """Describe a leaving that has happened already: always allowed, with its warnings."""
    fault = request.code_fault
    return exit.decide(
        request.rules,
        request.device,
        request.member,
        visit,
        request.at,
        code_warnings=() if fault is None else (_LEAVING[fault],),
    )
