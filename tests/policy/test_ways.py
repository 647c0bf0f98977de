"""Tickets, bookings and passback, as the settings of spec/rules.md 6 have them."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from policy import entry
from policy.model import (
    AntiPassback,
    BandGrant,
    BookingStatus,
    Contract,
    DayRule,
    DedupeScope,
    EntitlementOrder,
    ExemptScope,
    Member,
    Mode,
    Plan,
    Reason,
    RuleSettings,
    Scene,
    Ticket,
    TicketDedupe,
    TicketType,
    Usage,
    UsageKey,
    Verdict,
    Visit,
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

TICKET = Ticket("T1", TicketType.ENTRY, 1, NEW_YEAR)
NEEDS_TICKET = Plan("P1", restrict=False, ticket_required=True)
ENDED = replace(CONTRACT, end=date(2026, 11, 3))


def holding(*tickets: Ticket, contracts: tuple[Contract, ...] = (CONTRACT,)) -> Member:
    return replace(MEMBER, contracts=contracts, tickets=tickets)


@pytest.mark.parametrize(
    ("ticket", "told"),
    [
        (replace(TICKET, stores=frozenset({"S2"})), Reason.TICKET_STORE_NOT_ALLOWED),
        (replace(TICKET, stores=frozenset({"S1"})), Reason.OK),
        (replace(TICKET, bands=frozenset({"LATE", "POOL"})), Reason.TICKET_OUT_OF_BAND),
        (replace(TICKET, valid_from=TODAY + timedelta(days=1)), Reason.TICKET_EXPIRED),
        (replace(TICKET, valid_from=TODAY, valid_to=TODAY), Reason.OK),
        (replace(TICKET, valid_to=TODAY - timedelta(days=1)), Reason.TICKET_EXPIRED),
        (replace(TICKET, days=DayRule(frozenset({0}))), Reason.WEEKDAY_NOT_ALLOWED),
        (replace(TICKET, remaining=0), Reason.TICKET_USED_UP),
        (replace(TICKET, type=TicketType.TRIAL), Reason.TICKET_REQUIRED),
    ],
)
def test_a_ticket_tells_what_it_lacks(ticket: Ticket, told: Reason) -> None:
    assert enter(rules_of(NEEDS_TICKET), ENTRANCE, holding(ticket), (), NOON).reason is told


def test_of_several_tickets_the_one_that_ends_first_is_used_then_the_first_by_name() -> None:
    soon, later = (replace(TICKET, valid_to=TODAY + timedelta(days=n)) for n in (1, 2))
    for tickets, first in (
        ((TICKET, replace(later, id="T2"), replace(soon, id="T3")), "ticket:T3"),
        ((TICKET, replace(later, id="T2")), "ticket:T2"),
        ((replace(TICKET, id="T2"), TICKET), "ticket:T1"),
    ):
        decision = enter(rules_of(NEEDS_TICKET), ENTRANCE, holding(*tickets), (), NOON)
        assert decision.via == first


@pytest.mark.parametrize(
    ("hour", "minute", "told"),
    [
        (9, 59, Reason.TICKET_OUT_OF_BAND),
        (10, 0, Reason.OK),
        (16, 59, Reason.OK),
        (17, 0, Reason.TICKET_OUT_OF_BAND),
    ],
)
def test_the_band_of_a_ticket_knows_no_tolerance(hour: int, minute: int, told: Reason) -> None:
    member = holding(replace(TICKET, bands=frozenset({"DAY"})))
    plan = replace(NEEDS_TICKET, early_min=60, late_min=60)
    assert enter(rules_of(plan), ENTRANCE, member, (), at(hour, minute)).reason is told


def test_a_ticket_opens_nothing_on_a_closed_date() -> None:
    rules = rules_of(NEEDS_TICKET, store=replace(STORE, closed=frozenset({TODAY})))
    assert enter(rules, ENTRANCE, holding(TICKET), (), NOON).reason is Reason.STORE_CLOSED


def test_the_lack_of_a_ticket_is_told_only_where_nothing_else_is() -> None:
    ticket = replace(TICKET, remaining=0)
    for contracts, told in (
        ((), Reason.TICKET_USED_UP),
        ((CONTRACT,), Reason.OUT_OF_BAND),
        ((ENDED,), Reason.OUT_OF_BAND),
    ):
        member = holding(ticket, contracts=contracts)
        assert enter(rules_of(DAY_PLAN), ENTRANCE, member, (), at(20)).reason is told
    for plan, lacking, told in (
        (Plan("P1"), ticket, Reason.PLAN_NO_BANDS),
        (DAY_PLAN, replace(TICKET, days=DayRule(frozenset({0}))), Reason.OUT_OF_BAND),
    ):
        assert enter(rules_of(plan), ENTRANCE, holding(lacking), (), at(20)).reason is told


def test_of_several_bands_the_used_one_is_used_then_the_first_by_name() -> None:
    member = holding(replace(TICKET, bands=frozenset({"NOON", "DAY"})))
    fresh = enter(rules_of(NEEDS_TICKET), ENTRANCE, member, (), NOON)
    assert (fresh.band, fresh.visit and fresh.visit.until) == ("DAY", None)
    used = used_on([4], "NOON", "T1")
    again = enter(rules_of(NEEDS_TICKET), ENTRANCE, member, used, NOON)
    assert (again.band, again.keys, again.new_keys) == ("NOON", tuple(used), ())
    more = holding(replace(TICKET, remaining=2, bands=frozenset({"NOON", "DAY"})))
    assert enter(rules_of(NEEDS_TICKET), ENTRANCE, more, used, NOON).band == "NOON"


@pytest.mark.parametrize(
    ("dedupe", "keys"),
    [
        (TicketDedupe.BAND, ["T1/DAY/2026-11-04"]),
        (TicketDedupe.DAY, ["T1/*/2026-11-04"]),
        (TicketDedupe.ENTRY, ["T1/DAY@20261104T030000.000000Z/2026-11-04"]),
    ],
)
def test_what_one_use_of_a_ticket_covers(dedupe: TicketDedupe, keys: list[str]) -> None:
    rules = rules_of(NEEDS_TICKET, settings=RuleSettings(ticket_dedupe=dedupe))
    member = holding(replace(TICKET, bands=frozenset({"DAY", "LATE"})))
    first = enter(rules, ENTRANCE, member, (), NOON)
    assert [str(key) for key in first.new_keys] == keys
    later = enter(rules, ENTRANCE, member, first.keys, at(13))
    entries = dedupe is TicketDedupe.ENTRY
    assert later.reason is (Reason.TICKET_USED_UP if entries else Reason.OK)
    night = enter(rules, ENTRANCE, member, first.keys, at(23))
    whole_day = dedupe is TicketDedupe.DAY
    assert night.reason is (Reason.OK if whole_day else Reason.TICKET_USED_UP)


def test_plan_or_ticket_first() -> None:
    for order, via in (
        (EntitlementOrder.PLAN_FIRST, "plan:C1"),
        (EntitlementOrder.TICKET_FIRST, "ticket:T1"),
    ):
        rules = rules_of(settings=RuleSettings(entitlement_order=order))
        assert enter(rules, ENTRANCE, holding(TICKET), (), NOON).via == via
        used_up = holding(replace(TICKET, remaining=0))
        assert enter(rules, ENTRANCE, used_up, (), NOON).via == "plan:C1"


def test_a_ticket_is_for_the_date_that_begins_at_the_cutoff() -> None:
    rules = rules_of(NEEDS_TICKET, settings=RuleSettings(day_cutoff_hour=5))
    decision = enter(rules, ENTRANCE, holding(TICKET), (), at(1))
    assert decision.service_date == date(2026, 11, 3)


PAUSED = replace(CONTRACT, paused=((TODAY, TODAY),))


@pytest.mark.parametrize("mode", [Mode.LOCK_QR, Mode.KEY_SCHEDULE])
def test_a_pause_may_stop_tickets_and_bookings(mode: Mode) -> None:
    device = replace(ENTRANCE, mode=mode)
    running = Contract("C2", "P2", NEW_YEAR)
    plans = DAY_PLAN, Plan("P2", bands=(BandGrant("LATE"),))
    for blocks in (False, True):
        rules = rules_of(*plans, settings=RuleSettings(paused_blocks_all=blocks))
        for member in (
            holding(TICKET, contracts=(PAUSED,)),
            replace(MEMBER, contracts=(PAUSED,), bookings=(BOOKING,)),
        ):
            decision = enter(rules, device, member, (), BOOKING.start)
            assert (decision.verdict is Verdict.DENY) is blocks
            both = replace(member, contracts=(PAUSED, running), bookings=(), tickets=(TICKET,))
            assert enter(rules, device, both, (), BOOKING.start).via == "ticket:T1"
    rules = rules_of(settings=RuleSettings(paused_blocks_all=True))
    decision = enter(rules, device, holding(TICKET, contracts=(PAUSED,)), (), NOON)
    assert decision.reason is Reason.CONTRACT_PAUSED


EXEMPT = replace(DAY_PLAN, exempt=True, booking_bands=(BandGrant("LATE"),))
LATE = replace(BOOKING, start=at(23), end=at(24))


@pytest.mark.parametrize(
    ("scope", "now", "reason"),
    [
        (ExemptScope.WINDOW, at(22, 44), Reason.OUT_OF_BAND),
        (ExemptScope.WINDOW, at(22, 45), Reason.OK),
        (ExemptScope.DAY, at(18), Reason.OK),
        (ExemptScope.DAY, at(24), Reason.OUT_OF_BAND),
        (ExemptScope.BOOKING_BAND, at(22), Reason.OK),
        (ExemptScope.BOOKING_BAND, at(21, 59), Reason.OUT_OF_BAND),
        (ExemptScope.BOOKING_BAND, at(25, 59), Reason.OK),
        (ExemptScope.BOOKING_BAND, at(26), Reason.OUT_OF_BAND),
    ],
)
def test_how_long_a_booking_exempts(scope: ExemptScope, now: datetime, reason: Reason) -> None:
    rules = rules_of(EXEMPT, settings=RuleSettings(exempt_scope=scope))
    decision = enter(rules, ENTRANCE, replace(MEMBER, bookings=(LATE,)), (), now)
    assert decision.reason is reason
    if decision.visit is not None:
        assert decision.visit.until == LATE.end + timedelta(minutes=15)


def test_one_that_is_due_and_exempts_nothing_lends_its_window_to_no_other() -> None:
    rules = rules_of(replace(EXEMPT, exempt_programs=frozenset({"YOGA"})))
    due, later = replace(LATE, program="PILATES"), replace(LATE, id="B2", start=at(25), end=at(26))
    member = replace(MEMBER, bookings=(due, later))
    assert enter(rules, ENTRANCE, member, (), due.start).reason is Reason.OUT_OF_BAND


def test_a_booking_that_ends_with_its_band_lies_in_it() -> None:
    rules = rules_of(EXEMPT, settings=RuleSettings(exempt_scope=ExemptScope.BOOKING_BAND))
    for end, reason in ((at(26), Reason.OK), (at(26, 1), Reason.OUT_OF_BAND)):
        member = replace(MEMBER, bookings=(replace(LATE, end=end),))
        assert enter(rules, ENTRANCE, member, (), at(22)).reason is reason


@pytest.mark.parametrize("scope", ExemptScope)
def test_in_its_own_window_a_booking_always_exempts(scope: ExemptScope) -> None:
    rules = rules_of(EXEMPT, settings=RuleSettings(exempt_scope=scope))
    early = replace(BOOKING, start=at(0, day=6), end=at(1, day=6))
    member = replace(MEMBER, bookings=(early,))
    assert enter(rules, ENTRANCE, member, (), at(23, 45, day=5)).via == "booking:B1"


def test_a_plan_of_other_stores_leaves_exempting_to_the_next() -> None:
    elsewhere = replace(EXEMPT, stores=frozenset({"S2"}))
    rules = rules_of(elsewhere, replace(EXEMPT, id="P2"))
    contracts = CONTRACT, replace(CONTRACT, id="C2", plan="P2")
    member = replace(MEMBER, contracts=contracts, bookings=(LATE,))
    assert enter(rules, ENTRANCE, member, (), LATE.start).via == "booking:B1"


@pytest.mark.parametrize(
    ("plan", "paid", "reason"),
    [
        (DAY_PLAN, True, Reason.OK),
        (DAY_PLAN, False, Reason.OUT_OF_BAND),
        (NEEDS_TICKET, True, Reason.TICKET_REQUIRED),
    ],
)
def test_a_paid_booking_may_open_beside_a_limited_plan(
    plan: Plan, paid: bool, reason: Reason
) -> None:
    member = replace(MEMBER, bookings=(replace(BOOKING, paid=paid),))
    rules = rules_of(plan, settings=RuleSettings(paid_booking_opens=True))
    assert enter(rules, ENTRANCE, member, (), BOOKING.start).reason is reason
    off = enter(rules_of(plan), ENTRANCE, member, (), BOOKING.start)
    assert off.verdict is Verdict.DENY


def test_bookings_may_open_a_closed_store() -> None:
    member = replace(MEMBER, contracts=(), bookings=(BOOKING,))
    store = replace(STORE, closed=frozenset({TODAY}))
    for blocks, verdict in ((True, Verdict.DENY), (False, Verdict.ALLOW)):
        settings = RuleSettings(closed_days_block_bookings=blocks)
        rules = rules_of(store=store, settings=settings)
        assert enter(rules, ENTRANCE, member, (), BOOKING.start).verdict is verdict


@pytest.mark.parametrize(
    ("status", "paid", "checks_in"),
    [
        (BookingStatus.CONFIRMED, True, "B1"),
        (BookingStatus.CONFIRMED, False, None),
        (BookingStatus.CHECKED_IN, True, None),
    ],
)
def test_an_entry_may_check_a_paid_booking_in(
    status: BookingStatus, paid: bool, checks_in: str | None
) -> None:
    member = replace(MEMBER, bookings=(replace(BOOKING, status=status, paid=paid),))
    device, free = replace(ENTRANCE, auto_check_in=True), rules_of(Plan("P1", restrict=False))
    assert enter(free, device, member, (), BOOKING.start).checks_in == checks_in
    assert enter(free, ENTRANCE, member, (), BOOKING.start).checks_in is None
    assert enter(free, device, member, (), BOOKING.end).checks_in is None


VISIT = Visit("S1", NOON - timedelta(hours=11), None, "D1", "plan:C1", "DAY")


@pytest.mark.parametrize(
    ("visit", "timeout", "inside"),
    [
        (None, 720, False),
        (VISIT, 720, True),
        (VISIT, 661, True),
        (VISIT, 660, False),
        (VISIT._replace(since=NOON - timedelta(hours=23)), 720, False),
        (VISIT._replace(since=NOON - timedelta(hours=23)), 0, True),
        (VISIT._replace(since=NOON - timedelta(hours=25)), 0, False),
        (VISIT._replace(store="S2"), 720, False),
    ],
)
def test_whoever_is_inside_may_not_come_in_again(
    visit: Visit | None, timeout: int, inside: bool
) -> None:
    for policy, reason, warnings in (
        (AntiPassback.OFF, Reason.OK, ()),
        (AntiPassback.SOFT, Reason.OK, (Warn.PASSBACK,)),
        (AntiPassback.HARD, Reason.ANTI_PASSBACK, ()),
    ):
        settings = RuleSettings(anti_passback=policy, passback_timeout_min=timeout)
        decision = enter(rules_of(settings=settings), ENTRANCE, MEMBER, (), NOON, visit=visit)
        assert decision.reason is (reason if inside else Reason.OK)
        assert decision.warnings == (warnings if inside else ())
        told = [check for check in decision.trace if check.name == "passback"]
        assert [check.passed for check in told] == [not inside] * (policy is not AntiPassback.OFF)


def test_inner_doors_and_terminals_know_no_passback() -> None:
    rules = rules_of(settings=RuleSettings(anti_passback=AntiPassback.HARD))
    for device in (replace(ENTRANCE, counts=False), replace(ENTRANCE, mode=Mode.APP)):
        assert enter(rules, device, MEMBER, (), NOON, visit=VISIT).reason is Reason.OK


def test_a_count_may_be_carried_on_and_months_begin_on_another_day() -> None:
    old = replace(CONTRACT, id="C0", end=date(2026, 11, 3))
    member = replace(MEMBER, contracts=(old, replace(CONTRACT, start=TODAY)))
    used = used_on(range(1, 4), owner="C0") | used_on([20, 21, 22, 23, 24])
    carry, plain = RuleSettings(carry_usage_on_plan_change=True), RuleSettings()
    assert enter(rules_of(settings=carry), ENTRANCE, member, used, NOON).verdict is Verdict.DENY
    assert enter(rules_of(settings=plain), ENTRANCE, member, used, NOON).verdict is Verdict.ALLOW
    later = RuleSettings(month_anchor_day=20)
    full = used_on(range(20, 28))
    assert enter(rules_of(settings=later), ENTRANCE, MEMBER, full, NOON).verdict is Verdict.ALLOW
    assert enter(rules_of(settings=plain), ENTRANCE, MEMBER, full, NOON).verdict is Verdict.DENY


def test_a_month_that_begins_on_the_second_leaves_the_first_to_the_one_before() -> None:
    once = replace(DAY_PLAN, bands=(BandGrant("DAY", 1),))
    for anchor, reason in ((1, Reason.QUOTA_EXHAUSTED), (2, Reason.OK)):
        rules = rules_of(once, settings=RuleSettings(month_anchor_day=anchor))
        assert enter(rules, ENTRANCE, MEMBER, used_on([1]), NOON).reason is reason


def test_stores_that_count_apart_share_a_limit() -> None:
    rules = rules_of(
        replace(DAY_PLAN, bands=(BandGrant("DAY", 2),)),
        settings=RuleSettings(dedupe_scope=DedupeScope.STORE),
    )
    there = {UsageKey("C1", "DAY", date(2026, 11, day), "S2") for day in (4, 5)}
    decision = enter(rules, ENTRANCE, MEMBER, there, NOON)
    assert decision.reason is Reason.QUOTA_EXHAUSTED
    decision = enter(rules, ENTRANCE, MEMBER, there - {min(there)}, NOON)
    assert [str(key) for key in decision.new_keys] == ["C1/DAY/2026-11-04/S1"]


def test_a_store_list_is_asked_where_the_device_does() -> None:
    rules = rules_of(replace(DAY_PLAN, stores=frozenset({"S2"})))
    assert enter(rules, ENTRANCE, MEMBER, (), NOON).reason is Reason.STORE_NOT_ALLOWED
    lenient = replace(ENTRANCE, check_stores=False)
    assert enter(rules, lenient, MEMBER, (), NOON).reason is Reason.OK


def test_an_exempt_entry_may_be_counted_once_its_booking_is_cancelled() -> None:
    booking = replace(BOOKING, start=NOON, end=NOON + timedelta(hours=1))
    member = replace(MEMBER, bookings=(booking,))
    scene = Scene(NOON, Usage.of(()))
    for recounts, keys in ((False, ()), (True, tuple(used_on([4])))):
        rules = rules_of(EXEMPT, settings=RuleSettings(recount_on_cancel=recounts))
        assert entry.decide(rules, ENTRANCE, member, scene).keys == ()
        assert entry.recount(rules, ENTRANCE, member, scene, "B1") == keys
