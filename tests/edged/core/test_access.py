from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from edged.core.access import (
    Request,
    admitted,
    decide_entry,
    decide_exit,
    decide_unrecorded,
    deny,
)
from policy import entry, exit, staff  # noqa: A004 - the rules call it exit, and so do we
from policy.model import (
    BandGrant,
    Check,
    ClockPolicy,
    Contract,
    Decision,
    Device,
    DiskFailurePolicy,
    Door,
    Hours,
    KeyRole,
    Member,
    Mode,
    Plan,
    Reason,
    Rules,
    RuleSettings,
    Scene,
    Side,
    Staff,
    StaffRole,
    Store,
    Usage,
    UsageKey,
    Verdict,
    Visit,
    Warn,
)

AT = datetime(2026, 11, 4, 3, 0, tzinfo=UTC)
MEMBER = Member("M1", b"12345678", (Contract("C1", "DAY", date(2026, 1, 1)),))
INSIDE, OUTSIDE = Device("front-out", "S1", Side.OUT, "front"), Device("in", "S1", Side.IN, "front")
RULES = Rules(
    tenant="acme",
    version=1,
    issued_at=AT,
    settings=RuleSettings(),
    stores={"S1": Store("S1", ZoneInfo("Asia/Tokyo"), {"DAY": Hours(600, 1_020)})},
    plans={"DAY": Plan("DAY", bands=(BandGrant("DAY", 1),))},
    doors={"front": Door("front", "S1")},
    devices={device.id: device for device in (INSIDE, OUTSIDE)},
    keys={},
)
SCENE = Scene(AT)
ENTRY = Request(RULES, OUTSIDE, MEMBER, None, SCENE)
VISIT = Visit("S1", AT - timedelta(hours=1), None, "in", "plan:C1", "DAY")
EXIT = Request(RULES, INSIDE, MEMBER, None, Scene(AT, visit=VISIT))
FAULTS = (Reason.CODE_EXPIRED, Reason.CODE_NOT_YET_VALID, Reason.CODE_REVOKED)


MEMBERS_GET_IN = replace(
    RULES, settings=RuleSettings(disk_failure_policy=DiskFailurePolicy.MEMBERS)
)


def test_a_good_code_of_a_known_member_is_the_rules_matter() -> None:
    key = UsageKey("C1", "DAY", date(2026, 11, 1))
    for used, reason in ((Usage.of([]), Reason.OK), (Usage.of([key]), Reason.QUOTA_EXHAUSTED)):
        request = replace(ENTRY, scene=replace(SCENE, used=used))
        decision = decide_entry(request)
        assert decision == entry.decide(RULES, OUTSIDE, MEMBER, request.scene)
        assert decision.reason is reason


def test_the_clock_is_the_rules_matter_too() -> None:
    decision = decide_entry(replace(ENTRY, scene=replace(SCENE, clock_trusted=False)))
    assert (decision.verdict, decision.warnings) == (Verdict.ALLOW, (Warn.CLOCK_UNTRUSTED,))


def test_in_a_lockdown_nobody_comes_in_and_everybody_leaves() -> None:
    shut = replace(SCENE, lockdown=True)
    for request in (replace(ENTRY, scene=shut), replace(ENTRY, scene=shut, member=None)):
        assert decide_entry(request).reason is Reason.LOCKDOWN
        assert decide_unrecorded(replace(request, rules=MEMBERS_GET_IN)).reason is Reason.LOCKDOWN
    leaving = replace(EXIT, scene=replace(EXIT.scene, lockdown=True))
    assert decide_exit(leaving) == decide_exit(EXIT)


