"""What a run of the generator reached, and what it missed.

    python -m tests.oracle.adequacy --answers 50000 --seed 1

Demands (a share of the answers): ALLOW 20 %, QUOTA_EXHAUSTED 10 %, each refusal of the rules
0.2 %, each pair of feature values 0.02 %; each answer to staff 1 % of those. A missing one is
printed and makes the exit status 1.
"""

import argparse
import sys
from collections import Counter
from itertools import combinations
from random import Random

from tests.oracle.oracle import State, answer
from tests.oracle.times import Data, around, instant, local_date
from tests.oracle.verdict import MOST_TELLING
from tests.oracle.worlds import SETTINGS, change_days, row

ALLOWED, QUOTA, REASON, PAIR, STAFF = 0.20, 0.10, 0.002, 0.0002, 0.01
REASONS = (
    *MOST_TELLING,
    "ANTI_PASSBACK",
    "CLOCK_UNTRUSTED",
    "DEVICE_DISABLED",
    "DEVICE_GENDER",
    "DEVICE_NOT_QUALIFIED",
    "IDENTITY_SUSPENDED",
    "LOCKDOWN",
    "MEMBER_NOT_SYNCED",
    "MEMBER_SUSPENDED",
    "MEMBER_WITHDRAWN",
    "NO_RULES",
    "RECORD_FAILED",
    "RULES_STALE",
)
TO_STAFF = (
    "STAFF",
    "STAFF_UNKNOWN",
    "STAFF_NOT_HERE",
    "CODE_USED",
    "CODE_EXPIRED",
    "CODE_NOT_YET_VALID",
    "CODE_REVOKED",
    "DEVICE_DISABLED",
    "LOCKDOWN",
    "OK_WITH_WARNING",
)
DECIDING = (  # settings that make features; the others act on their own
    "overlap",
    "dedupe_scope",
    "exempt_scope",
    "ticket_dedupe",
    "entitlement_order",
    "paid_booking_opens",
    "closed_days_block_bookings",
    "paused_blocks_all",
    "carry_usage_on_plan_change",
    "anti_passback",
)


def features(world: Data, step: Data) -> dict[str, str]:
    """The feature values that meet in one entry or exit: name -> value, from the question only."""
    device = world["devices"][step["device"]]
    store = world["stores"][device["store"]]
    today = local_date(instant(step["at"]), store["tz"])
    near = set(around(today)[1:4])
    member = next((m for m in world["members"] if m["id"] == step["member"]), None)
    contracts = member["contracts"] if member else []
    found = {name: str(world["settings"][name]) for name in DECIDING}
    found |= {
        "mode": "EXIT" if step["op"] == "exit" else device["mode"],
        "door": "room" if device["room"] else "entrance",
        "clock_change": str(bool(near & set(change_days(store["tz"])))),
        "month": "edge" if len({day[:7] for day in near}) > 1 else "inside",
        "holiday": str(bool(near & set(store["holidays"]))),
        "closed": str(bool(near & set(store["closed"]))),
        "stores": str(len(world["stores"])),
        "contracts": str(len(contracts)),
        "plan": _plan_kind(contracts),
        "pause": str(any(c["paused"] for c in contracts)),
        "exempt": str(any(c["plan"]["exempt"] for c in contracts)),
        "midnight": str(_over_midnight(store, contracts)),
        "ticket": str(bool(member and member["tickets"])),
        "booking": str(bool(member and member["bookings"])),
        "sureness": _sureness(step),
    }
    return found


def _plan_kind(contracts: list[Data]) -> str:
    if not contracts:
        return "none"
    plan = contracts[0]["plan"]
    if plan["restrict"]:
        limits = [band["limit"] for band in plan["bands"]]
        return "counted" if any(limit is not None for limit in limits) else "uncounted"
    return "ticket" if plan["ticket_required"] else "open"


def _over_midnight(store: Data, contracts: list[Data]) -> bool:
    kinds = {band["kind"] for contract in contracts for band in contract["plan"]["bands"]}
    return any(store["bands"][kind][1] > 24 * 60 for kind in kinds if kind in store["bands"])


def _sureness(step: Data) -> str:
    for field in ("clock_ok", "earliest", "disk_ok", "rules_age_h"):
        if field in step:
            return field
    return "sure"


