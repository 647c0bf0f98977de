from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from edged.core.access import Request, decide_entry, decide_exit, deny
from policy import entry, exit  # noqa: A004 - the rules call it exit, and so do we
from policy.model import (
    BandGrant,
    Check,
    Contract,
    Device,
    Door,
    Hours,
    Member,
    Plan,
    Reason,
    Rules,
    RuleSettings,
    Side,
    Store,
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
ENTRY = Request(RULES, OUTSIDE, MEMBER, None, AT)
EXIT = Request(RULES, INSIDE, MEMBER, None, AT)
VISIT = Visit("S1", AT - timedelta(hours=1), None, "in", "plan:C1", "DAY")
FAULTS = (Reason.CODE_EXPIRED, Reason.CODE_NOT_YET_VALID, Reason.CODE_REVOKED)


def test_a_good_code_of_a_known_member_is_the_rules_matter() -> None:
    unused, used = frozenset[UsageKey](), frozenset({UsageKey("C1", "DAY", date(2026, 11, 1))})
    for keys, reason in ((unused, Reason.OK), (used, Reason.QUOTA_EXHAUSTED)):
        decision = decide_entry(ENTRY, keys)
        assert decision == entry.decide(RULES, OUTSIDE, MEMBER, keys, AT)
        assert decision.reason is reason


def test_the_clock_is_the_rules_matter_too() -> None:
    decision = decide_entry(replace(ENTRY, clock_trusted=False), frozenset())
    assert (decision.verdict, decision.warnings) == (Verdict.ALLOW, (Warn.CLOCK_UNTRUSTED,))


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("member", [MEMBER, None])
@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_the_first_thing_wrong_decides(
    enabled: bool, member: Member | None, fault: Reason | None
) -> None:
    request = replace(
        ENTRY, device=replace(OUTSIDE, enabled=enabled), member=member, code_fault=fault
    )
    decision = decide_entry(request, frozenset())
    told = fault if member is not None or fault is not None else Reason.MEMBER_NOT_SYNCED
    told = told or Reason.OK
    assert decision.reason is (told if enabled else Reason.DEVICE_DISABLED)
    assert (decision.verdict is Verdict.ALLOW) is (decision.reason is Reason.OK)
    if decision.verdict is Verdict.DENY:
        assert (decision.new_keys, decision.visit) == ((), None)
        assert not decision.trace[-1].passed


def test_a_refusal_says_what_it_looked_at() -> None:
    decision = decide_entry(replace(ENTRY, code_fault=Reason.CODE_REVOKED), frozenset())
    assert decision.trace == (Check("code", passed=False, facts={"reason": "CODE_REVOKED"}),)
    check = Check("disk", passed=False)
    assert deny(Reason.RECORD_FAILED, check).trace == (check,)
    assert deny(Reason.RECORD_FAILED).verdict is Verdict.DENY


def test_leaving_is_the_rules_matter() -> None:
    assert decide_exit(EXIT, VISIT) == exit.decide(RULES, INSIDE, MEMBER, VISIT, AT)
    assert decide_exit(EXIT, VISIT).reason is Reason.OK
    assert decide_exit(EXIT, None).warnings == (Warn.EXIT_NO_ENTRY,)


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
    request = replace(EXIT, device=device, member=member, code_fault=fault, clock_trusted=False)
    decision = decide_exit(request, VISIT)
    assert (decision.verdict, decision.reason) == (Verdict.ALLOW, Reason.OK_WITH_WARNING)
    assert warning in decision.warnings
    assert decision.new_keys == ()
