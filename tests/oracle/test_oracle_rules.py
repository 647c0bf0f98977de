"""Points of the rules that no worked example shows, checked by hand against their words."""

import json
from pathlib import Path

import pytest

from tests.oracle.oracle import State, answer, build
from tests.oracle.times import Data, month_of, wall

CASES: Data = json.loads(
    (Path(__file__).parent.parent / "vectors" / "cases.json").read_text(encoding="utf-8")
)
FIXTURES: Data = CASES["fixtures"]
ALL_DAYS = {"weekdays": "1111111", "holiday": "ALL"}


def band(kind: str, limit: int | None = None) -> Data:
    return {"kind": kind, "limit": limit, **ALL_DAYS}


def contract(name: str = "C1", start: str = "2026-01-01", **plan: object) -> Data:
    whole = {**FIXTURES["plan_defaults"], "id": f"P-{name}", "bands": [band("DAY", 1)], **plan}
    return {"id": name, "start": start, "end": None, "paused": [], "plan": whole}


def open_contract(**dates: object) -> Data:
    return {**contract(restrict=False, bands=[]), **dates}


def ticket(**fields: object) -> Data:
    plain = {"id": "T1", "type": "ENTRY", "remaining": 1, "bands": None, "stores": None}
    return {**plain, **ALL_DAYS, "valid_from": "2026-01-01", "valid_to": None, **fields}


def booking(start: str = "18:00", end: str = "19:00", **fields: object) -> Data:
    plain = {"id": "B1", "store": "S1", "room": None, "program": "PRG", "status": "CONFIRMED"}
    when = {"start": f"2026-11-04T{start}:00+09:00", "end": f"2026-11-04T{end}:00+09:00"}
    return {**plain, **when, "paid": True, **fields}


def person(*contracts: Data, **fields: object) -> Data:
    nothing: Data = {"flags": [], "notices": [], "gender": None, "tickets": [], "bookings": []}
    return {"id": "M", **nothing, "contracts": list(contracts), **fields}


def ask(member: Data, *steps: Data | str, **settings: object) -> Data:
    """The answer to the last step; a text is an entry at D1 at that local time."""
    devices = settings.pop("devices", [])
    rest = settings.pop("world", {})
    world = {"members": [member], "settings": settings, "devices": devices}
    built, state = build(FIXTURES, {**world, **(rest if isinstance(rest, dict) else {})}), State()
    told: Data = {}
    for step in steps:
        told = answer(built, state, enter(step) if isinstance(step, str) else step)
    return told


def enter(when: str, **fields: object) -> Data:
    at = f"{when if 'T' in when else f'2026-11-04T{when}'}:00+09:00"
    return {"op": "enter", "device": "D1", "member": "M", "at": at, **fields}


def verdict(told: Data) -> str:
    return str(told["via"] if told["decision"] == "ALLOW" else told["reason"])


EXEMPT = contract(exempt=True, booking_bands=[{"kind": "NIGHT", **ALL_DAYS}])
PAUSED = {**contract(), "paused": [["2026-11-01", "2026-11-30"]]}


@pytest.mark.parametrize(
    ("scope", "when", "expected"),
    [
        ("window", "17:44", "OUT_OF_BAND"),
        ("day", "00:00", "booking:B1"),
        ("day", "2026-11-05T00:00", "OUT_OF_BAND"),
        ("booking_band", "17:00", "booking:B1"),
        ("booking_band", "22:59", "booking:B1"),
        ("booking_band", "23:00", "OUT_OF_BAND"),
    ],
)
def test_a_booking_exempts_where_its_scope_says(scope: str, when: str, expected: str) -> None:
    member = person(EXEMPT, bookings=[booking()])
    assert verdict(ask(member, when, exempt_scope=scope)) == expected


