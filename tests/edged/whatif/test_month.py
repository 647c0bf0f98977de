import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.whatif.journal import Uses
from edged.whatif.month import DAY_MIN, Day, Month, Quota, Span, Subject, picture
from policy.entry import decide
from policy.model import Hours, Scene, Verdict
from tests.edged.whatif import club

NOVEMBER = date(2026, 11, 1)
NOW = datetime(2026, 11, 18, 3, tzinfo=UTC)  # Wednesday noon at the store
UNUSED = Uses(None)
NO_TICKET = club.changed("members", "M1", "tickets", to=[])


def subject(rules: Mapping[str, Any] = NO_TICKET, member: str = "M1") -> Subject:
    found = club.rule_set(rules)
    return Subject(found.rules, found.rules.devices["front-in"], found.members[member])


def month(uses: Uses = UNUSED, rules: Mapping[str, Any] = NO_TICKET, now: datetime = NOW) -> Month:
    return picture(subject(rules), uses, NOVEMBER, now)


def day(of: Month, number: int) -> Day:
    return of.days[number - 1]


@pytest.mark.parametrize(
    ("number", "spans"),
    [
        pytest.param(25, [(600, 1020, "DAY")], id="a weekday"),
        pytest.param(26, [(600, 1020, "DAY"), (1080, 1380, "NIGHT")], id="two bands"),
        pytest.param(28, [(600, 1020, "DAY"), (1320, 1440, "LATE")], id="until midnight"),
        pytest.param(29, [(0, 120, "LATE")], id="from midnight on"),
        pytest.param(23, [(1080, 1320, "NIGHT"), (1320, 1440, "LATE")], id="a holiday"),
        pytest.param(10, [], id="a closed date"),
    ],
)
def test_a_day_is_open_as_its_bands_are(number: int, spans: list[tuple[int, int, str]]) -> None:
    assert day(month(), number).open == tuple(Span(*span) for span in spans)


def test_holidays_and_closed_dates_are_marked() -> None:
    marked = [(d.date.day, d.holiday, d.closed) for d in month().days if d.holiday or d.closed]
    assert marked == [(3, True, False), (10, False, True), (23, True, False)]


def test_a_used_up_band_is_shut_from_today_on(uses_of: Callable[..., Uses]) -> None:
    used = uses_of(*(club.used(f"2026-11-0{n}", f"e{n}") for n in (2, 4, 5)))
    found = month(used)
    assert [d.date.day for d in found.days if any(s.name == "DAY" for s in d.open)] == [
        *(d for d in range(2, 18) if date(2026, 11, d).weekday() < 6 and d not in {3, 10})
    ]
    assert found.quotas[0] == Quota("DAY", Hours(600, 1020), 3, 3, 0)


def test_what_was_withdrawn_is_no_use(uses_of: Callable[..., Uses]) -> None:
    uses = uses_of(
        club.used("2026-11-02", "e1"), club.used("2026-11-04", "e2"), club.withdrawn("e2")
    )
    found = month(uses)
    assert {d.date.day: d.used for d in found.days if d.used} == {2: ("DAY",)}
    assert found.quotas[0].left == 2


def test_a_booking_is_shown_on_its_day() -> None:
    assert day(month(), 24).booked == (Span(1080, 1140, "YOGA"),)


def test_a_ticket_and_a_plan_without_limits_are_told() -> None:
    free = club.changed(
        "members", "M1", "contracts", to=[{"id": "C9", "plan": "FREE", "start": "2026-01-01"}]
    )
    found = month(rules=free)
    assert [(q.name, q.left) for q in found.quotas] == [("ticket", 4), ("plan", None)]
    assert day(found, 25).open == (Span(0, DAY_MIN, "plan"),)


def test_a_contract_of_another_time_has_nothing_left() -> None:
    ended = club.changed(
        "members",
        "M1",
        "contracts",
        to=[{"id": "C1", "plan": "P1", "start": "2026-01-01", "end": "2026-10-31"}],
    )
    assert [q.name for q in month(rules=ended).quotas] == ["ticket"]


def test_the_counted_month_is_that_of_today(uses_of: Callable[..., Uses]) -> None:
    rules = {**NO_TICKET, "settings": {"month_anchor_day": 15}}
    uses = uses_of(club.used("2026-11-02", "e1"), club.used("2026-11-16", "e2"))
    assert month(uses, rules).quotas[0].count == 1
    early = NOW - timedelta(days=10)
    assert month(uses, rules, early).quotas[0].left == 2


@given(st.dates(date(2024, 1, 1), date(2030, 12, 31)))
def test_every_day_stands_once_under_its_weekday(any_day: date) -> None:
    found = month_of(any_day.replace(day=1))
    cells = [cell for week in found.weeks for cell in week]
    assert [cell for cell in cells if cell] == list(found.days)
    assert all(len(week) == 7 for week in found.weeks)
    assert all(cell.date.weekday() == n % 7 for n, cell in enumerate(cells) if cell)


def month_of(first: date) -> Month:
    """A month of days without anything."""
    days = [first + timedelta(days=n) for n in range(31)]
    empty = (
        Day(d, holiday=False, closed=False, open=(), booked=(), used=())
        for d in days
        if d.month == first.month
    )
    return Month("M1", "front-in", "S1", first, first, tuple(empty), ())


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Pacific/Apia"])
@pytest.mark.parametrize("first", [date(2026, 3, 1), NOVEMBER])
def test_nothing_is_shown_open_where_the_door_says_no(zone: str, first: date) -> None:
    rules = json.loads(json.dumps(NO_TICKET))
    rules["stores"]["S1"]["tz"] = zone
    of = subject(rules)
    for shown in picture(of, UNUSED, first, NOW).days:
        for span in shown.open:
            assert 0 <= span.start_min < span.end_min <= DAY_MIN
            for minute in (span.start_min, span.end_min - 1):
                wall = datetime.combine(shown.date, datetime.min.time(), of.store.tz)
                at = (wall + timedelta(minutes=minute)).astimezone(UTC)
                if at.astimezone(of.store.tz) != wall + timedelta(minutes=minute):
                    continue  # the clocks skip it
                asked = decide(of.rules, of.device, of.member, Scene(at))
                assert (asked.verdict, asked.band) == (Verdict.ALLOW, span.name)
