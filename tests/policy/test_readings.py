"""Readings of the rules that two implementations once differed in (tests/oracle, Settled)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from policy import entry
from policy.model import (
    BandGrant,
    DayRule,
    HolidayRule,
    Hours,
    Mode,
    Plan,
    Qualifier,
    Reason,
    RuleSettings,
    Scene,
    Ticket,
    TicketDedupe,
    TicketType,
    Usage,
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
    at,
    enter,
    rules_of,
)

KEYS = replace(ENTRANCE, mode=Mode.KEY_SCHEDULE)
TICKET = Ticket("T1", TicketType.ENTRY, 5, NEW_YEAR)
NOW = replace(BOOKING, start=NOON, end=NOON + timedelta(hours=1))
PAUSED = replace(CONTRACT, paused=((date(2026, 11, 1), date(2026, 11, 30)),))
BLOCKED = RuleSettings(paused_blocks_all=True)
NEVER = DayRule(frozenset(), HolidayRule.NONE)


@pytest.mark.parametrize(
    ("kinds", "via"), [(("DAY", "NOON"), "key:NOON"), (("NOON", "DAY"), "key:DAY")]
)
def test_a_key_stands_where_its_band_is_named_first(kinds: tuple[str, str], via: str) -> None:
    """DAY is a booking band and an entry band: one key, and of the keys that fit the last."""
    plan = replace(DAY_PLAN, booking_bands=tuple(BandGrant(kind) for kind in kinds))
    decision = enter(rules_of(plan), KEYS, MEMBER, (), NOON)
    assert decision.via == via
    assert bool(decision.keys) is (via == "key:DAY")


def test_a_key_is_good_on_the_days_of_all_its_ticks() -> None:
    plan = replace(DAY_PLAN, bands=(BandGrant("DAY", 8, NEVER),))
    assert enter(rules_of(plan), KEYS, MEMBER, (), NOON).reason is Reason.WEEKDAY_NOT_ALLOWED
    both = replace(plan, booking_bands=(BandGrant("DAY"),))
    assert enter(rules_of(both), KEYS, MEMBER, (), NOON).keys


def test_a_key_is_of_the_date_that_runs_and_not_of_the_next() -> None:
    store = replace(STORE, bands={"DAY": Hours(600, 2_040)})
    plan = replace(DAY_PLAN, early_min=60)
    decision = enter(rules_of(plan, store=store), KEYS, MEMBER, (), at(9, 30))
    assert decision.service_date == date(2026, 11, 3)
    assert enter(rules_of(plan, store=store), KEYS, MEMBER, (), at(10)).service_date == date(
        2026, 11, 4
    )


def test_any_contract_that_exempts_saves_the_count_of_a_key() -> None:
    other = replace(CONTRACT, id="C2", plan="P2", start=date(2026, 6, 1))
    member = replace(MEMBER, contracts=(CONTRACT, other), bookings=(NOW,))
    exempting = Plan("P2", bands=(BandGrant("LATE"),), exempt=True)
    decision = enter(rules_of(DAY_PLAN, exempting), KEYS, member, (), NOON)
    assert (decision.via, decision.keys) == ("key:DAY", ())


def test_a_pause_that_blocks_a_booking_leaves_the_last_failure_told() -> None:
    member = replace(MEMBER, contracts=(PAUSED,), bookings=(NOW,), tickets=(TICKET,))
    rules = rules_of(settings=BLOCKED)
    assert enter(rules, KEYS, member, (), NOON).reason is Reason.CONTRACT_PAUSED
    late = replace(member, bookings=(replace(NOW, start=at(20), end=at(21)),))
    assert enter(rules, KEYS, late, (), at(20)).reason is Reason.OUT_OF_BAND


@pytest.mark.parametrize("kind", ["DAY", "LATE"])
def test_a_contract_of_yesterday_qualifies_by_a_band_over_midnight_only(kind: str) -> None:
    ended = replace(
        MEMBER, contracts=(replace(CONTRACT, end=date(2026, 11, 3)),), tickets=(TICKET,)
    )
    door = replace(ENTRANCE, qualify=frozenset({Qualifier.PLAN}))
    plan = replace(DAY_PLAN, bands=(BandGrant(kind, 8),))
    decision = enter(rules_of(plan), door, ended, (), NOON)
    assert decision.reason is (Reason.OK if kind == "LATE" else Reason.DEVICE_NOT_QUALIFIED)
    assert enter(rules_of(), door, ended, (), NOON).reason is Reason.DEVICE_NOT_QUALIFIED
    unknown = replace(MEMBER, contracts=(replace(CONTRACT, plan="P9"),))
    assert enter(rules_of(), door, unknown, (), NOON).reason is Reason.DEVICE_NOT_QUALIFIED


def test_a_ticket_that_a_pause_blocks_does_not_qualify() -> None:
    door = replace(ENTRANCE, qualify=frozenset({Qualifier.TICKET}))
    member = replace(MEMBER, contracts=(PAUSED,), tickets=(TICKET,))
    assert enter(rules_of(), door, member, (), NOON).via == "ticket:T1"
    blocked = enter(rules_of(settings=BLOCKED), door, member, (), NOON)
    assert blocked.reason is Reason.DEVICE_NOT_QUALIFIED


def test_a_paid_booking_opens_to_whoever_has_any_running_contract_with_limits() -> None:
    """To lose the other contract may not open the door."""
    needs_ticket = Plan("P2", restrict=False, ticket_required=True)
    other = replace(CONTRACT, id="C2", plan="P2")
    member = replace(
        MEMBER, contracts=(CONTRACT, other), bookings=(replace(NOW, start=at(20), end=at(21)),)
    )
    rules = rules_of(DAY_PLAN, needs_ticket, settings=RuleSettings(paid_booking_opens=True))
    assert enter(rules, ENTRANCE, member, (), at(20)).via == "booking:B1"
    without = replace(member, contracts=(other,))
    assert enter(rules, ENTRANCE, without, (), at(20)).reason is Reason.TICKET_REQUIRED


def test_an_uncertain_minute_alone_makes_no_maybe_of_a_ticket() -> None:
    member = replace(MEMBER, contracts=(), tickets=(TICKET,))
    rules = rules_of(settings=RuleSettings(ticket_dedupe=TicketDedupe.ENTRY))
    later = NOON + timedelta(minutes=1)
    decision = entry.decide_between(rules, ENTRANCE, member, Scene(NOON, Usage.of(())), later)
    assert decision.verdict is Verdict.ALLOW
    assert Warn.CLOCK_UNTRUSTED not in decision.warnings
