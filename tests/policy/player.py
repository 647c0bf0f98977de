"""Plays one row of tests/vectors/cases.json against the rules (spec/cases.md).

A row runs on one state: the member's usage keys and open visits, kept here as the journal
keeps them. An operation is a method named in `OPERATIONS`; it returns what the row expects.
A device that asks for more than the rules know yet is left out, so that a row with it fails.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from policy import entry, usage
from policy import exit as leave
from policy.check import check_rules
from policy.model import (
    BandGrant,
    Booking,
    BookingStatus,
    Contract,
    DayRule,
    Decision,
    DedupeScope,
    Device,
    HolidayRule,
    Hours,
    Member,
    Mode,
    Overlap,
    Plan,
    PlanType,
    Rules,
    RuleSettings,
    Side,
    Store,
    UsageKey,
    Verdict,
    Visit,
    Warn,
)

Json = Mapping[str, Any]


class Player:
    """One row's world and state."""

    def __init__(self, fixtures: Json, world: Json) -> None:
        members = world.get("members", [])
        self._members = {m["id"]: _member(m) for m in members}
        self._rules = Rules(
            tenant="t",
            version=1,
            issued_at=datetime(2026, 1, 1, tzinfo=UTC),
            settings=_settings({**fixtures["settings"], **world.get("settings", {})}),
            stores={
                name: _store({**store, **world.get("stores", {}).get(name, {})})
                for name, store in fixtures["stores"].items()
            },
            plans={
                c["plan"]["id"]: _plan(c["plan"]) for m in members for c in m.get("contracts", [])
            },
            doors={},
            devices={
                d["id"]: _device(d)
                for d in [*fixtures["devices"].values(), *world.get("devices", [])]
                if d["mode"] in list(Mode) and d["qualify"] == ["any_member"] and not d["gender"]
            },
            keys={},
        )
        self._used: set[UsageKey] = set()
        self._visits: dict[tuple[str, str], Visit] = {}

    def play(self, step: Json) -> Json:
        """Carry out one step and return its whole result."""
        return OPERATIONS[step["op"]](self, step)

    def _enter(self, step: Json) -> Json:
        device, member = self._rules.devices[step["device"]], self._members[step["member"]]
        store, at = self._rules.stores[device.store], _instant(step["at"])
        trusted = step.get("clock_ok", True)
        first, last = usage.dates_looked_at(store, at)
        used = frozenset(key for key in self._used if first <= key.service_date <= last)
        decision = entry.decide(self._rules, device, member, used, at, clock_trusted=trusted)
        before = len(self._used)
        self._used.update(decision.new_keys)
        if decision.visit is not None:
            self._visits[member.id, store.id] = decision.visit
        result: dict[str, Any] = {
            "decision": decision.verdict,
            "reason": decision.reason,
            "via": decision.via,
            "band": decision.band,
            "service_date": decision.service_date and decision.service_date.isoformat(),
            "keys_added": len(self._used) - before,
            "new_keys": [str(key) for key in decision.new_keys],
            "warnings": list(decision.warnings),
            "count_after": self._count_after(member, store, at, decision),
        }
        if decision.verdict is Verdict.ALLOW and trusted:
            result["visit_after"] = self._visit_after(member, store)
        return result

    def _exit(self, step: Json) -> Json:
        device, member = self._rules.devices[step["device"]], self._members[step["member"]]
        store, at = self._rules.stores[device.store], _instant(step["at"])
        visit = self._visits.pop((member.id, store.id), None)
        decision = leave.decide(self._rules, device, member, visit, at)
        return {
            "decision": decision.verdict,
            "reason": decision.reason,
            "warnings": list(decision.warnings),
            "count_after": self._count_after(member, store, at, decision),
            "visit_after": self._visit_after(member, store),
        }

    def _add_used(self, step: Json) -> Json:
        day = date.fromisoformat(step["service_date"])
        store = self._rules.stores[step["store"]]
        scope = self._rules.settings.dedupe_scope
        self._used.add(usage.usage_key(scope, store, step["contract"], step["band"], day))
        return {}

    def _set_member(self, step: Json) -> Json:
        self._members[step["member"]] = replace(self._members[step["member"]], **step["set"])
        return {}

    def _load_rules(self, step: Json) -> Json:
        plans = {plan["id"]: _plan(plan) for plan in step["plans"]}
        faults = check_rules(replace(self._rules, plans=plans))
        return {"accepted": not faults, "reasons": sorted(fault.code for fault in faults)}

    def _count_after(
        self, member: Member, store: Store, at: datetime, decision: Decision
    ) -> dict[str, dict[str, dict[str, int]]]:
        """Count every band of the plans in the month at hand, and all that has keys."""
        day = decision.service_date or at.astimezone(store.tz).date()
        asked = {
            (contract.id, grant.kind, day.replace(day=1))
            for contract in member.contracts
            for grant in self._rules.plans[contract.plan].bands
        }
        owners = {contract.id for contract in member.contracts}
        asked |= {
            (key.owner, key.band, key.service_date.replace(day=1))
            for key in self._used
            if key.owner in owners
        }
        result: dict[str, dict[str, dict[str, int]]] = {}
        for owner, band, month in asked:
            bands = result.setdefault(owner, {}).setdefault(f"{month:%Y-%m}", {})
            bands[band] = usage.count(self._used, owner, band, month)
        return result

    def _visit_after(self, member: Member, store: Store) -> Json | None:
        visit = self._visits.get((member.id, store.id))
        if visit is None:
            return None
        until = visit.until and visit.until.astimezone(store.tz).isoformat()
        since = visit.since.astimezone(store.tz).isoformat()
        return {"store": visit.store, "since": since, "until": until}


