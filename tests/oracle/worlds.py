"""Worlds of every kind, from a seeded generator, in the shape of cases.json.

`row(rng)` is a row with complete stores, devices and settings: nothing is laid over fixtures.
Everything happens within days of one anchor date, so that edges meet: clock changes, month
ends, holidays, contract dates, bookings.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import TypeVar

from tests.oracle.questions import questions
from tests.oracle.times import Data, month_of, shifted, spelled, wall, weekday, zone

T = TypeVar("T")

ZONES = (
    "Asia/Tokyo",
    "Asia/Seoul",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "America/Santiago",
    "Pacific/Chatham",
)
HOURS: dict[str, tuple[int, int]] = {
    "MORNING": (360, 600),
    "DAY": (600, 1020),
    "NIGHT": (1020, 1380),
    "FULL": (0, 1440),
    "LATE": (1320, 1560),
    "NOON": (660, 840),
    "EARLY0": (0, 300),
    "DEEP": (30, 90),
    "GAP": (150, 300),
    "LONG": (1200, 2640),
}
STARTS = (0, 30, 60, 90, 120, 135, 150, 180, 360, 600, 1020, 1320, 1439)
LENGTHS = (1, 30, 60, 120, 180, 420, 480, 720, 1439, 1440)
HOLIDAY_RULES = ("NONE", "ALL", "WEEKEND_ONLY", "WEEKDAY_ONLY", "FOLLOW_WEEKDAY")
DEAD = ("REQUESTED", "WAITLISTED", "REJECTED", "CANCELLED", "AUTO_CANCELLED", "NO_SHOW", "FINISHED")
NOTICES = ("PAYMENT_UNPAID", "BANK_UNREGISTERED", "OPEN_NOTE")
SETTINGS: dict[str, tuple[object, ...]] = {  # the default first: it is taken most of the time
    "overlap": ("one", "all"),
    "dedupe_scope": ("all_stores", "store"),
    "exempt_scope": ("window", "day", "booking_band"),
    "ticket_dedupe": ("band", "day", "entry"),
    "entitlement_order": ("plan_first", "ticket_first"),
    "paid_booking_opens": (False, True),
    "closed_days_block_bookings": (True, False),
    "paused_blocks_all": (False, True),
    "month_anchor_day": (1, 2, 15, 28),
    "day_cutoff_hour": (0, 3, 5),
    "carry_usage_on_plan_change": (False, True),
    "anti_passback": ("off", "soft", "hard"),
    "passback_timeout_min": (720, 0, 60),
    "visit_max_h": (24, 2),
    "stale_policy": ("normal", "members", "deny"),
    "rules_max_age_h": (72, 24),
    "clock_policy": ("members", "deny"),
    "disk_failure_policy": ("deny", "members"),
    "code_ttl_min": (30, 5),
    "code_skew_s": (60, 0),
    "debounce_s": (5, 2),
}
FIRST_DAY, DAYS = "2027-01-01", 455  # to the end of a March: over a new year and a 29 February


def chance(rng: Random, probability: float) -> bool:
    return rng.random() < probability


def mostly(rng: Random, values: Sequence[T], probability: float) -> T:
    """The first value with this probability, else any of the others."""
    return values[0] if chance(rng, probability) else rng.choice(values[1:])


@lru_cache(maxsize=100)
def change_days(tz: str) -> tuple[str, ...]:
    """Local dates around which the clocks of the zone change, 2010 to 2037."""
    where, days = zone(tz), []
    noon = datetime(2010, 1, 1, 12, tzinfo=UTC)
    while noon.year <= 2037:
        after = noon + timedelta(days=1)
        if noon.astimezone(where).utcoffset() != after.astimezone(where).utcoffset():
            days.append(after.astimezone(where).date().isoformat())
        noon = after
    return tuple(days)


def row(rng: Random) -> Data:
    """One world, what happened before, and questions about it; no expects."""
    tz = rng.choice(ZONES)
    anchor = _anchor(rng, tz)
    stores = {name: _store(rng, name, tz, anchor) for name in ("S1", "S2", "S3")[: _few(rng)]}
    settings = {name: mostly(rng, values, 0.8) for name, values in SETTINGS.items()}
    members = [_member(rng, name, stores, anchor) for name in ("M", "N")[: 1 + chance(rng, 0.3)]]
    devices = _devices(rng, stores, members)
    staff = [_person(rng, name, stores, anchor) for name in ("W", "X")]
    world = {"settings": settings, "stores": stores, "devices": devices, "members": members}
    world["staff"] = staff
    before = [key for member in members for key in _used(rng, world, member, anchor)]
    return {"world": world, "before": before, "steps": questions(rng, world, anchor)}


def _few(rng: Random) -> int:
    return rng.choices((1, 2, 3), (55, 35, 10))[0]


def _anchor(rng: Random, tz: str) -> str:
    changes = change_days(tz)
    kind = rng.random()
    if changes and kind < 0.35:
        return shifted(rng.choice(changes), rng.choice((-1, 0, 0, 0, 1)))
    day = shifted(FIRST_DAY, rng.randrange(DAYS))
    if kind < 0.65:
        return shifted(f"{day[:7]}-01", rng.choice((-1, 0)))
    return day


def _store(rng: Random, name: str, tz: str, anchor: str) -> Data:
    bands = {
        kind: list(hours) if chance(rng, 0.75) else _hours(rng)
        for kind, hours in HOURS.items()
        if chance(rng, 0.93)
    }
    near = [shifted(anchor, days) for days in range(-3, 4)]
    return {
        "id": name,
        "tz": tz if chance(rng, 0.75) else rng.choice(ZONES),
        "bands": bands,
        "holidays": [day for day in near if chance(rng, 0.25)],
        "closed": [day for day in near if chance(rng, 0.07)],
    }


def _hours(rng: Random) -> list[int]:
    start = rng.choice((*STARTS, rng.randrange(1440)))
    return [start, start + rng.choice((*LENGTHS, rng.randint(1, 1440)))]


def _devices(rng: Random, stores: Data, members: list[Data]) -> Data:
    plans = [f"plan:{c['plan']['id']}" for m in members for c in m["contracts"]]
    ways = [["plan"], ["plan"], ["plan", "booking"], ["booking"], ["ticket"], ["staff"]]
    devices: list[Data] = []
    for store in stores:
        for number in range(2 if len(stores) > 1 else 3):
            mode = rng.choices(("LOCK_QR", "KEY_SCHEDULE", "APP", "RECORD_ONLY"), (62, 20, 12, 6))
            qualify = ["any_member"]
            if chance(rng, 0.12):
                qualify = rng.choice([*ways, plans[:1] or ["plan"]])
            asked: Data = {"mode": mode[0], "qualify": qualify}
            devices.append({**_device(rng, store, f"{store}-IN{number}"), **asked})
        devices.append({**_device(rng, store, f"{store}-OUT"), "side": "OUT"})
        if chance(rng, 0.15):
            asked = {"room": "R1", "counts": False, "qualify": ["booking"]}
            devices.append({**_device(rng, store, f"{store}-R1"), **asked})
    return {device["id"]: device for device in devices}


def _device(rng: Random, store: str, name: str) -> Data:
    """A QR reader for entering, for every member; what is unlike is laid over it."""
    return {
        "id": name,
        "store": store,
        "room": None,
        "side": "IN",
        "mode": "LOCK_QR",
        "qualify": ["any_member"],
        "gender": mostly(rng, (None, "F", "M"), 0.96),
        "counts": chance(rng, 0.95),
        "grant_timing": mostly(rng, ("CONTRACT_AND_BOOKING", "BOOKING_ONLY"), 0.6),
        "booking_early_min": rng.choice((15, 15, 5, 60, 0)),
        "booking_exit_late_min": rng.choice((15, 15, 0, 30)),
        "check_stores": chance(rng, 0.93),
        "enabled": chance(rng, 0.99),
        "lockdown": chance(rng, 0.01),
    }


def _member(rng: Random, name: str, stores: Data, anchor: str) -> Data:
    number = rng.choices((0, 1, 2, 3), (7, 65, 20, 8))[0]
    tickets = rng.choices((0, 1, 2), (62, 25, 13))[0]
    bookings = rng.choices((0, 1, 2, 3), (45, 30, 15, 10))[0]
    contracts = [_contract(rng, f"{name}-C{n}", stores, anchor) for n in range(number)]
    if number > 1 and chance(rng, 0.25):
        _change_plan(rng, contracts[0], contracts[1], anchor)
    return {
        "id": name,
        "flags": [
            flag
            for flag, often in (
                ("suspended", 0.015),
                ("id_suspended", 0.015),
                ("withdrawn", 0.015),
                ("identity_unverified", 0.1),
            )
            if chance(rng, often)
        ],
        "notices": [notice for notice in NOTICES if chance(rng, 0.06)],
        "gender": rng.choice((None, "F", "M")),
        "fixed_code_version": rng.choice((1, 2)),
        "contracts": contracts,
        "tickets": [_ticket(rng, f"{name}-T{n}", stores, anchor) for n in range(tickets)],
        "bookings": [_booking(rng, f"{name}-B{n}", stores, anchor) for n in range(bookings)],
    }


def _person(rng: Random, name: str, stores: Data, anchor: str) -> Data:
    """Somebody who works here, or did, or will."""
    roles = (["open"], ["open", "pass_lockdown"], ["operate"], ["pass_lockdown"])
    return {
        "id": name,
        "roles": mostly(rng, roles, 0.65),
        "stores": _stores(rng, stores, 0.7),
        "active": chance(rng, 0.93),
        "version": rng.choice((1, 2)),
        "valid_from": shifted(anchor, rng.choice((-1, 0, 1))) if chance(rng, 0.2) else None,
        "valid_to": shifted(anchor, rng.choice((-1, 0, 1))) if chance(rng, 0.2) else None,
    }


def _change_plan(rng: Random, old: Data, new: Data, anchor: str) -> None:
    """The new contract takes over from the old one, for the same bands."""
    last = shifted(anchor, rng.choice((-9, -1, 0)))
    old.update(start=shifted(last, -200), end=last)
    new.update(start=shifted(last, 1), end=None)
    if old["plan"]["restrict"] and new["plan"]["restrict"]:
        new["plan"]["bands"] = [{**band} for band in old["plan"]["bands"]]


def _contract(rng: Random, name: str, stores: Data, anchor: str) -> Data:
    start = shifted(anchor, rng.choice((-1, 0, 1, 2, 20)) if chance(rng, 0.08) else -200)
    end = shifted(anchor, rng.choice((-20, -2, -1, 0, 1))) if chance(rng, 0.1) else None
    paused = []
    if chance(rng, 0.08):
        first = shifted(anchor, rng.choice((-9, -1, 0, 1)))
        paused = [[first, shifted(first, rng.choice((0, 1, 10)))]]
    plan = _plan(rng, f"P-{name}", stores, anchor)
    return {
        "id": name,
        "start": min(start, end or start),
        "end": end,
        "paused": paused,
        "main": chance(rng, 0.3),
        "plan": plan,
    }


def _plan(rng: Random, name: str, stores: Data, anchor: str) -> Data:
    kind = rng.choices(("limited", "open", "ticket", "bandless"), (82, 5, 9, 4))[0]
    limited = kind in ("limited", "bandless")
    kinds = rng.sample(sorted(HOURS), rng.choices((1, 2, 3, 4), (40, 35, 17, 8))[0])
    booking_kinds = rng.sample(sorted(HOURS), rng.choices((0, 1, 2), (50, 30, 20))[0])
    exempt = limited and chance(rng, 0.45)
    return {
        "id": name,
        "type": "normal" if limited or chance(rng, 0.7) else "school",
        "restrict": limited,
        "ticket_required": kind == "ticket",
        "early_min": rng.choice((0, 0, 10, 30, 120)) if limited else 0,
        "late_min": rng.choice((0, 0, 10, 30)) if limited else 0,
        "exempt": exempt,
        "exempt_programs": ["YOGA"] if exempt and chance(rng, 0.3) else [],
        "stores": _stores(rng, stores, 0.9),
        "priority": rng.choice((0, 0, 1, 2)),
        "bands": [
            {"kind": each, "limit": _limit(rng), **_days(rng, anchor)}
            for each in (kinds if kind == "limited" else [])
        ],
        "booking_bands": [{"kind": each, **_days(rng, anchor)} for each in booking_kinds],
    }


def _limit(rng: Random) -> int | None:
    return rng.choices((None, 0, 1, 2, 4), (15, 6, 37, 30, 12))[0]


def _stores(rng: Random, stores: Data, none: float) -> list[str] | None:
    if chance(rng, none):
        return None
    return [store for store in (*stores, "S9") if chance(rng, 0.5)]


def _days(rng: Random, anchor: str) -> Data:
    """Weekday ticks, often such that the anchor's neighbours are on different sides of them."""
    ticks = ["1"] * 7
    if chance(rng, 0.4):
        ticks[weekday(shifted(anchor, rng.choice((-1, 0, 1))))] = "0"
    elif chance(rng, 0.15):
        ticks = [rng.choice("01") for _ in range(7)]
    return {"weekdays": "".join(ticks), "holiday": mostly(rng, ("ALL", *HOLIDAY_RULES), 0.25)}


