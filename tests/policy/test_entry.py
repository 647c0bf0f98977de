"""What the worked examples leave open about coming in (spec/rules.md 3.2, 3.3, 3.7)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from policy.model import (
    BandGrant,
    Booking,
    Check,
    Contract,
    DayRule,
    DedupeScope,
    HolidayRule,
    Member,
    Overlap,
    Plan,
    Reason,
    RuleSettings,
    UsageKey,
    Verdict,
    Warn,
)
from tests.policy.worlds import (
    BOOKING,
    CONTRACT,
    DAY_PLAN,
    ENTRANCE,
    MEMBER,
    NEW_YEAR,
    NOON,
    STORE,
    TODAY,
    at,
    enter,
    rules_of,
    used_on,
)

NOTHING = frozenset[UsageKey]()
EXEMPT = replace(DAY_PLAN, exempt=True)
NO_HOLIDAYS = DayRule(holiday=HolidayRule.NONE)

TODAYS = {"plan": DAY_PLAN.id, "band": "DAY", "date": "2026-11-04"}
HELD = ("device_enabled", "no_lockdown", "rules_known", "clock_trusted", "rules_fresh")


def test_a_decision_tells_its_checks_in_order() -> None:
    decision = enter(rules_of(), ENTRANCE, MEMBER, used_on([1, 2]), NOON)
    quota: dict[str, str | int] = {"contract": "C1", **TODAYS, "counted": 2, "limit": 8}
    assert decision.trace == (
        *(Check(name, passed=True) for name in (*HELD, "member_not_stopped")),
        Check("in_band", passed=True, facts={"plan": DAY_PLAN.id, "bands": 1}),
        Check("contract_date", passed=True, facts=TODAYS),
        Check("day_rule", passed=True, facts=TODAYS),
        Check("store_open", passed=True, facts=TODAYS),
        Check("quota", passed=True, facts=quota),
    )


def test_a_refusal_tells_the_check_that_failed() -> None:
    decision = enter(rules_of(), ENTRANCE, MEMBER, used_on(range(5, 13)), NOON)
    assert decision.reason is Reason.QUOTA_EXHAUSTED
    (failed,) = (check for check in decision.trace if not check.passed)
    assert failed.name == "quota"
    assert failed.facts == {"contract": "C1", **TODAYS, "counted": 8, "limit": 8}
    other_day = replace(DAY_PLAN, bands=(BandGrant("DAY", 8, DayRule(frozenset({6}))),))
    decision = enter(rules_of(other_day), ENTRANCE, MEMBER, NOTHING, NOON)
    assert decision.trace[-1] == Check(
        "day_rule",
        passed=False,
        facts={**TODAYS, "reason": "WEEKDAY_NOT_ALLOWED"},
    )


def test_coming_in_again_is_told_to_be_counted_already() -> None:
    decision = enter(rules_of(), ENTRANCE, MEMBER, used_on([4]), NOON)
    assert (decision.keys, decision.new_keys) == (tuple(used_on([4])), ())
    assert decision.trace[-1].name == "counted_already"


@pytest.mark.threat("B4")
def test_a_device_that_is_off_or_of_no_store_is_disabled() -> None:
    for device in (replace(ENTRANCE, enabled=False), replace(ENTRANCE, store="gone")):
        decision = enter(rules_of(), device, MEMBER, NOTHING, NOON)
        assert decision.reason is Reason.DEVICE_DISABLED
        assert decision.trace == (
            Check("device_enabled", passed=False, facts={"reason": "DEVICE_DISABLED"}),
        )


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (replace(MEMBER, id_suspended=True), Reason.IDENTITY_SUSPENDED),
        (replace(MEMBER, id_suspended=True, suspended=True), Reason.MEMBER_SUSPENDED),
        (replace(MEMBER, suspended=True, withdrawn=True), Reason.MEMBER_WITHDRAWN),
    ],
)
def test_the_gravest_stop_is_told_but_without_a_clock_any_is_a_suspension(
    member: Member, told: Reason
) -> None:
    assert enter(rules_of(), ENTRANCE, member, NOTHING, NOON).reason is told
    decision = enter(rules_of(), ENTRANCE, member, NOTHING, NOON, clock_trusted=False)
    assert decision.reason is Reason.MEMBER_SUSPENDED


def test_without_a_clock_the_notices_are_given_too() -> None:
    member = replace(MEMBER, notices=frozenset({Warn.PAYMENT_UNPAID}))
    decision = enter(rules_of(), ENTRANCE, member, NOTHING, at(3), clock_trusted=False)
    assert decision.verdict is Verdict.ALLOW
    assert decision.warnings == (Warn.CLOCK_UNTRUSTED, Warn.PAYMENT_UNPAID)


def test_an_inner_door_adds_no_key_and_makes_no_visit_but_keeps_the_quota() -> None:
    inner = replace(ENTRANCE, counts=False)
    decision = enter(rules_of(), inner, MEMBER, NOTHING, NOON)
    assert decision.verdict is Verdict.ALLOW
    assert (decision.new_keys, decision.visit) == ((), None)
    full = used_on(range(5, 13))
    assert enter(rules_of(), inner, MEMBER, full, NOON).reason is Reason.QUOTA_EXHAUSTED


SECOND = Contract("C2", "P2", NEW_YEAR)


def twins(second: Contract = SECOND) -> Member:
    return replace(MEMBER, contracts=(CONTRACT, second))


@pytest.mark.parametrize(
    ("plan", "member", "via"),
    [
        pytest.param(replace(DAY_PLAN, id="P2"), twins(), "plan:C1", id="place"),
        pytest.param(
            replace(DAY_PLAN, id="P2"),
            twins(replace(SECOND, start=date(2025, 1, 1))),
            "plan:C2",
            id="older",
        ),
        pytest.param(
            replace(DAY_PLAN, id="P2"), twins(replace(SECOND, main=True)), "plan:C2", id="main"
        ),
        pytest.param(
            replace(DAY_PLAN, id="P2"),
            twins(replace(SECOND, main=True, start=date(2026, 2, 1))),
            "plan:C2",
            id="main before older",
        ),
        pytest.param(
            Plan("P2", bands=(BandGrant("LATE"),), early_min=1_440),
            twins(),
            "plan:C1",
            id="core before tolerance, though that has no limit",
        ),
        pytest.param(
            replace(DAY_PLAN, id="P2", priority=-1), twins(), "plan:C2", id="plan's priority"
        ),
        pytest.param(
            replace(DAY_PLAN, id="P2", priority=1),
            twins(replace(SECOND, main=True, start=date(2025, 1, 1))),
            "plan:C1",
            id="priority before main and age",
        ),
        pytest.param(
            Plan("P2", bands=(BandGrant("DAY"),), priority=1), twins(), "plan:C2", id="no limit"
        ),
        pytest.param(
            Plan("P2", bands=(BandGrant("NOON", 8),), priority=1), twins(), "plan:C2", id="shorter"
        ),
        pytest.param(
            Plan("P2", restrict=False, priority=1), twins(), "plan:C2", id="unrestricted wins"
        ),
        pytest.param(
            Plan("P2", restrict=False, priority=1),
            twins(replace(SECOND, end=date(2026, 11, 3))),
            "plan:C1",
            id="unless it has ended",
        ),
    ],
)
def test_the_best_of_two_contracts_grants(plan: Plan, member: Member, via: str) -> None:
    decision = enter(rules_of(DAY_PLAN, plan), ENTRANCE, member, NOTHING, NOON)
    assert decision.via == via


def test_the_place_in_its_own_plan_beats_the_priority_of_the_contract() -> None:
    first = Plan("P1", bands=(BandGrant("POOL", 8), BandGrant("DAY", 8)))
    second = Plan("P2", bands=(BandGrant("DAY", 8),), priority=9)
    decision = enter(rules_of(first, second), ENTRANCE, twins(), NOTHING, NOON)
    assert decision.via == "plan:C2"


@pytest.mark.parametrize(
    ("plans", "told"),
    [
        pytest.param(
            [Plan("P1", bands=(BandGrant("LATE"),)), Plan("P2")],
            Reason.OUT_OF_BAND,
            id="out of band before no bands",
        ),
        pytest.param(
            [replace(DAY_PLAN, stores=frozenset({"S2"})), Plan("P2", ticket_required=True)],
            Reason.TICKET_REQUIRED,
            id="ticket before store",
        ),
        pytest.param(
            [
                Plan("P1", bands=(BandGrant("DAY", None, DayRule(frozenset())),)),
                Plan("P2", bands=(BandGrant("DAY", 0),)),
            ],
            Reason.QUOTA_EXHAUSTED,
            id="quota before weekday",
        ),
        pytest.param(
            [
                Plan(
                    "P1",
                    bands=(
                        BandGrant("DAY", None, DayRule(frozenset())),
                        BandGrant("NOON", 0),
                    ),
                ),
            ],
            Reason.QUOTA_EXHAUSTED,
            id="in one plan too, whatever the place",
        ),
    ],
)
def test_the_most_telling_reason_is_told(plans: list[Plan], told: Reason) -> None:
    assert enter(rules_of(*plans), ENTRANCE, twins(), NOTHING, NOON).reason is told


def test_in_one_group_the_first_refusal_met_stays() -> None:
    holiday = date(2026, 11, 3)
    closed = rules_of(
        Plan("P1", bands=(BandGrant("NOON"), BandGrant("DAY", None, NO_HOLIDAYS))),
        store=replace(STORE, closed=frozenset({holiday})),
    )
    decision = enter(closed, ENTRANCE, MEMBER, NOTHING, at(12, day=3))
    assert decision.reason is Reason.STORE_CLOSED


def test_a_ticket_plan_that_has_ended_says_so() -> None:
    ended = replace(MEMBER, contracts=(replace(CONTRACT, end=date(2026, 11, 3)),))
    plan = Plan("P1", restrict=False, ticket_required=True)
    for member, told in ((MEMBER, Reason.TICKET_REQUIRED), (ended, Reason.CONTRACT_ENDED)):
        assert enter(rules_of(plan), ENTRANCE, member, NOTHING, NOON).reason is told


@pytest.mark.threat("B4")
def test_an_unknown_plan_grants_nothing_and_still_runs() -> None:
    member = replace(MEMBER, contracts=(replace(CONTRACT, plan="gone"),), bookings=(BOOKING,))
    decision = enter(rules_of(), ENTRANCE, member, NOTHING, BOOKING.start)
    assert decision.reason is Reason.NO_ENTITLEMENT


def test_all_overlapping_bands_count_once_each() -> None:
    plan = replace(DAY_PLAN, bands=(BandGrant("DAY", 8), BandGrant("LATE")), early_min=1_440)
    rules = rules_of(plan, settings=RuleSettings(overlap=Overlap.ALL))
    decision = enter(rules, ENTRANCE, MEMBER, NOTHING, NOON)
    assert [str(key) for key in decision.new_keys] == ["C1/DAY/2026-11-04", "C1/LATE/2026-11-04"]
    again = enter(rules, ENTRANCE, MEMBER, frozenset(decision.new_keys[:1]), NOON)
    assert [str(key) for key in again.new_keys] == ["C1/LATE/2026-11-04"]


def test_only_the_best_contract_counts_all_its_overlaps() -> None:
    other = Plan("P2", bands=(BandGrant("NOON", 8), BandGrant("DAY", 8)))
    rules = rules_of(DAY_PLAN, other, settings=RuleSettings(overlap=Overlap.ALL))
    decision = enter(rules, ENTRANCE, twins(), NOTHING, NOON)
    assert [str(key) for key in decision.new_keys] == ["C2/DAY/2026-11-04", "C2/NOON/2026-11-04"]


def test_keys_of_single_stores_still_count_after_the_scope_was_widened() -> None:
    plan = replace(DAY_PLAN, bands=(BandGrant("DAY", 1),))
    here_and_there = {UsageKey("C1", "DAY", TODAY, store) for store in ("S1", "S2")}
    for scope in DedupeScope:
        rules = rules_of(plan, settings=RuleSettings(dedupe_scope=scope))
        decision = enter(rules, ENTRANCE, MEMBER, here_and_there, NOON)
        assert (decision.verdict, decision.new_keys) == (Verdict.ALLOW, ())


def booked(*bookings: Booking) -> Member:
    return replace(MEMBER, bookings=bookings)


def test_an_unpaid_booking_warns_however_it_opens() -> None:
    member = booked(replace(BOOKING, paid=False))
    for rules, someone in (
        (rules_of(EXEMPT), member),
        (rules_of(), replace(member, contracts=())),
    ):
        decision = enter(rules, ENTRANCE, someone, NOTHING, BOOKING.start)
        assert (decision.via, decision.warnings) == ("booking:B1", (Warn.BOOKING_UNPAID,))


def test_the_earliest_booking_opens_then_the_first_by_id() -> None:
    early = replace(BOOKING, id="B3", start=BOOKING.start - timedelta(minutes=1))
    same = replace(BOOKING, id="B0")
    for bookings, via in (((BOOKING, same), "booking:B0"), ((same, early), "booking:B3")):
        decision = enter(rules_of(EXEMPT), ENTRANCE, booked(*bookings), NOTHING, BOOKING.start)
        assert decision.via == via


def test_a_booking_exempts_only_while_its_contract_runs_and_the_next_contract_is_asked() -> None:
    ended = replace(CONTRACT, end=date(2026, 11, 3))
    both = replace(booked(BOOKING), contracts=(ended, SECOND))
    rules = rules_of(EXEMPT, replace(EXEMPT, id="P2"))
    decision = enter(rules, ENTRANCE, both, NOTHING, BOOKING.start)
    checks = [c for c in decision.trace if c.name == "exempt_booking"]
    assert [(c.facts["contract"], c.passed) for c in checks] == [("C1", False), ("C2", True)]
    running = rules_of(EXEMPT, replace(DAY_PLAN, id="P2"))
    decision = enter(running, ENTRANCE, both, NOTHING, BOOKING.start)
    assert decision.reason is Reason.OUT_OF_BAND


def test_only_a_plan_with_limits_exempts_a_booking() -> None:
    ticket = replace(EXEMPT, ticket_required=True)
    decision = enter(rules_of(ticket), ENTRANCE, booked(BOOKING), NOTHING, BOOKING.start)
    assert decision.reason is Reason.TICKET_REQUIRED
    free = replace(EXEMPT, restrict=False)
    decision = enter(rules_of(free), ENTRANCE, booked(BOOKING), NOTHING, BOOKING.start)
    assert decision.via == "plan:C1"


def test_the_door_of_a_room_opens_by_bookings_of_that_room_only() -> None:
    door = replace(ENTRANCE, room="R1")
    for room, reason in (("R1", Reason.OK), ("R2", Reason.OUT_OF_BAND), (None, Reason.OUT_OF_BAND)):
        member = booked(replace(BOOKING, room=room))
        decision = enter(rules_of(EXEMPT), door, member, NOTHING, BOOKING.start)
        assert decision.reason is reason
    here = enter(rules_of(EXEMPT), ENTRANCE, booked(BOOKING), NOTHING, BOOKING.start)
    assert here.via == "booking:B1"