OPERATIONS: Mapping[str, Callable[[Player, Json], Json]] = {
    "enter": Player._enter,
    "exit": Player._exit,
    "used": Player._add_used,
    "set_member": Player._set_member,
    "load_rules": Player._load_rules,
}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _settings(data: Json) -> RuleSettings:
    return RuleSettings(
        overlap=Overlap(data["overlap"]),
        dedupe_scope=DedupeScope(data["dedupe_scope"]),
        code_ttl_min=data["code_ttl_min"],
        code_skew_s=data["code_skew_s"],
        debounce_s=data["debounce_s"],
    )


def _store(data: Json) -> Store:
    return Store(
        id=data["id"],
        tz=ZoneInfo(data["tz"]),
        bands={kind: Hours(*hours) for kind, hours in data["bands"].items()},
        holidays=frozenset(map(date.fromisoformat, data["holidays"])),
        closed=frozenset(map(date.fromisoformat, data["closed"])),
    )


def _device(data: Json) -> Device:
    return Device(
        id=data["id"],
        store=data["store"],
        side=Side(data["side"]),
        room=data["room"],
        mode=Mode(data["mode"]),
        counts=data["counts"],
        booking_early_min=data["booking_early_min"],
        booking_exit_late_min=data["booking_exit_late_min"],
    )


def _plan(data: Json) -> Plan:
    return Plan(
        id=data["id"],
        type=PlanType(data["type"]),
        restrict=data["restrict"],
        ticket_required=data["ticket_required"],
        bands=tuple(_grant(band) for band in data["bands"]),
        exempt=data["exempt"],
        exempt_programs=frozenset(data["exempt_programs"]),
        early_min=data["early_min"],
        late_min=data["late_min"],
        stores=None if data["stores"] is None else frozenset(data["stores"]),
        priority=data["priority"],
    )


def _grant(data: Json) -> BandGrant:
    weekdays = frozenset(day for day, tick in enumerate(data["weekdays"]) if tick == "1")
    return BandGrant(data["kind"], data["limit"], DayRule(weekdays, HolidayRule(data["holiday"])))


def _member(data: Json) -> Member:
    return Member(
        id=data["id"],
        handle=data["id"].encode().rjust(8, b"\0"),
        contracts=tuple(_contract(c) for c in data["contracts"]),
        bookings=tuple(_booking(b) for b in data["bookings"]),
        suspended="suspended" in data["flags"],
        id_suspended="id_suspended" in data["flags"],
        withdrawn="withdrawn" in data["flags"],
        notices=frozenset(Warn[notice.removeprefix("WARN_")] for notice in data["notices"]),
    )


def _contract(data: Json) -> Contract:
    return Contract(
        id=data["id"],
        plan=data["plan"]["id"],
        start=date.fromisoformat(data["start"]),
        end=data["end"] and date.fromisoformat(data["end"]),
        paused=tuple(
            (date.fromisoformat(first), date.fromisoformat(last)) for first, last in data["paused"]
        ),
    )


def _booking(data: Json) -> Booking:
    return Booking(
        id=data["id"],
        store=data["store"],
        program=data["program"],
        start=_instant(data["start"]),
        end=_instant(data["end"]),
        status=BookingStatus(data["status"]),
        paid=data["paid"],
        room=data["room"],
    )