@pytest.mark.parametrize(
    ("member", "settings", "when", "expected"),
    [
        (person(contract(), bookings=[booking()]), {}, "18:00", "OUT_OF_BAND"),
        (
            person(contract(), bookings=[booking()]),
            {"paid_booking_opens": True},
            "18:00",
            "booking:B1",
        ),
        (
            person(contract(), bookings=[booking(paid=False)]),
            {"paid_booking_opens": True},
            "18:00",
            "OUT_OF_BAND",
        ),
        (person(PAUSED, tickets=[ticket()]), {}, "12:00", "ticket:T1"),
        (
            person(PAUSED, tickets=[ticket()]),
            {"paused_blocks_all": True},
            "12:00",
            "CONTRACT_PAUSED",
        ),
        (
            person(contract(), tickets=[ticket()]),
            {"entitlement_order": "ticket_first"},
            "12:00",
            "ticket:T1",
        ),
        (person(open_contract(end="2026-11-03")), {}, "01:00", "CONTRACT_ENDED"),
        (person(open_contract(end="2026-11-03")), {"day_cutoff_hour": 3}, "01:00", "plan:C1"),
        (
            person(open_contract(end="2026-11-03")),
            {"day_cutoff_hour": 3},
            "03:00",
            "CONTRACT_ENDED",
        ),
    ],
)
def test_a_setting_of_section_6_decides(
    member: Data, settings: Data, when: str, expected: str
) -> None:
    assert verdict(ask(member, when, **settings)) == expected


@pytest.mark.parametrize(("blocked", "expected"), [(True, "OUT_OF_BAND"), (False, "booking:B1")])
def test_bookings_of_a_closed_day(blocked: bool, expected: str) -> None:
    closed = {"stores": {"S1": {"closed": ["2026-11-04"]}}}
    member = person(EXEMPT, bookings=[booking()])
    told = ask(member, "18:00", world=closed, closed_days_block_bookings=blocked)
    assert verdict(told) == expected


@pytest.mark.parametrize(
    ("dedupe", "left"), [("band", {"T1": 1}), ("day", {"T1": 2}), ("entry", {"T1": 0})]
)
def test_what_a_day_of_three_entries_costs(dedupe: str, left: Data) -> None:
    member = person(tickets=[ticket(remaining=3, bands=["DAY", "NIGHT"])])
    told = ask(member, "12:00", "13:00", "18:00", ticket_dedupe=dedupe)
    assert told["tickets_left"] == left


def test_a_ticket_is_given_back_when_the_lock_did_not_move() -> None:
    steps = [
        enter("12:00", event="e"),
        {"op": "lock_fault", "member": "M", "event": "e", "at": "2026-11-04T12:00:01+09:00"},
    ]
    member = person(tickets=[ticket()])
    assert ask(member, *steps, "13:00")["tickets_left"] == {"T1": 0}
    assert ask(member, *steps, "2026-11-05T12:00")["decision"] == "ALLOW"


@pytest.mark.parametrize(
    ("hardness", "timeout", "again", "expected"),
    [
        ("soft", 720, "13:00", ["WARN_PASSBACK"]),
        ("hard", 720, "13:00", "ANTI_PASSBACK"),
        ("hard", 60, "12:59", "ANTI_PASSBACK"),
        ("hard", 60, "13:00", []),
        ("hard", 0, "2026-11-05T12:00", "ANTI_PASSBACK"),
        ("hard", 0, "2026-11-05T12:01", []),
    ],
)
def test_passback(hardness: str, timeout: int, again: str, expected: object) -> None:
    told = ask(
        person(open_contract()),
        "12:00",
        again,
        anti_passback=hardness,
        passback_timeout_min=timeout,
    )
    assert (told["warnings"] if told["decision"] == "ALLOW" else told["reason"]) == expected


def test_a_month_may_begin_on_another_day() -> None:
    assert month_of("2026-11-14", 15) == "2026-10"
    assert month_of("2026-11-15", 15) == "2026-11"
    used = {"op": "used", "contract": "C1", "band": "DAY", "service_date": "2026-11-03"}
    used["store"] = "S1"
    assert verdict(ask(person(contract()), used, "12:00")) == "QUOTA_EXHAUSTED"
    assert verdict(ask(person(contract()), used, "12:00", month_anchor_day=4)) == "plan:C1"


@pytest.mark.parametrize(("carry", "expected"), [(False, "plan:C2"), (True, "QUOTA_EXHAUSTED")])
def test_usage_before_a_plan_change(carry: bool, expected: str) -> None:
    old = {**contract(), "end": "2026-11-03"}
    used = {"op": "used", "contract": "C1", "band": "DAY", "service_date": "2026-11-03"}
    member = person(old, contract("C2", "2026-11-04"))
    told = ask(member, {**used, "store": "S1"}, "12:00", carry_usage_on_plan_change=carry)
    assert verdict(told) == expected


