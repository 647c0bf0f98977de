"""The people who work here, and their codes (spec/rules.md 2.4, 3.2 E2, E4 to E6, 3.4-1)."""

from datetime import datetime, timedelta

from tests.oracle.state import State
from tests.oracle.times import Data, instant, local_date, minutes

FIRST_DAY, LAST_DAY = "0001-01-01", "9999-12-31"


def present(world: Data, state: State, step: Data) -> Data:
    """A correctly signed code of the staff (`T1`, `T2`) at a door."""
    device = world["devices"][step["device"]]
    person = next((p for p in world["staff"] if p["id"] == step["staff"]), None)
    moments = [instant(step[name]) for name in ("earliest", "latest") if name in step]
    if device["side"] == "OUT" or not step.get("clock_ok", True):
        moments = []
    told = [_at(world, state, step, device, person, at) for at in moments or [instant(step["at"])]]
    # Where the clock leaves it open, staff pass; else it is as at the earliest time.
    answer = next((one for one in told if one["decision"] == "ALLOW"), told[0])
    code = step["code"]
    once = code["kind"] == "T1" and device["side"] == "IN" and device["mode"] != "RECORD_ONLY"
    if once and answer["decision"] == "ALLOW":
        state.spent.add(_name(step))
    return answer


def _at(
    world: Data, state: State, step: Data, device: Data, person: Data | None, at: datetime
) -> Data:
    store = world["stores"][device["store"]]
    if not step.get("clock_ok", True) and step["code"]["kind"] == "T1":
        at = max(at, instant(step["code"]["issued"]))  # E0: a verified code is no later than now
    of_code = _code_fault(world["settings"], person, step["code"], at)
    of_person = _person_fault(store, person, step, at)
    elsewhere = step["code"].get("store") not in (None, store["id"])
    if device["side"] == "OUT":
        return _leaving(person, of_code, of_person, elsewhere=elsewhere)
    if fault := _shut(device, person) or of_code or of_person:
        return _said("DENY", fault)
    if elsewhere:
        return _said("DENY", "STAFF_NOT_HERE")
    if device["mode"] != "RECORD_ONLY" and _name(step) in state.spent:
        return _said("DENY", "CODE_USED")
    assert person is not None
    return _said("ALLOW", "STAFF", person)


def _shut(device: Data, person: Data | None) -> str | None:
    """E2; a device that only records is not in a lockdown (3.5)."""
    if not device.get("enabled", True):
        return "DEVICE_DISABLED"
    if not device.get("lockdown", False) or device["mode"] == "RECORD_ONLY":
        return None
    passes = person is not None and "pass_lockdown" in person["roles"]
    return None if passes else "LOCKDOWN"


def _code_fault(settings: Data, person: Data | None, code: Data, at: datetime) -> str | None:
    """E4 and E5; nobody's card has no version to be compared with."""
    if code["kind"] == "T2":
        current = code["version"] if person is None else person["version"]
        return None if code["version"] == current else "CODE_REVOKED"
    issued = instant(code["issued"])
    if at < issued - timedelta(seconds=settings.get("code_skew_s", 60)):
        return "CODE_NOT_YET_VALID"
    life = min(code["ttl_min"], settings.get("code_ttl_min", 30))
    return "CODE_EXPIRED" if at >= issued + minutes(life) else None


def _person_fault(store: Data, person: Data | None, step: Data, at: datetime) -> str | None:
    """E6: known, active, in their dates, of this store, with the role to open."""
    if person is None or not person["active"]:
        return "STAFF_UNKNOWN"
    today = local_date(at, store["tz"])
    begins, ends = person["valid_from"] or FIRST_DAY, person["valid_to"] or LAST_DAY
    if step.get("clock_ok", True) and not begins <= today <= ends:
        return "STAFF_UNKNOWN"
    if person["stores"] is not None and store["id"] not in person["stores"]:
        return "STAFF_NOT_HERE"
    return None if "open" in person["roles"] else "STAFF_NOT_HERE"


def _leaving(
    person: Data | None, of_code: str | None, of_person: str | None, *, elsewhere: bool
) -> Data:
    """3.4-1: the way out opens; what is wrong with the code or the person is told."""
    warnings = []
    if of_code is not None:
        warnings.append(f"EXIT_{of_code}")
    if of_person == "STAFF_UNKNOWN":
        warnings.append("EXIT_UNKNOWN_MEMBER")
    elif of_person is not None or (elsewhere and of_code is None):
        warnings.append("EXIT_NO_ENTITLEMENT")
    return _said("ALLOW", "OK_WITH_WARNING" if warnings else "STAFF", person, *sorted(warnings))


def _said(decision: str, reason: str, person: Data | None = None, *warnings: str) -> Data:
    via = None if person is None else f"staff:{person['id']}"
    return {"decision": decision, "reason": reason, "via": via, "warnings": list(warnings)}


def _name(step: Data) -> tuple[str, str, int]:
    """One code: whose it is, when it was made, and its number. A card has none of it."""
    code = step["code"]
    return step["staff"], code.get("issued", ""), code.get("nonce", 0)