def test_an_interlock_is_the_last_word_on_coming_in() -> None:
    busy = replace(ENTRY, interlocked=True)
    decision = decide_entry(busy)
    assert (decision.verdict, decision.reason) == (Verdict.DENY, Reason.INTERLOCK)
    assert (decision.keys, decision.visit) == ((), None)
    assert [check.name for check in decision.trace if not check.passed] == ["interlock"]
    assert decide_entry(replace(busy, member=None)).reason is Reason.MEMBER_NOT_SYNCED
    assert decide_unrecorded(replace(busy, rules=MEMBERS_GET_IN)).reason is Reason.INTERLOCK
    assert decide_exit(replace(EXIT, interlocked=True)) == decide_exit(EXIT)


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("member", [MEMBER, None])
@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_the_first_thing_wrong_decides(
    enabled: bool, member: Member | None, fault: Reason | None
) -> None:
    request = replace(
        ENTRY, device=replace(OUTSIDE, enabled=enabled), member=member, code_fault=fault
    )
    decision = decide_entry(replace(request, late=request))
    told = fault if member is not None or fault is not None else Reason.MEMBER_NOT_SYNCED
    told = told or Reason.OK
    assert decision.reason is (told if enabled else Reason.DEVICE_DISABLED)
    assert (decision.verdict is Verdict.ALLOW) is (decision.reason is Reason.OK)
    if decision.verdict is Verdict.DENY:
        assert (decision.keys, decision.visit) == ((), None)
        assert not decision.trace[-1].passed


def test_a_refusal_says_what_it_looked_at() -> None:
    decision = decide_entry(replace(ENTRY, code_fault=Reason.CODE_REVOKED))
    assert decision.trace == (Check("code", passed=False, facts={"reason": "CODE_REVOKED"}),)
    assert deny(Reason.RECORD_FAILED).trace == ()
    assert deny(Reason.RECORD_FAILED).verdict is Verdict.DENY


SPAN = timedelta(seconds=1)


@pytest.mark.parametrize("policy", ClockPolicy)
@pytest.mark.parametrize("other", [Reason.CODE_EXPIRED, Reason.OUT_OF_BAND])
def test_what_hangs_on_the_clocks_error_is_the_clock_policys(
    policy: ClockPolicy, other: Reason
) -> None:
    rules = replace(RULES, settings=RuleSettings(clock_policy=policy))
    first = replace(ENTRY, rules=rules)
    late = replace(first, scene=replace(SCENE, at=AT + SPAN))
    if other is Reason.CODE_EXPIRED:
        late = replace(late, code_fault=other)
    else:
        late = replace(late, scene=replace(SCENE, at=AT + timedelta(hours=5)))
    assert decide_entry(late).reason is other
    decision = decide_entry(replace(first, late=late))
    if policy is ClockPolicy.MEMBERS:
        assert (decision.verdict, decision.unsettled) == (Verdict.ALLOW, True)
        assert decision.warnings == (Warn.CLOCK_UNTRUSTED,)
        assert decision.keys == decide_entry(first).keys
    else:
        assert decision.reason is Reason.CLOCK_UNTRUSTED
        assert decision.keys == ()


@pytest.mark.parametrize("member", [MEMBER, replace(MEMBER, withdrawn=True), None])
@pytest.mark.parametrize("fault", [None, Reason.CODE_REVOKED])
@pytest.mark.parametrize("rules", [RULES, MEMBERS_GET_IN])
def test_without_a_disk_nobody_gets_in_who_would_not_else(
    rules: Rules, fault: Reason | None, member: Member | None
) -> None:
    decision = decide_unrecorded(replace(ENTRY, rules=rules, member=member, code_fault=fault))
    let_in = rules is MEMBERS_GET_IN and member is MEMBER and fault is None
    assert (decision.verdict is Verdict.ALLOW) is let_in
    assert (decision.keys, decision.visit, decision.unsettled) == ((), None, let_in)
    if rules is RULES and member is MEMBER and fault is None:
        assert decision.reason is Reason.RECORD_FAILED


@pytest.mark.parametrize("rules", [RULES, MEMBERS_GET_IN])
def test_what_a_device_only_reports_is_kept_without_a_disk_too(rules: Rules) -> None:
    device = replace(OUTSIDE, mode=Mode.RECORD_ONLY)
    decision = decide_unrecorded(replace(ENTRY, rules=rules, device=device))
    assert (decision.verdict, decision.unsettled) == (Verdict.RECORDED, True)


def test_leaving_is_the_rules_matter() -> None:
    assert decide_exit(EXIT) == exit.decide(RULES, INSIDE, MEMBER, EXIT.scene)
    assert decide_exit(EXIT).reason is Reason.OK
    assert decide_exit(replace(EXIT, scene=SCENE)).warnings == (Warn.EXIT_NO_ENTRY,)


