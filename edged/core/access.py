"""From a verified code to a decision: the common part of spec/rules.md 3.2 and 3.4. Pure.

The caller has read the code (E3) and judged its time and version (E4, E5); what is left is the
order in which the answers count, which is that of spec/credentials.md "Checks".
"""

from policy import (
    by_code,
    doubt,
    entry,
    exit,  # noqa: A004 - the rules call it exit, and so do we
    staff,
    trace,
)
from policy.decision import value
from policy.locker_model import Locker
from policy.model import (
    Decision,
    Device,
    KeyRole,
    Member,
    Mode,
    Reason,
    Rules,
    Scene,
    Staff,
    Verdict,
)
from policy.seats import Product, Seat


@value
class Request:
    """A correctly signed code at a device.

    `member` None: the rules do not know the handle. `code_fault`: what E4 or E5 has against the
    code, judged at `scene.at`, or that it is for another store or was used up. `seats`: the seats
    that the member holds at the device's store, each with its product. `late`: the same at the
    latest time that it may be, where the clock leaves that open (spec/rules.md 3.7 "Maybe").
    `role`: whose codes the key signs; of `STAFF`, `person` is whom the code names, of `BOOKING`,
    `claim` is what it says, and `member`, if the rules know them, is who uses the booking.
    `interlocked`: another door of the interlock is open or unlocked, and no fire. `lockers`: those
    of the store that hang at this device, where it gives lockers.
    """

    rules: Rules
    device: Device
    member: Member | None
    code_fault: Reason | None
    scene: Scene
    seats: tuple[tuple[Seat, Product | None], ...] = ()
    late: "Request | None" = None
    role: KeyRole = KeyRole.MEMBER
    person: Staff | None = None
    claim: by_code.Claim | None = None
    interlocked: bool = False
    lockers: tuple[Locker, ...] = ()

    @property
    def who(self) -> Member | Staff | None:
        """Whom the code names; None: the rules do not know the handle."""
        return self.person if self.role is KeyRole.STAFF else self.member


def deny(reason: Reason, failed: str | None = None) -> Decision:
    """Refuse without having asked the entitlement. `failed`: the check that said so."""
    checks = () if failed is None else (trace.failed(failed, reason=reason),)
    return Decision(Verdict.DENY, reason, trace=checks)


def admitted(request: Request) -> Member | Decision:
    """Return whom the rules are to be asked about, or the refusal that needs no rule.

    That is E2, E4 and E5, and E8 of spec/rules.md 3.2. A code of staff names no member, and that
    of a booking is good for the booking only.
    """
    shut = _shut(request)
    if shut is not None:
        return shut
    if request.role is not KeyRole.MEMBER:
        return deny(Reason.CODE_KIND_NOT_ACCEPTED, "code")
    if request.code_fault is not None:
        return deny(request.code_fault, "code")
    if request.member is None:
        return deny(Reason.MEMBER_NOT_SYNCED, "member_known")
    return request.member


def _shut(request: Request) -> Decision | None:
    """E2: refuse everybody but staff."""
    if not request.device.enabled:
        return deny(Reason.DEVICE_DISABLED, "device_enabled")
    if request.scene.lockdown and request.device.mode is not Mode.RECORD_ONLY:
        return deny(Reason.LOCKDOWN, "no_lockdown")
    return None


def decide_entry(request: Request) -> Decision:
    """Decide a coming in, at the latest possible time as well if that is another. Total.

    Where the clock leaves it open, staff pass.
    """
    decision = _decide(request)
    if request.late is not None:
        last = _decide(request.late)
        if request.role is KeyRole.STAFF:
            pass_late = decision.verdict is Verdict.DENY and last.verdict is Verdict.ALLOW
            decision = last if pass_late else decision
        elif request.member is not None:
            decision = doubt.maybe(request.rules.settings, request.member, decision, last)
        elif decision.verdict is not last.verdict:  # of a booking whose user nobody knows
            decision = deny(Reason.CLOCK_UNTRUSTED, "time_certain")
    return _one_at_a_time(request, decision)


def decide_unrecorded(request: Request) -> Decision:
    """Decide a coming in that can't be recorded in time (spec/rules.md 3.7 "Failed disk").

    A device that only reports has let somebody in already; what it counts is not known. Staff
    pass as they do else.
    """
    if request.role is KeyRole.STAFF:
        return decide_entry(request)
    found = _by_booking(request) if request.claim is not None else admitted(request)
    if isinstance(found, Decision):
        return found
    if request.device.mode is Mode.RECORD_ONLY:
        return Decision(Verdict.RECORDED, Reason.RECORDED, "record", unsettled=True)
    return _one_at_a_time(request, doubt.unrecorded(request.rules.settings, found))


def _one_at_a_time(request: Request, decision: Decision) -> Decision:
    """Let nobody in while another door of the interlock is open or unlocked (hardware.md 9.3)."""
    if not request.interlocked or decision.verdict is not Verdict.ALLOW:
        return decision
    failed = trace.failed("interlock", reason=Reason.INTERLOCK)
    return Decision(Verdict.DENY, Reason.INTERLOCK, trace=(*decision.trace, failed))


def decide_exit(request: Request) -> Decision:
    """Describe a leaving that has happened already: always allowed, with its warnings.

    At a device that only reports nothing was asked, so nothing is allowed (3.5).
    """
    fault = request.code_fault
    if request.role is KeyRole.STAFF:
        decision = _by_staff(request)
    else:
        decision = exit.decide(
            request.rules,
            request.device,
            request.member,
            request.scene,
            code_warnings=() if fault is None else (exit.CODE_WARNINGS[fault],),
        )
    if request.device.mode is Mode.RECORD_ONLY:
        return decision._replace(verdict=Verdict.RECORDED, reason=Reason.RECORDED)
    return decision


def _by_staff(request: Request) -> Decision:
    return staff.decide(
        request.rules,
        request.device,
        request.person,
        request.scene,
        code_fault=request.code_fault,
    )


def _by_booking(request: Request) -> Member | Decision | None:
    """Say who is let in by a booking code, if it can be recorded."""
    decision = _decide(request)
    return decision if decision.verdict is Verdict.DENY else request.member


def _decide(request: Request) -> Decision:
    if request.role is KeyRole.STAFF:
        return _by_staff(request)
    if request.claim is not None:
        args = request.rules, request.device, request.claim, request.member, request.scene
        return _shut(request) or by_code.decide(*args)
    found = admitted(request)
    if isinstance(found, Decision):
        return found
    return entry.decide(request.rules, request.device, found, request.scene)
