"""Timetables that are made ahead are those that would be made when somebody comes."""

from collections import deque
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given

from policy import limits
from policy.ahead import prepare
from policy.entry import decide
from policy.model import BandGrant, Contract, DayRule, HolidayRule, Hours, Plan, Qualifier, Reason
from policy.timetable import number_kept, offers
from tests.policy.worlds import (
    CONTRACT,
    DAY_PLAN,
    ENTRANCE,
    MEMBER,
    NEW_YORK,
    NOON,
    STORE,
    TOKYO,
    World,
    at,
    enter,
    rules_of,
    worlds,
)

TUESDAYS = Plan("P2", bands=(BandGrant("DAY", None, DayRule(frozenset({1}), HolidayRule.NONE)),))


def test_each_plan_is_a_step_and_made_once() -> None:
    rules = rules_of(DAY_PLAN, TUESDAYS)
    assert len([*prepare(rules, ENTRANCE, NOON)]) == 2
    here = offers(rules, STORE, ENTRANCE, NOON)
    assert here.plans.keys() == {"P1", "P2"}
    assert None not in here.plans["P1"].segments
    assert not [*prepare(rules, ENTRANCE, NOON)]
    assert len([*prepare(rules, ENTRANCE, NOON + timedelta(days=1))]) == 2


def test_who_is_kept_out_by_the_hours_gets_the_answer_that_was_made_ahead() -> None:
    rules = rules_of()
    deque(prepare(rules, ENTRANCE, NOON), 0)
    made = [one.answer for one in offers(rules, STORE, ENTRANCE, NOON).plans["P1"].segments if one]
    told = enter(rules, ENTRANCE, MEMBER, (), at(20))
    assert told.reason is Reason.OUT_OF_BAND
    assert any(one is told for one in made)
    assert told == enter(rules_of(), ENTRANCE, MEMBER, (), at(20))


def test_no_device_answers_what_another_of_its_name_was_asked() -> None:
    rules, seats = rules_of(), replace(ENTRANCE, qualify=frozenset({Qualifier.SEAT}))
    deque(prepare(rules, ENTRANCE, NOON), 0)
    told = enter(rules, seats, MEMBER, (), at(20))
    assert told.reason is Reason.SEAT_NOT_ASSIGNED
    assert told == enter(rules_of(), seats, MEMBER, (), at(20))
    assert enter(rules, ENTRANCE, MEMBER, (), at(20)).reason is Reason.OUT_OF_BAND


def test_a_day_has_one_answer_for_all_its_gaps() -> None:
    rules = rules_of()
    before, after = (enter(rules, ENTRANCE, MEMBER, (), at(hour)) for hour in (9, 20))
    assert before is after


def test_a_band_that_goes_on_in_the_next_day_makes_nothing_of_that() -> None:
    store = replace(STORE, bands={"DAY": Hours(480, 600)})  # in Tokyo; at 09:00 the UTC day begins
    rules = rules_of(store=store)
    assert len([*prepare(rules, ENTRANCE, NOON)]) == 1
    assert number_kept(rules) == 2


def test_room_is_left_for_what_is_asked_for() -> None:
    plans = [replace(DAY_PLAN, id=f"P{n}") for n in range(limits.TIMETABLES_KEPT + 2)]
    rules = rules_of(*plans)
    steps = len([*prepare(rules, ENTRANCE, NOON)])
    assert number_kept(rules) == steps + 1 == limits.TIMETABLES_AHEAD
    assert not [*prepare(rules, ENTRANCE, NOON)]


def test_a_device_of_a_store_that_nobody_knows_has_none() -> None:
    rules = replace(rules_of(), stores={})
    assert not [*prepare(rules, ENTRANCE, NOON)]
    assert not rules.timetables


DAYS = [date(2026, 11, day) for day in range(2, 8)]


@pytest.mark.parametrize(
    "contract",
    [
        *(replace(CONTRACT, start=start, end=end) for start in DAYS for end in (None, *DAYS)),
        *(replace(CONTRACT, paused=((first, last),)) for first in DAYS for last in DAYS),
    ],
)
def test_dates_of_a_contract_in_the_day_are_asked_for_each_band(contract: Contract) -> None:
    never = DayRule(frozenset(), HolidayRule.NONE)
    closed = Plan("P1", bands=(BandGrant("LATE", None, never), BandGrant("DAY", None, never)))
    member = replace(MEMBER, contracts=(contract,))
    for zone in (TOKYO, NEW_YORK):  # where a UTC day has bands of one date, and of two
        store = replace(STORE, tz=zone)
        rules = rules_of(closed, store=store)
        deque(prepare(rules, ENTRANCE, NOON), 0)
        for hour in range(24):
            when = NOON.replace(hour=hour)
            alone = rules_of(closed, store=store)
            told = enter(rules, ENTRANCE, member, (), when)
            assert told == enter(alone, ENTRANCE, member, (), when)


@given(worlds())
def test_what_was_made_ahead_changes_no_answer(world: World) -> None:
    alone = replace(world.rules)
    deque(prepare(world.rules, world.device, world.at), 0)
    assert decide(world.rules, world.device, world.member, world.scene()) == decide(
        alone, world.device, world.member, world.scene()
    )
