"""What holds in every story of a door, told by a lock that has a timer of its own (hil/doors)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.core.door_words import DoorAlarm, DoorTerms, Event, Grant, Phase
from edged.core.limits import RELEASE_MAX_MS
from hil.doors.witness import Act, Moment, Witness
from policy.model import ExitButton, Relock

terms = st.builds(
    DoorTerms,
    pulse_ms=st.integers(500, RELEASE_MAX_MS),
    held_open_ms=st.integers(1_000, 60_000),
    pre_alarm_ms=st.sampled_from([0, 500, 10_000]),
    forced_min_ms=st.sampled_from([0, 30_000]),
    extended_ms=st.sampled_from([0, 15_000]),
    relock=st.sampled_from(Relock),
    relock_delay_ms=st.sampled_from([0, 500, 10_000]),
    exit_button=st.sampled_from(ExitButton),
    has_contact=st.booleans(),
    fail_safe=st.booleans(),
    first_in=st.booleans(),
)
moments = st.tuples(st.integers(0, 8_000), st.sampled_from(Act), st.integers(1, 70_000))
stories = st.lists(moments, max_size=40)
CALM = (0, Act.LEVELS, 8)
"""No fire, no lockdown, no hours."""


def without(story: list[Moment], *acts: Act) -> list[Moment]:
    return [each for each in story if each[1] not in acts]


def rest(witness: Witness) -> None:
    """Leave the door alone for as long as it wants something."""
    witness.live([CALM])
    witness.wait(None)


@pytest.mark.threat("J2")
@given(terms, stories)
def test_a_door_keeps_its_laws(how: DoorTerms, story: list[Moment]) -> None:
    Witness(how).live(story)


@given(terms, stories)
def test_silence_ends_secured(how: DoorTerms, story: list[Moment]) -> None:
    witness = Witness(how)
    witness.live(story)
    rest(witness)
    assert witness.door.until_ms is None
    assert witness.released_until_ms <= witness.now_ms
    assert witness.door.phase not in {Phase.RELEASED, Phase.UNASKED}
    assert witness.door.pending == ()


@given(terms, stories)
def test_with_a_contact_every_grant_has_an_outcome(how: DoorTerms, story: list[Moment]) -> None:
    seen = replace(how, has_contact=True, exit_button=ExitButton.RELEASE)
    witness = Witness(seen)
    witness.live([(0, Act.CLOSED, 1), *without(story, Act.CONTACT_LOST)])
    rest(witness)
    assert witness.outcomes == set(witness.granted)


@given(terms, stories)
def test_without_a_contact_nothing_is_claimed(how: DoorTerms, story: list[Moment]) -> None:
    witness = Witness(replace(how, has_contact=False))
    witness.live(without(story, Act.LOCK_FAILED))
    rest(witness)
    assert witness.outcomes == set()
    assert set(witness.up_since_ms) <= {DoorAlarm.LOCK_NOT_SECURED}


@given(terms, stories, stories)
def test_a_door_that_begins_anew_moves_only_when_it_is_asked(
    how: DoorTerms, before: list[Moment], after: list[Moment]
) -> None:
    """A restart: the lock's timer has ended, and nobody is let through for what was."""
    Witness(how).live(before)
    anew = Witness(how)
    anew.live(without(after, Act.GRANT, Act.EXIT, Act.EXTEND, Act.LEVELS))
    assert anew.released_until_ms == 0


@given(terms, stories, st.integers(1, RELEASE_MAX_MS))
def test_nobody_loses_a_release_before_the_door_opens(
    how: DoorTerms, story: list[Moment], for_ms: int
) -> None:
    """A promise holds against everything but an opening and the closing after it."""
    witness = Witness(how)
    witness.live(story)
    start_ms = witness.now_ms
    last: Event = Grant("last", for_ms)
    witness.granted.append("last")
    witness.take(last)
    for each in without(story, Act.OPENED, Act.LOCK_FAILED):
        witness.live([each])
        assert witness.released_until_ms >= start_ms + for_ms
