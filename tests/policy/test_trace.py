"""What a decision tells of its way, word for word: staff read it, and replays compare it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from policy import doubt, entry, staff
from policy import exit as leave
from policy.model import (
    Check,
    ClockPolicy,
    Decision,
    Device,
    Member,
    Mode,
    Plan,
    Reason,
    RuleSettings,
    Scene,
    Staff,
    StaffRole,
    StalePolicy,
    Visit,
)
from policy.trace import held
from tests.policy.worlds import (
    BOOKING,
    CONTRACT,
    DAY_PLAN,
    ENTRANCE,
    EXIT,
    MEMBER,
    NOON,
    TODAY,
    at,
    enter,
    rules_of,
)

# Every entry makes these first; they are left out here where they held.
FIRST = {"device_enabled", "no_lockdown", "rules_known", "clock_trusted", "rules_fresh"}
KEY, BAND = "C1/DAY/2026-11-04", "plan=P1 band=DAY date=2026-11-04"
KEYS = replace(ENTRANCE, mode=Mode.KEY_SCHEDULE)
RECORDS = replace(ENTRANCE, mode=Mode.RECORD_ONLY)
FREE = Plan("P1", restrict=False)
ENDED = replace(MEMBER, contracts=(replace(CONTRACT, end=date(2026, 11, 3)),))
BOOKED = replace(
    MEMBER,
    contracts=(),
    bookings=(replace(BOOKING, start=NOON, end=NOON + timedelta(hours=1)),),
)
NO_CLOCK, OLD = (
    RuleSettings(clock_policy=ClockPolicy.DENY),
    RuleSettings(stale_policy=StalePolicy.DENY),
)
GOES_ON = "+member_not_stopped"
UNTRUSTED: dict[str, Any] = {"clock_trusted": False}


def told(decision: Decision) -> list[str]:
    """Each check as a line: + held, - failed, its name, its facts; a dash for a fact of None."""
    return [
        " ".join(
            [
                "+-"[not check.passed] + check.name,
                *(f"{name}={'-' if fact is None else fact}" for name, fact in check.facts.items()),
            ]
        )
        for check in decision.trace
        if not (check.passed and check.name in FIRST)
    ]


@pytest.mark.parametrize(
    ("device", "plan", "member", "lines"),
    [
        (KEYS, DAY_PLAN, MEMBER, [GOES_ON, f"+key_band key={KEY} reason=-"]),
        (
            KEYS,
            DAY_PLAN,
            ENDED,
            [GOES_ON, f"-key_band key={KEY} reason=CONTRACT_ENDED", "-key_booking bookings=0"],
        ),
        (KEYS, FREE, MEMBER, [GOES_ON, "+key_contract contract=C1 reason=-"]),
        (
            KEYS,
            FREE,
            ENDED,
            [GOES_ON, "-key_contract contract=C1 reason=CONTRACT_ENDED", "-key_booking bookings=0"],
        ),
        (
            KEYS,
            replace(FREE, ticket_required=True),
            MEMBER,
            [GOES_ON, "-key_plan contract=C1 reason=TICKET_REQUIRED", "-key_booking bookings=0"],
        ),
        (KEYS, FREE, BOOKED, [GOES_ON, "+key_booking bookings=1"]),
        (RECORDS, DAY_PLAN, MEMBER, [f"+counts key={KEY}"]),
        (RECORDS, FREE, MEMBER, ["-counts key=-"]),
    ],
)
def test_an_entry_by_the_devices_mode(
    device: Device, plan: Plan, member: Member, lines: list[str]
) -> None:
    assert told(enter(rules_of(plan), device, member, (), NOON)) == lines


@pytest.mark.parametrize(
    ("settings", "member", "scene", "lines"),
    [
        (RuleSettings(), MEMBER, UNTRUSTED, ["-clock_trusted", f"{GOES_ON} reason=-"]),
        (
            RuleSettings(),
            replace(MEMBER, withdrawn=True),
            UNTRUSTED,
            ["-clock_trusted", "-member_not_stopped reason=MEMBER_WITHDRAWN"],
        ),
        (NO_CLOCK, MEMBER, UNTRUSTED, ["-clock_trusted"]),
        (OLD, MEMBER, {"rules_age_h": 73}, ["-rules_fresh age_h=73"]),
    ],
)
def test_an_entry_in_doubt(
    settings: RuleSettings, member: Member, scene: dict[str, Any], lines: list[str]
) -> None:
    assert told(enter(rules_of(settings=settings), ENTRANCE, member, (), NOON, **scene)) == lines


@pytest.mark.parametrize("settings", [RuleSettings(), NO_CLOCK])
def test_a_maybe_tells_the_way_of_the_earlier_time_and_where_they_differ(
    settings: RuleSettings,
) -> None:
    scene = Scene(at(16, 59))
    decision = entry.decide_between(rules_of(settings=settings), ENTRANCE, MEMBER, scene, at(17, 1))
    assert told(decision) == [
        "+member_not_stopped",
        "+in_band plan=P1 bands=1",
        f"+contract_date {BAND}",
        f"+day_rule {BAND}",
        f"+store_open {BAND}",
        f"+quota contract=C1 {BAND} counted=0 limit=8",
        "-time_certain earliest=OK latest=OUT_OF_BAND",
    ]


def test_checks_that_held() -> None:
    assert held("a", "b") == (Check("a", passed=True), Check("b", passed=True))


def test_a_failed_disk() -> None:
    assert told(doubt.unrecorded(RuleSettings(), MEMBER)) == ["-recordable"]


WORKER = Staff("W1", b"staff--1", frozenset({StaffRole.OPEN}), valid_from=TODAY, valid_to=TODAY)
WORKS_HERE = [
    "+code",
    "+staff_known staff=W1",
    "+staff_in_force date=2026-11-04 from=2026-11-04 to=2026-11-04",
    "+staff_here store=S1",
    "+staff_role role=open",
]


@pytest.mark.parametrize(
    ("device", "fault", "words"),
    [
        (ENTRANCE, None, [*WORKS_HERE, "+code_unused_here"]),
        (ENTRANCE, Reason.CODE_USED, [*WORKS_HERE, "-code_unused_here reason=CODE_USED"]),
        (ENTRANCE, Reason.CODE_EXPIRED, ["-code reason=CODE_EXPIRED"]),
        (EXIT, Reason.CODE_USED, WORKS_HERE),
        (EXIT, Reason.CODE_EXPIRED, ["-code reason=CODE_EXPIRED", *WORKS_HERE[1:]]),
    ],
)
def test_somebody_who_works_here(device: Device, fault: Reason | None, words: list[str]) -> None:
    assert told(staff.decide(rules_of(), device, WORKER, Scene(NOON), code_fault=fault)) == words


@pytest.mark.parametrize(("device", "via"), [(ENTRANCE, None), (EXIT, "staff:W1")])
def test_somebody_who_no_longer_works_here(device: Device, via: str | None) -> None:
    decision = staff.decide(rules_of(), device, replace(WORKER, active=False), Scene(NOON))
    assert decision.via == via
    assert told(decision) == ["+code", "-staff_known staff=W1 reason=STAFF_UNKNOWN"]
    unknown = staff.decide(rules_of(), device, None, Scene(NOON))
    assert told(unknown) == ["+code", "-staff_known reason=STAFF_UNKNOWN"]


def test_leaving() -> None:
    visit = Visit("S1", at(11), at(17), "D1", "plan:C1", "DAY")
    inside = leave.decide(rules_of(), EXIT, MEMBER, Scene(NOON, visit=visit))
    known = ["+member_known", "+member_not_stopped"]
    assert told(inside) == [*known, "+visit_open", "+in_visit"]
    assert told(leave.decide(rules_of(), EXIT, MEMBER, Scene(at(20)))) == [
        *known,
        "-visit_open",
        "-in_visit",
        "-exempt_booking",
        "-exit_window contracts=1",
    ]