def test_a_time_that_may_be_either_side_of_an_edge_is_no_time() -> None:
    bounds = {"earliest": "2026-11-04T16:59:59+09:00", "latest": "2026-11-04T17:00:01+09:00"}
    unsure = enter("17:00", **bounds)
    told = ask(person(contract()), unsure)
    assert (told["decision"], told["warnings"]) == ("ALLOW", ["WARN_CLOCK_UNTRUSTED"])
    assert told["new_keys"] == ["C1/DAY/2026-11-04"]
    assert ask(person(contract()), unsure, clock_policy="deny")["decision"] == "DENY"
    stopped = person(contract(), flags=["withdrawn"])
    assert verdict(ask(stopped, unsure)) == "MEMBER_WITHDRAWN"  # at both times


@pytest.mark.parametrize(
    ("policy", "when", "expected"),
    [
        ("deny", "12:00", "RECORD_FAILED"),
        ("deny", "20:00", "OUT_OF_BAND"),
        ("members", "20:00", "None"),
    ],
)
def test_a_failed_disk(policy: str, when: str, expected: str) -> None:
    told = ask(person(contract()), enter(when, disk_ok=False), disk_failure_policy=policy)
    assert verdict(told) == expected
    assert told["new_keys"] == []


@pytest.mark.parametrize(
    ("qualify", "expected"),
    [
        (["plan"], "plan:C1"),
        (["plan:P-C1"], "plan:C1"),
        (["plan:P-C2"], "DEVICE_NOT_QUALIFIED"),
        (["staff"], "DEVICE_NOT_QUALIFIED"),
        (["ticket"], "DEVICE_NOT_QUALIFIED"),
        (["ticket", "plan"], "plan:C1"),
        (["seat"], "seat:7"),
        (["room"], "DEVICE_NOT_QUALIFIED"),
    ],
)
def test_who_a_device_is_for(qualify: list[str], expected: str) -> None:
    device = {**FIXTURES["devices"]["D1"], "id": "DQ", "qualify": qualify}
    product = {"id": "PR", "member": "M", "kind": "SINGLE", "end": None, "minutes": None}
    world = {"seats": [{"id": "7"}], "products": [{**product, "ended": False}]}
    seated = {"op": "seat.assign", "seat": "7", "member": "M", "product": "PR"}
    told = ask(
        person(contract()),
        {**seated, "at": "2026-11-04T09:00:00+09:00"},
        enter("12:00", device="DQ"),
        devices=[device],
        world=world,
    )
    assert verdict(told) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"qualify": ["room"], "room": "R1"}, "room:BK"),
        ({"qualify": ["room"], "room": "R2"}, "DEVICE_NOT_QUALIFIED"),
        ({"lockdown": True}, "LOCKDOWN"),
        ({"enabled": False}, "DEVICE_DISABLED"),
        ({"check_stores": True}, "STORE_NOT_ALLOWED"),
        ({"check_stores": False}, "plan:C1"),
    ],
)
def test_what_a_device_says(fields: Data, expected: str) -> None:
    device = {**FIXTURES["devices"]["D1"], "id": "DQ", **fields}
    hours = {"start": "2026-11-04T12:00:00+09:00", "end": "2026-11-04T13:00:00+09:00"}
    room = {"id": "BK", "room": "R1", "status": "PAID", "users": ["M"], **hours}
    told = ask(
        person(contract(stores=["S2"])),
        enter("12:00", device="DQ"),
        devices=[device],
        world={"rooms": [room]},
    )
    assert verdict(told) == expected


@pytest.mark.threat("B2")
def test_a_day_that_a_zone_never_had() -> None:
    jump = wall("Pacific/Apia", "2011-12-29", 24 * 60 - 1)[1]
    opens, closes = wall("Pacific/Apia", "2011-12-30", 12 * 60)
    assert opens == closes == wall("Pacific/Apia", "2011-12-31", 0)[0]
    assert (opens - jump).total_seconds() == 60


@pytest.mark.threat("B2")
def test_half_an_hour_that_comes_twice() -> None:
    first, last = wall("Australia/Lord_Howe", "2026-04-05", 105)
    assert (last - first).total_seconds() == 30 * 60
