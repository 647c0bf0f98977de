"""Points of the rules about staff, checked by hand against their words."""

from typing import Any

import pytest

from tests.oracle.oracle import State, answer
from tests.oracle.times import Data

NOON = "2026-11-04T12:00:00+09:00"
CARD = {"kind": "T2", "version": 1}
CODE = {"kind": "T1", "store": None, "issued": NOON, "ttl_min": 10, "nonce": 1}
PERSON = {
    "id": "W",
    "roles": ["open"],
    "stores": None,
    "active": True,
    "version": 1,
    "valid_from": None,
    "valid_to": None,
}


def ask(*steps: Data, person: Data | None = None, device: Data | None = None) -> list[Data]:
    door = {"id": "D1", "store": "S1", "side": "IN", "mode": "LOCK_QR", **(device or {})}
    world = {
        "settings": {},
        "stores": {name: {"id": name, "tz": "Asia/Tokyo"} for name in ("S1", "S2")},
        "devices": {"D1": door},
        "staff": [{**PERSON, **(person or {})}],
    }
    state = State()
    return [answer(world, state, step) for step in steps]


def show(code: Data = CARD, at: str = NOON, **fields: object) -> Data:
    return {"op": "staff", "device": "D1", "staff": "W", "at": at, "code": code, **fields}


def reason(*steps: Data, **about: Any) -> str:
    told: str = ask(*steps, **about)[-1]["reason"]
    return told


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({}, "STAFF"),
        ({"person": {"active": False}}, "STAFF_UNKNOWN"),
        ({"person": {"stores": ["S2"]}}, "STAFF_NOT_HERE"),
        ({"person": {"roles": ["operate"]}}, "STAFF_NOT_HERE"),
        ({"person": {"version": 2}}, "CODE_REVOKED"),
        ({"device": {"enabled": False}}, "DEVICE_DISABLED"),
        ({"device": {"lockdown": True}}, "LOCKDOWN"),
        ({"device": {"lockdown": True, "mode": "RECORD_ONLY"}}, "STAFF"),
        ({"device": {"lockdown": True}, "person": {"version": 2}}, "LOCKDOWN"),
        (
            {"device": {"lockdown": True}, "person": {"roles": ["open", "pass_lockdown"]}},
            "STAFF",
        ),
    ],
)
def test_e2_to_e6_the_first_failure_decides(about: Any, told: str) -> None:
    assert reason(show(), **about) == told


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-11-03T23:59:59+09:00", "STAFF_UNKNOWN"),
        ("2026-11-04T00:00:00+09:00", "STAFF"),
        ("2026-11-04T23:59:59+09:00", "STAFF"),
        ("2026-11-05T00:00:00+09:00", "STAFF_UNKNOWN"),
    ],
)
def test_dates_are_the_stores(at: str, told: str) -> None:
    person = {"valid_from": "2026-11-04", "valid_to": "2026-11-04"}
    assert reason(show(at=at), person=person) == told
    assert reason(show(at=at, clock_ok=False), person=person) == "STAFF"


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("11:58:59", "CODE_NOT_YET_VALID"),
        ("11:59:00", "STAFF"),
        ("12:09:59", "STAFF"),
        ("12:10:00", "CODE_EXPIRED"),
    ],
)
def test_e4_a_code_has_its_own_minutes(at: str, told: str) -> None:
    assert reason(show(CODE, f"2026-11-04T{at}+09:00")) == told


def test_e0_a_verified_code_is_no_later_than_now() -> None:
    early = "2026-11-01T12:00:00+09:00"
    assert reason(show(CODE, early)) == "CODE_NOT_YET_VALID"
    assert reason(show(CODE, early, clock_ok=False)) == "STAFF"


def test_e6_a_code_opens_once_and_a_card_for_ever() -> None:
    other = show({**CODE, "nonce": 2})
    told = [one["reason"] for one in ask(show(CODE), show(CODE), other, show(), show())]
    assert told == ["STAFF", "CODE_USED", "STAFF", "STAFF", "STAFF"]
    assert reason(show(CODE), show(CODE), device={"mode": "RECORD_ONLY"}) == "STAFF"
    assert reason(show(CODE), show(CODE), device={"side": "OUT"}) == "STAFF"


def test_e6_a_code_may_be_for_one_store() -> None:
    assert reason(show({**CODE, "store": "S1"})) == "STAFF"
    assert reason(show({**CODE, "store": "S2"})) == "STAFF_NOT_HERE"


def test_where_the_clock_leaves_it_open_staff_pass() -> None:
    bounds = {"earliest": "2026-11-04T12:09:59+09:00", "latest": "2026-11-04T12:10:09+09:00"}
    assert reason(show(CODE, bounds["latest"], **bounds)) == "STAFF"
    assert reason(show(CODE, bounds["latest"])) == "CODE_EXPIRED"


@pytest.mark.parametrize(
    ("step", "person", "warnings"),
    [
        (show(), {}, []),
        (show(staff="Z"), {}, ["EXIT_UNKNOWN_MEMBER"]),
        (show(), {"active": False}, ["EXIT_UNKNOWN_MEMBER"]),
        (show(), {"version": 2}, ["EXIT_CODE_REVOKED"]),
        (show(), {"stores": []}, ["EXIT_NO_ENTITLEMENT"]),
        (show({**CODE, "store": "S2"}), {}, ["EXIT_NO_ENTITLEMENT"]),
    ],
)
def test_out_everybody_passes(step: Data, person: Data, warnings: list[str]) -> None:
    device = {"side": "OUT", "enabled": False, "lockdown": True}
    (told,) = ask(step, person=person, device=device)
    assert (told["decision"], told["warnings"]) == ("ALLOW", warnings)
    assert told["reason"] == ("OK_WITH_WARNING" if warnings else "STAFF")
