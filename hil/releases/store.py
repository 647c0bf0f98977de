"""A store drawn from a seed: its building, its settings, its rules with sixty members."""

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from hil.issuer.codes import Issuer
from hil.issuer.plain import hashed
from hil.issuer.rotating import Phone

TENANT: Final = "acme"
BEGINS: Final = datetime(2026, 11, 4, 1, 0, tzinfo=UTC)
"""Ten in Tokyo, a Wednesday: 26 days before a month ends."""
STORE_HANDLE: Final = bytes.fromhex("00112233445566b1")
ROOM_HANDLE: Final = bytes.fromhex("00112233445566d1")
NUMBER: Final = 1
PEPPER: Final = "a pepper of a store that is played"
KEYS: Final = {
    role: Issuer(TENANT, kid, bytes([kid]) * 32)
    for kid, role in enumerate(("member", "staff", "booking"), start=1)
}
ROTATING_KID: Final = 4
MEMBERS: Final = tuple(f"m{n}" for n in range(60))
STAFF: Final = ("boss", "guard", "temp")
BANK: Final = "hall"
LOCKERS: Final = tuple(f"L{n}" for n in range(1, 9))
ENTRANCES: Final = ("front-in", "women-in", "studio-in", "room-in", "keys-in", "gate-in")
EXITS: Final = ("front-out", "studio-out", "gate-out")
COUNTERS: Final = ("desk", "kiosk")
BOOKINGS: Final = 40
"""Of the room, one a day at some hour, and of programs."""

Table = dict[str, Any]

_SETTINGS: Final[Mapping[str, tuple[object, ...]]] = {
    "dedupe_scope": ("all_stores", "store"),
    "overlap": ("one", "all"),
    "exempt_scope": ("window", "day", "booking_band"),
    "recount_on_cancel": (False, True),
    "ticket_dedupe": ("band", "day", "entry"),
    "entitlement_order": ("plan_first", "ticket_first"),
    "paid_booking_opens": (False, True),
    "consume_on": ("grant", "door_opened"),
    "month_anchor_day": (1, 1, 10, 28),
    "day_cutoff_hour": (0, 5),
    "carry_usage_on_plan_change": (False, True),
    "paused_blocks_all": (False, True),
    "exit_unlock_unknown": (False, True),
    "anti_passback": ("off", "soft", "hard"),
    "code_single_use": (False, True),
    "rules_max_age_h": (600, 1440),
    "stale_policy": ("normal", "members", "deny"),
    "clock_policy": ("members", "deny"),
    "disk_failure_policy": ("deny", "members"),
    "closed_days_block_bookings": (False, True),
    "locker_open_when_expired": ("off", "once", "on"),
    "auto_checkout_on_exit": (False, True),
}
"""All that decides, by the names of spec/rules.md 6."""


def handle(name: str) -> bytes:
    """Eight bytes that mean nothing."""
    return name.encode().ljust(8, b".")


def phone(member: str) -> Phone:
    """A member's app."""
    return Phone(TENANT, ROTATING_KID, handle(member) * 4, handle(member))


def booked(number: int) -> tuple[bytes, datetime]:
    """A booking of the room: its handle, and when it begins; it is two hours long."""
    begins = BEGINS + timedelta(hours=23 * number + number % 5)
    return bytes([0xE0, *number.to_bytes(7)]), begins


def store(seed: int) -> Table:
    """Draw a store as `player.py` takes it; `{folder}` stands for where it is played."""
    dice = random.Random(f"store {seed}")
    return {
        "begins": BEGINS.isoformat(),
        "pepper": PEPPER,
        "building": _building(),
        "settings": _settings(),
        "rules": _rules(dice),
    }


def _building() -> Table:
    doors = {name.partition("-")[0]: {"lock": "strike"} for name in ENTRANCES}
    return {
        "socket": "building.sock",
        "log": "building.jsonl",
        "doors": doors,
        "lockers": {BANK: {"count": len(LOCKERS)}},
    }


