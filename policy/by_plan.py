"""Coming in by a contract's plan (spec/rules.md 3.3-2)."""

from collections.abc import Mapping, Sequence
from operator import itemgetter

from policy import usage
from policy.calendar import contract_refusal, runs_throughout
from policy.case import Case, allow, built
from policy.model import (
    Check,
    Contract,
    Decision,
    Device,
    Overlap,
    Plan,
    Reason,
    Store,
    UsageKey,
)
from policy.timetable import (
    BY_CONTRACT,
    BY_DAY,
    BY_NOTHING,
    BY_QUOTA,
    Fit,
    Segment,
    Told,
    segment,
)
from policy.usage_keys import Slot

# Looking a word up in its enum costs more than most checks.
_QUOTA_EXHAUSTED, _OUT_OF_BAND = Reason.QUOTA_EXHAUSTED, Reason.OUT_OF_BAND

_NO_MASKS: Mapping[Slot, int] = {}
_Granting = tuple[bool, Fit]
"""Whether its key is new, and the occurrence: the lower in both is preferred."""

_new = itemgetter(0)


def decide(case: Case, contracts: Sequence[Contract]) -> Decision | None:
    """Let in by the best contract that grants; each of the others adds to the refusals.

    `contracts`: those that win ties first.
    """
    best: Contract | None = None
    granting: list[_Granting] = []
    rules, store, offers, at = case.rules, case.store, case.here, case.scene.at
    for contract in contracts:
        plan = rules.plans.get(contract.plan)
        if plan is None:
            continue
        here = segment(rules, store, offers, plan, at)
        if not here.limited:
            refusal = _plan_refusal(case, contract, here)
            if refusal is None:
                return allow(case, f"plan:{contract.id}")
            case.refusals.append(refusal)
        else:
            found = _granting(case, contract, here)
            if found and (best is None or _rank(found[0]) < _rank(granting[0])):
                best, granting = contract, found
    return None if best is None else _allow(case, best, granting)


def store_asked(device: Device, plan: Plan, store: Store) -> bool:
    """Tell whether the plan's store list keeps it out of this device's store."""
    return device.check_stores and plan.stores is not None and store.id not in plan.stores


def _rank(granting: _Granting) -> tuple[bool, tuple[bool, bool, int, int]]:
    new, fit = granting
    return new, fit.rank


def _plan_refusal(case: Case, contract: Contract, here: Segment) -> Reason | None:
    """3.3-2a to d: say what keeps out a contract that does not let in by bands, None = nothing."""
    refusal: Reason | None
    if here.outside:
        name, refusal = "store_in_plan", Reason.STORE_NOT_ALLOWED
    elif here.plan.ticket_required:
        name = "no_ticket_needed"
        refusal = contract_refusal(contract, here.today) or Reason.TICKET_REQUIRED
    elif here.plan.restrict:
        name, refusal = "bands_ticked", Reason.PLAN_NO_BANDS
    else:
        name, refusal = "unrestricted", contract_refusal(contract, here.today)
        if refusal is None and here.today in case.store.closed:
            refusal = Reason.STORE_CLOSED
    case.check(name, refusal is None, contract=contract.id, reason=refusal)
    return refusal


def _granting(case: Case, contract: Contract, here: Segment) -> list[_Granting]:
    """3.3-2e, f: return the occurrences that would grant, the best first.

    If none does, why not is added to the refusals.
    """
    trace = case.trace
    fits: Sequence[Fit]
    if runs_throughout(contract, here.first, here.last):
        trace += here.checks
        fits, told = here.open, here.told
    else:
        fits, told = _running(case, contract, here)
    masks = case.scene.used.masks.get(contract.id, _NO_MASKS) if fits else _NO_MASKS
    found: list[_Granting] = []
    for fit in fits:
        mask = masks.get(fit.slot, 0)
        new = not mask & fit.bit if here.plainly else _is_new(case, contract, fit)
        if not new:
            trace.append(fit.counted)
        elif fit.limit is not None:
            counted = mask.bit_count() if here.plainly else _counted(case, contract, fit)
            facts = {"contract": contract.id, **fit.facts, "counted": counted, "limit": fit.limit}
            trace.append(built(Check, ("quota", counted < fit.limit, facts)))
            if counted >= fit.limit:
                told = min(told, (BY_QUOTA, fit.met, _QUOTA_EXHAUSTED))
                continue
        found.append((new, fit))
    if not found:
        case.refusals.append(told[2])
    elif len(found) > 1:
        found.sort(key=_new)  # the fits were in their order already
    return found


def _running(case: Case, contract: Contract, here: Segment) -> tuple[Sequence[Fit], Told]:
    """Return the fits on whose dates the contract runs, and what is told of the others."""
    case.trace.append(here.in_band)
    fits: list[Fit] = []
    told: Told = (BY_NOTHING, (0, here.today), _OUT_OF_BAND)
    for fit in here.fits:
        refusal = contract_refusal(contract, fit.day)
        if refusal is not None:
            case.failed("contract_date", contract=contract.id, **fit.facts, reason=refusal)
            told = min(told, (BY_CONTRACT, fit.met, refusal))
            continue
        case.trace += fit.checks
        if fit.refusal is None:
            fits.append(fit)
        else:
            told = min(told, (BY_DAY, fit.met, fit.refusal))
    return fits, told


def _is_new(case: Case, contract: Contract, fit: Fit) -> bool:
    return not usage.present(case.scene.used, _key(contract, fit))


def _counted(case: Case, contract: Contract, fit: Fit) -> int:
    settings = case.rules.settings
    owners = usage.predecessors(settings, case.member, contract)
    return usage.count(settings, case.scene.used, owners, fit.kind, fit.day)


def _key(contract: Contract, fit: Fit) -> UsageKey:
    return built(UsageKey, (contract.id, fit.kind, fit.day, fit.store))


def _allow(case: Case, contract: Contract, granting: Sequence[_Granting]) -> Decision:
    """3.3-2g: grant by the best occurrence; others count beside it only if overlaps do."""
    new, fit = granting[0]
    owner, kind, day = contract.id, fit.kind, fit.day
    keys: tuple[UsageKey, ...] = (built(UsageKey, (owner, kind, day, fit.store)),)
    new_keys = keys if new else ()
    if len(granting) > 1 and case.rules.settings.overlap is Overlap.ALL:
        bands: dict[str, _Granting] = {}
        for other in granting:
            bands.setdefault(other[1].kind, other)
        counted = sorted((_key(contract, fit), new) for new, fit in bands.values())
        keys = tuple(key for key, _ in counted)
        new_keys = tuple(key for key, new in counted if new)
    return allow(case, f"plan:{owner}", kind, day, keys, new_keys, fit.until)
