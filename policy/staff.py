"""The people who work here: they pass where members don't (spec/rules.md 2.4, 3.2 E6)."""

from policy.exit import CODE_WARNINGS
from policy.model import (
    Decision,
    Device,
    Reason,
    Rules,
    Scene,
    Side,
    Staff,
    StaffRole,
    Verdict,
    Warn,
)
from policy.trace import check


def find(rules: Rules, handle: bytes) -> Staff | None:
    """Return the person whom a code names, None: the rules know nobody of this handle."""
    return next((person for person in rules.staff.values() if person.handle == handle), None)


def decide(
    device: Device,
    person: Staff | None,
    scene: Scene,
    *,
    role: StaffRole = StaffRole.OPEN,
    code_fault: Reason | None = None,
) -> Decision:
    """Decide an act of a staff person whose code is correctly signed. It never counts.

    Old rules, closed dates, an untrusted clock and a failed disk stop no staff. On the way out
    everybody passes, as members do.

    Args:
        device: Where.
        person: Whom the code names; None if the rules know nobody of this handle.
        scene: Only the time, the clock and the lockdown are looked at. While the clock can't
            be trusted the person's dates are not: the rules drop who has left.
        role: What the act takes; a lockdown takes `pass_lockdown` beside it.
        code_fault: What is wrong with the code: its time or version (3.2 E4, E5), that it is for
            another store (`STAFF_NOT_HERE`) or was used up (`CODE_USED`).

    Returns:
        ALLOW with `STAFF`, or why not.
    """
    reason = _refusal(device, person, scene, role, code_fault)
    trace = (check("staff", reason is None, device=device.id, reason=reason),)
    via = None if person is None else f"staff:{person.id}"
    if reason is None:
        return Decision(Verdict.ALLOW, Reason.STAFF, via, trace=trace)
    if device.side is Side.OUT:
        warning = CODE_WARNINGS.get(reason, Warn.EXIT_UNKNOWN_MEMBER)
        told = Reason.OK_WITH_WARNING
        return Decision(Verdict.ALLOW, told, via, warnings=(warning,), trace=trace)
    return Decision(Verdict.DENY, reason, trace=trace)


def _refusal(
    device: Device, person: Staff | None, scene: Scene, role: StaffRole, code_fault: Reason | None
) -> Reason | None:
    if not device.enabled:
        return Reason.DEVICE_DISABLED
    if code_fault in CODE_WARNINGS:
        return code_fault
    if person is None or not person.active or not _in_force(person, scene):
        return Reason.STAFF_UNKNOWN
    elsewhere = person.stores is not None and device.store not in person.stores
    if elsewhere or role not in person.roles:
        return Reason.STAFF_NOT_HERE
    if scene.lockdown and StaffRole.PASS_LOCKDOWN not in person.roles:
        return Reason.LOCKDOWN
    return code_fault


def _in_force(person: Staff, scene: Scene) -> bool:
    if not scene.clock_trusted:
        return True
    day = scene.at.date()
    started = person.valid_from is None or person.valid_from <= day
    return started and (person.valid_to is None or day <= person.valid_to)