def _settings() -> Table:
    sim = {"kind": "sim", "socket": "{folder}/building.sock"}
    doors: Table = {}
    for name in (*ENTRANCES, *EXITS):
        door = name.partition("-")[0]
        at = {**sim, "door": door}
        fitted = doors.setdefault(
            door,
            {"type": "strike", "egress": "mechanical", "lock": at, "readers": {}}
            | {"contact": {**at, "line": "contact"}, "exit_button": {**at, "line": "button"}},
        )
        fitted["readers"][name] = {**sim, "reader": name}
    return {
        "device": "S1-FRONT",
        "state_dir": "{folder}/state",
        "runtime_dir": "{folder}/run",
        "secrets_dir": "{folder}/secrets",
        "allow_simulated": True,
        "clock": {"trust": "host"},
        "lockdown_switch": {**sim, "line": "lockdown"},
        "doors": doors,
        "lockers": {
            BANK: {
                "store": "S1",
                "numbers": {name: n for n, name in enumerate(LOCKERS, start=1)},
                "board": {**sim, "bank": BANK},
                "readers": {"hall-in": {**sim, "reader": "hall-in"}},
            }
        },
        "counters": {name: {**sim, "reader": name} for name in COUNTERS},
    }


def _rules(dice: random.Random) -> Table:
    return {
        "format": "edged-rules/1",
        "tenant": TENANT,
        "version": 1,
        "issued_at": (BEGINS - timedelta(hours=1)).isoformat(),
        "settings": {name: dice.choice(values) for name, values in _SETTINGS.items()},
        "keys": {
            **{str(k.kid): {"role": role, "public": k.public.hex()} for role, k in KEYS.items()},
            str(ROTATING_KID): {"role": "rotating"},
        },
        "stores": {"S1": _place(dice)},
        "plans": _plans(dice),
        "doors": {name.partition("-")[0]: {"store": "S1", "pulse_ms": 2_000} for name in ENTRANCES},
        "devices": _devices(dice),
        "plain": {"BARCODE": {"min_chars": 8, "max_chars": 20}},
        "staff": {
            "boss": {"handle": handle("boss").hex(), "roles": ["open", "pass_lockdown"]},
            "guard": {"handle": handle("guard").hex(), "roles": ["open"], "version": 2},
            "temp": {"handle": handle("temp").hex(), "roles": ["open"], "valid_to": "2026-11-16"},
        },
        "members": {name: _member(dice, n) for n, name in enumerate(MEMBERS)},
    }


def _place(dice: random.Random) -> Table:
    bookings = {}
    for number in range(BOOKINGS):
        code, begins = booked(number)
        bookings[f"RB{number}"] = {
            "room": "ROOM1",
            "start": begins.isoformat(),
            "end": (begins + timedelta(hours=2)).isoformat(),
            "status": dice.choice(("PAID", "PAID", "PAID", "CANCELLED")),
            "users": dice.sample(MEMBERS, 3),
            "handle": code.hex(),
            "changed_at": BEGINS.isoformat(),
        }
    return {
        "tz": "Asia/Tokyo",
        "handle": STORE_HANDLE.hex(),
        "number": NUMBER,
        "rooms": {"ROOM1": ROOM_HANDLE.hex()},
        "bands": {"DAY": "10:00-17:00", "EVE": "16:00-22:00", "LATE": "22:00-26:00"},
        "holidays": {"2026-11-23": "a holiday"},
        "closed": ["2026-11-17"],
        "room_bookings": bookings,
    }


def _plans(dice: random.Random) -> Table:
    def bands(*limits: tuple[str, int | None]) -> list[Table]:
        return [
            {
                "kind": kind,
                "limit": limit,
                "weekdays": dice.choice(("1111111", "1111100", "1010111")),
                "holiday": dice.choice(("ALL", "NONE", "WEEKEND_ONLY", "FOLLOW_WEEKDAY")),
            }
            for kind, limit in limits
        ]

    return {
        "FREE": {"restrict": False},
        "DAY3": {"bands": bands(("DAY", 3)), "early_min": 10, "late_min": 10},
        "EVE8": {"bands": bands(("EVE", 8), ("DAY", 4)), "priority": 1},
        "LATE": {"bands": bands(("LATE", None), ("EVE", 2))},
        "YOGA": {"bands": bands(("DAY", 2)), "exempt": True, "exempt_programs": ["yoga"]}
        | {"booking_bands": [{"kind": "DAY"}]},
        "TICKET": {"restrict": False, "ticket_required": True},
    }


