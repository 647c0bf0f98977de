"""May this member come in here, now? (spec/rules.md 3.2, 3.3, 3.7)."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter

from policy import bookings, usage
from policy.calendar import (
    Occurrence,
    contract_refusal,
    day_refusal,
    entering,
    local_date,
)
from policy.model import (
    BandGrant,
    Booking,
    Contract,
    Decision,
    Device,
    Member,
    Overlap,
    Plan,
    Reason,
    Rules,
    Store,
    UsageKey,
    Verdict,
    Visit,
    Warn,
)
from policy.trace import Trace

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
    Reason.TICKET_REQUIRED,
    Reason.PLAN_NO_BANDS,
    Reason.STORE_NOT_ALLOWED,
    Reason.NO_ENTITLEMENT,
)

# Inside one contract these groups come before each other; in a group the first met stays
# (spec/cases.md, settled 4).
_GROUP = {
    Reason.QUOTA_EXHAUSTED: 0,
    Reason.STORE_CLOSED: 1,
    Reason.HOLIDAY_NOT_ALLOWED: 1,
    Reason.WEEKDAY_NOT_ALLOWED: 1,
    Reason.CONTRACT_PAUSED: 2,
    Reason.CONTRACT_ENDED: 2,
    Reason.CONTRACT_NOT_STARTED: 2,
    Reason.OUT_OF_BAND: 3,
}


@dataclass(frozen=True, slots=True)
class _Scan:
    """All that the entitlement is judged by."""

    rules: Rules
    store: Store
    device: Device
    member: Member
    used: AbstractSet[UsageKey]
    at: datetime
    today: date
    trace: Trace


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A band occurrence that would grant; of several the one with the lowest `rank` does.

    The rank (spec/rules.md 3.3-2f): counted before new, core before tolerance, unlimited
    before limited, short before long, then the band's place in its plan, then the contract's.
    """

    rank: tuple[bool, bool, bool, int, int, int]
    contract: Contract
    plan: Plan
    key: UsageKey
    occurrence: Occurrence

    @property
    def new(self) -> bool:
        """Whether its key is not there yet."""
        return self.rank[0]


def decide(  # noqa: PLR0913 - one question, and all that its answer depends on
    rules: Rules,
    device: Device,
    member: Member,
    used: AbstractSet[UsageKey],
    at: datetime,
    *,
    clock_trusted: bool = True,
) -> Decision:
    """Decide one entry of a known member; the code itself was checked before.

    Total: whatever `check` lets pass has an answer, and nothing is raised. Even a device of
    an unknown store or a contract with an unknown plan only grants nothing.

    Args:
        rules: The rules in force; that there are any is the caller's check (E7).
        device: An entrance of those rules.
        member: The member that the code names.
        used: The member's usage keys of the dates that `usage.dates_looked_at` gives; more
            are harmless, but cost time.
        at: When, an aware UTC instant of the years 2 to 9998.
        clock_trusted: False lets every member in who is not stopped, uncounted, for the
            cloud to settle: without a clock, hours mean nothing (spec/rules.md 3.7).

    Returns:
        The decision with its trace. A refusal carries no key, no visit and no warning.

    Source:
        spec/rules.md 3.2 (E2, E7, E10, E13), 3.3, 3.7; spec/cases.md, settled 1 to 7, 12.
    """
    trace = Trace()
    store = rules.stores.get(device.store)
    trace.check("device_enabled", device.enabled and store is not None, device=device.id)
    if store is None or not device.enabled:
        return _deny(trace, Reason.DEVICE_DISABLED)
    trace.check("clock_trusted", clock_trusted)
    stopped = _stop(member)
    trace.check("member_not_stopped", stopped is None, reason=stopped)
    if stopped is not None:
        return _deny(trace, stopped if clock_trusted else Reason.MEMBER_SUSPENDED)
    if not clock_trusted:
        return Decision(
            Verdict.ALLOW,
            Reason.OK,
            warnings=tuple(sorted({Warn.CLOCK_UNTRUSTED, *member.notices})),
            trace=trace.checks,
        )
    used = usage.in_scope(rules.settings.dedupe_scope, used)
    today = local_date(store, at)
    return _entitle(_Scan(rules, store, device, member, used, at, today, trace))


