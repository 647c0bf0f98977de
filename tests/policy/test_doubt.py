"""Old rules, a clock that can't be trusted, a disk that failed (spec/rules.md 3.7)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from policy import doubt, entry
from policy.model import (
    BandGrant,
    ClockPolicy,
    Decision,
    DiskFailurePolicy,
    Hours,
    Member,
    Mode,
    Overlap,
    Plan,
    Reason,
    Rules,
    RuleSettings,
    Scene,
    StalePolicy,
    Ticket,
    TicketDedupe,
    TicketType,
    Usage,
    Verdict,
    Warn,
)
from tests.policy.worlds import (
    ENTRANCE,
    MEMBER,
    NEW_YEAR,
    NOON,
    STORE,
    at,
    enter,
    rules_of,
    used_on,
)

DENY_BAD_CLOCK = RuleSettings(clock_policy=ClockPolicy.DENY)
STOPPED = replace(MEMBER, suspended=True)
NIGHT = at(20)


@pytest.mark.threat("B4")
def test_without_rules_nobody_comes_in() -> None:
    decision = enter(None, ENTRANCE, MEMBER, (), NOON)
    assert (decision.verdict, decision.reason) == (Verdict.DENY, Reason.NO_RULES)
    assert [check.name for check in decision.trace if not check.passed] == ["rules_known"]


@pytest.mark.parametrize("policy", list(StalePolicy))
def test_rules_are_not_old_at_the_very_age_that_they_may_have(policy: StalePolicy) -> None:
    rules = rules_of(settings=RuleSettings(stale_policy=policy))
    decision = enter(rules, ENTRANCE, MEMBER, (), NOON, rules_age_h=72)
    assert (decision.verdict, decision.warnings) == (Verdict.ALLOW, ())


def test_a_clock_policy_may_shut_everybody_out() -> None:
    rules = rules_of(settings=DENY_BAD_CLOCK)
    for member in (MEMBER, STOPPED):
        decision = enter(rules, ENTRANCE, member, (), NOON, clock_trusted=False)
        assert decision.reason is Reason.CLOCK_UNTRUSTED


def test_what_is_let_in_without_a_clock_is_left_to_the_cloud() -> None:
    decision = enter(rules_of(), ENTRANCE, MEMBER, (), NOON, clock_trusted=False)
    assert (decision.via, decision.unsettled) == (None, True)


@pytest.mark.threat("B8")
def test_members_are_let_in_by_old_rules_past_the_device_too() -> None:
    rules = rules_of(settings=RuleSettings(stale_policy=StalePolicy.MEMBERS))
    member = replace(MEMBER, notices=frozenset({Warn.OPEN_NOTE}))
    nobodys = replace(ENTRANCE, qualify=frozenset())
    decision = enter(rules, nobodys, member, (), NOON, rules_age_h=72.1)
    assert (decision.verdict, decision.via, decision.visit) == (Verdict.ALLOW, None, None)
    assert decision.warnings == (Warn.OPEN_NOTE, Warn.RULES_STALE)
    assert [check.name for check in decision.trace if not check.passed] == [
        "rules_fresh",
        "qualified",
    ]


@pytest.mark.threat("B8")
def test_by_old_rules_whoever_is_let_in_is_counted_and_whoever_is_stopped_stays_out() -> None:
    rules = rules_of(settings=RuleSettings(stale_policy=StalePolicy.MEMBERS))
    allowed = enter(rules, ENTRANCE, MEMBER, (), NOON, rules_age_h=73)
    assert (allowed.via, allowed.new_keys) == ("plan:C1", tuple(used_on([4])))
    stopped = enter(rules, ENTRANCE, STOPPED, (), NOON, rules_age_h=73)
    assert (stopped.verdict, stopped.reason) == (Verdict.DENY, Reason.MEMBER_SUSPENDED)
    normal = enter(rules_of(), ENTRANCE, MEMBER, (), NIGHT, rules_age_h=73)
    assert (normal.verdict, normal.reason) == (Verdict.DENY, Reason.OUT_OF_BAND)


ENDING, BEGINNING = at(16, 59), at(9, 59)


def between(
    rules: Rules, now: datetime = ENDING, minutes: int = 2, member: Member = MEMBER
) -> Decision:
    """Decide at a time from `now` to some minutes later."""
    latest = now + timedelta(minutes=minutes)
    return entry.decide_between(rules, ENTRANCE, member, Scene(now), latest)


def test_where_both_times_agree_there_is_no_maybe() -> None:
    decision = between(rules_of(), minutes=0)
    assert (decision.band, decision.warnings, decision.unsettled) == ("DAY", (), False)
    assert between(rules_of(), NIGHT).reason is Reason.OUT_OF_BAND
    backwards = between(rules_of(), at(17, 1), minutes=-2)
    assert (backwards.reason, backwards.unsettled) == (Reason.OUT_OF_BAND, False)
    free = rules_of(Plan("P1", restrict=False))
    assert between(free).warnings == ()
    assert (
        entry.decide_between(None, ENTRANCE, MEMBER, Scene(NOON), NIGHT).reason is Reason.NO_RULES
    )


def test_an_end_that_may_have_passed_counts_for_the_earlier_time() -> None:
    decision = between(rules_of())
    assert (decision.verdict, decision.via, decision.unsettled) == (Verdict.ALLOW, "plan:C1", True)
    assert decision.new_keys == tuple(used_on([4]))
    assert decision.warnings == (Warn.CLOCK_UNTRUSTED,)
    assert decision.trace[-1].facts == {"earliest": "OK", "latest": "OUT_OF_BAND"}


def test_a_beginning_that_may_lie_ahead_counts_nothing() -> None:
    decision = between(rules_of(), BEGINNING)
    assert (decision.verdict, decision.via, decision.unsettled) == (Verdict.ALLOW, None, True)
    assert (decision.keys, decision.visit) == ((), None)
    assert between(rules_of(), BEGINNING, member=STOPPED).reason is Reason.MEMBER_SUSPENDED


def test_a_maybe_may_be_a_no() -> None:
    rules = rules_of(settings=DENY_BAD_CLOCK)
    for now in (ENDING, BEGINNING):
        assert between(rules, now).reason is Reason.CLOCK_UNTRUSTED


def test_between_two_bands_the_earlier_counts_whatever_the_policy() -> None:
    plan = Plan("P1", bands=(BandGrant("DAY"), BandGrant("NOON")))
    settings = replace(DENY_BAD_CLOCK, overlap=Overlap.ONE)
    decision = between(rules_of(plan, settings=settings), at(13, 59))
    assert (decision.verdict, decision.band, decision.unsettled) == (Verdict.ALLOW, "NOON", True)
    assert decision.trace[-1].facts == {"earliest": "OK", "latest": "OK"}
    assert decision.warnings == (Warn.CLOCK_UNTRUSTED,)


def test_the_instant_in_the_key_of_a_tickets_entry_is_no_difference() -> None:
    rules = rules_of(settings=RuleSettings(ticket_dedupe=TicketDedupe.ENTRY))
    ticket = Ticket("T1", TicketType.ENTRY, 1, NEW_YEAR)
    decision = between(rules, member=replace(MEMBER, contracts=(), tickets=(ticket,)))
    assert (decision.via, decision.unsettled, decision.warnings) == ("ticket:T1", False, ())


def test_the_same_band_with_other_keys_beside_it_is_not_the_same() -> None:
    plan = Plan("P1", bands=(BandGrant("DAY"), BandGrant("NOON"), BandGrant("TEA")))
    store = replace(STORE, bands={**STORE.bands, "TEA": Hours(840, 900)})
    rules = rules_of(plan, store=store, settings=RuleSettings(overlap=Overlap.ALL))
    for now, keys in ((at(10, 59), 1), (at(13, 59), 2)):
        scene, latest = Scene(now, Usage.of(used_on([4]))), now + timedelta(minutes=2)
        decision = entry.decide_between(rules, ENTRANCE, MEMBER, scene, latest)
        assert (decision.band, len(decision.keys)) == ("DAY", keys)
        assert (decision.unsettled, decision.warnings) == (True, (Warn.CLOCK_UNTRUSTED,))


@pytest.mark.parametrize(
    ("policy", "member", "reason"),
    [
        (DiskFailurePolicy.DENY, MEMBER, Reason.RECORD_FAILED),
        (DiskFailurePolicy.DENY, STOPPED, Reason.RECORD_FAILED),
        (DiskFailurePolicy.MEMBERS, MEMBER, Reason.OK),
        (DiskFailurePolicy.MEMBERS, STOPPED, Reason.MEMBER_SUSPENDED),
        (DiskFailurePolicy.MEMBERS, None, Reason.RECORD_FAILED),
    ],
)
def test_a_failed_disk_keeps_out_whom_its_policy_says(
    policy: DiskFailurePolicy, member: Member | None, reason: Reason
) -> None:
    decision = doubt.unrecorded(RuleSettings(disk_failure_policy=policy), member)
    assert decision.reason is reason
    assert decision.unsettled is (decision.verdict is Verdict.ALLOW) is (reason is Reason.OK)
    assert [check.passed for check in decision.trace] == [False]


@pytest.mark.parametrize(
    ("trusted", "age_h", "warnings", "keys"),
    [
        (True, 0, (), tuple(used_on([4]))),
        (True, 72, (), tuple(used_on([4]))),
        (True, 73, (Warn.RULES_STALE,), tuple(used_on([4]))),
        (False, 0, (Warn.CLOCK_UNTRUSTED,), ()),
    ],
)
def test_a_device_that_only_records_refuses_nobody(
    trusted: bool, age_h: int, warnings: tuple[Warn, ...], keys: tuple[object, ...]
) -> None:
    settings = RuleSettings(stale_policy=StalePolicy.DENY, clock_policy=ClockPolicy.DENY)
    device = replace(ENTRANCE, mode=Mode.RECORD_ONLY)
    decision = enter(
        rules_of(settings=settings),
        device,
        MEMBER,
        (),
        NOON,
        clock_trusted=trusted,
        rules_age_h=age_h,
        lockdown=True,
    )
    assert decision.verdict is Verdict.RECORDED
    assert (decision.warnings, decision.keys) == (warnings, keys)