class Tally:
    """Counts over a run: `add` each answered step, then ask for `missing`."""

    def __init__(self) -> None:
        self.answers = 0
        self.entries = 0
        self.paired = 0
        self.operations: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.to_staff: Counter[str] = Counter()
        self.ways: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.pairs: Counter[tuple[tuple[str, str], tuple[str, str]]] = Counter()

    def add(self, world: Data, step: Data, told: Data, *, paired: bool = True) -> None:
        """Count one answer; its pairs too if it is one of those that are asked for them."""
        self.answers += 1
        self.operations[step["op"]] += 1
        self.warnings.update(told.get("warnings", []))
        if step["op"] == "staff":
            self.to_staff[told["reason"]] += 1
        if step["op"] not in ("enter", "exit"):
            return
        if paired:
            self.paired += 1
            self.pairs.update(combinations(sorted(features(world, step).items()), 2))
        if step["op"] == "enter":
            self.entries += 1
            allowed = told["decision"] != "DENY"
            self.reasons[told["decision"] if allowed else told["reason"]] += 1
            self.ways[_way(told["via"])] += allowed

    def merge(self, other: "Tally") -> None:
        """Count what another run counted."""
        self.answers += other.answers
        self.entries += other.entries
        self.paired += other.paired
        for mine, theirs in (
            (self.operations, other.operations),
            (self.reasons, other.reasons),
            (self.to_staff, other.to_staff),
            (self.ways, other.ways),
            (self.warnings, other.warnings),
        ):
            mine.update(theirs)
        self.pairs.update(other.pairs)

    def missing(self, *, part: float = 1, pairs: bool = True) -> list[str]:
        """Every demand that this run does not meet, in words.

        Of a short run a `part` of each share may be asked for, and no pairs: chance plays a role.
        """
        wanted = {"ALLOW": ALLOWED, **dict.fromkeys(REASONS, REASON), "QUOTA_EXHAUSTED": QUOTA}
        found = [
            f"{name}: {self.reasons[name]} of {part * share * self.entries:.0f}"
            for name, share in wanted.items()
            if self.reasons[name] < part * share * self.entries
        ]
        least = part * STAFF * self.to_staff.total()
        found += [
            f"{name} to staff: {self.to_staff[name]} of {least:.0f}"
            for name in TO_STAFF
            if self.to_staff[name] < least
        ]
        if not pairs:
            return found
        known = {(name, str(value)) for name in DECIDING for value in SETTINGS[name]}
        values = sorted(known.union(*self.pairs))
        least = PAIR * self.paired
        for one, other in combinations(values, 2):
            number = self.pairs[one, other]
            if one[0] != other[0] and number < least and not impossible(one, other):
                found.append(f"{'='.join(one)} with {'='.join(other)}: {number} of {least:.0f}")
        return found

    def report(self) -> str:
        lines = [f"{self.answers} answers, {self.entries} entries, {len(self.pairs)} pairs"]
        for title, counts in (
            ("operations", self.operations),
            ("entries", self.reasons),
            ("staff", self.to_staff),
            ("ways in", self.ways),
            ("warnings", self.warnings),
        ):
            lines.append(f"\n{title}")
            lines += [f"  {number:8} {name}" for name, number in counts.most_common()]
        return "\n".join(lines)


def _way(via: str | None) -> str:
    kind, _, name = (via or "no way").partition(":")
    return f"key:{name}" if kind == "key" and name in ("booking", "contract") else kind


def impossible(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Pairs that no world can have: without a contract, or a band, there is nothing to vary."""
    pair = {one, other}
    bare = {("contracts", "0"), ("plan", "none")} & pair
    counted = {("pause", "True"), ("exempt", "True"), ("midnight", "True")} & pair
    unlike = one[0] in ("contracts", "plan") and other[0] in ("contracts", "plan")
    only_exits = ("mode", "EXIT") in pair and {"door", "sureness"} & {one[0], other[0]}
    room_modes = ("door", "room") in pair and "mode" in (one[0], other[0])
    return bool(bare and (counted or unlike)) or bool(only_exits) or room_modes


def play(rng: Random, tally: Tally) -> None:
    """Play one row and count its questions; what came before is not counted."""
    made = row(rng)
    world, state = made["world"], State()
    for step in made["before"]:
        answer(world, state, step)
    for step in made["steps"]:
        tally.add(world, step, answer(world, state, step))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="What the generator reaches, and what it misses.")
    parser.add_argument("--answers", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    rng, tally = Random(options.seed), Tally()
    while tally.answers < options.answers:
        play(rng, tally)
    missing = tally.missing()
    sys.stdout.write(f"{tally.report()}\n\n{len(missing)} missing\n")
    sys.stdout.write("".join(f"  {line}\n" for line in missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