def _devices(dice: random.Random) -> Table:
    def at(door: str, side: str, **more: object) -> Table:
        return {"store": "S1", "door": door, "side": side, **more}

    codes = ["M1", "F1", "T1", "T2", "R1", "B1", "BARCODE"]
    timing = dice.choice(("CONTRACT_AND_BOOKING", "BOOKING_ONLY"))
    inner = dice.choice((["booking"], ["ticket", "booking"], ["plan"]))
    plans = {"qualify_plans": ["YOGA", "EVE8"]} if inner == ["plan"] else {}
    return {
        "front-in": at("front", "IN", codes=codes, auto_check_in=dice.choice((False, True))),
        "front-out": at("front", "OUT"),
        "women-in": at("women", "IN", gender="F", counts=dice.choice((False, True))),
        "studio-in": at("studio", "IN", qualify=inner, **plans),
        "studio-out": at("studio", "OUT", counts=False),
        "room-in": at("room", "IN", room="ROOM1", qualify=["room"]),
        "keys-in": at("keys", "IN", mode="KEY_SCHEDULE", grant_timing=timing),
        "gate-in": at("gate", "IN", mode="RECORD_ONLY", codes=codes),
        "gate-out": at("gate", "OUT", mode="RECORD_ONLY"),
        "hall-in": {"store": "S1", "side": "IN"},
        "desk": {"store": "S1", "side": "IN", "mode": "APP", "qualify": ["seat"], "loyalty": True},
        "kiosk": {"store": "S1", "side": "IN", "mode": "APP", "lockers": True},
    }


def _member(dice: random.Random, number: int) -> Table:
    name = MEMBERS[number]
    plans = dice.sample(("FREE", "DAY3", "EVE8", "LATE", "YOGA", "TICKET"), dice.choice((1, 1, 2)))
    odd = dice.random()
    member: Table = {
        "handle": handle(name).hex(),
        "contracts": [_contract(dice, f"{name}c{n}", plan) for n, plan in enumerate(plans)],
        "gender": dice.choice(("F", "M", None)),
        "bookings": [_booking(dice, f"{name}b{n}") for n in range(dice.choice((0, 0, 3)))],
        "suspended": odd < 0.04,
        "withdrawn": 0.04 <= odd < 0.07,
        "notices": ["PAYMENT_UNPAID"] if odd > 0.9 else [],
        "rotating": {str(ROTATING_KID): {"S1": phone(name).store_key(NUMBER).hex()}},
        "plain": {"BARCODE": [hashed(PEPPER.encode(), f"{number:08}")]},
    }
    if dice.random() < 0.4:
        member["tickets"] = [_ticket(dice, f"{name}t")]
    if number < 20:
        ends = BEGINS + timedelta(hours=dice.randrange(24, 700))
        kind = dice.choice(("PERIOD_FIXED", "LOCKER"))
        product = {"id": f"{name}p", "kind": kind, "valid_to": ends.isoformat()}
        member["products"] = [product]
        if kind == "PERIOD_FIXED":
            product["own_seat"] = f"{number}"
            seat = {"id": f"{number}", "store": "S1", "product": f"{name}p", "io": "OUT"}
            member["seats"] = [{**seat, "since": BEGINS.isoformat()}]
    return member


def _contract(dice: random.Random, name: str, plan: str) -> Table:
    first = date(2026, 11, 4)
    contract: Table = {"id": name, "plan": plan, "start": "2026-01-01"}
    odd = dice.randrange(6)
    if odd == 0:
        contract["end"] = (first + timedelta(days=dice.randrange(40))).isoformat()
    elif odd == 1:
        begins = first + timedelta(days=dice.randrange(20))
        days = (begins, begins + timedelta(days=dice.randrange(9)))
        contract["paused"] = [[day.isoformat() for day in days]]
    elif odd == 2:
        contract["start"] = (first + timedelta(days=dice.randrange(20))).isoformat()
    return contract


def _ticket(dice: random.Random, name: str) -> Table:
    return {
        "id": name,
        "type": "ENTRY",
        "remaining": dice.randrange(1, 12),
        "valid_from": "2026-11-01",
        "valid_to": dice.choice((None, "2026-11-20")),
        "bands": dice.choice((None, ["DAY"], ["EVE", "LATE"])),
    }


def _booking(dice: random.Random, name: str) -> Table:
    begins = BEGINS + timedelta(hours=dice.randrange(1, 720))
    return {
        "id": name,
        "store": "S1",
        "program": dice.choice(("yoga", "spinning")),
        "start": begins.isoformat(),
        "end": (begins + timedelta(hours=1)).isoformat(),
        "status": dice.choice(("CONFIRMED", "CONFIRMED", "REQUESTED", "CANCELLED")),
        "paid": dice.random() < 0.7,
    }
