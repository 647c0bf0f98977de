"""LINE bookings: places are given back once, deadlines, the day's ledger (rules.md 4.5)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.line import (
    Actor,
    Answer,
    Column,
    Deadline,
    Origin,
    Slot,
    book,
    cancel,
    ledger,
    may_cancel,
)
from policy.model import Booking, BookingStatus

TOKYO = ZoneInfo("Asia/Tokyo")
WEDNESDAY = date(2026, 11, 4)
WEEKEND = frozenset({5, 6})
CULTURE_DAY = frozenset({date(2026, 11, 3)})


def test_a_booking_that_is_made_twice_takes_one_place() -> None:
    once, _ = book(Slot("S", 2), "A")
    assert book(once, "A") == (once, Answer.DUPLICATE)


def test_a_booking_heard_of_after_its_cancel_takes_no_place() -> None:
    gone, answer = cancel(Slot("S", 1), "A")
    assert answer is Answer.NOT_BOOKED
    assert book(gone, "A") == (gone, Answer.NOT_BOOKED)
    assert book(gone, "B")[1] is Answer.OK


messages = st.lists(
    st.tuples(st.sampled_from([book, cancel]), st.sampled_from("ABCD")), max_size=30
)


@given(st.integers(0, 3), messages)
def test_a_place_is_never_sold_twice_nor_given_back_twice(
    capacity: int, story: list[tuple[object, str]]
) -> None:
    slot = Slot("S", capacity)
    given_back: set[str] = set()
    for act, booking in story:
        before = slot
        if act is book:
            slot, answer = book(before, booking)
            again, _ = book(slot, booking)
        else:
            slot, answer = cancel(before, booking)
            again, _ = cancel(slot, booking)
            assert len(before.taken) - len(slot.taken) == (answer is Answer.OK)
            assert answer is not Answer.OK or booking not in given_back
            given_back.add(booking)
        assert again == slot
        assert len(slot.taken) == len(set(slot.taken)) <= capacity
        assert not given_back & set(slot.taken)


@pytest.mark.parametrize(
    ("business_days", "last"),
    [
        (0, date(2026, 11, 4)),
        (1, date(2026, 11, 2)),
        (2, date(2026, 10, 30)),
    ],
)
def test_holidays_and_off_days_do_not_count(business_days: int, last: date) -> None:
    deadline = Deadline(business_days, WEEKEND, CULTURE_DAY)
    for today, allowed in ((last, True), (last + timedelta(days=1), False)):
        by_user = may_cancel(Actor.USER, Origin.LINE, WEDNESDAY, today, deadline)
        assert by_user is allowed


def test_without_business_days_only_staff_may_cancel() -> None:
    never = Deadline(0, frozenset(range(7)), frozenset())
    for actor, allowed in ((Actor.USER, False), (Actor.STAFF, True)):
        assert may_cancel(actor, Origin.LINE, WEDNESDAY, WEDNESDAY, never) is allowed


@given(
    st.integers(0, 10),
    st.sets(st.integers(0, 6)),
    st.dates(date(2026, 10, 1), date(2026, 12, 1)),
    st.sampled_from(Origin),
)
def test_a_user_never_gets_more_time_by_more_days_off_or_a_later_today(
    business_days: int, off: set[int], today: date, origin: Origin
) -> None:
    def allowed(deadline: Deadline, when: date) -> bool:
        return may_cancel(Actor.USER, origin, WEDNESDAY, when, deadline)

    deadline = Deadline(business_days, off, CULTURE_DAY)
    for stricter in (
        allowed(deadline, today + timedelta(days=1)),
        allowed(Deadline(business_days + 1, off, CULTURE_DAY), today),
        allowed(Deadline(business_days, off | {2}, CULTURE_DAY), today),
    ):
        assert not stricter or allowed(deadline, today)
    assert origin is Origin.LINE or not allowed(deadline, today)


def booking(name: str, start: datetime, *, room: str | None, paid: bool) -> Booking:
    end = start + timedelta(hours=1)
    return Booking(name, "S1", "YOGA", start, end, BookingStatus.CONFIRMED, paid, room)


def test_the_ledger_lists_the_local_days_bookings_by_start() -> None:
    late = datetime(2026, 11, 4, 14, 30, tzinfo=UTC)  # 23:30 in Tokyo, ends on the next day
    rows = [
        ("M2", booking("B2", late, room="R1", paid=True)),
        ("M1", booking("B1", datetime(2026, 11, 3, 15, tzinfo=UTC), room=None, paid=False)),
        ("M3", booking("B3", late + timedelta(minutes=30), room=None, paid=True)),
        ("M0", booking("B4", late, room="R2", paid=True)),
    ]
    assert list(ledger(rows, WEDNESDAY, TOKYO)) == [
        ("booking", "member", "program", "room", "start", "end", "status", "paid"),
        ("B1", "M1", "YOGA", "", "2026-11-04 00:00", "2026-11-04 01:00", "CONFIRMED", "no"),
        ("B2", "M2", "YOGA", "R1", "2026-11-04 23:30", "2026-11-05 00:30", "CONFIRMED", "yes"),
        ("B4", "M0", "YOGA", "R2", "2026-11-04 23:30", "2026-11-05 00:30", "CONFIRMED", "yes"),
    ]


def test_the_ledger_shows_the_columns_that_are_asked_for() -> None:
    rows = [("M1", booking("B1", datetime(2026, 11, 4, 3, tzinfo=UTC), room=None, paid=True))]
    shown = ledger(rows, WEDNESDAY, TOKYO, (Column.MEMBER, Column.PAID))
    assert list(shown) == [("member", "paid"), ("M1", "yes")]
