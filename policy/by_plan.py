"""Coming in by a contract's plan (spec/rules.md 3.3-2)."""

from collections.abc import Mapping, Sequence
from operator import itemgetter

from policy import usage
from policy.calendar import contract_refusal
from policy.case import Case, allow, built
from policy.model import (
    Check,
    Contract,
    Decision,
    Overlap,
    Reason,
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
)
from policy.usage_keys import Slot

# Looking a word up in its enum costs more than most checks.
_QUOTA_EXHAUSTED, _OUT_OF_BAND = Reason.QUOTA_EXHAUSTED, Reason.OUT_OF_BAND

_NO_MASKS: Mapping[Slot, int] = {}
_Granting = tuple[bool, Fit]
"""Whether its key is new, and the occurrence: the lower in both is preferred."""

_new = itemgetter(0)


def decide(case: Case) -> Decision | None:
    """Let in by the best contract that grants; each of the others adds to the refusals."""
    best: Contract | None = None
    granting: list[_Granting] = []
    for contract, here, runs in case.offered:
        if not here.limited:
            refusal = _plan_refusal(case, contract, here)
            if refusal is None:
                return allow(case, f"plan:{contract.id}")
            case.refusals.append(refusal)
        else:
            found = _granting(case, contract, here, runs=runs)
            if found and (best is None or _rank(found[0]) < _rank(granting[0])):
                best, granting = contract, found
    return None if best is None else _allow(case, best, granting)


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


def _granting(case: Case, contract: Contract, here: Segment, *, runs: bool) -> list[_Granting]:
    """3.3-2e, f: return the occurrences that would grant, the best first.

    `runs`: on all their dates. If none grants, why not is added to the refusals.
    """
    trace = case.trace
    fits: Sequence[Fit]
    if runs:
        trace += here.checks
        fits, told = here.open, here.told
    else:
        fits, told = _running(case, contract, here)
    found: list[_Granting] = []
    masks = case.scene.used.masks.get(contract.id, _NO_MASKS) if fits else _NO_MASKS
    for fit in fits:
        if here.plainly:
            mask = masks.get(fit.slot, 0)
            new, counted = not mask & fit.bit, mask.bit_count()
        else:
            new, counted = _uses(case, contract, fit)
        if not new:
            trace.append(fit.counted)
        elif fit.limit is not None:
            facts = fit.asked.copy()
            facts["contract"], facts["counted"] = contract.id, counted
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


def _uses(case: Case, contract: Contract, fit: Fit) -> tuple[bool, int]:
    """Tell whether a use would be new, and how many there are, under whatever settings."""
    settings, used = case.rules.settings, case.scene.used
    owners = usage.predecessors(settings, case.member, contract)
    counted = usage.count(settings, used, owners, fit.kind, fit.day)
    return not usage.present(used, _key(contract, fit)), counted


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
