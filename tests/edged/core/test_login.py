"""The steps of a login by a staff code, whatever is read in whatever order."""

from hypothesis import given
from hypothesis import strategies as st

from edged.core import limits, login
from edged.core.login import Granted, Keyed, Login, Phase, Proven
from policy.model import StaffRole

BOSS = Proven(Granted("boss", StaffRole.OPERATE))
GAP_MS, STAGE_MS = limits.LOGIN_GAP_MS, limits.LOGIN_STAGE_MS


def after(*what: tuple[int, login.Event]) -> Login:
    """The login that began at 0, after events, each so long after the one before."""
    found, now_ms = login.begin(0), 0
    for later_ms, event in what:
        now_ms += later_ms
        found = login.step(found, event, now_ms)
    return found


def test_digits_a_code_and_the_digits_once_more_confirm_whose_code_it_was() -> None:
    assert after().phase is Phase.WAITING
    assert after((9, Keyed())).phase is Phase.ARMED
    assert after((9, Keyed()), (9, BOSS)).phase is Phase.SHOWN
    confirmed = after((9, Keyed()), (9, BOSS), (GAP_MS, Keyed()))
    assert (confirmed.phase, confirmed.granted) == (Phase.CONFIRMED, BOSS.granted)


def test_digits_that_are_held_up_are_given_once() -> None:
    held = after((0, Keyed()), (1_000, Keyed()), (10, BOSS), (1_000, Keyed()), (1_000, Keyed()))
    assert held.phase is Phase.SHOWN


def test_a_code_that_was_shown_before_the_digits_is_no_login() -> None:
    assert after((9, BOSS)) == login.begin(0)
    assert after((9, BOSS), (GAP_MS, Keyed())).granted is None


def test_a_second_code_is_nobody_s() -> None:
    other = Proven(Granted("other", StaffRole.INSTALL))
    assert after((9, Keyed()), (9, BOSS), (9, other)).granted == BOSS.granted


def test_each_phase_ends_by_itself() -> None:
    for found, lasts_ms in [
        (after(), limits.LOGIN_MS),
        (after((0, Keyed())), STAGE_MS),
        (after((0, Keyed()), (0, BOSS)), STAGE_MS),
        (after((0, Keyed()), (0, BOSS), (GAP_MS, Keyed())), GAP_MS + STAGE_MS),
    ]:
        assert login.passed(found, lasts_ms - 1) == found
        over = login.passed(found, lasts_ms)
        assert (over.phase, over.granted) == (Phase.OVER, None)
        assert login.step(found, Keyed(), lasts_ms).phase is Phase.OVER


@given(
    st.lists(st.tuples(st.integers(0, STAGE_MS + 1), st.sampled_from((Keyed(), BOSS))), max_size=8)
)
def test_nobody_comes_in_without_digits_before_and_after_the_code(
    what: list[tuple[int, login.Event]],
) -> None:
    if after(*what).phase is Phase.CONFIRMED:
        events = [event for _, event in what]
        code = events.index(BOSS, events.index(Keyed()))
        assert Keyed() in events[code:]
