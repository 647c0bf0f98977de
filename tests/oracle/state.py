"""What has happened: usage keys, visits, and who changed (spec/rules.md 2.4 to 2.6)."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.oracle.times import Data, instant, local_date, month_of, shifted, spelled

Key = tuple[str, str, str, str | None]  # owner, band, service date, store (dedupe_scope=store)

FLAGS = ("suspended", "id_suspended", "withdrawn", "identity_unverified")


@dataclass
class State:
    """Everything that an answer may depend on besides the world; `copy()` is independent."""

    keys: dict[Key, set[str]] = field(default_factory=dict)  # supporting events
    withdrawn: set[str] = field(default_factory=set)  # events taken back, for ever
    visits: dict[tuple[str, str], Data] = field(default_factory=dict)  # (member, store)
    changes: dict[str, Data] = field(default_factory=dict)  # member -> fields set since
    reads: dict[tuple[str, str], datetime] = field(default_factory=dict)  # last decided read
    spent: set[tuple[str, str, int]] = field(default_factory=set)  # codes of the staff
    life: Data = field(default_factory=dict)  # lockers, seats, rooms ... as they are now
    serial: int = 0

    def copy(self) -> "State":
        return deepcopy(self)

    def fresh_event(self) -> str:
        self.serial += 1
        return f"event-{self.serial}"

    def live(self, key: Key) -> bool:
        return bool(self.keys.get(key, set()) - self.withdrawn)

    def support(self, key: Key, event: str) -> bool:
        """Add the event to the key; True if the key came into being by it."""
        before = self.live(key)
        self.keys.setdefault(key, set()).add(event)
        return not before and self.live(key)


def build(fixtures: Data, world: Data) -> Data:
    """The fixtures of cases.json with a row's world laid over them (spec/cases.md, World)."""
    stores = {
        name: {**store, **world.get("stores", {}).get(name, {})}
        for name, store in fixtures["stores"].items()
    }
    devices = {**fixtures["devices"], **{d["id"]: d for d in world.get("devices", [])}}
    settings = {**fixtures["settings"], **world.get("settings", {})}
    return {**world, "stores": stores, "devices": devices, "settings": settings}


def spell(key: Key) -> str:
    return "/".join(part for part in key if part is not None)


def member_now(world: Data, state: State, member_id: str | None) -> Data | None:
    """The member with all that `set_member` changed; None if nobody here knows them."""
    for member in world.get("members", []):
        if member["id"] == member_id:
            changed = dict(state.changes.get(member["id"], {}))
            flags = set(member["flags"])
            for flag in FLAGS:
                if flag in changed:
                    (flags.add if changed.pop(flag) else flags.discard)(flag)
            return {**member, **changed, "flags": sorted(flags)}
    return None


def owner_of(world: Data, state: State, contract_id: str) -> Data | None:
    for member in world.get("members", []):
        if any(contract["id"] == contract_id for contract in member["contracts"]):
            return member_now(world, state, member["id"])
    return None


@dataclass(frozen=True)
class Scan:
    """One presentation at one device at one instant: what every rule is asked about."""

    world: Data
    state: State
    device: Data
    store: Data
    member: Data | None
    at: datetime

    @property
    def settings(self) -> Data:
        settings: Data = self.world["settings"]
        return settings

    @property
    def tz(self) -> str:
        return str(self.store["tz"])

    @property
    def today(self) -> str:
        return local_date(self.at, self.tz)

    @property
    def bandless_day(self) -> str:
        """The date of an entry without a band (spec/rules.md 6, row 16)."""
        cutoff = self.settings.get("day_cutoff_hour", 0)
        hour = int(spelled(self.at, self.tz)[11:13])
        return shifted(self.today, -1) if hour < cutoff else self.today

    def moved(self, at: datetime) -> "Scan":
        return replace(self, at=at)

    def usage_key(self, owner: str, band: str, day: str) -> Key:
        by_store = self.settings.get("dedupe_scope", "all_stores") == "store"
        return owner, band, day, self.store["id"] if by_store else None

    @property
    def visit(self) -> Data | None:
        """The open visit here; gone when it is older than `visit_max_h` (spec/rules.md 2.4)."""
        assert self.member is not None
        visit = self.state.visits.get((self.member["id"], self.store["id"]))
        longest = timedelta(hours=self.settings.get("visit_max_h", 24))
        if visit is None or self.at - instant(visit["since"]) > longest:
            return None
        return visit


def scan_of(world: Data, state: State, step: Data) -> Scan:
    device = world["devices"][step["device"]]
    store = world["stores"][device["store"]]
    member = member_now(world, state, step["member"])
    return Scan(world, state, device, store, member, instant(step["at"]))


def count(world: Data, state: State, contract_id: str, band: str, month: str) -> int:
    """How many keys lie in this month: nothing else is ever counted (spec/rules.md 2.6)."""
    anchor = world["settings"].get("month_anchor_day", 1)
    return sum(
        1
        for key in state.keys
        if key[0] == contract_id
        and key[1] == band
        and month_of(key[2], anchor) == month
        and state.live(key)
    )


def counted_together(settings: Data, member: Data, contract: Data) -> list[Data]:
    """The contract, and those that it carries the counts of (spec/rules.md 6, row 17)."""
    if not settings.get("carry_usage_on_plan_change", False):
        return [contract]
    ended = [c for c in member["contracts"] if c["end"] is not None]
    return [contract, *(c for c in ended if c["end"] < contract["start"])]


def count_after(world: Data, state: State, member: Data | None, day: str) -> Data:
    """Counts of all contracts: all bands of the plan in this day's month, and whatever has keys."""
    anchor = world["settings"].get("month_anchor_day", 1)
    counts: Data = {}
    for contract in member["contracts"] if member else []:
        months: dict[str, dict[str, int]] = {}
        if contract["plan"]["bands"]:
            zeros = {band["kind"]: 0 for band in contract["plan"]["bands"]}
            months[month_of(day, anchor)] = zeros
        for key in state.keys:
            if key[0] == contract["id"] and state.live(key):
                bands = months.setdefault(month_of(key[2], anchor), {})
                bands[key[1]] = bands.get(key[1], 0) + 1
        if months:
            counts[contract["id"]] = months
    return counts


def tickets_left(state: State, member: Data | None) -> Data:
    """What a ticket had, less one for every key of it: it has no counter either."""
    left: Data = {}
    for ticket in member["tickets"] if member else []:
        uses = [key for key in state.keys if key[0] == ticket["id"] and state.live(key)]
        left[ticket["id"]] = ticket["remaining"] - len(uses)
    return left
