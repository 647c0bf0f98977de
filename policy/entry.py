"""May this member come in here, now? (spec/rules.md 3.2, 3.3, 3.7)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from policy import by_booking, by_plan, by_ticket, key_schedule, qualify, record_only
from policy.case import Case, by_priority, deny, stopped
from policy.doubt import by_old_rules, maybe, without_clock
from policy.model import (
    Contract,
    Decision,
    Device,
    EntitlementOrder,
    Member,
    Mode,
    Qualifier,
    Reason,
    Rules,
    Scene,
    UsageKey,
    Verdict,
    Warn,
)
from policy.trace import check, held

# Of several refusals the first in this order is told (spec/rules.md 3.3-5).
_TELLING = (
    Reason.QUOTA_EXHAUSTED,
    Reason.STORE_CLOSED,
    Reason.HOLIDAY_NOT_ALLOWED,
    Reason.WEEKDAY_NOT_ALLOWED,
    Reason.CONTRACT_PAUSED,
    Reason.CONTRACT_ENDED,
    Reason.CONTRACT_NOT_STARTED,
    Reason.OUT_OF_BAND,
    Reason.TICKET_USED_UP,
    Reason.TICKET_EXPIRED,
    Reason.TICKET_OUT_OF_BAND,
    Reason.TICKET_STORE_NOT_ALLOWED,
    Reason.TICKET_REQUIRED,
    Reason.PLAN_NO_BANDS,
    Reason.STORE_NOT_ALLOWED,
    Reason.NO_ENTITLEMENT,
)

# What comes before the entitlement, and what is noted when all of it held.
_BEFORE = ("device_enabled", "no_lockdown", "rules_known", "clock_trusted", "rules_fresh")
_ALL_HELD = held(*_BEFORE, "member_not_stopped")

# Looking a word up in its enum costs more than most checks, so those of every entry stand here.
_LOCK_QR, _ANY_MEMBER = Mode.LOCK_QR, Qualifier.ANY_MEMBER
_PLAN_FIRST, _TICKET_REQUIRED = EntitlementOrder.PLAN_FIRST, Reason.TICKET_REQUIRED


def decide(rules: Rules | None, device: Device, member: Member, scene: Scene) -> Decision:
    """Decide one entry of a known member; the code itself was checked before.

    Total: whatever `check` lets pass has an answer, and nothing is raised. Even a device of
    an unknown store or a contract with an unknown plan only grants nothing.

    Args:
        rules: The rules in force; None if none were ever loaded.
        device: An entrance of those rules.
        member: The member that the code names.
        scene: The time, what was used, and the other facts.

    Returns:
        The decision with its trace. A refusal carries no key and no visit, and no warning but
        that of old rules.

    Source:
        spec/rules.md 3.2 (E2, E7, E9 to E14), 3.3, 3.5 to 3.7; spec/cases.md, settled 1 to 12.
    """
    if (
        rules is not None
        and device.enabled
        and not scene.lockdown
        and scene.clock_trusted
        and scene.rules_age_h <= rules.settings.rules_max_age_h
        and device.mode is _LOCK_QR
        and device.gender is None
        and _ANY_MEMBER in device.qualify
        and not (member.suspended or member.id_suspended or member.withdrawn)
    ):
        store = rules.stores.get(device.store)
        if store is not None:
            return _entitle(Case(rules, store, device, member, scene, [_ALL_HELD]))
    return _unusual(rules, device, member, scene)


def _unusual(rules: Rules | None, device: Device, member: Member, scene: Scene) -> Decision:
    """E2, E7 and E9, wherever anything before the entitlement has something to say."""
    if not device.enabled:
        return _early(0, Reason.DEVICE_DISABLED)
    if scene.lockdown and device.mode is not Mode.RECORD_ONLY:
        return _early(1, Reason.LOCKDOWN)
    if rules is None:
        return _early(2, Reason.NO_RULES)
    store = rules.stores.get(device.store)
    if store is None:
        return _early(0, Reason.DEVICE_DISABLED)
    old = scene.rules_age_h > rules.settings.rules_max_age_h
    case = Case(rules, store, device, member, scene, [held(*_BEFORE[:3])])
    case.check("clock_trusted", scene.clock_trusted)
    case.check("rules_fresh", not old, "age_h", scene.rules_age_h)
    if device.mode is Mode.RECORD_ONLY:
        warned = {Warn.RULES_STALE: old, Warn.CLOCK_UNTRUSTED: not scene.clock_trusted}
        return record_only.decide(case, frozenset(w for w, applies in warned.items() if applies))
    if not scene.clock_trusted:
        return without_clock(case)
    return by_old_rules(case, _by_rules) if old else _by_rules(case)


def _early(place: int, reason: Reason) -> Decision:
    """Refuse by one of the checks that come before the rules."""
    failed = (check, _BEFORE[place], False, "reason", reason)
    return Decision(Verdict.DENY, reason, steps=(held(*_BEFORE[:place]), failed))


def _by_rules(case: Case) -> Decision:
    """E10 to E13; whatever lets in asks E14."""
    reason = stopped(case.member)
    case.check("member_not_stopped", reason is None, "reason", reason)
    if reason is not None:
        return deny(case, reason)
    if case.device.mode is Mode.KEY_SCHEDULE:
        return key_schedule.decide(case, by_priority(case.rules, case.member))
    decided = qualify.decide(case) if case.device.mode is _LOCK_QR else None
    return decided or _entitle(case)


def _entitle(case: Case) -> Decision:
    """E13: the first of the ways in that grants, or the most telling refusal."""
    member = case.member
    refusals: list[Reason] = []
    contracts = by_priority(case.rules, member) if len(member.contracts) > 1 else member.contracts
    if member.bookings or member.tickets:
        granted = _by_any_way(case, contracts, refusals)
    else:
        granted = by_plan.decide(case, contracts, refusals)
    if granted is not None:
        return granted
    if len(refusals) == 1:
        return deny(case, refusals[0])
    return deny(case, min(refusals, key=_TELLING.index, default=Reason.NO_ENTITLEMENT))


def _by_any_way(
    case: Case, contracts: Sequence[Contract], refusals: list[Reason]
) -> Decision | None:
    """3.3-1 to 4, for whoever has more than contracts."""
    plan_first = case.rules.settings.entitlement_order is _PLAN_FIRST
    lacking: list[Reason] = []
    paused = by_booking.pause_blocks(case)
    granted = by_booking.by_exemption(case, contracts)
    if granted is None and not plan_first and not paused:
        granted = by_ticket.decide(case, lacking)
    if granted is None:
        granted = by_plan.decide(case, contracts, refusals)
    if granted is None and plan_first and not paused:
        granted = by_ticket.decide(case, lacking)
    if granted is None and not paused:
        granted = by_booking.alone(case)
    # A ticket's lack is told only where a ticket is required, or there is nothing else to tell.
    if lacking and (_TICKET_REQUIRED in refusals or not refusals):
        refusals += lacking
    return granted


def decide_between(
    rules: Rules | None, device: Device, member: Member, scene: Scene, latest: datetime
) -> Decision:
    """Decide an entry at a time that lies anywhere from `scene.at` to `latest`.

    Source:
        spec/rules.md 3.7 "Maybe".
    """
    first = decide(rules, device, member, scene)
    if rules is None or latest <= scene.at or not scene.clock_trusted:
        return first
    last = decide(rules, device, member, scene._replace(at=latest))
    return maybe(rules.settings, member, first, last)


def recount(
    rules: Rules, device: Device, member: Member, scene: Scene, booking: str
) -> tuple[UsageKey, ...]:
    """Return the keys that an exempt entry is to have after its booking was cancelled.

    Those that the same entry would have had without it, and none unless `recount_on_cancel`
    says so (spec/rules.md 6, row 10).

    Args:
        rules: The rules in force.
        device: Where the member came in.
        member: The member, with the booking or without.
        scene: The entry's time, and what is used now.
        booking: The id of the cancelled booking.
    """
    if not rules.settings.recount_on_cancel:
        return ()
    others = tuple(b for b in member.bookings if b.id != booking)
    return decide(rules, device, replace(member, bookings=others), scene).keys
