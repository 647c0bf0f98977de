"""Coming in: the checks in their order, and what the answer changes (spec/rules.md 3.2, 3.7)."""

from dataclasses import replace

from tests.oracle.doors import device_fault, key_schedule, own_place, record_only
from tests.oracle.entitlement import entitlement
from tests.oracle.leaving import STOPS
from tests.oracle.state import Scan, State, count_after, scan_of, spell, tickets_left
from tests.oracle.times import Data, instant, minutes, spelled
from tests.oracle.verdict import Verdict, deny

STALE = frozenset({"WARN_RULES_STALE"})
UNSURE = frozenset({"WARN_CLOCK_UNTRUSTED"})
SHUT = ("DEVICE_DISABLED", "LOCKDOWN", "NO_RULES")  # whatever the disk does
ANYHOW = Verdict("ALLOW", "OK", by_the_rules=False)


def enter(world: Data, state: State, step: Data) -> Data:
    scan = scan_of(world, state, {**step, "at": step.get("earliest", step["at"])})
    verdict = _desk(scan, _disk(scan, step, _maybe(scan, step)))
    return _told(scan, verdict, _commit(scan, step, verdict))


def _decide(scan: Scan, step: Data) -> Verdict:
    """E2, E7 and what follows, as if this instant were certain."""
    if not scan.device.get("enabled", True):
        return deny("DEVICE_DISABLED")
    recording = scan.device["mode"] == "RECORD_ONLY"  # it never denies (spec/rules.md 3.5)
    if scan.device.get("lockdown", False) and not recording:
        return deny("LOCKDOWN")
    age_h = step.get("rules_age_h", 0)
    if age_h is None:
        return deny("NO_RULES")
    if recording:
        return _recorded(scan, step, age_h)
    if not step.get("clock_ok", True):
        return _without_clock(scan)
    if age_h <= scan.settings.get("rules_max_age_h", 72):
        return _by_rules(scan)
    policy = step.get("stale_policy") or scan.settings.get("stale_policy", "normal")
    verdict = deny("RULES_STALE") if policy == "deny" else _by_rules(scan)
    if policy == "members" and verdict.decision == "DENY" and _in_good_standing(scan):
        verdict = ANYHOW
    return replace(verdict, warnings=verdict.warnings | STALE)


def _recorded(scan: Scan, step: Data, age_h: int) -> Verdict:
    """What happened is recorded, by old rules too; without the time it has no band."""
    clock_ok = step.get("clock_ok", True)
    warnings = STALE if age_h > scan.settings.get("rules_max_age_h", 72) else frozenset()
    if scan.member is None:
        return replace(deny("MEMBER_NOT_SYNCED"), warnings=warnings)
    verdict = record_only(scan)
    if not clock_ok:
        verdict, warnings = replace(verdict, band=None, day=None, keys=()), warnings | UNSURE
    return replace(verdict, warnings=verdict.warnings | warnings)


def _in_good_standing(scan: Scan) -> bool:
    """Known, active and not stopped (spec/rules.md 3.7)."""
    return scan.member is not None and not STOPS & set(scan.member["flags"])


def _without_clock(scan: Scan) -> Verdict:
    if scan.settings.get("clock_policy", "members") == "deny":
        return deny("CLOCK_UNTRUSTED")
    if scan.member is None:
        return deny("MEMBER_NOT_SYNCED")
    if not _in_good_standing(scan):
        return deny("MEMBER_SUSPENDED")
    return replace(ANYHOW, warnings=UNSURE)


def _maybe(scan: Scan, step: Data) -> Verdict:
    """Decide by the earliest time that it may be, and ask whether the latest would differ."""
    first = _decide(scan, step)
    if not step.get("clock_ok", True) or "latest" not in step:
        return first
    last = _decide(scan.moved(instant(step["latest"])), step)
    if _gist(first) == _gist(last):
        return first
    if first.decision != last.decision:
        unsure = _without_clock(scan)
        if unsure.decision == "DENY" or first.decision == "DENY":
            return unsure
    return replace(first, warnings=first.warnings | UNSURE)


