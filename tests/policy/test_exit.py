"""What the worked examples leave open about leaving (spec/rules.md 3.4)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from policy import exit as leave
from policy.model import (
    BandGrant,
    DayRule,
    Member,
    Plan,
    Reason,
    Rules,
    Scene,
    Verdict,
    Visit,
    Warn,
)
from tests.policy.worlds import (
    BOOKING,
    CONTRACT,
    DAY_PLAN,
    EXIT,
    MEMBER,
    NOON,
    STORE,
    TODAY,
    at,
    rules_of,
)

VISIT = Visit("S1", at(11), at(17), "D1", "plan:C1", "DAY")
NIGHT = at(20)
NO_ENTRY, NO_RIGHT = Warn.EXIT_NO_ENTRY, Warn.EXIT_NO_ENTITLEMENT


def warnings(
    rules: Rules, member: Member | None = MEMBER, visit: Visit | None = None, now: int = 20
) -> tuple[Warn, ...]:
    decision = leave.decide(rules, EXIT, member, Scene(at(now), visit=visit))
    assert decision.verdict is Verdict.ALLOW
    return decision.warnings


def test_a_stranger_with_a_good_code_is_let_out() -> None:
    decision = leave.decide(
        rules_of(), EXIT, None, Scene(NOON), code_warnings=(Warn.EXIT_CODE_REVOKED,)
    )
    assert (decision.verdict, decision.reason) == (Verdict.ALLOW, Reason.OK_WITH_WARNING)
    assert decision.warnings == (Warn.EXIT_CODE_REVOKED, Warn.EXIT_UNKNOWN_MEMBER)


def test_what_is_wrong_with_the_code_is_told() -> None:
    decision = leave.decide(
        rules_of(), EXIT, MEMBER, Scene(NOON, visit=VISIT), code_warnings=(Warn.EXIT_CODE_EXPIRED,)
    )
    assert decision.warnings == (Warn.EXIT_CODE_EXPIRED,)


def test_a_device_that_is_off_or_of_no_store_still_lets_out() -> None:
    off = leave.decide(rules_of(), replace(EXIT, enabled=False), MEMBER, Scene(NOON, visit=VISIT))
    assert (off.verdict, off.warnings) == (Verdict.ALLOW, ())
    lost = leave.decide(rules_of(), replace(EXIT, store="gone"), MEMBER, Scene(NOON, visit=VISIT))
    assert (lost.verdict, lost.warnings) == (Verdict.ALLOW, (NO_RIGHT, NO_ENTRY))


@pytest.mark.parametrize(
    ("visit", "told"),
    [
        pytest.param(VISIT, (Warn.EXIT_LATE,), id="late"),
        pytest.param(VISIT._replace(until=None), (), id="a visit without end"),
        pytest.param(VISIT._replace(until=NIGHT), (), id="the very end"),
        pytest.param(VISIT._replace(store="S2", until=None), (NO_RIGHT, NO_ENTRY), id="elsewhere"),
        pytest.param(
            VISIT._replace(since=NIGHT - timedelta(hours=24), until=None), (), id="a day long"
        ),
        pytest.param(
            VISIT._replace(since=NIGHT - timedelta(hours=24, seconds=1), until=None),
            (NO_RIGHT, NO_ENTRY),
            id="forgotten after a day",
        ),
    ],
)
def test_the_visit_decides_first(visit: Visit, told: tuple[Warn, ...]) -> None:
    assert warnings(rules_of(), visit=visit) == told


FREE = Plan("P1", restrict=False)
ENDED = replace(MEMBER, contracts=(replace(CONTRACT, end=TODAY - timedelta(days=1)),))


@pytest.mark.parametrize(
    ("plan", "member", "now", "right"),
    [
        pytest.param(DAY_PLAN, MEMBER, 12, True, id="in a band"),
        pytest.param(DAY_PLAN, MEMBER, 20, False, id="out of band"),
        pytest.param(DAY_PLAN, ENDED, 12, False, id="contract ended"),
        pytest.param(replace(DAY_PLAN, stores=frozenset()), MEMBER, 12, True, id="no store asked"),
        pytest.param(
            Plan("P1", bands=(BandGrant("DAY", None, DayRule(frozenset())),)),
            MEMBER,
            12,
            False,
            id="wrong weekday",
        ),
        pytest.param(FREE, MEMBER, 20, True, id="unrestricted"),
        pytest.param(FREE, ENDED, 20, False, id="unrestricted and ended"),
        pytest.param(
            replace(FREE, ticket_required=True), MEMBER, 20, False, id="a ticket only by its visit"
        ),
        pytest.param(
            FREE,
            replace(MEMBER, contracts=(replace(CONTRACT, plan="gone"),)),
            20,
            False,
            id="unknown plan",
        ),
    ],
)
def test_a_plan_may_give_the_right_to_leave(
    plan: Plan, member: Member, now: int, right: bool
) -> None:
    told = warnings(rules_of(plan), member, now=now)
    assert told == ((NO_ENTRY,) if right else (NO_RIGHT, NO_ENTRY))


def test_closed_dates_do_not_matter() -> None:
    closed = replace(STORE, closed=frozenset({TODAY}))
    assert warnings(rules_of(store=closed), now=12) == (NO_ENTRY,)


@pytest.mark.parametrize(
    ("minutes", "exempt", "right"),
    [(-16, True, False), (-15, True, True), (75, True, True), (76, True, False), (0, False, False)],
)
def test_an_exempt_booking_gives_it_too_even_after_the_contract(
    minutes: int, exempt: bool, right: bool
) -> None:
    member = replace(ENDED, bookings=(BOOKING,))
    rules = rules_of(replace(DAY_PLAN, exempt=exempt))
    now = BOOKING.start + timedelta(minutes=minutes)
    decision = leave.decide(rules, EXIT, member, Scene(now))
    assert decision.warnings == ((NO_ENTRY,) if right else (NO_RIGHT, NO_ENTRY))


def test_all_warnings_are_given_together() -> None:
    member = replace(ENDED, suspended=True)
    assert warnings(rules_of(), member) == (NO_RIGHT, NO_ENTRY, Warn.EXIT_SUSPENDED)
    for flag in (replace(MEMBER, withdrawn=True), replace(MEMBER, id_suspended=True)):
        assert warnings(rules_of(), flag, VISIT, now=12) == (Warn.EXIT_SUSPENDED,)


def test_a_plan_behind_one_that_needs_a_ticket_gives_it_too() -> None:
    plans = replace(FREE, ticket_required=True), replace(DAY_PLAN, id="P2")
    member = replace(MEMBER, contracts=(CONTRACT, replace(CONTRACT, id="C2", plan="P2")))
    assert warnings(rules_of(*plans), member, now=12) == (NO_ENTRY,)


def test_the_contract_is_asked_for_the_service_date_of_the_band() -> None:
    late = Plan("P1", bands=(BandGrant("LATE"),))
    assert warnings(rules_of(late), ENDED, now=1) == (NO_ENTRY,)
    assert warnings(rules_of(late), ENDED, now=23) == (NO_RIGHT, NO_ENTRY)
