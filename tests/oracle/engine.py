"""`policy` over the oracle's plain data: the same worlds, the same steps, the same answers.

What stands around the rules in the daemon (who is known, what is kept, what the disk does) is
played here in its smallest form; spec/rules.md 3.2 and 3.7 give the order.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from policy import doubt, entry, usage
from policy import exit as leave
from policy.calendar import local_date
from policy.case import still_open, warned
from policy.check import check_rules
from policy.model import (
    Decision,
    Device,
    Member,
    Mode,
    Reason,
    Rules,
    RuleSettings,
    Scene,
    Staff,
    StaffRole,
    StalePolicy,
    Store,
    UsageKey,
    Verdict,
    Warn,
)
from tests.oracle.engine_staff import Spent, handle, present
from tests.oracle.times import Data
from tests.policy import player

Counts = dict[str, dict[str, dict[str, int]]]  # contract -> month -> band -> uses

# Refusals of E2 and E7, which come before E8 asks who it is.
_BEFORE_WHO = (
    Reason.DEVICE_DISABLED,
    Reason.LOCKDOWN,
    Reason.NO_RULES,
    Reason.CLOCK_UNTRUSTED,
    Reason.RULES_STALE,
)
# Refusals that a failed disk changes nothing about.
_SHUT = (Reason.DEVICE_DISABLED, Reason.LOCKDOWN)
_NOBODY = Member("", bytes(8))


class Engine(player.Player):
    """One complete world (`tests.oracle.state.build`), and what has happened in it."""

    def __init__(self, world: Data) -> None:
        super().__init__({**world, "devices": {}}, {"members": world.get("members", [])})
        self._rules = replace(
            self._rules,
            devices={name: _device(data) for name, data in world["devices"].items()},
            settings=_settings(world["settings"]),
            stores={s.id: replace(s, handle=handle(s.id)) for s in self._rules.stores.values()},
            staff={data["id"]: _person(data) for data in world.get("staff", [])},
        )
        self._spent = Spent()
        self._counted: tuple[frozenset[UsageKey], dict[object, Counts]] = frozenset(), {}
        self._shut = {name for name, data in world["devices"].items() if data.get("lockdown")}
        for data in world.get("members", []):
            member = self._members[data["id"]]
            mains = (contract.get("main", False) for contract in data["contracts"])
            contracts = tuple(
                replace(c, main=main) for c, main in zip(member.contracts, mains, strict=True)
            )
            version = data.get("fixed_code_version", 1)
            self._members[member.id] = replace(
                member, contracts=contracts, fixed_code_version=version
            )

    def play(self, step: player.Json) -> player.Json:
        """Carry out one step; the answer is the `expect` of spec/cases.md, whole."""
        return OPERATIONS[step["op"]](self, step)

    def _enter(self, step: player.Json) -> player.Json:
        device, member = self._rules.devices[step["device"]], self._members.get(step["member"])
        store = self._rules.stores[device.store]
        decision = self.decide(step)
        before = len(self._existing()[0])
        for key in decision.keys:
            self._support(key, step)
        if decision.visit is not None:
            self._visits[step["member"], store.id] = decision.visit
        day = decision.service_date or local_date(store, _when(step))
        told: dict[str, Any] = {
            "decision": decision.verdict,
            "reason": decision.reason,
            "via": decision.via,
            "band": decision.band,
            "service_date": decision.service_date and decision.service_date.isoformat(),
            "keys_added": len(self._existing()[0]) - before,
            "new_keys": [str(key) for key in decision.new_keys],
            "warnings": list(decision.warnings),
            "count_after": self._counts(member, day),
            **({} if member is None else self._tickets_left(member)),
        }
        if decision.verdict is Verdict.ALLOW and decision.via is not None:
            told["visit_after"] = self._visit_here(step, device, store)
        return told

    def decide(self, step: player.Json) -> Decision:
        """What an `enter` would be told; nothing is changed by asking."""
        device, member = self._rules.devices[step["device"]], self._members.get(step["member"])
        store = self._rules.stores[device.store]
        age_h, who = step.get("rules_age_h", 0), member or _NOBODY
        rules = self._ruling(step)
        first, last = _when(step), player._instant(step.get("latest", step["at"]))
        scene = Scene(
            first,
            self._scene(who, store, first).used,
            self._visits.get((who.id, store.id)),
            clock_trusted=step.get("clock_ok", True),
            rules_age_h=age_h or 0,
            lockdown=device.id in self._shut,
        )
        decision = entry.decide_between(rules, device, who, scene, last)
        if member is None and decision.reason not in _BEFORE_WHO:
            old = Warn.RULES_STALE in decision.warnings
            decision = Decision(Verdict.DENY, Reason.MEMBER_NOT_SYNCED)
            decision = warned(decision, Warn.RULES_STALE) if old else decision
        if step.get("disk_ok", True) or device.mode is Mode.RECORD_ONLY or rules is None:
            return decision
        return _unrecorded(rules.settings, member, decision)

    def _ruling(self, step: player.Json) -> Rules | None:
        if step.get("rules_age_h", 0) is None:
            return None
        if step.get("stale_policy") is None:
            return self._rules
        policy = StalePolicy(step["stale_policy"])
        return replace(self._rules, settings=replace(self._rules.settings, stale_policy=policy))

    def _exit(self, step: player.Json) -> player.Json:
        device, member = self._rules.devices[step["device"]], self._members.get(step["member"])
        store, at = self._rules.stores[device.store], player._instant(step["at"])
        scene = self._scene(member or _NOBODY, store, at)
        decision = leave.decide(self._rules, device, member, scene)
        if device.counts:
            self._visits.pop((step["member"], store.id), None)
        return {
            "decision": decision.verdict,
            "reason": decision.reason,
            "warnings": list(decision.warnings),
            "count_after": self._counts(member, local_date(store, at)),
            **({} if member is None else self._tickets_left(member)),
            "visit_after": self._visit_here(step, device, store),
        }

    def _staff(self, step: player.Json) -> player.Json:
        device = self._rules.devices[step["device"]]
        shut = device.id in self._shut
        decision = present(self._rules, device, self._spent, step, shut=shut)
        return {
            "decision": decision.verdict,
            "reason": decision.reason,
            "via": decision.via,
            "warnings": list(decision.warnings),
        }

    def _visit_here(self, step: player.Json, device: Device, store: Store) -> player.Json | None:
        visit = self._visits.get((step["member"], store.id))
        if still_open(self._rules.settings, device, visit, _when(step)) is None:
            return None
        return self._visit_after(self._members[step["member"]], store)

    def _merge_key(self, step: player.Json) -> player.Json:
        before = len(self._existing()[0])
        self._add_used(step)
        member = next(
            m for m in self._members.values() if step["contract"] in [c.id for c in m.contracts]
        )
        added = len(self._existing()[0]) - before
        day = date.fromisoformat(step["service_date"])
        return {"keys_added": added, "count_after": self._counts(member, day)}

    def _retract(self, step: player.Json) -> player.Json:
        before = len(self._existing()[0])
        self._events = usage.withdraw(self._events, step["event"])
        day = date.fromisoformat(step["at"][:10])
        counts = self._counts(self._members.get(step["member"]), day)
        return {"keys_removed": before - len(self._existing()[0]), "count_after": counts}

    def _lock_fault(self, step: player.Json) -> player.Json:
        assert usage.taken_back(self._rules.settings, lock_fault=True, opened=False)
        return {**self._retract(step), "outcome": "LOCK_FAULT"}

    def _report(self, step: player.Json) -> player.Json:
        """A counted month is named for the calendar month that it begins in."""
        anchor = self._rules.settings.month_anchor_day
        day = date.fromisoformat(f"{step['month']}-{anchor:02}")
        _, used = self._existing()
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
                for line in usage.over_limit(self._rules, member, used, day)
            ]
        }

    def _set_member(self, step: player.Json) -> player.Json:
        changes = dict(step["set"])
        if "notices" in changes:
            changes["notices"] = frozenset(Warn(f"WARN_{name}") for name in changes["notices"])
        self._members[step["member"]] = replace(self._members[step["member"]], **changes)
        return {}

    def _load_rules(self, step: player.Json) -> player.Json:
        """The plans alone: that stores and devices refer to nothing has no code of its own."""
        plans = {plan["id"]: player._plan(plan) for plan in step["plans"]}
        named = {name for plan in plans.values() for name in plan.stores or ()}
        stores = {name: Store(name, ZoneInfo("UTC"), {}) for name in named} | {**self._rules.stores}
        faults = check_rules(replace(self._rules, plans=plans, stores=stores, devices={}, staff={}))
        return {"accepted": not faults, "reasons": sorted({fault.code for fault in faults})}

    def _counts(self, member: Member | None, day: date) -> Counts:
        """`count_after`, kept while the keys are the same: most steps add none."""
        keys, _ = self._existing()
        if keys is not self._counted[0]:
            self._counted = keys, {}
        asked = member and member.id, _month(self._rules.settings, day)
        if asked not in self._counted[1]:
            self._counted[1][asked] = self._count(member, day)
        return self._counted[1][asked]

    def _count(self, member: Member | None, day: date) -> Counts:
        """All bands of the plans in the month at hand, and all that has keys."""
        (keys, used), settings = self._existing(), self._rules.settings
        counts: Counts = {}
        for contract in member.contracts if member else ():
            bands = self._rules.plans[contract.plan].bands
            asked = {(grant.kind, _month(settings, day)): day for grant in bands}
            for key in keys:
                if key.owner == contract.id:
                    asked[key.band, _month(settings, key.service_date)] = key.service_date
            for (band, month), of in asked.items():
                numbers = counts.setdefault(contract.id, {}).setdefault(month, {})
                numbers[band] = usage.count(settings, used, (contract.id,), band, of)
        return counts


OPERATIONS: Mapping[str, Callable[[Engine, player.Json], player.Json]] = {
    "enter": Engine._enter,
    "exit": Engine._exit,
    "keys": Engine._keys,
    "load_rules": Engine._load_rules,
    "lock_fault": Engine._lock_fault,
    "manual_record": Engine._merge_key,
    "merge_key": Engine._merge_key,
    "report": Engine._report,
    "retract": Engine._retract,
    "set_member": Engine._set_member,
    "staff": Engine._staff,
    "used": Engine._add_used,
}


def _when(step: player.Json) -> datetime:
    """The instant of a step; of an unsure one the earliest that it may be."""
    return player._instant(step.get("earliest", step["at"]))


def _unrecorded(settings: RuleSettings, member: Member | None, decision: Decision) -> Decision:
    """What becomes of a decision whose record can't be written (spec/rules.md 3.7)."""
    if decision.reason in _SHUT:
        return decision
    instead = doubt.unrecorded(settings, member)
    if instead.verdict is not Verdict.DENY:
        return instead._replace(warnings=tuple(sorted({*instead.warnings, *decision.warnings})))
    if decision.verdict is Verdict.DENY:
        return decision
    old = Warn.RULES_STALE in decision.warnings
    return warned(instead, Warn.RULES_STALE) if old else instead


