"""Codes, repeated reads, and what a rule set is refused for (spec/rules.md 2.2, 3.2 E1 to E8)."""

from collections import Counter
from datetime import timedelta

from tests.oracle.state import State, member_now
from tests.oracle.times import Data, instant, minutes


def check(world: Data, state: State, step: Data) -> Data:
    """The code alone: signature, member, then version or time (spec/cases.md 13)."""
    code, leaving = step["code"], step["side"] == "OUT"
    if not code["signature_ok"]:
        return _said("CODE_BAD_SIGNATURE")
    member = member_now(world, state, code["member"])
    if member is None:
        return _said("OK", "EXIT_UNKNOWN_MEMBER") if leaving else _said("MEMBER_NOT_SYNCED")
    fault = _code_fault(world["settings"], member, code, step["at"])
    if fault is None:
        return _said("OK")
    return _said("OK", f"EXIT_{fault}") if leaving else _said(fault)


def _said(reason: str, *warnings: str) -> Data:
    decision = "ACCEPT" if reason == "OK" else "DENY"
    return {"decision": decision, "reason": reason, "warnings": list(warnings)}


def _code_fault(settings: Data, member: Data, code: Data, at: str) -> str | None:
    if code["kind"] == "fixed":
        current = member.get("fixed_code_version", 1)
        return None if code["version"] == current else "CODE_REVOKED"
    issued = instant(code["issued"])
    if instant(at) < issued - timedelta(seconds=settings.get("code_skew_s", 60)):
        return "CODE_NOT_YET_VALID"
    if instant(at) >= issued + minutes(settings.get("code_ttl_min", 30)):
        return "CODE_EXPIRED"
    return None


def read(world: Data, state: State, step: Data) -> Data:
    """E1 at entry readers: one instant kept for each reader and payload, set by decided reads."""
    at, what = instant(step["at"]), (step["device"], step["payload"])
    last = state.reads.get(what)
    wait = timedelta(seconds=world["settings"].get("debounce_s", 5))
    entry = world["devices"][step["device"]]["side"] == "IN"
    if entry and last is not None and at - last < wait:
        return {"new_decision": False}
    state.reads[what] = at
    return {"new_decision": True}


def load_rules(_world: Data, _state: State, step: Data) -> Data:
    reasons = sorted({reason for plan in step["plans"] for reason in _plan_faults(plan)})
    return {"accepted": not reasons, "reasons": reasons}


def _plan_faults(plan: Data) -> list[str]:
    restrict, bands = plan["restrict"], plan["bands"]
    faults = {
        "SCHOOL_PLAN_LIMITS": plan["type"] == "school" and restrict,
        "PLAN_AND_TICKET_BOTH": restrict and plan["ticket_required"],
        "EXEMPT_WITHOUT_RESTRICT": plan["exempt"] and not restrict,
        "PROGRAM_LIST_WITHOUT_EXEMPT": plan["exempt_programs"] and not plan["exempt"],
        "TOLERANCE_WITHOUT_RESTRICT": (plan["early_min"] or plan["late_min"]) and not restrict,
        "DUPLICATE_BAND": _twice(bands) or _twice(plan["booking_bands"]),
        "NEGATIVE_LIMIT": any((band["limit"] or 0) < 0 for band in bands),
    }
    return [name for name, found in faults.items() if found]


def _twice(bands: list[Data]) -> bool:
    return any(number > 1 for number in Counter(band["kind"] for band in bands).values())
