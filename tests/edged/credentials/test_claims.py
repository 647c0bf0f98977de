from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.credentials.claims import (
    BookingCode,
    FixedCode,
    MemberCode,
    Printed,
    RotatingCode,
    Shown,
    StaffCard,
    StaffCode,
    check_step,
    check_time,
    check_version,
    check_window,
    offset_of,
)
from policy.model import Reason
from tests.edged.credentials import issuer

CODE = MemberCode(7, issuer.HANDLE, issuer.ISSUED, 30, 99)
FIXED = FixedCode(7, issuer.HANDLE, 3)
STAFF = StaffCode(6, issuer.HANDLE, issuer.STORE, issuer.ISSUED, 10, 99)
CARD = StaffCard(6, issuer.HANDLE, 3)


def test_a_member_code_says_what_was_packed() -> None:
    assert MemberCode.unpack(issuer.m1_body()) == CODE


def test_a_fixed_code_says_what_was_packed() -> None:
    assert FixedCode.unpack(issuer.f1_body()) == FIXED


def test_a_staff_code_says_what_was_packed() -> None:
    assert StaffCode.unpack(issuer.t1_body()) == STAFF


def test_a_staff_card_says_what_was_packed() -> None:
    assert StaffCard.unpack(issuer.t2_body()) == CARD


@pytest.mark.threat("A6")
@given(st.binary(min_size=27, max_size=27))
def test_every_staff_body_has_one_meaning(body: bytes) -> None:
    code = StaffCode.unpack(body)
    packed = code.kid.to_bytes(1) + code.handle + (code.store or bytes(8))
    packed += int(code.issued_at.timestamp()).to_bytes(4)
    assert packed + code.ttl_min.to_bytes(2) + code.nonce.to_bytes(4) == body


@pytest.mark.threat("A6")
@given(st.binary(min_size=11, max_size=11))
def test_every_card_body_has_one_meaning(body: bytes) -> None:
    code = StaffCard.unpack(body)
    assert code.kid.to_bytes(1) + code.handle + code.version.to_bytes(2) == body


@pytest.mark.threat("A6")
@given(st.binary(min_size=19, max_size=19))
def test_every_member_body_has_one_meaning(body: bytes) -> None:
    code = MemberCode.unpack(body)
    packed = code.kid.to_bytes(1) + code.handle + int(code.issued_at.timestamp()).to_bytes(4)
    assert packed + code.ttl_min.to_bytes(2) + code.nonce.to_bytes(4) == body


@pytest.mark.threat("A6")
@given(st.binary(min_size=11, max_size=11))
def test_every_fixed_body_has_one_meaning(body: bytes) -> None:
    code = FixedCode.unpack(body)
    assert code.kid.to_bytes(1) + code.handle + code.version.to_bytes(2) == body


@pytest.mark.threat("A14", "A23")
@pytest.mark.parametrize("shown", [CODE, STAFF], ids=["M1", "T1"])
@pytest.mark.parametrize(
    ("own_min", "rules_min", "after_s", "wrong"),
    [
        pytest.param(30, 30, -61, Reason.CODE_NOT_YET_VALID, id="a second beyond the skew"),
        pytest.param(30, 30, -60, None, id="the skew's first instant"),
        pytest.param(30, 30, 0, None, id="just issued"),
        pytest.param(30, 30, 1_799, None, id="the last second"),
        pytest.param(30, 30, 1_800, Reason.CODE_EXPIRED, id="the end is out"),
        pytest.param(10, 30, 599, None, id="its own life is shorter, inside"),
        pytest.param(10, 30, 600, Reason.CODE_EXPIRED, id="its own life is shorter, over"),
        pytest.param(65_535, 30, 1_800, Reason.CODE_EXPIRED, id="no life beyond the rules'"),
        pytest.param(0, 30, 0, Reason.CODE_EXPIRED, id="no life at all"),
    ],
)
def test_a_shown_code_lives_from_skew_to_life(
    shown: Shown, own_min: int, rules_min: int, after_s: int, wrong: Reason | None
) -> None:
    code, at = replace(shown, ttl_min=own_min), issuer.ISSUED + timedelta(seconds=after_s)
    assert check_time(code, at, ttl_min=rules_min, skew_s=60) is wrong


@pytest.mark.threat("A23")
@pytest.mark.parametrize("issued_s", [0, 2**32 - 1])
def test_the_ends_of_the_calendar_are_dates_like_others(issued_s: int) -> None:
    issued = datetime.fromtimestamp(issued_s, UTC)
    code = replace(CODE, issued_at=issued, ttl_min=65_535)
    assert check_time(code, issued, ttl_min=65_535, skew_s=3_600) is None


