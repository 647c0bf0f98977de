"""Coming in by a contract's plan (spec/rules.md 3.3-2)."""

from collections.abc import Mapping, Sequence
from datetime import date

from policy import usage
from policy.calendar import contract_refusal
from policy.case import Case, allow, built
from policy.model import (
    Contract,
    Decision,
    Device,
    Overlap,
    Plan,
    Reason,
    Store,
    UsageKey,
)
from policy.timetable import Fit, Segment, segment
from policy.trace import in_band, occurrence
from policy.usage_keys import Slot

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
}

# Looking a word up in its enum costs more than most checks.
_QUOTA_EXHAUSTED, _OUT_OF_BAND = Reason.QUOTA_EXHAUSTED, Reason.OUT_OF_BAND

_NO_MASKS: Mapping[Slot, int] = {}
_Granting = tuple[bool, Fit]
"""Whether its key is new, and the occurrence: the lower in both is preferred."""


def decide(case: Case, contracts: Sequence[Contract], refusals: list[Reason]) -> Decision | None:
    """Let in by the best contract that grants; each of the others adds to `refusals`.

    `contracts`: those that win ties first.
    """
    best: Contract | None = None
    granting: list[_Granting] = []
    for contract in contracts:
        plan = case.rules.plans.get(contract.plan)
        if plan is None:
            continue
        here = segment(case.rules, case.store, plan, case.scene.at)
        if not here.limited or (here.outside and case.device.check_stores):
            refusal = _plan_refusal(case, contract, plan, here)
            if refusal is None:
                return allow(case, f"plan:{contract.id}")
            refusals.append(refusal)
        else:
            found = _granting(case, contract, here, refusals)
            if found and (best is None or _rank(found[0]) < _rank(granting[0])):
                best, granting = contract, found
    return None if best is None else _allow(case, best, granting)


def store_asked(device: Device, plan: Plan, store: Store) -> bool:
    """Tell whether the plan's store list keeps it out of this device's store."""
    return device.check_stores and plan.stores is not None and store.id not in plan.stores


def _rank(granting: _Granting) -> tuple[bool, tuple[bool, bool, int, int]]:
    new, fit = granting
    return new, fit.rank


def _plan_refusal(case: Case, contract: Contract, plan: Plan, here: Segment) -> Reason | None:
    """3.3-2a to d: say what keeps out a contract that does not let in by bands, None = nothing."""
    refusal: Reason | None
    if here.outside and case.device.check_stores:
        name, refusal = "store_in_plan", Reason.STORE_NOT_ALLOWED
    elif plan.ticket_required:
        name = "no_ticket_needed"
        refusal = contract_refusal(contract, here.today) or Reason.TICKET_REQUIRED
    elif plan.restrict:
        name, refusal = "bands_ticked", Reason.PLAN_NO_BANDS
    else:
        name, refusal = "unrestricted", contract_refusal(contract, here.today)
        if refusal is None and here.today in case.store.closed:
            refusal = Reason.STORE_CLOSED
    case.check(name, refusal is None, "contract", contract.id, "reason", refusal)
    return refusal


def _granting(
    case: Case, contract: Contract, here: Segment, refusals: list[Reason]
) -> list[_Granting]:
    """3.3-2e: return the occurrences that would grant, the best first; if none, add why not."""
    owner, fits, steps = contract.id, here.fits, case.steps
    steps.append((in_band, owner, fits))
    masks = case.scene.used.masks.get(owner, _NO_MASKS)
    found: list[_Granting] = []
    failed: list[tuple[int, tuple[int, date], Reason]] = []
    for fit in fits:
        mask, counted = masks.get(fit.slot, 0), None
        new = not mask & fit.bit if here.plainly else _is_new(case, contract, fit)
        refusal = contract_refusal(contract, fit.day) or fit.refusal
        if refusal is None and new and fit.limit is not None:
            counted = mask.bit_count() if here.plainly else _counted(case, contract, fit)
            if counted >= fit.limit:
                refusal = _QUOTA_EXHAUSTED
        steps.append((occurrence, owner, fit, new, counted, refusal))
        if refusal is None:
            found.append((new, fit))
        else:
            failed.append((_GROUP[refusal], fit.met, refusal))
    if not found:
        refusals.append(min(failed)[2] if failed else _OUT_OF_BAND)
    elif len(found) > 1:
        found.sort(key=_rank)
    return found


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
