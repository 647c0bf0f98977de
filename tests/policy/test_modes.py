"""Who may use a device, and what its mode makes of the rules (spec/rules.md 2.5, 3.2, 3.5, 3.6)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from policy import key_schedule
from policy.key_schedule import RepeatingKey
from policy.model import (
    BandGrant,
    Contract,
    DayRule,
    Device,
    Gender,
    GrantTiming,
    HolidayRule,
    Hours,
    Member,
    Mode,
    Plan,
    Qualifier,
    Reason,
    RuleSettings,
    Ticket,
    TicketType,
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

YESTERDAY = replace(CONTRACT, end=date(2026, 11, 3))
LONG_AGO = replace(CONTRACT, end=date(2026, 11, 2))
TICKET = Ticket("T1", TicketType.ENTRY, 1, NEW_YEAR)
NOW = replace(BOOKING, start=NOON, end=NOON + timedelta(hours=1))


def asks(
    *qualify: Qualifier, plans: frozenset[str] = frozenset(), room: str | None = None
) -> Device:
    return replace(ENTRANCE, qualify=frozenset(qualify), qualify_plans=plans, room=room)


@pytest.mark.parametrize(
    ("device", "member", "qualified"),
    [
        (asks(), MEMBER, False),
        (asks(Qualifier.STAFF), MEMBER, False),
        (asks(Qualifier.STAFF, Qualifier.ANY_MEMBER), MEMBER, True),
        (asks(Qualifier.PLAN), MEMBER, True),
        (asks(Qualifier.PLAN), replace(MEMBER, contracts=(YESTERDAY,)), False),
        (asks(plans=frozenset({"P1"})), MEMBER, True),
        (asks(plans=frozenset({"P2"})), MEMBER, False),
        (asks(Qualifier.TICKET), MEMBER, False),
        (asks(Qualifier.TICKET), replace(MEMBER, tickets=(TICKET,)), True),
        (asks(Qualifier.TICKET), replace(MEMBER, tickets=(replace(TICKET, remaining=0),)), False),
        (asks(Qualifier.BOOKING), replace(MEMBER, bookings=(BOOKING,)), False),
        (asks(Qualifier.BOOKING), replace(MEMBER, bookings=(NOW,)), True),
        (asks(Qualifier.BOOKING, room="R1"), replace(MEMBER, bookings=(NOW,)), False),
        (asks(), replace(MEMBER, tickets=(TICKET,), bookings=(NOW,)), False),
        (asks(Qualifier.TICKET), replace(MEMBER, bookings=(NOW,)), False),
        (asks(Qualifier.BOOKING), replace(MEMBER, tickets=(TICKET,)), False),
    ],
)
def test_a_device_lets_only_those_try_whom_it_is_for(
    device: Device, member: Member, qualified: bool
) -> None:
    decision = enter(rules_of(), device, member, (), NOON)
    assert (decision.reason is Reason.DEVICE_NOT_QUALIFIED) is not qualified
    at_terminal = enter(rules_of(), replace(device, mode=Mode.APP), member, (), NOON)
    assert at_terminal.reason is not Reason.DEVICE_NOT_QUALIFIED


@pytest.mark.parametrize(
    ("end_min", "contract", "qualified"),
    [(1_441, YESTERDAY, True), (1_440, YESTERDAY, False), (1_441, LONG_AGO, False)],
)
def test_who_ran_yesterday_qualifies_for_a_band_over_midnight(
    end_min: int, contract: Contract, qualified: bool
) -> None:
    store = replace(STORE, bands={"LATE": Hours(1_320, end_min), "POOL": Hours(0, 60)})
    plan = Plan("P1", bands=(BandGrant("LATE"), BandGrant("NOON")))
    member = replace(MEMBER, contracts=(contract,))
    decision = enter(rules_of(plan, store=store), asks(Qualifier.PLAN), member, (), at(0))
    assert decision.verdict is (Verdict.ALLOW if qualified else Verdict.DENY)
    assert (decision.reason is Reason.DEVICE_NOT_QUALIFIED) is not qualified


def test_whoever_qualifies_still_needs_an_entitlement() -> None:
    decision = enter(rules_of(), asks(Qualifier.PLAN), MEMBER, (), at(20))
    assert decision.reason is Reason.OUT_OF_BAND


@pytest.mark.parametrize(
    ("door", "member", "fits"),
    [
        (None, Gender.M, True),
        (None, None, True),
        (Gender.F, Gender.F, True),
        (Gender.F, Gender.M, False),
        (Gender.F, None, False),
    ],
)
def test_a_door_for_one_gender(door: Gender | None, member: Gender | None, fits: bool) -> None:
    device, someone = replace(ENTRANCE, gender=door), replace(MEMBER, gender=member)
    assert (enter(rules_of(), device, someone, (), NOON).verdict is Verdict.ALLOW) is fits
    terminal = replace(device, mode=Mode.APP)
    assert enter(rules_of(), terminal, someone, (), NOON).verdict is Verdict.ALLOW


def test_who_holds_a_seat_comes_in_by_it() -> None:
    nobody = replace(MEMBER, contracts=())
    decision = enter(rules_of(), asks(Qualifier.SEAT), nobody, (), at(20), seat_refusal=None)
    assert (decision.via, decision.keys) == ("seat", ())
    assert decision.visit is not None
    out = enter(
        rules_of(), asks(Qualifier.SEAT), MEMBER, (), NOON, seat_refusal=Reason.SEAT_CHECKED_OUT
    )
    assert out.reason is Reason.SEAT_CHECKED_OUT
    either = enter(rules_of(), asks(Qualifier.SEAT, Qualifier.PLAN), MEMBER, (), NOON)
    assert either.via == "plan:C1"
    closed = rules_of(store=replace(STORE, closed=frozenset({TODAY})))
    shut = enter(closed, asks(Qualifier.SEAT), nobody, (), NOON, seat_refusal=None)
    assert shut.reason is Reason.STORE_CLOSED


def test_at_a_rooms_door_nothing_but_its_booking_counts() -> None:
    device = asks(Qualifier.ROOM, Qualifier.PLAN, room="R1")
    decision = enter(rules_of(), device, MEMBER, (), at(20), room_refusal=None)
    assert decision.via == "room"
    unpaid = enter(rules_of(), device, MEMBER, (), NOON, room_refusal=Reason.BOOKING_UNPAID)
    assert unpaid.reason is Reason.BOOKING_UNPAID
    closed = rules_of(store=replace(STORE, closed=frozenset({TODAY})))
    assert enter(closed, device, MEMBER, (), NOON, room_refusal=None).reason is Reason.STORE_CLOSED
    opens = replace(closed, settings=RuleSettings(closed_days_block_bookings=False))
    assert enter(opens, device, MEMBER, (), NOON, room_refusal=None).via == "room"


KEYS = replace(ENTRANCE, mode=Mode.KEY_SCHEDULE)
BOOKING_ONLY = replace(KEYS, grant_timing=GrantTiming.BOOKING_ONLY)
MON_WED, ALL_WEEK = frozenset({0, 1, 2}), frozenset(range(7))
FREE = Plan("P1", restrict=False)
BOTH = Plan(
    "P1",
    bands=(BandGrant("DAY", None, DayRule(frozenset({3}))), BandGrant("LATE")),
    booking_bands=(BandGrant("NOON"), BandGrant("DAY", None, DayRule(MON_WED))),
)


@pytest.mark.parametrize(
    ("device", "plan", "keys"),
    [
        (KEYS, BOTH, [("NOON", ALL_WEEK), ("DAY", MON_WED | {3}), ("LATE", ALL_WEEK)]),
        (BOOKING_ONLY, BOTH, [("DAY", frozenset({3})), ("LATE", ALL_WEEK)]),
        (KEYS, FREE, [(None, ALL_WEEK)]),
        (BOOKING_ONLY, FREE, []),
        (KEYS, replace(FREE, booking_bands=(BandGrant("NOON"),)), [("NOON", ALL_WEEK)]),
        (KEYS, replace(BOTH, restrict=False), [("NOON", ALL_WEEK), ("DAY", MON_WED)]),
        (KEYS, replace(FREE, ticket_required=True), []),
        (KEYS, replace(BOTH, id="P2"), []),
    ],
)
def test_one_repeating_key_a_band(
    device: Device, plan: Plan, keys: list[tuple[str | None, frozenset[int]]]
) -> None:
    told = key_schedule.keys(rules_of(plan), device, CONTRACT)
    assert told == [RepeatingKey(*key) for key in keys]


def test_of_the_keys_that_fit_the_last_one_opens_and_an_entry_band_counts() -> None:
    plan = replace(BOTH, bands=(BandGrant("DAY", 0),), booking_bands=(BandGrant("NOON"),))
    decision = enter(rules_of(plan), KEYS, MEMBER, (), NOON)
    assert (decision.via, decision.new_keys) == ("key:DAY", tuple(used_on([4])))
    again = enter(rules_of(plan), KEYS, MEMBER, used_on([4]), NOON)
    assert (again.keys, again.new_keys) == (tuple(used_on([4])), ())
    for late_min, until in ((0, at(17)), (25, at(17, 25))):
        stays = enter(rules_of(replace(plan, late_min=late_min)), KEYS, MEMBER, (), NOON).visit
        assert stays is not None
        assert stays.until == until
    only = enter(rules_of(replace(plan, bands=())), KEYS, MEMBER, (), NOON)
    assert (only.via, only.band, only.keys) == ("key:NOON", "NOON", ())


def test_during_an_exempt_booking_a_key_opens_uncounted() -> None:
    member = replace(MEMBER, bookings=(NOW,))
    decision = enter(rules_of(replace(DAY_PLAN, exempt=True)), KEYS, member, (), NOON)
    assert (decision.via, decision.band, decision.keys) == ("key:DAY", "DAY", ())
    unpaid = replace(member, contracts=(), bookings=(replace(NOW, paid=False),))
    decision = enter(rules_of(), KEYS, unpaid, (), NOON)
    assert (decision.via, decision.warnings) == ("key:booking", (Warn.BOOKING_UNPAID,))


@pytest.mark.parametrize(
    ("plan", "contract", "told"),
    [
        (replace(DAY_PLAN, stores=frozenset()), CONTRACT, Reason.STORE_NOT_ALLOWED),
        (replace(DAY_PLAN, id="P2"), CONTRACT, Reason.OUT_OF_BAND),
        (DAY_PLAN, YESTERDAY, Reason.CONTRACT_ENDED),
        (FREE, YESTERDAY, Reason.CONTRACT_ENDED),
        (replace(FREE, ticket_required=True), YESTERDAY, Reason.CONTRACT_ENDED),
        (
            Plan("P1", bands=(BandGrant("DAY", None, DayRule(MON_WED, HolidayRule.NONE)),)),
            CONTRACT,
            Reason.OK,
        ),
    ],
)
def test_a_key_tells_what_is_in_its_way(plan: Plan, contract: Contract, told: Reason) -> None:
    member = replace(MEMBER, contracts=(contract,))
    assert enter(rules_of(plan), KEYS, member, (), NOON).reason is told


def test_a_contract_of_an_unknown_plan_is_passed_over() -> None:
    member = replace(MEMBER, contracts=(replace(CONTRACT, id="C0", plan="gone"), CONTRACT))
    assert enter(rules_of(), KEYS, member, (), NOON).via == "key:DAY"


@pytest.mark.parametrize(
    ("hour", "minute", "via"),
    [(9, 49, None), (9, 50, "key:DAY"), (16, 59, "key:DAY"), (17, 0, None)],
)
def test_a_key_opens_a_little_early_and_not_at_the_end(
    hour: int, minute: int, via: str | None
) -> None:
    plan = replace(DAY_PLAN, early_min=10, late_min=60)
    decision = enter(rules_of(plan), KEYS, MEMBER, (), at(hour, minute))
    assert decision.via == via
    assert decision.service_date == (TODAY if via else None)


def test_a_key_of_another_weekday_tells_so() -> None:
    tuesdays = Plan("P1", bands=(BandGrant("DAY", None, DayRule(frozenset({1}))),))
    assert enter(rules_of(tuesdays), KEYS, MEMBER, (), NOON).reason is Reason.WEEKDAY_NOT_ALLOWED


def test_a_plan_without_limits_has_a_key_for_any_time() -> None:
    assert enter(rules_of(FREE), KEYS, MEMBER, (), at(3)).via == "key:contract"


@pytest.mark.parametrize("plan", [DAY_PLAN, FREE])
def test_no_key_opens_on_a_closed_date(plan: Plan) -> None:
    rules = rules_of(plan, store=replace(STORE, closed=frozenset({TODAY})))
    assert enter(rules, KEYS, MEMBER, (), NOON).reason is Reason.STORE_CLOSED


def test_a_ticket_that_is_needed_tells_what_it_lacks_at_a_key_schedule_too() -> None:
    rules = rules_of(replace(FREE, ticket_required=True), replace(DAY_PLAN, id="P2"))
    member = replace(MEMBER, tickets=(replace(TICKET, remaining=0),))
    assert enter(rules, KEYS, member, (), NOON).reason is Reason.TICKET_USED_UP
    limited = replace(member, contracts=(replace(CONTRACT, plan="P2"),))
    assert enter(rules, KEYS, limited, (), at(20)).reason is Reason.OUT_OF_BAND


RECORDS = replace(ENTRANCE, mode=Mode.RECORD_ONLY)


def test_a_record_counts_the_band_by_its_hours_alone() -> None:
    plan = Plan(
        "P1",
        bands=(BandGrant("DAY", 0, DayRule(frozenset())), BandGrant("NOON"), BandGrant("SOON")),
        early_min=60,
    )
    store = replace(STORE, bands={**STORE.bands, "SOON": Hours(750, 760)})
    rules = rules_of(plan, store=store)
    member = replace(MEMBER, contracts=(replace(YESTERDAY, end=NEW_YEAR),))
    first = enter(rules, RECORDS, member, (), NOON)
    key = UsageKey("C1", "NOON", TODAY)
    assert (first.via, first.band, first.service_date) == ("record", "NOON", TODAY)
    assert (first.keys, first.new_keys) == ((key,), (key,))
    counted = enter(rules, RECORDS, member, used_on([4]), NOON)
    assert (counted.band, counted.keys, counted.new_keys) == ("DAY", tuple(used_on([4])), ())
    assert enter(rules, RECORDS, member, (), at(10, 30)).band == "DAY"
    inner = enter(rules, replace(RECORDS, counts=False), member, (), NOON)
    assert (inner.band, inner.keys) == ("NOON", ())


def test_a_record_is_of_the_first_limited_contract_that_has_a_band() -> None:
    contracts = tuple(
        Contract(f"C{n}", plan, NEW_YEAR) for n, plan in enumerate(("gone", "P1", "P2", "P3"))
    )
    plans = FREE, Plan("P2", bands=(BandGrant("LATE"),)), replace(DAY_PLAN, id="P3")
    member = replace(MEMBER, contracts=contracts)
    decision = enter(rules_of(*plans), RECORDS, member, (), NOON)
    assert decision.keys == (UsageKey("C3", "DAY", TODAY),)
    nothing = enter(rules_of(*plans), RECORDS, MEMBER, (), NOON)
    assert (nothing.verdict, nothing.band, nothing.keys) == (Verdict.RECORDED, None, ())


@pytest.mark.parametrize(
    ("member", "warning"),
    [
        (replace(MEMBER, suspended=True), Warn.SUSPENDED),
        (replace(MEMBER, id_suspended=True), Warn.SUSPENDED),
        (replace(MEMBER, withdrawn=True), Warn.WITHDRAWN),
    ],
)
def test_a_stopped_member_is_recorded_with_a_warning(member: Member, warning: Warn) -> None:
    decision = enter(rules_of(), RECORDS, member, (), NOON)
    assert (decision.verdict, decision.warnings) == (Verdict.RECORDED, (warning,))
