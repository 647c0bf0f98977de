"""The people who work here: they pass where members don't (spec/rules.md 2.4, 3.2 E6)."""

from policy.model import Decision, Device, Reason, Scene, Side, Staff, StaffRole, Verdict, Warn
from policy.trace import check


def decide(
    device: Device, person: Staff | None, scene: Scene, *, role: StaffRole = StaffRole.OPEN
) -> Decision:
    """Decide an act of a staff person; the code itself was checked before. It never counts.

    Old rules, closed dates, an untrusted clock and a failed disk stop no staff. On the way out
    everybody passes, as members do.

    Args:
        device: Where.
        person: Whom the code names; None if the rules know nobody of this handle.
        scene: Only the time, the clock and the lockdown are looked at. While the clock can't
            be trusted the person's dates are not: the rules drop who has left.
        role: What the act takes; a lockdown takes `pass_lockdown` beside it.

    Returns:
        ALLOW with `STAFF`, or why not.
    """
    reason = _refusal(device, person, scene, role)
    trace = (check("staff", reason is None, device=device.id, reason=reason),)
    via = None if person is None else f"staff:{person.id}"
    if reason is None:
        return Decision(Verdict.ALLOW, Reason.STAFF, via, trace=trace)
    if device.side is Side.OUT:
        unknown = (Warn.EXIT_UNKNOWN_MEMBER,)
        return Decision(Verdict.ALLOW, Reason.OK_WITH_WARNING, via, warnings=unknown, trace=trace)
    return Decision(Verdict.DENY, reason, trace=trace)


def _refusal(device: Device, person: Staff | None, scene: Scene, role: StaffRole) -> Reason | None:
    if not device.enabled:
        return Reason.DEVICE_DISABLED
    if person is None or not person.active or not _in_force(person, scene):
        return Reason.STAFF_UNKNOWN
    elsewhere = person.stores is not None and device.store not in person.stores
    if elsewhere or role not in person.roles:
        return Reason.STAFF_NOT_HERE
    if scene.lockdown and StaffRole.PASS_LOCKDOWN not in person.roles:
        return Reason.LOCKDOWN
    return None


def _in_force(person: Staff, scene: Scene) -> bool:
    if not scene.clock_trusted:
        return True
    day = scene.at.date()
    started = person.valid_from is None or person.valid_from <= day
    return started and (person.valid_to is None or day <= person.valid_to)
