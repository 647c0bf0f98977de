"""The people who work here (spec/rules.md 2.4, 3.2 E6)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from policy import staff
from policy.model import Device, Mode, Reason, Scene, Staff, StaffRole, Verdict, Warn
from tests.policy.worlds import ENTRANCE, EXIT, NOON, TODAY, rules_of

RULES = rules_of()
OPEN, PASS = StaffRole.OPEN, StaffRole.PASS_LOCKDOWN
PERSON = Staff("W1", b"staff--1", frozenset({OPEN}), stores=frozenset({"S1"}))
NOW, TOMORROW = Scene(NOON), TODAY.replace(day=5)


def test_whoever_leaves_by_a_door_of_no_known_store_is_let_out() -> None:
    door = replace(EXIT, store="nowhere")
    assert staff.decide(RULES, door, PERSON, NOW).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("device", "person", "scene", "reason"),
    [
        pytest.param(ENTRANCE, PERSON, NOW, Reason.STAFF, id="here"),
        pytest.param(ENTRANCE, replace(PERSON, stores=None), NOW, Reason.STAFF, id="everywhere"),
        pytest.param(ENTRANCE, None, NOW, Reason.STAFF_UNKNOWN, id="unknown"),
        pytest.param(
            ENTRANCE, replace(PERSON, active=False), NOW, Reason.STAFF_UNKNOWN, id="dismissed"
        ),
        pytest.param(
            ENTRANCE, replace(PERSON, valid_from=TOMORROW), NOW, Reason.STAFF_UNKNOWN, id="too soon"
        ),
        pytest.param(
            ENTRANCE,
            replace(PERSON, valid_to=TODAY.replace(day=3)),
            NOW,
            Reason.STAFF_UNKNOWN,
            id="over",
        ),
        pytest.param(
            ENTRANCE, replace(PERSON, valid_from=TODAY, valid_to=TODAY), NOW, Reason.STAFF, id="day"
        ),
        pytest.param(
            ENTRANCE,
            replace(PERSON, valid_from=TOMORROW),
            Scene(NOON, clock_trusted=False),
            Reason.STAFF,
            id="dates mean nothing without a clock",
        ),
        pytest.param(
            ENTRANCE,
            replace(PERSON, stores=frozenset({"S2"})),
            NOW,
            Reason.STAFF_NOT_HERE,
            id="other store",
        ),
        pytest.param(
            ENTRANCE,
            replace(PERSON, roles=frozenset({StaffRole.INSTALL})),
            NOW,
            Reason.STAFF_NOT_HERE,
            id="other role",
        ),
        pytest.param(
            replace(ENTRANCE, enabled=False), PERSON, NOW, Reason.DEVICE_DISABLED, id="device off"
        ),
        pytest.param(ENTRANCE, PERSON, Scene(NOON, lockdown=True), Reason.LOCKDOWN, id="lockdown"),
        pytest.param(
            ENTRANCE,
            replace(PERSON, roles=frozenset({OPEN, PASS})),
            Scene(NOON, lockdown=True),
            Reason.STAFF,
            id="lockdown passed",
        ),
        pytest.param(
            replace(ENTRANCE, mode=Mode.RECORD_ONLY),
            PERSON,
            Scene(NOON, lockdown=True),
            Reason.STAFF,
            id="no lockdown of what only records",
        ),
        pytest.param(ENTRANCE, None, Scene(NOON, lockdown=True), Reason.LOCKDOWN, id="nobody's"),
        pytest.param(
            replace(ENTRANCE, store="S9"), PERSON, NOW, Reason.DEVICE_DISABLED, id="nowhere"
        ),
        pytest.param(ENTRANCE, PERSON, Scene(NOON, rules_age_h=999), Reason.STAFF, id="old rules"),
    ],
)
def test_who_works_here_comes_in(
    device: Device, person: Staff | None, scene: Scene, reason: Reason
) -> None:
    decision = staff.decide(RULES, device, person, scene)
    assert decision.reason is reason
    assert (decision.verdict is Verdict.ALLOW) == (reason is Reason.STAFF)
    assert (decision.keys, decision.visit) == ((), None)
    *held, last = (check.passed for check in decision.trace)
    assert all(held)
    assert last is (reason is Reason.STAFF)


@pytest.mark.parametrize(
    ("hours", "reason"),
    [
        pytest.param(-12.1, Reason.STAFF_UNKNOWN, id="the evening before"),
        pytest.param(-12, Reason.STAFF, id="from midnight"),
        pytest.param(11.9, Reason.STAFF, id="to midnight"),
        pytest.param(12, Reason.STAFF_UNKNOWN, id="no longer"),
    ],
)
def test_who_works_here_for_a_day_does_so_by_the_stores_clock(hours: float, reason: Reason) -> None:
    person = replace(PERSON, valid_from=TODAY, valid_to=TODAY)
    scene = Scene(NOON + timedelta(hours=hours))
    assert staff.decide(RULES, ENTRANCE, person, scene).reason is reason


def test_a_code_names_whoever_has_its_handle() -> None:
    rules = replace(rules_of(), staff={"W1": PERSON, "W2": replace(PERSON, handle=b"staff--2")})
    found = staff.find(rules, b"staff--1")
    assert found is PERSON
    assert staff.find(rules, b"staff--3") is None


OF_THE_CODE = (Reason.CODE_NOT_YET_VALID, Reason.CODE_EXPIRED, Reason.CODE_REVOKED)


@pytest.mark.parametrize("fault", [*OF_THE_CODE, Reason.STAFF_NOT_HERE, Reason.CODE_USED])
def test_a_faulty_code_lets_nobody_in(fault: Reason) -> None:
    assert staff.decide(RULES, ENTRANCE, PERSON, NOW, code_fault=fault).reason is fault
    off = replace(ENTRANCE, enabled=False)
    assert staff.decide(RULES, off, PERSON, NOW, code_fault=fault).reason is Reason.DEVICE_DISABLED


@pytest.mark.parametrize("fault", OF_THE_CODE)
def test_a_lockdown_comes_before_the_code(fault: Reason) -> None:
    locked = Scene(NOON, lockdown=True)
    assert staff.decide(RULES, ENTRANCE, PERSON, locked, code_fault=fault).reason is Reason.LOCKDOWN
    passing = replace(PERSON, roles=frozenset({OPEN, PASS}))
    assert staff.decide(RULES, ENTRANCE, passing, locked, code_fault=fault).reason is fault


@pytest.mark.parametrize("fault", OF_THE_CODE)
def test_a_code_is_judged_before_its_person(fault: Reason) -> None:
    assert staff.decide(RULES, ENTRANCE, None, NOW, code_fault=fault).reason is fault


@pytest.mark.parametrize("fault", [Reason.STAFF_NOT_HERE, Reason.CODE_USED])
def test_a_person_is_judged_before_what_the_code_was_made_for(fault: Reason) -> None:
    assert staff.decide(RULES, ENTRANCE, None, NOW, code_fault=fault).reason is Reason.STAFF_UNKNOWN
    elsewhere = replace(PERSON, stores=frozenset({"S2"}))
    decision = staff.decide(RULES, ENTRANCE, elsewhere, NOW, code_fault=fault)
    assert decision.reason is Reason.STAFF_NOT_HERE


def test_each_act_takes_its_role() -> None:
    assert (
        staff.decide(RULES, ENTRANCE, PERSON, NOW, role=StaffRole.OPERATE).reason
        is not Reason.STAFF
    )


def test_out_everybody_passes() -> None:
    known = staff.decide(RULES, EXIT, PERSON, NOW)
    assert (known.verdict, known.reason, known.via) == (Verdict.ALLOW, Reason.STAFF, "staff:W1")
    off, locked = replace(EXIT, enabled=False), Scene(NOON, lockdown=True)
    assert staff.decide(RULES, off, PERSON, locked).reason is Reason.STAFF
    nowhere = replace(EXIT, store="S9")
    assert staff.decide(RULES, nowhere, replace(PERSON, stores=None), NOW).reason is Reason.STAFF


LATE, UNKNOWN = Warn.EXIT_CODE_EXPIRED, Warn.EXIT_UNKNOWN_MEMBER
ELSEWHERE = Warn.EXIT_NO_ENTITLEMENT


@pytest.mark.parametrize(
    ("person", "code_fault", "warnings"),
    [
        pytest.param(None, None, [UNKNOWN], id="unknown"),
        pytest.param(replace(PERSON, active=False), None, [UNKNOWN], id="dismissed"),
        pytest.param(PERSON, Reason.CODE_EXPIRED, [LATE], id="late"),
        pytest.param(None, Reason.CODE_EXPIRED, [LATE, UNKNOWN], id="unknown and late"),
        pytest.param(replace(PERSON, stores=frozenset()), None, [ELSEWHERE], id="elsewhere"),
        pytest.param(PERSON, Reason.STAFF_NOT_HERE, [ELSEWHERE], id="code for elsewhere"),
        pytest.param(None, Reason.STAFF_NOT_HERE, [UNKNOWN], id="unknown, code for elsewhere"),
        pytest.param(PERSON, Reason.CODE_USED, [], id="used: it opens once, it lets out for ever"),
    ],
)
def test_out_it_is_told_what_would_have_kept_somebody_from_coming_in(
    person: Staff | None, code_fault: Reason | None, warnings: list[Warn]
) -> None:
    decision = staff.decide(RULES, EXIT, person, NOW, code_fault=code_fault)
    assert (decision.verdict, list(decision.warnings)) == (Verdict.ALLOW, warnings)
    assert decision.reason is (Reason.OK_WITH_WARNING if warnings else Reason.STAFF)
    assert all(check.passed for check in decision.trace) is not bool(warnings)
