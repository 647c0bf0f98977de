"""What holds for every outlook: windows and ways in are exactly what is decided there."""

from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings

from policy.explain import Way, Window, way_in, windows
from policy.model import Reason, Verdict
from policy.turns import turns
from tests.policy.outlooks import Outlook, instant, outlooks, poorer

DAYS = 6
TICK = timedelta.resolution
HOPELESS = {Reason.DEVICE_DISABLED, Reason.MEMBER_SUSPENDED}
"""Refusals of these worlds that waiting does not mend."""


def ahead(here: Outlook) -> tuple[Window, ...]:
    first = here.scene.at
    last = first + timedelta(days=DAYS)
    return windows(here.rules, here.device, here.member, here.scene, first, last)


def said(here: Outlook, at: datetime) -> tuple[str | None, str | None] | None:
    """Return by what the member is let in at an instant; None: not at all."""
    decision = here.ask(at)
    return (decision.via, decision.band) if decision.verdict is Verdict.ALLOW else None


@given(outlooks())
@settings(max_examples=200)
def test_a_window_begins_and_ends_where_the_answer_does(drawn: tuple[Outlook, Random]) -> None:
    here, _ = drawn
    first, last = here.scene.at, here.scene.at + timedelta(days=DAYS)
    for window in ahead(here):
        by = (window.via, window.band)
        assert first <= window.start < window.end <= last
        assert said(here, window.start) == said(here, window.end - TICK) == by
        assert window.start == first or said(here, window.start - TICK) != by
        assert window.end == last or said(here, window.end) != by


@given(outlooks())
@settings(max_examples=200)
def test_at_any_instant_the_windows_say_what_is_decided(drawn: tuple[Outlook, Random]) -> None:
    here, pick = drawn
    found = ahead(here)
    for when in (instant(pick, here.scene.at, DAYS) for _ in range(40)):
        inside = [(w.via, w.band) for w in found if w.start <= when < w.end]
        assert inside == [by for by in [said(here, when)] if by is not None]


@given(outlooks())
@settings(max_examples=200)
def test_taking_a_right_away_adds_no_window(drawn: tuple[Outlook, Random]) -> None:
    here, pick = drawn
    richer, less = ahead(here), poorer(pick, here)
    for window in ahead(less):
        reached = window.start
        for other in richer:
            if other.start <= reached < other.end:
                reached = other.end
        assert reached >= window.end


@given(outlooks())
@settings(max_examples=100)
def test_the_way_in_is_the_first_yes_of_all(drawn: tuple[Outlook, Random]) -> None:
    here, _ = drawn
    decision = here.ask(here.scene.at)
    way = way_in(here.rules, here.device, here.member, here.scene, decision)
    last = here.scene.at + timedelta(days=62)
    if decision.verdict is Verdict.DENY and decision.reason not in HOPELESS:
        asked = turns(here.rules, here.device, here.member, here.scene, last)
        first = next((at for at in asked if said(here, at) is not None), None)
        assert (way and way.at) == first
    else:
        assert way is None
    if way is not None:
        assert said(here, way.at) == (way.via, way.band)
        assert (way.kind is Way.BOOKED) == (way.booked is not None)
