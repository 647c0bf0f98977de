"""What would come out otherwise under other rules: whose access changes, when, and why."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings

from policy import compare
from policy.compare import Answer, Change, Otherwise, Passage
from policy.model import (
    BandGrant,
    Device,
    Hours,
    Plan,
    Reason,
    Rules,
    Scene,
    Side,
    Usage,
    UsageKey,
    Verdict,
)
from tests.policy.outlooks import Outlook, instant, outlooks, poorer
from tests.policy.worlds import BOOKING, ENTRANCE, MEMBER, STORE, at, rules_of

OPEN = replace(STORE, bands={"DAY": Hours(600, 1020), "NIGHT": Hours(1080, 1380)})
LONGER = replace(OPEN, bands={**OPEN.bands, "DAY": Hours(540, 1020)})
EIGHT = Plan("P1", bands=(BandGrant("DAY", 8),))
OLD = rules_of(EIGHT, store=OPEN)
NOTHING = Scene(at(0))
TODAY = UsageKey("C1", "DAY", date(2026, 11, 4))
LET_IN = Answer(Verdict.ALLOW, Reason.OK, "plan:C1", "DAY", (TODAY,))


def refused(reason: Reason) -> Answer:
    return Answer(Verdict.DENY, reason)


def today(new: Rules, scene: Scene = NOTHING, *, device: str = "D1") -> tuple[Change, ...]:
    return compare.member((OLD, MEMBER), (new, MEMBER), device, scene, at(0), at(24))


def test_longer_hours_let_in_earlier() -> None:
    assert today(rules_of(EIGHT, store=LONGER)) == (
        Change(at(9), at(10), refused(Reason.OUT_OF_BAND), LET_IN),
    )


def test_another_band_for_the_same_hours_counts_otherwise() -> None:
    renamed = replace(OPEN, bands={"LUNCH": Hours(600, 1020)})
    plan = replace(EIGHT, bands=(BandGrant("LUNCH", 8),))
    key = UsageKey("C1", "LUNCH", TODAY.service_date)
    assert today(rules_of(plan, store=renamed)) == (
        Change(at(10), at(17), LET_IN, LET_IN._replace(band="LUNCH", counted=(key,))),
    )


def test_a_lower_limit_refuses_who_has_used_as_many() -> None:
    two = rules_of(replace(EIGHT, bands=(BandGrant("DAY", 2),)), store=OPEN)
    used = Usage.of(UsageKey("C1", "DAY", date(2026, 11, day)) for day in (1, 2))
    assert today(two, replace(NOTHING, used=used)) == (
        Change(at(10), at(17), LET_IN, refused(Reason.QUOTA_EXHAUSTED)),
    )


def test_a_member_may_be_stopped_or_gone() -> None:
    span = (NOTHING, at(0), at(24))
    stopped = replace(MEMBER, suspended=True)
    for member, reason in ((stopped, Reason.MEMBER_SUSPENDED), (None, Reason.MEMBER_UNKNOWN)):
        change = Change(at(10), at(17), LET_IN, refused(reason))
        assert compare.member((OLD, MEMBER), (OLD, member), "D1", *span) == (change,)
    back = Change(at(10), at(17), refused(Reason.MEMBER_UNKNOWN), LET_IN)
    assert compare.member((OLD, None), (OLD, MEMBER), "D1", *span) == (back,)
    assert compare.member((OLD, None), (OLD, None), "D1", *span) == ()


@pytest.mark.parametrize(
    "devices",
    [
        pytest.param({}, id="none of this id"),
        pytest.param({"D1": replace(ENTRANCE, side=Side.OUT)}, id="an exit now"),
    ],
)
def test_a_device_that_is_no_entrance_lets_nobody_in(devices: dict[str, Device]) -> None:
    assert today(replace(OLD, devices=devices)) == (
        Change(at(10), at(17), LET_IN, refused(Reason.DEVICE_DISABLED)),
    )


def test_only_the_reason_of_a_refusal_is_no_change() -> None:
    assert today(rules_of(replace(EIGHT, bands=()), store=OPEN))[0].start == at(10)


def test_each_service_date_is_a_change_of_its_own() -> None:
    new = rules_of(EIGHT, store=LONGER)
    week = compare.member((OLD, MEMBER), (new, MEMBER), "D1", NOTHING, at(0), at(0, day=11))
    assert [(c.start, c.end) for c in week] == [
        (at(9, day=day), at(10, day=day)) for day in range(4, 11)
    ]
    assert [c.after.counted[0].service_date.day for c in week] == list(range(4, 11))


def test_what_changes_on_after_a_booking_began_is_one_change() -> None:
    booked = replace(MEMBER, bookings=(replace(BOOKING, start=at(13), end=at(14)),))
    told = compare.member((OLD, booked), (OLD, None), "D1", NOTHING, at(0), at(24))
    assert told == (Change(at(10), at(17), LET_IN, refused(Reason.MEMBER_UNKNOWN)),)


@pytest.mark.parametrize("now", [at(0, day=1), at(12), at(0, day=20)])
def test_the_time_of_the_scene_is_not_looked_at(now: datetime) -> None:
    longer = rules_of(EIGHT, store=LONGER)
    assert today(longer, Scene(now)) == today(longer)


def test_a_span_has_an_end() -> None:
    late = at(0) + timedelta(days=70, seconds=1)
    most = late - timedelta(seconds=1)
    assert compare.member((OLD, MEMBER), (OLD, MEMBER), "D1", NOTHING, at(0), most) == ()
    with pytest.raises(ValueError, match="last: more than 70 days"):
        compare.member((OLD, MEMBER), (OLD, MEMBER), "D1", NOTHING, at(0), late)


PASSED = Passage("D1", "M1", Scene(at(12)), LET_IN)
TOO_EARLY = Passage("D1", "M1", Scene(at(9, 30)), refused(Reason.OUT_OF_BAND))
FORGOTTEN = Passage("D1", "M9", Scene(at(12)), LET_IN)


def test_a_replay_tells_the_entries_that_come_out_otherwise() -> None:
    new, passages = rules_of(EIGHT, store=LONGER), (PASSED, TOO_EARLY, FORGOTTEN)
    assert list(compare.replay(new, {"M1": MEMBER}, passages)) == [
        Otherwise(TOO_EARLY, LET_IN),
        Otherwise(FORGOTTEN, refused(Reason.MEMBER_UNKNOWN)),
    ]
    assert not new.timetables


def test_a_replay_judges_by_what_was_used_then() -> None:
    once = rules_of(replace(EIGHT, bands=(BandGrant("DAY", 1),)), store=OPEN)
    yesterday = UsageKey("C1", "DAY", date(2026, 11, 3))
    later = replace(PASSED, scene=Scene(at(12), Usage.of([yesterday])))
    assert list(compare.replay(once, {"M1": MEMBER}, [PASSED, later])) == [
        Otherwise(later, refused(Reason.QUOTA_EXHAUSTED))
    ]


# What follows is drawn: see outlooks.py.


def changes(old: Outlook, new: Outlook) -> tuple[Change, ...]:
    first = old.scene.at
    span = (first, first + timedelta(days=6))
    return compare.member((old.rules, old.member), (new.rules, new.member), "D1", old.scene, *span)


@given(outlooks())
@settings(max_examples=50)
def test_rules_change_nothing_against_themselves(drawn: tuple[Outlook, Random]) -> None:
    here, _ = drawn
    assert changes(here, here) == ()
    recorded = Passage("D1", "M1", here.scene, compare.answer(here.ask(here.scene.at)))
    assert list(compare.replay(here.rules, {"M1": here.member}, [recorded])) == []


@given(outlooks())
@settings(max_examples=150)
def test_the_changes_are_where_the_answers_differ(drawn: tuple[Outlook, Random]) -> None:
    old, pick = drawn
    new = poorer(pick, old)
    found = changes(old, new)
    for when in (instant(pick, old.scene.at, 6) for _ in range(60)):
        before, after = (compare.answer(here.ask(when)) for here in (old, new))
        told = [(c.before[:4], c.after[:4]) for c in found if c.start <= when < c.end]
        same = (before.verdict, before.counted) == (after.verdict, after.counted)
        assert told == ([] if same else [(before[:4], after[:4])])