def test_a_device_that_only_reports_lets_nobody_out() -> None:
    device = replace(INSIDE, mode=Mode.RECORD_ONLY)
    decision = decide_exit(replace(EXIT, device=device, scene=SCENE))
    assert (decision.verdict, decision.reason) == (Verdict.RECORDED, Reason.RECORDED)
    assert decision.warnings == (Warn.EXIT_NO_ENTRY,)


@pytest.mark.parametrize(
    ("fault", "warning"),
    [
        (Reason.CODE_EXPIRED, Warn.EXIT_CODE_EXPIRED),
        (Reason.CODE_NOT_YET_VALID, Warn.EXIT_CODE_NOT_YET_VALID),
        (Reason.CODE_REVOKED, Warn.EXIT_CODE_REVOKED),
    ],
)
@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("member", [MEMBER, replace(MEMBER, suspended=True), None])
def test_nothing_holds_anybody_in(
    fault: Reason, warning: Warn, enabled: bool, member: Member | None
) -> None:
    device = replace(INSIDE, enabled=enabled)
    scene = replace(EXIT.scene, clock_trusted=False)
    decision = decide_exit(
        replace(EXIT, device=device, member=member, code_fault=fault, scene=scene)
    )
    assert (decision.verdict, decision.reason) == (Verdict.ALLOW, Reason.OK_WITH_WARNING)
    assert warning in decision.warnings
    assert decision.keys == ()


# --- who works here


WORKER = Staff("W1", b"staff--1", frozenset({StaffRole.OPEN}))
BY_STAFF = replace(ENTRY, member=None, role=KeyRole.STAFF, person=WORKER)


def test_staff_are_the_staffs_matter() -> None:
    assert BY_STAFF.who is WORKER
    assert decide_entry(BY_STAFF) == staff.decide(RULES, OUTSIDE, WORKER, SCENE)
    assert decide_entry(BY_STAFF).reason is Reason.STAFF
    unknown = replace(BY_STAFF, person=None)
    assert unknown.who is None
    assert decide_entry(unknown).reason is Reason.STAFF_UNKNOWN
    used = replace(BY_STAFF, code_fault=Reason.CODE_USED)
    assert decide_entry(used).reason is Reason.CODE_USED


def test_a_staff_code_names_no_member() -> None:
    found = admitted(BY_STAFF)
    assert isinstance(found, Decision)
    assert found.reason is Reason.CODE_KIND_NOT_ACCEPTED


@pytest.mark.parametrize("rules", [RULES, MEMBERS_GET_IN])
@pytest.mark.parametrize("person", [WORKER, None])
def test_without_a_disk_staff_pass_as_they_do_else(rules: Rules, person: Staff | None) -> None:
    request = replace(BY_STAFF, rules=rules, person=person)
    decision = decide_unrecorded(request)
    assert decision == decide_entry(request)
    assert (decision.verdict is Verdict.ALLOW) is (person is not None)


@pytest.mark.parametrize("first", [None, Reason.CODE_NOT_YET_VALID])
@pytest.mark.parametrize("last", [None, Reason.CODE_EXPIRED])
def test_staff_pass_where_the_clock_leaves_it_open(
    first: Reason | None, last: Reason | None
) -> None:
    late = replace(BY_STAFF, code_fault=last)
    decision = decide_entry(replace(BY_STAFF, code_fault=first, late=late))
    assert decision.reason is (first if first and last else Reason.STAFF)


def test_staff_leave_as_everybody_does() -> None:
    leaving = replace(BY_STAFF, device=INSIDE)
    assert decide_exit(leaving) == staff.decide(RULES, INSIDE, WORKER, SCENE)
    expired = decide_exit(replace(leaving, code_fault=Reason.CODE_EXPIRED))
    assert (expired.verdict, expired.warnings) == (Verdict.ALLOW, (Warn.EXIT_CODE_EXPIRED,))
    reporting = replace(leaving, device=replace(INSIDE, mode=Mode.RECORD_ONLY))
    assert decide_exit(reporting).verdict is Verdict.RECORDED
