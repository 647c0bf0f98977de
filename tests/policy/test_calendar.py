"""Wall times on the days when clocks change, windows, day rules (spec/rules.md 2.3, 3.1)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from policy import calendar
from policy.calendar import Occurrence
from policy.model import (
    Contract,
    DayRule,
    HolidayRule,
    Reason,
)
from tests.policy.worlds import LORD_HOWE, NEW_YEAR, NEW_YORK, STORE, TODAY, TOKYO

BACK = date(2026, 11, 1)  # New York: 02:00 EDT becomes 01:00 EST
FORTH = date(2026, 3, 8)  # New York: 02:00 EST becomes 03:00 EDT
APIA = ZoneInfo("Pacific/Apia")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.threat("B2")
@pytest.mark.parametrize(
    ("tz", "day", "minute", "opening", "closing"),
    [
        pytest.param(TOKYO, TODAY, 600, "2026-11-04T01:00", "2026-11-04T01:00", id="plain"),
        pytest.param(TOKYO, TODAY, 1560, "2026-11-04T17:00", "2026-11-04T17:00", id="26:00"),
        pytest.param(NEW_YORK, BACK, 59, "2026-11-01T04:59", "2026-11-01T04:59", id="before it"),
        pytest.param(NEW_YORK, BACK, 60, "2026-11-01T05:00", "2026-11-01T06:00", id="twice"),
        pytest.param(NEW_YORK, BACK, 119, "2026-11-01T05:59", "2026-11-01T06:59", id="last twice"),
        pytest.param(NEW_YORK, BACK, 120, "2026-11-01T07:00", "2026-11-01T07:00", id="after it"),
        pytest.param(NEW_YORK, FORTH, 119, "2026-03-08T06:59", "2026-03-08T06:59", id="before gap"),
        pytest.param(NEW_YORK, FORTH, 120, "2026-03-08T07:00", "2026-03-08T07:00", id="gap begins"),
        pytest.param(NEW_YORK, FORTH, 150, "2026-03-08T07:00", "2026-03-08T07:00", id="in the gap"),
        pytest.param(NEW_YORK, FORTH, 179, "2026-03-08T07:00", "2026-03-08T07:00", id="gap ends"),
        pytest.param(NEW_YORK, FORTH, 180, "2026-03-08T07:00", "2026-03-08T07:00", id="after gap"),
        pytest.param(
            NEW_YORK,
            FORTH - timedelta(days=1),
            1590,
            "2026-03-08T07:00",
            "2026-03-08T07:00",
            id="26:30 of the day before is in the gap",
        ),
        pytest.param(
            LORD_HOWE,
            date(2026, 10, 4),
            135,
            "2026-10-03T15:30",
            "2026-10-03T15:30",
            id="a gap of half an hour",
        ),
        pytest.param(
            APIA,
            date(2011, 12, 30),
            720,
            "2011-12-30T10:00",
            "2011-12-30T10:00",
            id="a day that never was",
        ),
    ],
)
def test_a_wall_time_becomes_an_instant(
    tz: tzinfo, day: date, minute: int, opening: str, closing: str
) -> None:
    for closes, wanted in ((False, opening), (True, closing)):
        found = calendar.instant(tz, day, minute, closing=closes)
        assert found == utc(wanted)
        assert found.tzinfo is UTC


@pytest.mark.threat("B2")
def test_the_date_is_the_stores_own() -> None:
    assert calendar.local_date(STORE, utc("2026-11-04T14:59")) == TODAY
    assert calendar.local_date(STORE, utc("2026-11-04T15:00")) == TODAY + timedelta(days=1)


def test_a_kind_without_hours_never_occurs() -> None:
    assert calendar.occurrences(STORE, "POOL", TODAY) == ()


def test_occurrences_stand_two_days_around_in_order() -> None:
    found = calendar.occurrences(STORE, "DAY", TODAY)
    assert [o.service_date for o in found] == [TODAY + timedelta(days=n) for n in range(-2, 3)]
    today = Occurrence(TODAY, utc("2026-11-04T01:00"), utc("2026-11-04T08:00"))
    assert found[2] == today


WED, SAT = date(2026, 11, 4), date(2026, 11, 7)
ALL_WEEK, NO_DAY = frozenset(range(7)), frozenset[int]()


@pytest.mark.parametrize(
    ("rule", "on_wed", "on_sat", "on_wed_unticked", "on_sat_unticked"),
    [
        (HolidayRule.NONE, False, False, False, False),
        (HolidayRule.ALL, True, True, True, True),
        (HolidayRule.WEEKEND_ONLY, False, True, False, False),
        (HolidayRule.WEEKDAY_ONLY, True, False, False, False),
        (HolidayRule.FOLLOW_WEEKDAY, True, True, False, False),
    ],
)
def test_a_holiday_follows_the_holiday_rule(
    rule: HolidayRule, on_wed: bool, on_sat: bool, on_wed_unticked: bool, on_sat_unticked: bool
) -> None:
    store = replace(STORE, holidays=frozenset({WED, SAT}))
    rows = [
        (WED, ALL_WEEK, on_wed),
        (SAT, ALL_WEEK, on_sat),
        (WED, NO_DAY, on_wed_unticked),
        (SAT, NO_DAY, on_sat_unticked),
    ]
    for day, ticked, allowed in rows:
        told = calendar.day_refusal(store, DayRule(ticked, rule), day)
        assert told is (None if allowed else Reason.HOLIDAY_NOT_ALLOWED), (day, ticked)


@pytest.mark.parametrize("rule", HolidayRule)
def test_on_other_days_only_the_tick_counts(rule: HolidayRule) -> None:
    assert calendar.day_refusal(STORE, DayRule(frozenset({2}), rule), WED) is None
    refused = calendar.day_refusal(STORE, DayRule(frozenset({2}), rule), SAT)
    assert refused is Reason.WEEKDAY_NOT_ALLOWED


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (date(2025, 12, 31), Reason.CONTRACT_NOT_STARTED),
        (date(2026, 1, 1), None),
        (date(2026, 4, 30), None),
        (date(2026, 5, 1), Reason.CONTRACT_PAUSED),
        (date(2026, 5, 31), Reason.CONTRACT_PAUSED),
        (date(2026, 6, 1), None),
        (date(2026, 12, 31), None),
        (date(2027, 1, 1), Reason.CONTRACT_ENDED),
    ],
)
def test_all_dates_of_a_contract_are_inclusive(day: date, told: Reason | None) -> None:
    pause = (date(2026, 5, 1), date(2026, 5, 31))
    contract = Contract("C", "P", NEW_YEAR, date(2026, 12, 31), (pause,))
    assert calendar.contract_refusal(contract, day) is told


def test_clock_changes_are_those_of_whole_days_that_begin_before_the_last_instant() -> None:
    store, change = replace(STORE, tz=NEW_YORK), utc("2026-11-01T06:00")
    midnight = utc("2026-11-01T00:00")
    for first, last, found in (
        (midnight - timedelta(days=2), midnight, []),
        (midnight - timedelta(days=2), midnight + timedelta(seconds=1), [change]),
        (midnight, midnight + timedelta(days=1), [change]),
        (midnight, midnight, []),
        (change, change + timedelta(days=1), []),
    ):
        assert [*calendar.clock_changes(store, first, last)] == found
