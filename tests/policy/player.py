"""Plays one row of tests/vectors/cases.json against the rules (spec/cases.md).

A row runs on one state: the usage events and open visits, kept here as the journal keeps
them. An operation is a method named in `OPERATIONS`; it returns what the row expects.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from policy import entry, key_schedule, usage
from policy import exit as leave
from policy.check import check_rules
from policy.model import (
    BandGrant,
    Booking,
    BookingStatus,
    Contract,
    DayRule,
    DedupeScope,
    Device,
    Gender,
    GrantTiming,
    HolidayRule,
    Hours,
    Member,
    Mode,
    Overlap,
    Plan,
    PlanType,
    Qualifier,
    Rules,
    RuleSettings,
    Scene,
    Side,
    StalePolicy,
    Store,
    Ticket,
    TicketType,
    Usage,
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
            },
            keys={},
        )
        self._events = usage.Events()
        self._at_hand = (self._events, self._events.existing(), Usage({}, {}))
        self._ids = count()
        self._visits: dict[tuple[str, str], Visit] = {}

    def play(self, step: Json) -> Json:
        """Carry out one step and return its whole result."""
        return OPERATIONS[step["op"]](self, step)

    def _existing(self) -> tuple[frozenset[UsageKey], Usage]:
        """All keys, as a set and for a decision; worked out again after a change only."""
        if self._at_hand[0] is not self._events:
            keys = self._events.existing()
            self._at_hand = self._events, keys, Usage.of(keys)
        return self._at_hand[1:]

    def _enter(self, step: Json) -> Json:
        device, member = self._rules.devices[step["device"]], self._members[step["member"]]
        store, at = self._rules.stores[device.store], _instant(step["at"])
        trusted, age_h = step.get("clock_ok", True), step.get("rules_age_h", 0)
        scene = self._scene(member, store, at)
        scene = replace(scene, clock_trusted=trusted, rules_age_h=age_h or 0)
        rules = None if age_h is None else self._rules
        if rules is not None and "stale_policy" in step:
            stale = StalePolicy(step["stale_policy"])
            rules = replace(rules, settings=replace(rules.settings, stale_policy=stale))
        decision = entry.decide(rules, device, member, scene)
        before = len(self._existing()[0])
        for key in decision.keys:
            self._support(key, step)
        if decision.visit is not None:
            self._visits[member.id, store.id] = decision.visit
        result: dict[str, Any] = {
            "decision": decision.verdict,
            "reason": decision.reason,
            "via": decision.via,
            "band": decision.band,
            "service_date": decision.service_date and decision.service_date.isoformat(),
            "keys_added": len(self._existing()[0]) - before,
            "new_keys": [str(key) for key in decision.new_keys],
            "warnings": list(decision.warnings),
            "count_after": self._count_after(member, store, at, decision.service_date),
            **self._tickets_left(member),
        }
        if decision.verdict is Verdict.ALLOW and decision.via is not None:
            result["visit_after"] = self._visit_after(member, store)
        return result

    def _scene(self, member: Member, store: Store, at: datetime) -> Scene:
        owners, first, last = usage.asked(store, member, at)
        used = (
            key
            for key in self._existing()[0]
            if key.owner in owners and first <= key.service_date <= last
        )
        return Scene(at, Usage.of(used), self._visits.get((member.id, store.id)))

    def _support(self, key: UsageKey, step: Json) -> None:
        event = step.get("event") or f"event-{next(self._ids)}"
        self._events = usage.supported(self._events, key, event)

    def _exit(self, step: Json) -> Json:
        device, member = self._rules.devices[step["device"]], self._members[step["member"]]
        store, at = self._rules.stores[device.store], _instant(step["at"])
        decision = leave.decide(self._rules, device, member, self._scene(member, store, at))
        self._visits.pop((member.id, store.id), None)
        return {
            "decision": decision.verdict,
            "reason": decision.reason,
            "warnings": list(decision.warnings),
            "count_after": self._count_after(member, store, at, None),
            **self._tickets_left(member),
            "visit_after": self._visit_after(member, store),
        }

    def _add_used(self, step: Json) -> Json:
        if step.get("consume", True):
            day = date.fromisoformat(step["service_date"])
            store = self._rules.stores[step["store"]]
            scope = self._rules.settings.dedupe_scope
            key = usage.usage_key(scope, store, step["contract"], step["band"], day)
            self._support(key, step)
        return {}

    def _merge_key(self, step: Json) -> Json:
        before = len(self._existing()[0])
        self._add_used(step)
        member = next(
            m for m in self._members.values() if step["contract"] in [c.id for c in m.contracts]
        )
        store, day = self._rules.stores[step["store"]], date.fromisoformat(step["service_date"])
        return {
            "keys_added": len(self._existing()[0]) - before,
            "count_after": self._count_after(member, store, None, day),
        }

    def _retract(self, step: Json) -> Json:
        before = len(self._existing()[0])
        self._events = usage.withdraw(self._events, step["event"])
        member, store = self._members[step["member"]], self._rules.stores["S1"]
        return {
            "keys_removed": before - len(self._existing()[0]),
            "count_after": self._count_after(member, store, _instant(step["at"]), None),
        }

    def _lock_fault(self, step: Json) -> Json:
        assert usage.taken_back(self._rules.settings, lock_fault=True, opened=False)
        return {**self._retract(step), "outcome": "LOCK_FAULT"}

    def _report(self, step: Json) -> Json:
        month, (_, used) = date.fromisoformat(f"{step['month']}-01"), self._existing()
        return {
            "lines": [
                {
                    "contract": line.contract,
                    "band": line.band,
                    "count": line.count,
                    "limit": line.limit,
                    "excess": line.excess,
                }
                for member in self._members.values()
                for line in usage.over_limit(self._rules, member, used, month)
            ]
        }

    def _keys(self, step: Json) -> Json:
        device = self._rules.devices[step["device"]]
        contract = next(
            contract
            for member in self._members.values()
            for contract in member.contracts
            if contract.id == step["contract"]
        )
        return {
            "keys": [
                {
                    "band": key.band,
                    "weekdays": "".join("01"[day in key.weekdays] for day in range(7)),
                }
                for key in key_schedule.keys(self._rules, device, contract)
            ]
        }

    def _set_member(self, step: Json) -> Json:
        self._members[step["member"]] = replace(self._members[step["member"]], **step["set"])
        return {}

    def _load_rules(self, step: Json) -> Json:
        plans = {plan["id"]: _plan(plan) for plan in step["plans"]}
        faults = check_rules(replace(self._rules, plans=plans))
        return {"accepted": not faults, "reasons": sorted(fault.code for fault in faults)}

    def _count_after(
        self, member: Member, store: Store, at: datetime | None, day: date | None
    ) -> dict[str, dict[str, dict[str, int]]]:
        """Count every band of the plans in the month at hand, and all that has keys."""
        if day is None and at is not None:
            day = at.astimezone(store.tz).date()
        assert day is not None
        asked = {
            (contract.id, grant.kind, day.replace(day=1))
            for contract in member.contracts
            for grant in self._rules.plans[contract.plan].bands
        }
        (keys, used), owners = self._existing(), {contract.id for contract in member.contracts}
        asked |= {
            (key.owner, key.band, key.service_date.replace(day=1))
            for key in keys
            if key.owner in owners
        }
        result: dict[str, dict[str, dict[str, int]]] = {}
        for owner, band, month in asked:
            bands = result.setdefault(owner, {}).setdefault(f"{month:%Y-%m}", {})
            bands[band] = usage.count(self._rules.settings, used, (owner,), band, month)
        return result

    def _tickets_left(self, member: Member) -> Json:
        left = {t.id: usage.tickets_left(self._existing()[1], t) for t in member.tickets}
        return {"tickets_left": left} if left else {}

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
    "keys": Player._keys,
    "lock_fault": Player._lock_fault,
    "manual_record": Player._merge_key,
    "merge_key": Player._merge_key,
    "report": Player._report,
    "retract": Player._retract,
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
        rules_max_age_h=data["rules_max_age_h"],
        stale_policy=StalePolicy(data["stale_policy"]),
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
        qualify=frozenset(Qualifier(q) for q in data["qualify"]),
        gender=data["gender"] and Gender(data["gender"]),
        grant_timing=GrantTiming(data["grant_timing"]),
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
        booking_bands=tuple(_grant(band) for band in data["booking_bands"]),
    )


def _grant(data: Json) -> BandGrant:
    return BandGrant(data["kind"], data.get("limit"), _days(data))


def _days(data: Json) -> DayRule:
    weekdays = frozenset(day for day, tick in enumerate(data["weekdays"]) if tick == "1")
    return DayRule(weekdays, HolidayRule(data["holiday"]))


def _member(data: Json) -> Member:
    return Member(
        id=data["id"],
        handle=data["id"].encode().rjust(8, b"\0"),
        contracts=tuple(_contract(c) for c in data["contracts"]),
        tickets=tuple(_ticket(t) for t in data["tickets"]),
        bookings=tuple(_booking(b) for b in data["bookings"]),
        gender=data["gender"] and Gender(data["gender"]),
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


def _ticket(data: Json) -> Ticket:
    return Ticket(
        id=data["id"],
        type=TicketType(data["type"]),
        remaining=data["remaining"],
        valid_from=date.fromisoformat(data["valid_from"]),
        valid_to=data["valid_to"] and date.fromisoformat(data["valid_to"]),
        bands=None if data["bands"] is None else frozenset(data["bands"]),
        days=_days(data),
        stores=None if data["stores"] is None else frozenset(data["stores"]),
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