def _stop(member: Member) -> Reason | None:
    """E10."""
    if member.withdrawn:
        return Reason.MEMBER_WITHDRAWN
    if member.suspended:
        return Reason.MEMBER_SUSPENDED
    return Reason.IDENTITY_SUSPENDED if member.id_suspended else None


def _entitle(scan: _Scan) -> Decision:
    """E13: the first of the ways in that grants, or the most telling refusal."""
    contracts = _by_priority(scan.rules, scan.member)
    booked = bookings.entering(scan.member.bookings, scan.device, scan.store, scan.at)
    refusals = [Reason.NO_ENTITLEMENT]
    granted = (
        _by_exempt_booking(scan, contracts, booked)
        or _by_plan(scan, contracts, refusals)
        # Entry tickets (spec/rules.md 3.3-3) stand here: after the plan, before a mere booking.
        or _by_booking_alone(scan, booked)
    )
    return granted or _deny(scan.trace, min(refusals, key=_TELLING.index))


def _by_priority(rules: Rules, member: Member) -> list[tuple[Contract, Plan]]:
    """Pair the contracts with their plans, the one that wins ties first (6, row 21a)."""
    pairs = [(c, rules.plans[c.plan]) for c in member.contracts if c.plan in rules.plans]
    if len(pairs) > 1:
        pairs.sort(key=lambda pair: (pair[1].priority, not pair[0].main, pair[0].start))
    return pairs


def _by_exempt_booking(
    scan: _Scan, contracts: Sequence[tuple[Contract, Plan]], booked: Sequence[Booking]
) -> Decision | None:
    """3.3-1: a booking that the plan's exemption covers; it uses up nothing.

    Only the earliest booking that fits a contract is asked for the contract's dates.
    """
    if not booked:
        return None
    for contract, plan in contracts:
        booking = next((b for b in booked if bookings.exempts(plan, b)), None)
        if booking is None or not _in_stores(plan, scan.store):
            continue
        day = local_date(scan.store, booking.start)
        runs = contract_refusal(contract, day) is None
        if scan.trace.check("exempt_booking", runs, contract=contract.id, booking=booking.id):
            return _allow_booking(scan, booking)
    return None


def _by_booking_alone(scan: _Scan, booked: Sequence[Booking]) -> Decision | None:
    """3.3-4: a booking lets in a member whose contracts, if any, do not run today."""
    running = any(contract_refusal(c, scan.today) is None for c in scan.member.contracts)
    first = booked[0] if booked else None
    scan.trace.check(
        "booking_alone",
        first is not None and not running,
        running=running,
        booking=None if first is None else first.id,
    )
    return None if first is None or running else _allow_booking(scan, first)


def _by_plan(
    scan: _Scan, contracts: Sequence[tuple[Contract, Plan]], refusals: list[Reason]
) -> Decision | None:
    """3.3-2: the best contract that grants; each of the others adds to `refusals`."""
    candidates: list[_Candidate] = []
    for priority, (contract, plan) in enumerate(contracts):
        refusal = _plan_refusal(scan, contract, plan)
        if refusal is not None:
            refusals.append(refusal)
        elif plan.restrict:
            refusals.append(_collect(scan, priority, contract, plan, candidates))
        else:
            return _allow(scan, f"plan:{contract.id}", None)
    if not candidates:
        return None
    candidates.sort(key=attrgetter("rank"))
    return _allow_band(scan, candidates)


def _plan_refusal(scan: _Scan, contract: Contract, plan: Plan) -> Reason | None:
    """3.3-2a to d: what keeps a contract out before its bands are looked at."""
    check, owner = scan.trace.check, contract.id
    if not check("store_in_plan", _in_stores(plan, scan.store), contract=owner):
        return Reason.STORE_NOT_ALLOWED
    if plan.ticket_required:
        told = contract_refusal(contract, scan.today) or Reason.TICKET_REQUIRED
        check("no_ticket_needed", passed=False, contract=owner, reason=told)
        return told
    if plan.restrict:
        if plan.bands:
            return None
        check("bands_ticked", passed=False, contract=owner)
        return Reason.PLAN_NO_BANDS
    refusal = contract_refusal(contract, scan.today)
    if refusal is None and scan.today in scan.store.closed:
        refusal = Reason.STORE_CLOSED
    check("unrestricted", refusal is None, contract=owner, reason=refusal)
    return refusal