@pytest.mark.threat("A14")
@given(st.integers(-10_000, 10_000), st.integers(0, 100), st.integers(0, 100))
def test_a_shorter_life_never_makes_a_code_valid(after_s: int, life: int, less: int) -> None:
    at = issuer.ISSUED + timedelta(seconds=after_s)
    short, long = replace(CODE, ttl_min=life), replace(CODE, ttl_min=life + less)
    if check_time(short, at, ttl_min=30, skew_s=60) is None:
        assert check_time(long, at, ttl_min=30, skew_s=60) is None


@pytest.mark.parametrize("printed", [FIXED, CARD], ids=["F1", "T2"])
@pytest.mark.parametrize(
    ("current", "wrong"), [(3, None), (4, Reason.CODE_REVOKED), (2, Reason.CODE_REVOKED)]
)
def test_only_the_current_version_of_a_printed_code_counts(
    printed: Printed, current: int, wrong: Reason | None
) -> None:
    assert check_version(printed, current) is wrong


BOOKED = BookingCode.unpack(issuer.b1_body())
ROTATING = RotatingCode.unpack(issuer.r1_body())


@given(st.binary(min_size=44, max_size=44))
def test_every_booking_body_has_one_meaning(body: bytes) -> None:
    code = BookingCode.unpack(body)
    packed = code.kid.to_bytes(1) + code.booking + code.handle + code.store
    packed += (code.room or bytes(8)) + int(code.not_before.timestamp()).to_bytes(4)
    packed += code.duration_min.to_bytes(2) + code.uses.to_bytes(1)
    assert packed + int(code.issued_at.timestamp()).to_bytes(4) == body


@given(st.binary(min_size=15, max_size=15))
def test_every_rotating_body_has_one_meaning(body: bytes) -> None:
    code = RotatingCode.unpack(body)
    packed = code.kid.to_bytes(1) + code.handle + code.store.to_bytes(2)
    assert packed + code.step.to_bytes(4) == body


@pytest.mark.parametrize(
    ("minutes", "wrong"),
    [
        (9.99, Reason.CODE_NOT_YET_VALID),
        (10, None),
        (99.99, None),
        (100, Reason.CODE_EXPIRED),
    ],
)
def test_a_booking_code_opens_in_its_window(minutes: float, wrong: Reason | None) -> None:
    assert check_window(BOOKED, issuer.ISSUED + timedelta(minutes=minutes)) is wrong


@pytest.mark.parametrize("offset", range(-2, 3))
@pytest.mark.parametrize("ahead", range(-6, 7))
@pytest.mark.threat("A14")
def test_a_step_is_good_within_two_of_now_and_of_the_phones_now(ahead: int, offset: int) -> None:
    code = replace(ROTATING, step=ROTATING.step + ahead)
    fault = check_step(code, issuer.ISSUED, issuer.ISSUED, offset=offset)
    good = abs(ahead) <= 2 or abs(ahead - offset) <= 2
    if good:
        assert fault is None
    else:
        assert fault is (Reason.CODE_NOT_YET_VALID if ahead > 0 else Reason.CODE_EXPIRED)


@given(st.integers(-10, 10), st.integers(0, 600), st.integers(0, 600), st.integers(-2, 2))
def test_a_less_certain_clock_refuses_no_step_that_a_better_one_takes(
    ahead: int, early_s: int, late_s: int, offset: int
) -> None:
    code, now = replace(ROTATING, step=ROTATING.step + ahead), issuer.ISSUED
    sure = check_step(code, now, now, offset=offset)
    early, late = now - timedelta(seconds=early_s), now + timedelta(seconds=late_s)
    unsure = check_step(code, early, late, offset=offset)
    assert unsure in {None, sure}
    assert check_step(code, early, None, offset=offset) in {None, unsure}


def test_no_offset_is_learnt_beyond_two_steps() -> None:
    learnt = {offset_of(replace(ROTATING, step=ROTATING.step + n), issuer.ISSUED) for n in (-9, 9)}
    assert learnt == {-2, 2}
    assert offset_of(ROTATING, issuer.ISSUED) == 0
    assert offset_of(ROTATING, issuer.ISSUED + timedelta(seconds=15)) == -1


@given(st.integers(-5, 5), st.integers(0, 5))
def test_a_phone_that_was_let_in_once_is_understood_the_next_time(ahead: int, later: int) -> None:
    first, now = replace(ROTATING, step=ROTATING.step + ahead), issuer.ISSUED
    if check_step(first, now, now) is None:
        offset, then = offset_of(first, now), now + timedelta(seconds=15 * later)
        again = replace(first, step=first.step + later)
        assert check_step(again, then, then, offset=offset) is None
