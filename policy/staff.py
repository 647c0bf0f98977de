"""The people who work here: they pass where members don't (spec/rules.md 2.4, 3.2 E6)."""

from collections.abc import Iterator, Mapping
from datetime import date

from policy.calendar import local_date
from policy.decision import Fact
from policy.exit import CODE_WARNINGS
from policy.model import (
    Check,
    Decision,
    Device,
    Mode,
    Reason,
    Rules,
    Scene,
    Side,
    Staff,
    StaffRole,
    Store,
    Verdict,
    Warn,
)
from policy.trace import failed

_WARNINGS = {
    **CODE_WARNINGS,
    Reason.STAFF_UNKNOWN: Warn.EXIT_UNKNOWN_MEMBER,
    Reason.STAFF_NOT_HERE: Warn.EXIT_NO_ENTITLEMENT,
}


_Asked = tuple[str, Reason | None, Mapping[str, Fact]]
"""A check's name, why it failed (None: it held), and the facts that it used."""


def find(rules: Rules, handle: bytes) -> Staff | None:
    """Return the person whom a code names, None: the rules know nobody of this handle."""
    return next((person for person in rules.staff.values() if person.handle == handle), None)


def decide(
    rules: Rules,
    device: Device,
    person: Staff | None,
    scene: Scene,
    *,
    role: StaffRole = StaffRole.OPEN,
    code_fault: Reason | None = None,
) -> Decision:
    """Decide an act of a staff person whose code is correctly signed. It never counts. Total.

    Old rules, closed dates, an untrusted clock and a failed disk stop no staff. On the way out
    everybody passes, as members do, whatever the device and the lockdown.

    Args:
        rules: The rules in force.
        device: Where; a device of those rules.
        person: Whom the code names; None if the rules know nobody of this handle.
        scene: Only the time, the clock and the lockdown are looked at. While the clock can't
            be trusted the person's dates are not: the rules drop who has left.
        role: What the act takes; a lockdown takes `pass_lockdown` beside it.
        code_fault: What is wrong with the code: its time or version (3.2 E4, E5), that it is for
            another store (`STAFF_NOT_HERE`) or was used up (`CODE_USED`).

    Returns:
        ALLOW with `STAFF`, or why not; on the way out ALLOW, with the warnings, sorted. Its trace
        has every check as far as the first that failed.

    Source:
        spec/rules.md 3.2 (E2, E4 to E6), 3.4-1, 3.5.
    """
    trace: list[Check] = []
    reasons: list[Reason] = []
    for name, reason, facts in _checks(rules, device, person, scene, role, code_fault):
        if reason is None:
            trace.append(Check(name, passed=True, facts=facts))
        else:
            trace.append(failed(name, **facts, reason=reason))
            reasons.append(reason)
            if device.side is Side.IN or reason not in CODE_WARNINGS:
                break  # on the way out a code that is late or replaced does not end it
    via = None if person is None else f"staff:{person.id}"
    if not reasons:
        return Decision(Verdict.ALLOW, Reason.STAFF, via, trace=tuple(trace))
    if device.side is Side.IN:
        return Decision(Verdict.DENY, reasons[0], trace=tuple(trace))
    told = tuple(sorted(_WARNINGS[reason] for reason in reasons))
    reason = Reason.OK_WITH_WARNING
    return Decision(Verdict.ALLOW, reason, via, warnings=told, trace=tuple(trace))


def _checks(
    rules: Rules,
    device: Device,
    person: Staff | None,
    scene: Scene,
    role: StaffRole,
    code_fault: Reason | None,
) -> Iterator[_Asked]:
    """Yield E2, E4 and E5, and E6 in their order; on the way out what is asked there too."""
    store, entering = rules.stores.get(device.store), device.side is Side.IN
    of_its_time = code_fault in CODE_WARNINGS
    if entering:
        off = not device.enabled or store is None
        yield "device_enabled", Reason.DEVICE_DISABLED if off else None, {}
        passes = person is not None and StaffRole.PASS_LOCKDOWN in person.roles
        shut = scene.lockdown and not passes and device.mode is not Mode.RECORD_ONLY
        yield "no_lockdown", Reason.LOCKDOWN if shut else None, {}
    yield "code", code_fault if of_its_time else None, {}
    yield from _of_person(store, person, scene, role)
    if not of_its_time and (entering or code_fault is not Reason.CODE_USED):
        yield "code_unused_here", code_fault, {}


def _of_person(
    store: Store | None, person: Staff | None, scene: Scene, role: StaffRole
) -> Iterator[_Asked]:
    """E6: what the person needs for the act, whatever the code."""
    unknown = person is None or not person.active
    facts = {} if person is None else {"staff": person.id}
    yield "staff_known", Reason.STAFF_UNKNOWN if unknown else None, facts
    if person is None or store is None:
        return
    if scene.clock_trusted:
        day, first, last = local_date(store, scene.at), person.valid_from, person.valid_to
        over = (first is not None and day < first) or (last is not None and last < day)
        dates = {"date": day.isoformat(), "from": _day(first), "to": _day(last)}
        yield "staff_in_force", Reason.STAFF_UNKNOWN if over else None, dates
    elsewhere = person.stores is not None and store.id not in person.stores
    yield "staff_here", Reason.STAFF_NOT_HERE if elsewhere else None, {"store": store.id}
    lacks = role not in person.roles
    yield "staff_role", Reason.STAFF_NOT_HERE if lacks else None, {"role": role}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