def _ticket(rng: Random, name: str, stores: Data, anchor: str) -> Data:
    banded = chance(rng, 0.55)
    return {
        "id": name,
        "type": mostly(rng, ("ENTRY", "BOOKING", "TRIAL"), 0.88),
        "remaining": rng.choice((0, 1, 2, 3, 5)),
        "bands": rng.sample(sorted(HOURS), rng.choice((1, 2, 3))) if banded else None,
        **_days(rng, anchor),
        "stores": _stores(rng, stores, 0.5),
        "valid_from": shifted(anchor, rng.choice((-60, -60, -60, 0, 1))),
        "valid_to": shifted(anchor, rng.choice((-1, 0, 1, 30))) if chance(rng, 0.6) else None,
    }


def _booking(rng: Random, name: str, stores: Data, anchor: str) -> Data:
    store = stores[rng.choice(sorted(stores))]
    if store["bands"] and chance(rng, 0.4):
        minute = rng.choice([edge for hours in store["bands"].values() for edge in hours])
    else:
        minute = 15 * rng.randrange(-8, 110)
    day = shifted(anchor, rng.choice((-1, 0, 0, 0, 1)))
    start = wall(store["tz"], day, minute)[0]
    end = start + timedelta(minutes=rng.choice((30, 60, 60, 120, 300)))
    return {
        "id": name,
        "store": store["id"],
        "room": rng.choice((None, None, "R1", "R2")),
        "program": rng.choice(("YOGA", "YOGA", "PILATES")),
        "start": spelled(start, store["tz"]),
        "end": spelled(end, store["tz"]),
        "status": rng.choices(("CONFIRMED", "CHECKED_IN", rng.choice(DEAD)), (65, 15, 20))[0],
        "paid": chance(rng, 0.75),
    }


def _used(rng: Random, world: Data, member: Data, anchor: str) -> list[Data]:
    """Keys that leave one use, none, or less than none of a limit in the months around."""
    month_anchor = world["settings"]["month_anchor_day"]
    days = [shifted(anchor, days) for days in range(-30, 31)]
    months = sorted({month_of(shifted(anchor, days), month_anchor) for days in (-1, 0, 1)})
    steps: list[Data] = []
    for contract in member["contracts"]:
        for band in contract["plan"]["bands"]:
            for month in months:
                inside = [day for day in days if month_of(day, month_anchor) == month]
                other = [day for day in inside if day not in days[29:32]]
                pool = other if chance(rng, 0.85) else inside
                wanted = (band["limit"] or 0) + rng.choice((-1, 0, 0, 0, 0, 0, 0, 0, 1, 1))
                for day in rng.sample(pool, min(len(pool), max(0, wanted))):
                    step = {"op": "used", "contract": contract["id"], "band": band["kind"]}
                    store = rng.choice(sorted(world["stores"]))
                    steps.append({**step, "service_date": day, "store": store})
    return steps