def _collect(
    scan: _Scan, priority: int, contract: Contract, plan: Plan, candidates: list[_Candidate]
) -> Reason:
    """3.3-2e: add the occurrences that would grant, and return the best of the refusals."""
    scope = scan.rules.settings.dedupe_scope
    fitting = list(entering(scan.store, plan, scan.today, scan.at))
    scan.trace.check("in_band", bool(fitting), contract=contract.id, bands=len(fitting))
    told = Reason.OUT_OF_BAND
    for place, occurrence in fitting:
        grant, day = plan.bands[place], occurrence.service_date
        key = usage.usage_key(scope, scan.store, contract.id, grant.kind, day)
        new = key not in scan.used
        refusal = _occurrence_refusal(scan, contract, grant, key, new=new)
        if refusal is None:
            early, limited = scan.at < occurrence.opens, grant.limit is not None
            hours = scan.store.bands[grant.kind]
            rank = (new, early, limited, hours.end_min - hours.start_min, place, priority)
            candidates.append(_Candidate(rank, contract, plan, key, occurrence))
        elif _GROUP[refusal] < _GROUP[told]:
            told = refusal
    return told


def _occurrence_refusal(
    scan: _Scan, contract: Contract, grant: BandGrant, key: UsageKey, *, new: bool
) -> Reason | None:
    """Say what drops an occurrence: dates, day rule, closed date, quota; first failure only."""
    check, day, name = scan.trace.check, key.service_date, str(key)
    refusal = contract_refusal(contract, day)
    if not check("contract_date", refusal is None, key=name, reason=refusal):
        return refusal
    refusal = day_refusal(scan.store, grant.days, day)
    if not check("day_rule", refusal is None, key=name, reason=refusal):
        return refusal
    if not check("store_open", day not in scan.store.closed, key=name):
        return Reason.STORE_CLOSED
    if grant.limit is None or not new:
        return None
    counted = usage.count(scan.used, contract.id, grant.kind, day)
    if not check("quota", counted < grant.limit, key=name, counted=counted, limit=grant.limit):
        return Reason.QUOTA_EXHAUSTED
    return None


def _allow_band(scan: _Scan, candidates: Sequence[_Candidate]) -> Decision:
    """3.3-2g: grant by the first candidate; others count beside it only if overlaps do."""
    best = candidates[0]
    counted = {best.key.band: best}
    if scan.rules.settings.overlap is Overlap.ALL:
        for other in candidates:
            if other.contract is best.contract:
                counted.setdefault(other.key.band, other)
    until = best.occurrence.closes + timedelta(minutes=best.plan.late_min)
    return _allow(scan, f"plan:{best.contract.id}", until, tuple(counted.values()))


def _allow_booking(scan: _Scan, booking: Booking) -> Decision:
    until = booking.end + timedelta(minutes=scan.device.booking_exit_late_min)
    return _allow(scan, f"booking:{booking.id}", until, paid=booking.paid)


def _allow(
    scan: _Scan,
    via: str,
    until: datetime | None,
    counted: Sequence[_Candidate] = (),
    *,
    paid: bool = True,
) -> Decision:
    """Grant. `counted`: what this use counts as, the chosen band first."""
    device, notices = scan.device, scan.member.notices
    band, day = (counted[0].key.band, counted[0].key.service_date) if counted else (None, None)
    new_keys = sorted([c.key for c in counted if c.new]) if device.counts else ()
    return Decision(
        Verdict.ALLOW,
        Reason.OK,
        via,
        band,
        day,
        tuple(new_keys),
        tuple(sorted(notices if paid else {Warn.BOOKING_UNPAID, *notices})),
        Visit(device.store, scan.at, until, device.id, via, band) if device.counts else None,
        scan.trace.checks,
    )


def _deny(trace: Trace, reason: Reason) -> Decision:
    return Decision(Verdict.DENY, reason, trace=trace.checks)


def _in_stores(plan: Plan, store: Store) -> bool:
    return plan.stores is None or store.id in plan.stores
