"""What a plan offers in the course of a day (spec/rules.md 3.1, 3.3-2)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import calendar, limits, timetable
from policy.model import BandGrant, Contract, Hours, Plan, Reason, Rules, RuleSettings, Store
from policy.timetable import Segment, offers, segment
from tests.policy.worlds import (
    DAY_PLAN,
    ENTRANCE,
    EXIT,
    LORD_HOWE,
    MEMBER,
    NEW_YORK,
    NOON,
    STORE,
    TODAY,
    TOKYO,
    World,
    at,
    rules_of,
    worlds,
)

BACK = date(2026, 11, 1)  # New York: 02:00 EDT becomes 01:00 EST
FORTH = date(2026, 3, 8)  # New York: 02:00 EST becomes 03:00 EDT
YESTERDAY = TODAY - timedelta(days=1)


def offered(plan: Plan, now: datetime, store: Store = STORE, hour: int = 0) -> Segment:
    return asked(
        rules_of(plan, store=store, settings=RuleSettings(day_cutoff_hour=hour)), plan, now
    )


def asked(rules: Rules, plan: Plan, now: datetime) -> Segment:
    store = next(iter(rules.stores.values()))
    return segment(rules, offers(rules, store, ENTRANCE, now), plan, now)


def test_a_band_inside_the_skipped_hour_has_no_time_to_enter() -> None:
    store = Store("NY", NEW_YORK, {"GAP": Hours(125, 175)})
    plan = Plan("P", bands=(BandGrant("GAP"),))
    change = datetime(2026, 3, 8, 7, tzinfo=UTC)
    for second in range(-3_600, 3_600, 60):
        assert not offered(plan, change + timedelta(seconds=second), store).fits


@pytest.mark.parametrize(
    ("now", "enters", "leaves"),
    [
        (at(9, 49) + timedelta(seconds=59), False, False),
        (at(9, 50), True, True),
        (at(16, 59) + timedelta(seconds=59), True, True),
        (at(17), False, True),
        (at(17, 20), False, True),
        (at(17, 20) + timedelta(milliseconds=1), False, False),
    ],
)
def test_windows_include_their_start_and_only_leaving_its_end(
    now: datetime, enters: bool, leaves: bool
) -> None:
    here = offered(replace(DAY_PLAN, early_min=10, late_min=20), now)
    assert (bool(here.fits), bool(here.leaving)) == (enters, leaves)


def test_before_it_opens_a_band_fits_by_tolerance_only() -> None:
    plan = replace(DAY_PLAN, early_min=10)
    (before,), (after,) = (offered(plan, now).fits for now in (at(9, 59), at(10)))
    assert (before.rank[0], after.rank[0]) == (True, False)
    assert before.until == after.until == at(17)


def test_a_closed_date_keeps_out_but_nobody_in() -> None:
    here = offered(DAY_PLAN, NOON, replace(STORE, closed=frozenset({TODAY})))
    assert [fit.refusal for fit in here.fits] == [Reason.STORE_CLOSED]
    assert here.leaving == (TODAY,)


@pytest.mark.parametrize(
    ("hour", "now", "today"),
    [(0, at(0), 4), (0, at(-1, 59), 3), (5, at(4, 59), 3), (5, at(5), 4), (5, at(23), 4)],
)
def test_a_date_begins_at_the_cutoff(hour: int, now: datetime, today: int) -> None:
    assert offered(DAY_PLAN, now, hour=hour).today == date(2026, 11, today)


def test_the_tables_kept_are_bounded_and_belong_to_their_rules() -> None:
    rules = rules_of()
    for day in range(limits.TIMETABLES_KEPT + 2):
        asked(rules, DAY_PLAN, NOON + timedelta(days=day))
        offers(rules, STORE, ENTRANCE, NOON - timedelta(days=day))  # where no plan was asked for
    assert len(rules.timetables) <= limits.TIMETABLES_KEPT
    assert rules == rules_of()
    closed = replace(STORE, closed=frozenset({TODAY}))
    changed = replace(rules, stores={"S1": closed})
    assert asked(changed, DAY_PLAN, NOON).fits[0].refusal is Reason.STORE_CLOSED


def test_what_was_worked_out_is_there_for_the_next() -> None:
    rules = rules_of()
    here = offers(rules, STORE, ENTRANCE, NOON)
    assert offers(rules, STORE, ENTRANCE, NOON + timedelta(hours=1)) is here
    assert offers(rules, STORE, ENTRANCE, NOON + timedelta(days=1)) is not here
    assert offers(rules, STORE, EXIT, NOON) is not here
    assert offers(rules, STORE, replace(ENTRANCE), NOON) is not here
    assert asked(rules, DAY_PLAN, NOON) is asked(rules, DAY_PLAN, NOON + timedelta(minutes=1))


def test_what_is_kept_of_many_plans_has_the_same_bound() -> None:
    plans = [replace(DAY_PLAN, id=f"P{n}") for n in range(limits.TIMETABLES_KEPT + 2)]
    rules, peak = rules_of(*plans), 0
    for plan in plans:
        asked(rules, plan, NOON)
        peak = max(peak, sum(1 + len(day.plans) for day in rules.timetables.values()))
    assert peak == limits.TIMETABLES_KEPT


@pytest.mark.parametrize(
    ("contract", "runs"),
    [
        (Contract("C", "P", YESTERDAY), True),
        (Contract("C", "P", YESTERDAY, TODAY), True),
        (Contract("C", "P", TODAY), False),
        (Contract("C", "P", YESTERDAY, YESTERDAY), False),
        (Contract("C", "P", YESTERDAY, TODAY, ((TODAY, TODAY),)), False),
    ],
)
def test_a_contract_may_run_on_all_dates_of_what_its_plan_offers(
    contract: Contract, runs: bool
) -> None:
    night = replace(STORE, bands={"NIGHT": Hours(1_320, 1_560)})
    rules = rules_of(Plan("P", bands=(BandGrant("NIGHT"),)), store=night)
    member = replace(MEMBER, contracts=(contract,))
    ((_, here, told),) = timetable.offered(
        rules, offers(rules, night, ENTRANCE, at(1)), member, at(1)
    )
    assert (here.first, here.last) == (YESTERDAY, TODAY)
    assert told is runs
    days = (YESTERDAY, TODAY)
    assert runs is all(calendar.contract_refusal(contract, day) is None for day in days)


def test_a_date_whose_midnight_comes_twice_begins_with_the_first() -> None:
    havana = Store("HV", ZoneInfo("America/Havana"), {})
    free = Plan("P", restrict=False)
    first = datetime(2026, 11, 1, 4, tzinfo=UTC)  # at 05:00 UTC the clocks go back to midnight
    for seconds, day in ((-1, date(2026, 10, 31)), (0, BACK), (1_800, BACK), (3_600, BACK)):
        assert offered(free, first + timedelta(seconds=seconds), havana).today == day


@pytest.mark.parametrize(
    ("minute", "second", "today"),
    [(14, 59, 4), (15, 0, 5), (59, 59, 5), (60, 0, 4), (74, 59, 4), (75, 0, 5)],
)
def test_a_date_is_the_walls_where_its_cutoff_comes_twice(
    minute: int, second: int, today: int
) -> None:
    chatham = Store("CH", ZoneInfo("Pacific/Chatham"), {})
    free = Plan("P", restrict=False)
    # 03:00 on the wall is at 13:15 UTC; at 14:00, 03:45 becomes 02:45 again.
    now = datetime(2026, 4, 4, 13, tzinfo=UTC) + timedelta(minutes=minute, seconds=second)
    assert offered(free, now, chatham, hour=3).today == date(2026, 4, today)


def test_what_turns_within_a_minute_is_over_after_it() -> None:
    monrovia = ZoneInfo("Africa/Monrovia")  # until 1972 its clocks were 44 min 30 s behind UTC
    store = Store("MO", monrovia, {"ONE": Hours(600, 720), "TWO": Hours(720, 840)})
    plan = Plan("P", bands=(BandGrant("ONE"), BandGrant("TWO")))
    noon = datetime(1971, 6, 1, 12, 44, 30, tzinfo=UTC)
    for seconds, kinds, leaving in ((-1, ["ONE"], 1), (0, ["TWO"], 2), (1, ["TWO"], 1)):
        here = offered(plan, noon + timedelta(seconds=seconds), store)
        assert [fit.kind for fit in here.fits] == kinds
        assert len(here.leaving) == leaving
    assert len(offered(plan, noon + timedelta(minutes=5), store).leaving) == 1


def test_the_shorter_band_comes_first_whenever_it_begins() -> None:
    store = replace(STORE, bands={"LONG": Hours(360, 960), "SHORT": Hours(660, 840)})
    plan = Plan("P", bands=(BandGrant("LONG"), BandGrant("SHORT")))
    assert [fit.kind for fit in offered(plan, NOON, store).fits] == ["SHORT", "LONG"]


def by_hand(
    store: Store, plan: Plan, now: datetime, *, early: int, late: int, days: int
) -> Iterator[tuple[str, date, bool, bool]]:
    """Walk through all occurrences: kind, date, whether it fits for entering, for leaving."""
    today = calendar.local_date(store, now)
    for grant in plan.bands:
        hours = store.bands.get(grant.kind)
        for n in range(-days, days + 1) if hours else ():
            assert hours is not None
            on = today + timedelta(days=n)
            opens = calendar.instant(store.tz, on, hours.start_min, closing=False)
            closes = calendar.instant(store.tz, on, hours.end_min, closing=True)
            begun = opens - timedelta(minutes=early) <= now
            yield (
                grant.kind,
                on,
                begun and now < closes,
                begun and now <= closes + timedelta(minutes=late),
            )


MINUTES, TOLERANCE = st.integers(0, 1_439), st.integers(0, 1_440)


@given(
    st.sampled_from([TOKYO, NEW_YORK, LORD_HOWE]),
    st.sampled_from([BACK, FORTH, date(2026, 10, 4), date(2026, 4, 5)]),
    st.builds(lambda start, length: Hours(start, start + length), MINUTES, st.integers(1, 1_440)),
    st.tuples(TOLERANCE, TOLERANCE),
    st.integers(-1_440, 2_880),
)
def test_no_occurrence_further_away_could_matter(
    tz: tzinfo, day: date, hours: Hours, tolerance: tuple[int, int], minute: int
) -> None:
    store = Store("S", tz, {"B": hours})
    early, late = tolerance
    plan = Plan("P", bands=(BandGrant("B"),), early_min=early, late_min=late)
    now = calendar.instant(tz, day, 0, closing=False) + timedelta(minutes=minute)
    seen = list(by_hand(store, plan, now, early=early, late=late, days=6))
    here = offered(plan, now, store)
    assert {fit.day for fit in here.fits} == {on for _, on, enters, _ in seen if enters}
    assert set(here.leaving) == {on for _, on, _, leaves in seen if leaves}


AMSTERDAM = ZoneInfo("Europe/Amsterdam")  # until 1937 20 minutes and 28 seconds short of an hour


@given(
    st.lists(st.builds(Hours, MINUTES, st.integers(1_440, 1_440)), min_size=1, max_size=4),
    st.integers(0, 86_400 * 1_000_000 - 1),
    TOLERANCE,
)
def test_a_minute_in_which_something_changes_is_told_apart(
    hours: list[Hours], microsecond: int, early: int
) -> None:
    store = Store("S", AMSTERDAM, {f"B{n}": band for n, band in enumerate(hours)})
    plan = Plan("P", bands=tuple(BandGrant(kind) for kind in store.bands), early_min=early)
    begin = datetime(1930, 5, 5, tzinfo=UTC)
    for now in (
        begin + timedelta(microseconds=microsecond),
        begin + timedelta(minutes=1_420, seconds=28),
    ):
        here = offered(plan, now, store)
        seen = list(by_hand(store, plan, now, early=early, late=0, days=3))
        assert {(f.kind, f.day) for f in here.fits} == {
            (k, on) for k, on, enters, _ in seen if enters
        }
        assert set(here.leaving) == {on for _, on, _, leaves in seen if leaves}


@given(worlds())
def test_a_table_says_what_a_walk_through_the_calendar_does(world: World) -> None:
    rules: Rules = world.rules
    store, now = rules.stores["S1"], world.at
    for plan in rules.plans.values():
        here = segment(rules, offers(rules, store, ENTRANCE, now), plan, now)
        seen = list(by_hand(store, plan, now, early=plan.early_min, late=plan.late_min, days=2))
        fits = sorted((fit.kind, fit.day) for fit in here.fits)
        assert fits == sorted((kind, on) for kind, on, enters, _ in seen if enters)
        grants = {grant.kind: grant for grant in plan.bands}
        for fit in here.fits:
            told = calendar.day_refusal(store, grants[fit.kind].days, fit.day)
            shut = Reason.STORE_CLOSED if fit.day in store.closed else None
            assert fit.refusal == (told or shut)
        assert [fit.rank for fit in here.fits] == sorted(fit.rank for fit in here.fits)
        assert sorted(here.leaving) == sorted(
            on
            for kind, on, _, leaves in seen
            if leaves and calendar.day_refusal(store, grants[kind].days, on) is None
        )