def _gist(verdict: Verdict) -> tuple[object, ...]:
    if verdict.decision == "DENY":
        return ("DENY",)
    keys = {(owner, band.partition("@")[0], day) for owner, band, day, _ in verdict.keys}
    return verdict.decision, verdict.via, verdict.band, verdict.day, keys


def _by_rules(scan: Scan) -> Verdict:
    """E8 to E14."""
    if scan.member is None:
        return deny("MEMBER_NOT_SYNCED")
    mode = scan.device["mode"]
    for flag, reason in (
        ("withdrawn", "MEMBER_WITHDRAWN"),
        ("suspended", "MEMBER_SUSPENDED"),
        ("id_suspended", "IDENTITY_SUSPENDED"),
    ):
        if flag in scan.member["flags"]:
            return deny(reason)
    if mode == "KEY_SCHEDULE":
        return key_schedule(scan)
    if mode == "APP":
        return entitlement(scan)
    if fault := device_fault(scan):
        return deny(fault)
    return _passback(scan, own_place(scan) or entitlement(scan))


def _passback(scan: Scan, verdict: Verdict) -> Verdict:
    """E14: somebody who is in, as far as anybody knows, comes in again."""
    hardness = scan.settings.get("anti_passback", "off")
    visit = scan.visit
    if hardness == "off" or visit is None or verdict.decision == "DENY":
        return verdict
    timeout = minutes(scan.settings.get("passback_timeout_min", 720))
    expired = timeout and scan.at - instant(visit["since"]) >= timeout
    if expired or not scan.device["counts"]:
        return verdict
    if hardness == "hard":
        return deny("ANTI_PASSBACK")
    return replace(verdict, warnings=verdict.warnings | {"WARN_PASSBACK"})


def _disk(scan: Scan, step: Data, verdict: Verdict) -> Verdict:
    """What cannot be recorded (spec/rules.md 3.7, Failed disk)."""
    if step.get("disk_ok", True) or verdict.decision == "RECORDED" or verdict.reason in SHUT:
        return verdict
    if scan.settings.get("disk_failure_policy", "deny") == "deny":
        if verdict.decision == "DENY":
            return verdict
        return replace(deny("RECORD_FAILED"), warnings=verdict.warnings & STALE)
    if not _in_good_standing(scan):
        return verdict
    return replace(ANYHOW, warnings=verdict.warnings)


def _desk(scan: Scan, verdict: Verdict) -> Verdict:
    if scan.member is None or verdict.decision != "ALLOW":
        return verdict
    notices = {f"WARN_{notice}" for notice in scan.member["notices"]}
    return replace(verdict, warnings=verdict.warnings | notices)


def _commit(scan: Scan, step: Data, verdict: Verdict) -> list[str]:
    """Carry the verdict into the state; the usage keys that came into being by it."""
    state = scan.state
    event = step.get("event") or state.fresh_event()
    new = [spell(key) for key in verdict.keys if state.support(key, event)]
    if verdict.decision == "ALLOW" and verdict.by_the_rules and scan.device["counts"]:
        assert scan.member is not None
        until = None if verdict.until is None else spelled(verdict.until, scan.tz)
        visit = {"store": scan.store["id"], "since": spelled(scan.at, scan.tz), "until": until}
        state.visits[scan.member["id"], scan.store["id"]] = visit
    return sorted(new)


def _told(scan: Scan, verdict: Verdict, new: list[str]) -> Data:
    month_day = verdict.day or scan.today
    told: Data = {
        "decision": verdict.decision,
        "reason": verdict.reason,
        "via": verdict.via,
        "band": verdict.band,
        "service_date": verdict.day,
        "keys_added": len(new),
        "new_keys": new,
        "warnings": sorted(verdict.warnings),
        "count_after": count_after(scan.world, scan.state, scan.member, month_day),
    }
    if scan.member is not None and scan.member["tickets"]:
        told["tickets_left"] = tickets_left(scan.state, scan.member)
    if verdict.decision == "ALLOW" and verdict.by_the_rules:
        told["visit_after"] = scan.visit
    return told
