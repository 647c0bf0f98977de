"""What lies ahead, asked of the decision itself: windows, the nearest way in, what is left."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from policy.entry import decide
from policy.explain import Left, Way, WayIn, Window, left, way_in, way_in_to_room, windows
from policy.model import (
    AntiPassback,
    BandGrant,
    Contract,
    DayRule,
    Device,
    ExemptScope,
    GrantTiming,
    Hours,
    Member,
    Mode,
    Plan,
    Qualifier,
    Rules,
    RuleSettings,
    Scene,
    Store,
    Ticket,
    TicketType,
    Usage,
    UsageKey,
    Verdict,
    Visit,
)
from policy.rooms import RoomBooking, RoomStatus
from tests.policy.worlds import BOOKING, CONTRACT, ENTRANCE, MEMBER, STORE, at, rules_of

HOURS = {"DAY": Hours(600, 1020), "NIGHT": Hours(1080, 1380)}
OPEN = replace(STORE, bands=HOURS)
NIGHT = Plan("P1", bands=(BandGrant("NIGHT"),), early_min=15)
EIGHT = Plan("P1", bands=(BandGrant("DAY", 8),))
BOOKED_AT_TEN = replace(BOOKING, start=at(10), end=at(11))
KEYS = replace(ENTRANCE, mode=Mode.KEY_SCHEDULE)
NO_CONTRACT = replace(MEMBER, contracts=())
TICKET = Ticket("T1", TicketType.ENTRY, 3, date(2026, 1, 1))


def days_used(*days: int, owner: str = "C1", band: str = "DAY") -> Usage:
    return Usage.of(UsageKey(owner, band, date(2026, 11, day)) for day in days)


def ways(
    plan: Plan,
    now: datetime,
    used: Usage | None = None,
    *,
    store: Store = OPEN,
    device: Device = ENTRANCE,
    member: Member = MEMBER,
    settings: RuleSettings | None = None,
    visit: Visit | None = None,
) -> WayIn | None:
    rules = rules_of(plan, store=store, settings=settings)
    scene = Scene(now, used or Usage.of(()), visit)
    decision = decide(rules, device, member, scene)
    assert decision.verdict is Verdict.DENY
    return way_in(rules, device, member, scene, decision)


def test_the_hours_open_later_today() -> None:
    assert ways(NIGHT, at(12)) == WayIn(Way.FROM, at(17, 45), "plan:C1", "NIGHT")


def test_the_hours_open_tomorrow_when_they_are_over() -> None:
    assert ways(EIGHT, at(17)) == WayIn(Way.FROM, at(10, day=5), "plan:C1", "DAY")


def test_days_that_are_not_ticked_and_closed_days_are_passed_over() -> None:
    weekend = replace(EIGHT, bands=(BandGrant("DAY", 8, DayRule(frozenset({5, 6}))),))
    closed = replace(OPEN, closed=frozenset({date(2026, 11, 7)}))
    assert ways(weekend, at(12), store=closed) == WayIn(Way.FROM, at(10, day=8), "plan:C1", "DAY")


def test_a_booking_opens_before_it_begins() -> None:
    member = replace(NO_CONTRACT, bookings=(BOOKED_AT_TEN,))
    assert ways(EIGHT, at(9), member=member) == WayIn(
        Way.BOOKED, at(9, 45), "booking:B1", booked=at(10)
    )


def test_a_booking_at_a_key_schedule_device_is_told_too() -> None:
    member = replace(NO_CONTRACT, bookings=(BOOKED_AT_TEN,))
    assert ways(EIGHT, at(9), member=member, device=KEYS) == WayIn(
        Way.BOOKED, at(9, 45), "key:booking", booked=at(10)
    )


def test_a_booking_that_exempts_comes_before_the_next_month() -> None:
    plan, member = replace(EIGHT, exempt=True), replace(MEMBER, bookings=(BOOKING,))
    used = days_used(*range(5, 13))
    assert ways(plan, at(12), used, member=member) == WayIn(
        Way.BOOKED, BOOKING.start - timedelta(minutes=15), "booking:B1", booked=BOOKING.start
    )


def test_a_count_that_is_used_up_begins_anew_next_month() -> None:
    assert ways(EIGHT, at(12, day=13), days_used(*range(5, 13))) == WayIn(
        Way.NEXT_MONTH, datetime(2026, 12, 1, 1, tzinfo=UTC), "plan:C1", "DAY"
    )


def test_a_month_that_is_paused_is_passed_over() -> None:
    pause = ((date(2026, 12, 1), date(2026, 12, 31)),)
    member = replace(MEMBER, contracts=(replace(CONTRACT, paused=pause),))
    assert ways(EIGHT, at(12, day=13), days_used(*range(5, 13)), member=member) == WayIn(
        Way.FROM, datetime(2027, 1, 1, 1, tzinfo=UTC), "plan:C1", "DAY"
    )


def test_a_date_that_has_its_key_lets_in_though_the_count_is_used_up() -> None:
    assert ways(EIGHT, at(12), days_used(*range(10, 18))) == WayIn(
        Way.FROM, at(10, day=10), "plan:C1", "DAY"
    )


def test_a_month_may_begin_on_another_day() -> None:
    settings = RuleSettings(month_anchor_day=15)
    assert ways(EIGHT, at(12), days_used(*range(1, 4), *range(5, 10)), settings=settings) == WayIn(
        Way.FROM, at(10, day=5), "plan:C1", "DAY"
    )
    assert ways(EIGHT, at(12, day=10), days_used(*range(1, 9)), settings=settings) == WayIn(
        Way.FROM, at(10, day=15), "plan:C1", "DAY"
    )


def test_another_band_may_open_while_one_is_used_up() -> None:
    both = replace(EIGHT, bands=(*EIGHT.bands, BandGrant("NIGHT")))
    assert ways(both, at(12, day=13), days_used(*range(5, 13))) == WayIn(
        Way.FROM, at(18, day=13), "plan:C1", "NIGHT"
    )


def test_a_booking_may_exempt_from_the_beginning_of_its_day() -> None:
    plan, member = replace(EIGHT, exempt=True), replace(MEMBER, bookings=(BOOKING,))
    all_day = RuleSettings(exempt_scope=ExemptScope.DAY)
    assert ways(
        plan, at(12, day=3), days_used(*range(6, 14)), member=member, settings=all_day
    ) == WayIn(Way.BOOKED, at(0), "booking:B1", booked=BOOKING.start)


def test_a_booking_may_be_what_a_door_asks_for() -> None:
    door = replace(ENTRANCE, qualify=frozenset({Qualifier.BOOKING}))
    booking = replace(BOOKING, start=at(8, day=10), end=at(20, day=10))
    member = replace(MEMBER, bookings=(booking,))
    assert ways(EIGHT, at(12), member=member, device=door) == WayIn(
        Way.FROM, at(10, day=10), "plan:C1", "DAY"
    )


def test_who_is_inside_waits_until_that_is_forgotten() -> None:
    hard = RuleSettings(anti_passback=AntiPassback.HARD, passback_timeout_min=1_260)
    visit = Visit("S1", at(20), None, "D1", "plan:C1", "DAY")
    assert ways(EIGHT, at(21), settings=hard, visit=visit) == WayIn(
        Way.FROM, at(10, day=6), "plan:C1", "DAY"
    )
    sooner = replace(hard, passback_timeout_min=900)
    assert ways(EIGHT, at(21), settings=sooner, visit=visit) == WayIn(
        Way.FROM, at(11, day=5), "plan:C1", "DAY"
    )


def test_a_ticket_that_is_used_up_lets_in_on_a_date_that_it_paid_for() -> None:
    member = replace(NO_CONTRACT, tickets=(replace(TICKET, remaining=1),))
    paid = days_used(10, owner="T1", band="*")
    assert ways(EIGHT, at(12), paid, member=member) == WayIn(Way.FROM, at(0, day=10), "ticket:T1")


def test_a_band_may_open_by_one_of_its_two_ticks() -> None:
    mondays = BandGrant("DAY", None, DayRule(frozenset({0})))
    plan = replace(EIGHT, bands=(mondays,), booking_bands=(BandGrant("DAY"),))
    only = replace(KEYS, grant_timing=GrantTiming.BOOKING_ONLY)
    assert ways(plan, at(12), device=only) == WayIn(Way.FROM, at(10, day=9), "key:DAY", "DAY")


@pytest.mark.parametrize("by", ["plan:C1", "ticket:T1"])
def test_hours_that_the_clocks_skip_are_no_way_in(by: str) -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")  # 2018-11-04 began at 01:00
    store = replace(OPEN, tz=sao_paulo, bands={"DAY": Hours(0, 30)})
    contract = Contract("C1", "P1" if by == "plan:C1" else "gone", date(2018, 1, 1))
    ticket = replace(TICKET, valid_from=date(2018, 1, 1), bands=frozenset({"DAY"}))
    member = replace(MEMBER, contracts=(contract,))
    if by == "ticket:T1":
        member = replace(member, tickets=(ticket,))
    noon = datetime(2018, 11, 3, 12, tzinfo=sao_paulo).astimezone(UTC)
    assert ways(EIGHT, noon, store=store, member=member) == WayIn(
        Way.FROM, datetime(2018, 11, 5, 2, tzinfo=UTC), by, "DAY"
    )


def test_a_contract_that_has_not_begun() -> None:
    member = replace(MEMBER, contracts=(Contract("C1", "P1", date(2026, 11, 20)),))
    assert ways(EIGHT, at(12), member=member) == WayIn(
        Way.CONTRACT_STARTS, at(10, day=20), "plan:C1", "DAY"
    )
    ticket = Ticket("T1", TicketType.ENTRY, 1, date(2026, 11, 6))
    assert ways(EIGHT, at(12), member=replace(member, tickets=(ticket,))) == WayIn(
        Way.FROM, at(0, day=6), "ticket:T1"
    )


def test_only_the_contract_that_opens_is_said_to_begin() -> None:
    later = Contract("C2", "P2", date(2026, 11, 20))
    rules = rules_of(NIGHT, replace(EIGHT, id="P2"), store=OPEN)
    for contracts, device, kind in (
        ((CONTRACT, later), ENTRANCE, Way.FROM),
        ((later,), ENTRANCE, Way.CONTRACT_STARTS),
        ((later, CONTRACT), KEYS, Way.FROM),
        ((later,), KEYS, Way.CONTRACT_STARTS),
    ):
        member, scene = replace(MEMBER, contracts=contracts), Scene(at(12))
        decision = decide(rules, device, member, scene)
        way = way_in(rules, device, member, scene, decision)
        assert way is not None
        assert way.kind is kind


def test_a_pause_ends() -> None:
    pause = ((date(2026, 11, 1), date(2026, 11, 9)),)
    member = replace(MEMBER, contracts=(replace(CONTRACT, paused=pause),))
    free = Plan("P1", restrict=False)
    assert ways(free, at(12), member=member) == WayIn(Way.FROM, at(0, day=10), "plan:C1")


def test_nothing_is_found_beyond_62_days() -> None:
    now = at(10)
    for days, found in ((62, True), (63, False)):
        start = date(2026, 11, 4) + timedelta(days=days)
        member = replace(MEMBER, contracts=(replace(CONTRACT, start=start),))
        assert (ways(EIGHT, now, member=member) is not None) is found


class _Unread(dict[str, Store]):
    def get(self, *_: object) -> Store:
        raise AssertionError("was looked at")


@pytest.mark.parametrize("flag", ["suspended", "id_suspended", "withdrawn"])
def test_nothing_is_computed_for_who_was_stopped(flag: str) -> None:
    rules = rules_of(EIGHT, store=OPEN)
    stopped = replace(
        MEMBER,
        suspended=flag == "suspended",
        id_suspended=flag == "id_suspended",
        withdrawn=flag == "withdrawn",
    )
    scene = Scene(at(9))
    refusal = decide(rules, ENTRANCE, stopped, scene)
    assert refusal.verdict is Verdict.DENY
    unread = replace(rules, stores=_Unread(rules.stores))
    assert way_in(unread, ENTRANCE, stopped, scene, refusal) is None
    out_of_band = decide(rules, ENTRANCE, MEMBER, scene)
    with pytest.raises(AssertionError, match="was looked at"):
        way_in(unread, ENTRANCE, MEMBER, scene, out_of_band)
    assert way_in(rules, ENTRANCE, stopped, scene, out_of_band) is None


def test_there_is_no_way_in_after_a_yes() -> None:
    rules, scene = rules_of(EIGHT, store=OPEN), Scene(at(12))
    allowed = decide(rules, ENTRANCE, MEMBER, scene)
    assert way_in(rules, ENTRANCE, MEMBER, scene, allowed) is None


def test_a_device_of_no_store_opens_never() -> None:
    rules, scene = rules_of(EIGHT, store=OPEN), Scene(at(9))
    refusal = decide(rules, ENTRANCE, MEMBER, scene)
    gone = replace(ENTRANCE, store="gone")
    assert way_in(rules, gone, MEMBER, scene, refusal) is None
    assert windows(rules, gone, MEMBER, scene, at(9), at(20)) == ()


def of_room(at_hour: int, status: RoomStatus, *users: str) -> RoomBooking:
    return RoomBooking(f"R{at_hour}", "R1", at(at_hour), at(at_hour + 1), status, "u9", users)


def test_a_room_opens_to_its_users_when_it_is_paid() -> None:
    booked = (
        of_room(8, RoomStatus.PAID, "u1"),
        of_room(12, RoomStatus.RESERVED, "u1"),
        of_room(14, RoomStatus.PAID, "u2"),
        of_room(16, RoomStatus.PAID, "u1"),
    )
    rule = RuleSettings()
    assert way_in_to_room(booked, "u1", at(9), rule) == WayIn(
        Way.BOOKED, at(15, 45), "room", booked=at(16)
    )
    assert way_in_to_room(booked, "u9", at(9), rule) is None


def what_is_left(
    rules: Rules, used: Usage, *, device: Device = ENTRANCE, member: Member = MEMBER
) -> Left | None:
    scene = Scene(at(12), used)
    return left(rules, member, scene, decide(rules, device, member, scene))


LIMITED = rules_of(EIGHT, store=OPEN)
BEHIND = replace(ENTRANCE, counts=False)


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        pytest.param((), Left(7, 8), id="the first"),
        pytest.param((1, 2, 3, 5, 6), Left(2, 8), id="2 of 8 left"),
        pytest.param((1, 2, 3, 4, 5, 6), Left(2, 8), id="again today"),
        pytest.param((1, 2, 3, 5, 6, 7, 8), Left(0, 8), id="the last"),
        pytest.param(range(4, 14), Left(0, 8), id="over the limit already"),
        pytest.param(range(5, 13), None, id="refused"),
    ],
)
def test_an_entry_tells_what_is_left_of_its_band(used: range, expected: Left | None) -> None:
    assert what_is_left(LIMITED, days_used(*used)) == expected


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        pytest.param((), Left(2), id="the first"),
        pytest.param((1, 4), Left(1), id="again today"),
        pytest.param((1, 2), Left(0), id="the last"),
    ],
)
def test_an_entry_tells_what_is_left_of_its_ticket(used: range, expected: Left) -> None:
    member = replace(NO_CONTRACT, tickets=(TICKET,))
    taken = days_used(*used, owner="T1", band="*")
    assert what_is_left(LIMITED, taken, member=member) == expected


def test_an_inner_door_takes_nothing() -> None:
    assert what_is_left(LIMITED, days_used(1), device=BEHIND) == Left(7, 8)


@pytest.mark.parametrize(
    ("rules", "device"),
    [
        pytest.param(rules_of(Plan("P1", restrict=False), store=OPEN), ENTRANCE, id="no limits"),
        pytest.param(
            rules_of(Plan("P1", bands=(BandGrant("DAY"),)), store=OPEN), ENTRANCE, id="no limit"
        ),
        pytest.param(LIMITED, KEYS, id="a key schedule enforces none"),
    ],
)
def test_nothing_is_left_to_tell_where_nothing_is_limited(rules: Rules, device: Device) -> None:
    assert what_is_left(rules, days_used(1), device=device) is None


def test_windows_say_when_and_by_what() -> None:
    plan = replace(EIGHT, bands=(BandGrant("DAY", 1), BandGrant("NIGHT")))
    rules, member = rules_of(plan, store=OPEN), replace(MEMBER, tickets=(TICKET,))
    tickets_day = replace(member, tickets=(replace(TICKET, bands=frozenset({"DAY"})),))
    scene = Scene(at(0), days_used(5))
    assert windows(rules, ENTRANCE, tickets_day, scene, at(12), at(12, day=5)) == (
        Window(at(12), at(17), "ticket:T1", "DAY"),
        Window(at(18), at(23), "plan:C1", "NIGHT"),
        Window(at(10, day=5), at(12, day=5), "plan:C1", "DAY"),
    )


def test_what_does_not_change_is_one_window() -> None:
    rules = rules_of(Plan("P1", restrict=False), store=OPEN)
    span = (at(9), at(9) + timedelta(days=70))
    found = windows(rules, ENTRANCE, MEMBER, Scene(at(0)), *span)
    assert found == (Window(*span, "plan:C1", None),)
    assert windows(rules, ENTRANCE, MEMBER, Scene(at(0)), at(9), at(9)) == ()
    with pytest.raises(ValueError, match="last: more than 70 days"):
        windows(rules, ENTRANCE, MEMBER, Scene(at(0)), span[0], span[1] + timedelta(seconds=1))


def test_looking_ahead_leaves_the_doors_timetables_alone() -> None:
    rules = rules_of(EIGHT, store=OPEN)
    windows(rules, ENTRANCE, MEMBER, Scene(at(0)), at(9), at(9, day=20))
    assert not rules.timetables
