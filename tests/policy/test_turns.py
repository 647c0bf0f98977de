"""At which instants the answer can change: all of them, and none that has no cause (turns.py)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from policy.model import (
    BandGrant,
    DayRule,
    ExemptScope,
    HolidayRule,
    Hours,
    Member,
    Plan,
    Rules,
    RuleSettings,
    Scene,
    Ticket,
    TicketType,
    Usage,
    Visit,
)
from policy.turns import Opening, openings, turns
from tests.policy.worlds import (
    BOOKING,
    CONTRACT,
    DAY_PLAN,
    ENTRANCE,
    MEMBER,
    NEW_YEAR,
    NEW_YORK,
    STORE,
    TODAY,
    at,
    rules_of,
    used_on,
)

NOBODY = replace(MEMBER, contracts=())
TICKET = Ticket("T1", TicketType.ENTRY, 3, NEW_YEAR)
MICROSECOND = timedelta(microseconds=1)
TOMORROW = TODAY + timedelta(days=1)
TUESDAYS = DayRule(frozenset({1}), HolidayRule.NONE)


def turned(
    member: Member,
    plan: Plan = DAY_PLAN,
    *,
    settings: RuleSettings | None = None,
    visit: Visit | None = None,
) -> list[datetime]:
    """The turns of 2026-11-04 in Tokyo."""
    scene = Scene(at(0), visit=visit)
    return turns(rules_of(plan, settings=settings), ENTRANCE, member, scene, at(24))


@pytest.mark.parametrize(
    ("plan", "member", "expected"),
    [
        pytest.param(DAY_PLAN, NOBODY, [at(0)], id="nothing but the date"),
        pytest.param(DAY_PLAN, MEMBER, [at(0), at(10), at(17)], id="a band"),
        pytest.param(
            replace(DAY_PLAN, early_min=10, late_min=20),
            MEMBER,
            [at(0), at(9, 50), at(10), at(17)],
            id="early, not late: that is for leaving",
        ),
        pytest.param(
            Plan("P1", bands=(BandGrant("LATE"),)),
            MEMBER,
            [at(0), at(2), at(22)],
            id="a band over midnight ends and begins",
        ),
        pytest.param(
            replace(DAY_PLAN, booking_bands=(BandGrant("NOON"),)),
            MEMBER,
            [at(0), at(10), at(11), at(14), at(17)],
            id="a booking band",
        ),
        pytest.param(Plan("P1", bands=(BandGrant("POOL"),)), MEMBER, [at(0)], id="no hours here"),
        pytest.param(
            DAY_PLAN,
            replace(NOBODY, tickets=(replace(TICKET, bands=frozenset({"NOON"})),)),
            [at(0), at(11), at(14)],
            id="the band of a ticket",
        ),
        pytest.param(
            DAY_PLAN,
            replace(NOBODY, bookings=(BOOKING,)),
            [at(0), at(17, 45), at(19)],
            id="a booking, early",
        ),
        pytest.param(
            DAY_PLAN,
            replace(NOBODY, contracts=(replace(CONTRACT, plan="gone"),)),
            [at(0)],
            id="of an unknown plan",
        ),
    ],
)
def test_what_turns_on_one_day(plan: Plan, member: Member, expected: list[datetime]) -> None:
    assert turned(member, plan) == expected


def test_a_date_without_band_may_begin_later() -> None:
    assert turned(NOBODY, settings=RuleSettings(day_cutoff_hour=5)) == [at(0), at(5)]


def test_a_visit_is_forgotten_twice() -> None:
    settings = RuleSettings(passback_timeout_min=90, visit_max_h=4)
    visit = Visit("S1", at(8), None, "D1", "plan:C1", None)
    expected = [at(0), at(9, 30), at(12) + MICROSECOND]
    assert turned(NOBODY, settings=settings, visit=visit) == expected


def test_a_booking_may_exempt_by_its_band() -> None:
    plan = replace(DAY_PLAN, bands=(), booking_bands=(BandGrant("NOON"),))
    member = replace(MEMBER, bookings=(BOOKING,))
    settings = RuleSettings(exempt_scope=ExemptScope.BOOKING_BAND)
    assert turned(member, plan, settings=settings) == [at(0), at(11), at(14), at(17, 45), at(19)]


def test_the_clocks_turn_to_the_second() -> None:
    store = replace(STORE, tz=NEW_YORK, bands={})
    rules = rules_of(store=store)
    first = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)  # 00:30 there; at 06:00 UTC they go back
    last = first + timedelta(hours=12)
    found = turns(rules, ENTRANCE, NOBODY, Scene(first), last)
    assert found == [first, datetime(2026, 11, 1, 6, tzinfo=UTC)]
    cutoff = rules_of(store=store, settings=RuleSettings(day_cutoff_hour=1))
    twice = [datetime(2026, 11, 1, hour, tzinfo=UTC) for hour in (5, 6)]
    assert turns(cutoff, ENTRANCE, NOBODY, Scene(first), last) == [first, *twice]


def test_a_band_may_begin_to_let_in_a_day_before_a_day_of_25_hours() -> None:
    store = replace(STORE, tz=NEW_YORK, bands={"DAY": Hours(0, 60)})
    plan = replace(DAY_PLAN, early_min=1_439)
    first = datetime(2026, 10, 30, 12, tzinfo=UTC)
    midnight = datetime(2026, 11, 1, 4, tzinfo=UTC)  # of the day on which they go back
    last = midnight - timedelta(hours=23, minutes=30)  # 48 hours later that day has 30 min left
    early = midnight - timedelta(minutes=1_439)
    rules = rules_of(plan, store=store)
    assert early in turns(rules, ENTRANCE, MEMBER, Scene(first), last)
    ahead = openings(rules, ENTRANCE, MEMBER, Scene(first), last)
    assert early in [opening.at for opening in ahead]


@pytest.mark.parametrize("scope", list(ExemptScope))
def test_a_contracts_first_date_opens_beside_what_begins_with_that_date(
    scope: ExemptScope,
) -> None:
    later = TODAY + timedelta(days=2)  # and the booking is today's
    member = replace(MEMBER, contracts=(replace(CONTRACT, start=later),), bookings=(BOOKING,))
    rules = rules_of(replace(DAY_PLAN, restrict=False), settings=RuleSettings(exempt_scope=scope))
    ahead = openings(rules, ENTRANCE, member, Scene(at(20)), at(49))
    causes = [opening.cause for opening in ahead if opening.at == at(48)]
    assert None in causes  # the contract's own date
    assert any(causes)  # and the plan without limits, on that date
    assert [opening.at for opening in ahead] == sorted(opening.at for opening in ahead)


TROLL = ZoneInfo("Antarctica/Troll")  # on 2026-10-25 at 01:00 UTC the clocks go back two hours
TWICE = replace(STORE, tz=TROLL, bands={"DAY": Hours(120, 150)})
BACK = datetime(2026, 10, 24, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_what_begins_twice_begins_with_the_first_and_ends_with_the_second() -> None:
    rules = rules_of(store=TWICE)
    found = turns(rules, ENTRANCE, MEMBER, Scene(BACK), BACK + 6 * HOUR)
    assert found == [BACK, BACK + HOUR, BACK + 2 * HOUR, BACK + 3.5 * HOUR]
    ticket = replace(NOBODY, tickets=(replace(TICKET, bands=frozenset({"DAY"})),))
    for member in (MEMBER, ticket):
        ahead = openings(rules, ENTRANCE, member, Scene(BACK), BACK + 6 * HOUR)
        assert instants(ahead) == [BACK + HOUR, BACK + 2 * HOUR]
    cutoff = rules_of(store=TWICE, settings=RuleSettings(day_cutoff_hour=2))
    dates = turns(cutoff, ENTRANCE, NOBODY, Scene(BACK), BACK + 6 * HOUR)
    assert dates == [BACK, BACK + HOUR, BACK + 2 * HOUR, BACK + 3 * HOUR]


def test_the_clocks_turn_whatever_a_booking_exempts() -> None:
    rules = rules_of(store=TWICE, settings=RuleSettings(exempt_scope=ExemptScope.DAY))
    booked = replace(NOBODY, bookings=(replace(BOOKING, start=BACK, end=BACK + HOUR),))
    assert BACK + 2 * HOUR in turns(rules, ENTRANCE, booked, Scene(BACK), BACK + 6 * HOUR)


def opened(
    member: Member, rules: Rules | None = None, days: int = 1, used: Usage | None = None
) -> list[Opening]:
    """The openings of some days from 2026-11-04 in Tokyo."""
    scene = Scene(at(0), used or Usage.of(()))
    return openings(rules or rules_of(), ENTRANCE, member, scene, at(24 * days))


def instants(found: list[Opening]) -> list[datetime]:
    return [opening.at for opening in found]


@pytest.mark.parametrize(
    ("plan", "member", "expected"),
    [
        pytest.param(replace(DAY_PLAN, early_min=10), MEMBER, [at(9, 50)], id="a band, early"),
        pytest.param(
            replace(DAY_PLAN, booking_bands=(BandGrant("NOON"),)),
            MEMBER,
            [at(10), at(11)],
            id="two",
        ),
        pytest.param(
            Plan("P1", bands=(BandGrant("DAY", None, TUESDAYS),)), MEMBER, [], id="another weekday"
        ),
        pytest.param(Plan("P1", bands=(BandGrant("POOL"),)), MEMBER, [], id="no hours here"),
        pytest.param(Plan("P1", restrict=False), MEMBER, [at(24)], id="a date"),
        pytest.param(
            DAY_PLAN,
            replace(MEMBER, contracts=(replace(CONTRACT, start=TOMORROW),)),
            [at(24)],
            id="begins tomorrow",
        ),
        pytest.param(
            DAY_PLAN,
            replace(MEMBER, contracts=(replace(CONTRACT, end=TODAY),)),
            [at(10), at(24)],
            id="ends today",
        ),
        pytest.param(
            DAY_PLAN,
            replace(MEMBER, contracts=(replace(CONTRACT, paused=((NEW_YEAR, TODAY),)),)),
            [at(24)],
            id="paused until today",
        ),
        pytest.param(DAY_PLAN, replace(NOBODY, tickets=(TICKET,)), [at(24)], id="a ticket"),
        pytest.param(
            DAY_PLAN,
            replace(NOBODY, tickets=(replace(TICKET, valid_to=TODAY),)),
            [],
            id="a ticket for today",
        ),
        pytest.param(
            DAY_PLAN,
            replace(NOBODY, tickets=(replace(TICKET, valid_from=TOMORROW, valid_to=TOMORROW),)),
            [at(24)],
            id="a ticket for tomorrow",
        ),
        pytest.param(
            DAY_PLAN,
            replace(NOBODY, tickets=(replace(TICKET, days=TUESDAYS),)),
            [],
            id="a ticket for another weekday",
        ),
        pytest.param(
            DAY_PLAN,
            replace(NOBODY, tickets=(replace(TICKET, bands=frozenset({"NOON", "POOL"})),)),
            [at(11)],
            id="the band of a ticket",
        ),
        pytest.param(
            DAY_PLAN,
            replace(NOBODY, bookings=(BOOKING,)),
            [at(17, 45), at(19)],
            id="a booking, and its end",
        ),
    ],
)
def test_what_opens_on_one_day(plan: Plan, member: Member, expected: list[datetime]) -> None:
    assert instants(opened(member, rules_of(plan))) == expected


def test_a_closed_date_opens_nothing_and_does_not_end_the_search() -> None:
    closed = rules_of(store=replace(STORE, closed=frozenset({TODAY})))
    assert instants(opened(MEMBER, closed, days=2)) == [at(10, day=5)]


def test_a_right_is_the_same_the_next_day_until_it_is_used_or_its_month_ends() -> None:
    plain = opened(MEMBER, days=3)
    assert len(plain) == 3
    assert len({opening.cause for opening in plain}) == 1
    used = opened(MEMBER, days=3, used=Usage.of(used_on([5])))
    assert [opening.cause == used[0].cause for opening in used] == [True, False, True]
    month = opened(MEMBER, days=28)
    assert [o.at for o in month if o.cause != month[0].cause] == [
        at(10, day=1) + timedelta(days=30)
    ]
    anchored = opened(MEMBER, rules_of(settings=RuleSettings(month_anchor_day=6)), days=3)
    assert [o.cause == anchored[0].cause for o in anchored] == [True, True, False]


def test_a_right_is_the_same_after_the_clocks_changed() -> None:
    rules = rules_of(store=replace(STORE, tz=NEW_YORK))
    saturday = datetime(2026, 3, 7, 5, tzinfo=UTC)  # midnight; on Sunday they go forward
    found = openings(rules, ENTRANCE, MEMBER, Scene(saturday), saturday + 71 * HOUR)
    causes = [opening.cause for opening in found if opening.cause is not None]
    assert causes == [causes[0]] * 3


@pytest.mark.parametrize(
    ("plan", "member"),
    [
        (DAY_PLAN, MEMBER),
        (Plan("P1", restrict=False), MEMBER),
        (DAY_PLAN, replace(NOBODY, tickets=(TICKET,))),
        (DAY_PLAN, replace(NOBODY, tickets=(replace(TICKET, bands=frozenset({"DAY"})),))),
        (DAY_PLAN, replace(NOBODY, bookings=(BOOKING,))),
    ],
)
def test_every_right_has_a_cause(plan: Plan, member: Member) -> None:
    found = opened(member, rules_of(plan))
    assert found
    assert None not in [opening.cause for opening in found]


def test_a_booking_that_exempts_all_day_may_open_the_dates_around_it() -> None:
    rules = rules_of(settings=RuleSettings(exempt_scope=ExemptScope.DAY))
    for day, expected in ((6, [at(24), at(48), at(72)]), (12, [])):
        booking = replace(BOOKING, start=at(12, day=day), end=at(13, day=day))
        found = opened(replace(NOBODY, bookings=(booking,)), rules, days=4)
        assert [opening.at for opening in found if opening.cause is None] == expected


def test_two_rights_are_two_causes() -> None:
    two = replace(DAY_PLAN, bands=(BandGrant("DAY", 8), BandGrant("NOON", 8)))
    assert len({opening.cause for opening in opened(MEMBER, rules_of(two))}) == 2
    booked = replace(NOBODY, bookings=(BOOKING,))
    assert len({opening.cause for opening in opened(booked)}) == 2
    both = replace(MEMBER, tickets=(replace(TICKET, bands=frozenset({"DAY"})),))
    assert len({opening.cause for opening in opened(both)}) == 2


def test_what_is_no_right_has_no_cause() -> None:
    member = replace(NOBODY, contracts=(replace(CONTRACT, plan="gone", start=TOMORROW),))
    assert opened(member) == [Opening(at(24), None)]


@pytest.mark.parametrize("start", [date(2026, 11, 4), date(2026, 11, 5)])
def test_nothing_opens_at_a_device_of_no_store(start: date) -> None:
    member = replace(MEMBER, contracts=(replace(CONTRACT, start=start),))
    lost = replace(ENTRANCE, store="gone")
    assert openings(rules_of(), lost, member, Scene(at(0)), at(24)) == []
    assert turns(rules_of(), lost, member, Scene(at(0)), at(24)) == [at(0)]
