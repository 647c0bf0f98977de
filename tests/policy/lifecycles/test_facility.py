"""Public facilities: the order of the checks, hours past midnight, overlaps (rules.md 4.4)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.facility import (
    Answer,
    Request,
    RequestState,
    Space,
    approve,
    check,
    has_door_right,
    opens,
    reject,
    reset,
)
from policy.model import Hours

SEOUL = ZoneInfo("Asia/Seoul")
SATURDAY = date(2018, 6, 23)
HOUR = timedelta(hours=1)


def at(hour: float, day: date = SATURDAY) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SEOUL).astimezone(UTC) + hour * HOUR


OPEN = Space("SP1", SEOUL, Hours(540, 1320))
SHUT = Space(
    "SP1",
    SEOUL,
    Hours(0, 60),
    bookable=False,
    period=(date(2018, 1, 1), date(2018, 1, 31)),
    no_weekend=True,
    no_weekdays=frozenset({5}),
    no_dates=frozenset({SATURDAY}),
    max_minutes=30,
)
APPROVED = Request("RQ1", "SP1", at(9), at(11), RequestState.APPROVED)


def test_the_first_thing_wrong_is_told_in_the_order_of_the_rules() -> None:
    cures: list[dict[str, Any]] = [
        {"bookable": True},
        {"period": None},
        {"no_dates": frozenset()},
        {"no_weekend": False},
        {"no_weekdays": frozenset()},
        {"hours": Hours(540, 1320)},
        {"max_minutes": None},
    ]
    space, told = SHUT, []
    for cure in cures:
        told.append(check(space, at(9), at(10), [APPROVED]))
        space = replace(space, **cure)
    told.append(check(space, at(9), at(10), [APPROVED]))
    told.append(check(space, at(9), at(10), []))
    assert told == [
        Answer.SPACE_NOT_BOOKABLE,
        Answer.OUTSIDE_PERIOD,
        Answer.DATE_EXCLUDED,
        Answer.WEEKEND_EXCLUDED,
        Answer.WEEKDAY_EXCLUDED,
        Answer.OUTSIDE_HOURS,
        Answer.TOO_LONG,
        Answer.CONFLICT,
        Answer.REQUESTED,
    ]
    assert check(replace(SHUT, bookable=True), at(10), at(10), []) is Answer.BAD_RANGE


@pytest.mark.parametrize(
    ("start", "end", "answer"),
    [
        (22, 26, Answer.REQUESTED),
        (21.5, 26, Answer.OUTSIDE_HOURS),
        (22, 26.5, Answer.OUTSIDE_HOURS),
        (25, 26, Answer.OUTSIDE_HOURS),
    ],
)
def test_hours_past_midnight_are_those_of_the_start(
    start: float, end: float, answer: Answer
) -> None:
    late = Space("SP1", SEOUL, Hours(1320, 1560))
    assert check(late, at(start), at(end), []) is answer


def test_the_date_of_a_request_is_the_facilitys_own() -> None:
    early = Space("SP1", SEOUL, Hours(0, 1440), no_dates=frozenset({SATURDAY}))
    assert at(1).date() < SATURDAY
    assert check(early, at(1), at(2), []) is Answer.DATE_EXCLUDED


def test_what_is_booked_elsewhere_or_not_approved_is_not_in_the_way() -> None:
    elsewhere = replace(APPROVED, space="SP2")
    others = [elsewhere, reset(APPROVED)[0], replace(APPROVED, state=RequestState.REJECTED)]
    assert check(OPEN, at(9), at(11), others) is Answer.REQUESTED


@pytest.mark.parametrize("state", RequestState)
def test_each_button_in_each_state(state: RequestState) -> None:
    request = replace(APPROVED, state=state)
    fresh = state is RequestState.REQUESTED
    answer = Answer.OK if fresh else Answer.NOT_ALLOWED
    approved = RequestState.APPROVED if fresh else state
    rejected = RequestState.REJECTED if fresh else state
    assert approve(request, []) == (replace(request, state=approved), answer)
    assert reject(request) == (replace(request, state=rejected), answer)
    assert reset(request) == (replace(request, state=RequestState.REQUESTED), Answer.OK)


def test_what_only_touches_is_not_in_the_way() -> None:
    always = replace(OPEN, hours=Hours(0, 1440))
    for start, end in ((8, 9), (11, 12)):
        assert check(always, at(start), at(end), [APPROVED]) is Answer.REQUESTED


def test_the_second_of_two_that_overlap_is_not_approved() -> None:
    second = Request("RQ2", "SP1", at(10), at(12))
    assert approve(second, [APPROVED]) == (second, Answer.CONFLICT)


def test_the_door_opens_a_little_early_and_not_at_the_end() -> None:
    quarter = timedelta(minutes=15)
    times = [at(9) - quarter, at(11), at(9) - quarter - timedelta(seconds=1)]
    assert [opens(APPROVED, time, 15) for time in times] == [True, False, False]


spans = st.tuples(st.integers(0, 20), st.integers(1, 8))


@given(st.lists(spans, max_size=8))
def test_approved_requests_never_overlap(asked: list[tuple[int, int]]) -> None:
    requests: list[Request] = []
    for number, (start, hours) in enumerate(asked):
        fresh = Request(f"RQ{number}", "SP1", at(start), at(start + hours))
        requests.append(approve(fresh, requests)[0])
    granted = sorted((r.start, r.end) for r in requests if has_door_right(r))
    assert all(a[1] <= b[0] for a, b in pairwise(granted))


@given(st.sampled_from(RequestState), st.integers(0, 24), st.integers(0, 120))
def test_only_an_approved_request_opens_a_door(
    state: RequestState, hour: int, early_min: int
) -> None:
    opened = opens(replace(APPROVED, state=state), at(hour), early_min)
    assert not opened or state is RequestState.APPROVED
    assert not opened or not opens(reset(APPROVED)[0], at(hour), early_min)
