"""May this member come in here, now? (spec/rules.md 3.2, 3.3, 3.7)."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from policy import by_booking, by_plan, by_ticket, key_schedule, qualify, record_only
from policy.bookings import due
from policy.case import Case, case_of, deny, stopped
from policy.doubt import by_old_rules, maybe, without_clock
from policy.model import (
    Decision,
    Device,
    EntitlementOrder,
    Member,
    Mode,
    Reason,
    Rules,
    Scene,
    UsageKey,
    Verdict,
    Warn,
)
from policy.timetable import Offers, offered, offers
from policy.trace import failed, held

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

# What is noted when all of it held that comes before the entitlement.
_ALL_HELD = held(
    "device_enabled",
    "no_lockdown",
    "rules_known",
    "clock_trusted",
    "rules_fresh",
    "member_not_stopped",
)

# Looking a word up in its enum costs more than most checks, so those of every entry stand here.
_KEY_SCHEDULE, _RECORD_ONLY = Mode.KEY_SCHEDULE, Mode.RECORD_ONLY
_STOPPED: dict[Reason | None, Decision] = {
    reason: Decision(
        Verdict.DENY,
        reason,
        trace=(*_ALL_HELD[:-1], failed(_ALL_HELD[-1].name, reason=reason)),
    )
    for reason in (Reason.MEMBER_WITHDRAWN, Reason.MEMBER_SUSPENDED, Reason.IDENTITY_SUSPENDED)
}
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
    if rules is None:
        return _unusual(None, device, member, scene)
    at, contracts = scene.at, member.contracts
    here = rules.timetables.get((device.id, at.toordinal()))  # as `offers` does, without its call
    if here is None or here.device is not device:
        here = _offers(rules, device, at)
    if (
        here is None
        or here.unusual
        or scene.lockdown
        or not scene.clock_trusted
        or scene.rules_age_h > here.max_age_h
    ):
        return _unusual(rules, device, member, scene)
    if member.withdrawn or member.suspended or member.id_suspended:
        return _STOPPED[stopped(member)]
    if len(contracts) == 1 and not (member.tickets or member.bookings):
        (contract,) = contracts
        table = here.plans.get(contract.plan)
        if (
            table is not None
            and contract.start <= table.first
            and (contract.end is None or table.last <= contract.end)
            and not contract.paused
        ):
            answer = table.answers[bisect_right(table.starts, at) - 1]
            if answer is not None:  # it is that of all who have nothing but this plan
                return answer
    return _in_full(rules, here, member, scene)


def _offers(rules: Rules, device: Device, at: datetime) -> Offers | None:
    """Work out what the device offers that day; None: its store is unknown."""
    store = rules.stores.get(device.store)
    return None if store is None else offers(rules, store, device, at)


def _in_full(rules: Rules, here: Offers, member: Member, scene: Scene) -> Decision:
    """E11 to E14, whatever the member has."""
    store, device, at = here.store, here.device, scene.at
    found = offered(rules, here, member, at)
    booked = due(store, device, member, rules.settings, at) if member.bookings else ()
    case = Case(rules, store, device, member, scene, here, found, booked, [*_ALL_HELD], [])
    if len(found) == 1 and not (member.tickets or member.bookings):
        _, now, runs = found[0]
        if runs and now.shut:  # all who have nothing but this plan are refused alike
            now.answer = now.answer or _by_rules(case)
            table = here.plans[now.plan.id]
            table.answers[bisect_right(table.starts, at) - 1] = now.answer
            return now.answer
    return _by_rules(case)


def _unusual(rules: Rules | None, device: Device, member: Member, scene: Scene) -> Decision:
    """E2, E7 and E9, wherever one of them has something to say."""
    if not device.enabled:
        return _early(0, Reason.DEVICE_DISABLED)
    if scene.lockdown and device.mode is not _RECORD_ONLY:
        return _early(1, Reason.LOCKDOWN)
    if rules is None:
        return _early(2, Reason.NO_RULES)
    store = rules.stores.get(device.store)
    if store is None:
        return _early(0, Reason.DEVICE_DISABLED)
    old = scene.rules_age_h > rules.settings.rules_max_age_h
    case = case_of(rules, store, device, member, scene, _ALL_HELD[:3])
    case.check("clock_trusted", scene.clock_trusted)
    case.check("rules_fresh", not old, age_h=scene.rules_age_h)
    if device.mode is _RECORD_ONLY:
        warned = {Warn.RULES_STALE: old, Warn.CLOCK_UNTRUSTED: not scene.clock_trusted}
        return record_only.decide(case, frozenset(w for w, applies in warned.items() if applies))
    if not scene.clock_trusted:
        return without_clock(case)
    return by_old_rules(case, _by_old_rules)


def _early(place: int, reason: Reason) -> Decision:
    """Refuse by one of the checks that come before the rules."""
    told = failed(_ALL_HELD[place].name, reason=reason)
    return Decision(Verdict.DENY, reason, trace=(*_ALL_HELD[:place], told))


def _by_old_rules(case: Case) -> Decision:
    """E10 to E13, whoever is stopped among them."""
    reason = stopped(case.member)
    case.check("member_not_stopped", reason is None, reason=reason)
    return _by_rules(case) if reason is None else deny(case, reason)


def _by_rules(case: Case) -> Decision:
    """E11 to E13; whatever lets in asks E14."""
    member, device, refusals = case.member, case.device, case.refusals
    if device.mode is _KEY_SCHEDULE:
        return key_schedule.decide(case)
    if case.here.asks:
        decided = qualify.decide(case)
        if decided is not None:
            return decided
    more = member.bookings or member.tickets
    granted = _by_any_way(case) if more else by_plan.decide(case)
    if granted is not None:
        return granted
    return deny(case, refusals[0] if len(refusals) == 1 else _most_telling(refusals))


def _by_any_way(case: Case) -> Decision | None:
    """3.3-1 to 4, for whoever has more than contracts."""
    settings, refusals = case.rules.settings, case.refusals
    paused = settings.paused_blocks_all and by_booking.pause_blocks(case)
    tickets = bool(case.member.tickets) and not paused
    plan_first = settings.entitlement_order is _PLAN_FIRST
    lacking: list[Reason] = []
    granted = None
    if case.booked or not case.here.windowed:
        granted = by_booking.by_exemption(case)
    if granted is None and tickets and not plan_first:
        granted = by_ticket.decide(case, lacking)
    if granted is None:
        granted = by_plan.decide(case)
    if granted is None and tickets and plan_first:
        granted = by_ticket.decide(case, lacking)
    if granted is None and case.member.bookings and not paused:
        granted = by_booking.alone(case)
    # A ticket's lack is told only where a ticket is required, or there is nothing else to tell.
    if lacking and (_TICKET_REQUIRED in refusals or not refusals):
        refusals += lacking
    return granted


def _most_telling(refusals: Sequence[Reason]) -> Reason:
    """3.3-5: of several refusals, the one that is told."""
    return min(refusals, key=_TELLING.index, default=Reason.NO_ENTITLEMENT)


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
    last = decide(rules, device, member, replace(scene, at=latest))
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