def _month(settings: RuleSettings, day: date) -> str:
    if day.day < settings.month_anchor_day:
        day = day.replace(day=1) - timedelta(days=1)
    return day.isoformat()[:7]


def _settings(data: player.Json) -> RuleSettings:
    """The settings by their names in spec/rules.md 6, each of its own type."""
    defaults = RuleSettings()
    return replace(
        defaults, **{name: type(getattr(defaults, name))(value) for name, value in data.items()}
    )


def _device(data: player.Json) -> Device:
    named = _plans_named(data["qualify"])
    plain = [word for word in data["qualify"] if word.removeprefix("plan:") not in named]
    device = player._device({**data, "qualify": plain})
    return replace(
        device,
        qualify_plans=named,
        check_stores=data.get("check_stores", True),
        enabled=data.get("enabled", True),
    )


def _person(data: player.Json) -> Staff:
    return Staff(
        id=data["id"],
        handle=handle(data["id"]),
        roles=frozenset(map(StaffRole, data["roles"])),
        stores=None if data["stores"] is None else frozenset(data["stores"]),
        active=data["active"],
        version=data["version"],
        valid_from=data["valid_from"] and date.fromisoformat(data["valid_from"]),
        valid_to=data["valid_to"] and date.fromisoformat(data["valid_to"]),
    )


def _plans_named(qualify: Iterable[str]) -> frozenset[str]:
    return frozenset(word.removeprefix("plan:") for word in qualify if word.startswith("plan:"))
