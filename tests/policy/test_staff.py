"""The people who work here (spec/rules.md 2.4, 3.2 E6)."""

from dataclasses import replace

import pytest

from policy import staff
from policy.model import Device, Reason, Scene, Staff, StaffRole, Verdict, Warn
from tests.policy.worlds import ENTRANCE, EXIT, NOON, TODAY, rules_of

OPEN, PASS = StaffRole.OPEN, StaffRole.PASS_LOCKDOWN
PERSON = Staff("W1", b"staff--1", frozenset({OPEN}), stores=frozenset({"S1"}))
NOW, TOMORROW = Scene(NOON), TODAY.replace(day=5)


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
        pytest.param(ENTRANCE, PERSON, Scene(NOON, rules_age_h=999), Reason.STAFF, id="old rules"),
    ],
)
def test_who_works_here_comes_in(
    device: Device, person: Staff | None, scene: Scene, reason: Reason
) -> None:
    decision = staff.decide(device, person, scene)
    assert decision.reason is reason
    assert (decision.verdict is Verdict.ALLOW) == (reason is Reason.STAFF)
    assert (decision.keys, decision.visit) == ((), None)
    (check,) = decision.trace
    assert check.passed is (reason is Reason.STAFF)


def test_a_code_names_whoever_has_its_handle() -> None:
    rules = replace(rules_of(), staff={"W1": PERSON, "W2": replace(PERSON, handle=b"staff--2")})
    found = staff.find(rules, b"staff--1")
    assert found is PERSON
    assert staff.find(rules, b"staff--3") is None


OF_THE_CODE = (Reason.CODE_NOT_YET_VALID, Reason.CODE_EXPIRED, Reason.CODE_REVOKED)


@pytest.mark.parametrize("fault", [*OF_THE_CODE, Reason.STAFF_NOT_HERE, Reason.CODE_USED])
def test_a_faulty_code_lets_nobody_in(fault: Reason) -> None:
    assert staff.decide(ENTRANCE, PERSON, NOW, code_fault=fault).reason is fault
    off = replace(ENTRANCE, enabled=False)
    assert staff.decide(off, PERSON, NOW, code_fault=fault).reason is Reason.DEVICE_DISABLED


@pytest.mark.parametrize("fault", OF_THE_CODE)
def test_a_code_is_judged_before_its_person(fault: Reason) -> None:
    assert staff.decide(ENTRANCE, None, NOW, code_fault=fault).reason is fault


@pytest.mark.parametrize("fault", [Reason.STAFF_NOT_HERE, Reason.CODE_USED])
def test_a_person_is_judged_before_what_the_code_was_made_for(fault: Reason) -> None:
    assert staff.decide(ENTRANCE, None, NOW, code_fault=fault).reason is Reason.STAFF_UNKNOWN
    elsewhere = replace(PERSON, stores=frozenset({"S2"}))
    decision = staff.decide(ENTRANCE, elsewhere, NOW, code_fault=fault)
    assert decision.reason is Reason.STAFF_NOT_HERE


def test_each_act_takes_its_role() -> None:
    assert staff.decide(ENTRANCE, PERSON, NOW, role=StaffRole.OPERATE).reason is not Reason.STAFF


def test_out_everybody_passes() -> None:
    known, unknown = staff.decide(EXIT, PERSON, NOW), staff.decide(EXIT, None, NOW)
    assert (known.verdict, known.reason, known.via) == (Verdict.ALLOW, Reason.STAFF, "staff:W1")
    assert (unknown.verdict, unknown.reason) == (Verdict.ALLOW, Reason.OK_WITH_WARNING)
    assert unknown.warnings == (Warn.EXIT_UNKNOWN_MEMBER,)
    expired = staff.decide(EXIT, PERSON, NOW, code_fault=Reason.CODE_EXPIRED)
    assert (expired.verdict, expired.via) == (Verdict.ALLOW, "staff:W1")
    assert expired.warnings == (Warn.EXIT_CODE_EXPIRED,)
