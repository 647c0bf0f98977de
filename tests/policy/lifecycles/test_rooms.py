"""Reservation rooms: edges the worked examples leave out, and what always holds (rules.md 4.3)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model import Reason, RuleSettings
from policy.rooms import (
    Payment,
    RoomBooking,
    RoomStatus,
    cancel,
    door,
    end_use,
    entry_refusal,
    overrule,
    pay,
    tick,
)

TWO = datetime(2026, 11, 4, 5, tzinfo=UTC)
FOUR = TWO + timedelta(hours=2)
SETTINGS = RuleSettings()
MINUTE = timedelta(minutes=1)

RESERVED = RoomBooking("BK1", "R1", TWO, FOUR, RoomStatus.RESERVED, "boss", ("u1", "u2"))
PAID = replace(RESERVED, status=RoomStatus.PAID, paid_at=TWO - 60 * MINUTE)


def test_a_user_added_after_sending_gets_a_qr_at_once_and_nobody_a_second_one() -> None:
    first = tick(PAID, TWO, SETTINGS)
    more = tick(replace(first, users=("u1", "u2", "u3")), TWO + MINUTE, SETTINGS)
    assert more.sent == {"u1": TWO, "u2": TWO, "u3": TWO + MINUTE}


def test_no_qr_goes_out_from_the_end_on() -> None:
    late = replace(PAID, send_at=FOUR - MINUTE)
    assert tick(late, FOUR, SETTINGS).sent == {}
    assert set(tick(late, FOUR - MINUTE, SETTINGS).sent) == {"u1", "u2"}


def test_a_paid_booking_of_unknown_time_of_payment_sends_nothing() -> None:
    assert tick(replace(PAID, paid_at=None), TWO, SETTINGS).sent == {}


def test_the_cloud_overrules_only_by_a_later_version() -> None:
    here = tick(RESERVED, TWO + 15 * MINUTE, SETTINGS)
    assert here.status is RoomStatus.AUTO_CANCELLED
    assert overrule(here, replace(PAID, version=1)).status is RoomStatus.PAID
    assert overrule(here, PAID) is here


@pytest.mark.parametrize(
    ("status", "ended", "at_the_door", "paid"),
    [
        (RoomStatus.RESERVED, Reason.BOOKING_UNPAID, Reason.BOOKING_UNPAID, Payment.OK),
        (RoomStatus.PAID, Reason.OK, Reason.OK, Payment.NOT_PAYABLE),
        (RoomStatus.FINISHED, Reason.BOOKING_OVER, Reason.BOOKING_OVER, Payment.NOT_PAYABLE),
        (
            RoomStatus.AUTO_CANCELLED,
            Reason.BOOKING_CANCELLED,
            Reason.BOOKING_CANCELLED,
            Payment.NOT_PAYABLE,
        ),
        (
            RoomStatus.CANCELLED,
            Reason.BOOKING_CANCELLED,
            Reason.BOOKING_CANCELLED,
            Payment.NOT_PAYABLE,
        ),
    ],
)
def test_each_step_in_each_state(
    status: RoomStatus, ended: Reason, at_the_door: Reason, paid: Payment
) -> None:
    booking = replace(RESERVED, status=status)
    after, answer = end_use(booking)
    assert answer is ended
    assert after.status is (RoomStatus.FINISHED if ended is Reason.OK else status)
    assert door(booking, "u1", TWO, SETTINGS) == (booking, at_the_door)
    assert pay(booking, TWO, SETTINGS)[1] is paid
    assert cancel(booking).status is RoomStatus.CANCELLED


def test_of_a_rooms_bookings_one_that_lets_in_is_enough() -> None:
    unpaid, over = RESERVED, replace(PAID, status=RoomStatus.FINISHED)
    strangers = replace(PAID, users=("u9",))
    asked: list[tuple[list[RoomBooking], Reason | None]] = [
        ([], Reason.NOT_A_REGISTERED_USER),
        ([strangers], Reason.NOT_A_REGISTERED_USER),
        ([strangers, over], Reason.BOOKING_OVER),
        ([over, unpaid], Reason.BOOKING_UNPAID),
        ([over, PAID, cancel(PAID)], None),
    ]
    for bookings, refusal in asked:
        assert entry_refusal(bookings, "u1", TWO, SETTINGS) is refusal


instants = st.integers(-90, 150).map(lambda minutes: TWO + minutes * MINUTE)
bookings = st.builds(
    RoomBooking,
    st.just("BK1"),
    st.just("R1"),
    st.just(TWO),
    st.just(FOUR),
    st.sampled_from(RoomStatus),
    st.just("boss"),
    st.lists(st.sampled_from(["u1", "u2", "boss"]), unique=True).map(tuple),
    send_at=st.none() | instants,
    paid_at=st.none() | instants,
)
users = st.sampled_from(["u1", "u2", "boss", "stranger"])


@given(bookings, users, instants)
def test_only_a_user_of_a_paid_booking_gets_in_and_in_its_window(
    booking: RoomBooking, user: str, at: datetime
) -> None:
    _, answer = door(booking, user, at, SETTINGS)
    may = booking.status is RoomStatus.PAID and user in booking.users
    assert (answer is Reason.OK) is (may and TWO - 15 * MINUTE <= at < FOUR)


@given(bookings, users, instants)
def test_losing_a_user_or_the_payment_lets_nobody_else_in(
    booking: RoomBooking, user: str, at: datetime
) -> None:
    fewer = replace(booking, users=booking.users[1:])
    for less in (fewer, replace(booking, status=RoomStatus.RESERVED), cancel(booking)):
        if entry_refusal([less], user, at, SETTINGS) is None:
            assert entry_refusal([booking], user, at, SETTINGS) is None


@given(bookings, st.lists(instants, max_size=8).map(sorted))
def test_a_qr_goes_out_once_to_users_of_a_paid_booking_only(
    booking: RoomBooking, times: list[datetime]
) -> None:
    for at in times:
        after = tick(booking, at, SETTINGS)
        assert tick(after, at, SETTINGS) == after
        assert after.sent.items() >= booking.sent.items()
        new = set(after.sent) - set(booking.sent)
        assert new <= set(after.users)
        assert not new or (after.status is RoomStatus.PAID and at < after.end)
        booking = after


@given(bookings, instants)
def test_a_payment_is_taken_once(booking: RoomBooking, at: datetime) -> None:
    paid, answer = pay(booking, at, SETTINGS)
    again, refused = pay(paid, at, SETTINGS)
    assert (again, refused) == (paid, Payment.NOT_PAYABLE)
    assert answer is not Payment.OK or (paid.status is RoomStatus.PAID and paid.paid_at == at)
