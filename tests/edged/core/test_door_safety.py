"""What holds in every story of a door, told by a lock that has a timer of its own."""

from dataclasses import dataclass, field
from typing import assert_never

from hypothesis import given
from hypothesis import strategies as st

from edged.core.door import (
    Alarm,
    Cleared,
    Closed,
    ContactLost,
    Door,
    DoorAlarm,
    DoorTerms,
    Event,
    ExitPressed,
    Grant,
    LockFailed,
    Opened,
    Outcome,
    Phase,
    Release,
    Secure,
    Tick,
    due_ms,
    step,
)
from edged.core.limits import RELEASE_MAX_MS
from policy.model import Relock

terms = st.builds(
    DoorTerms,
    pulse_ms=st.integers(500, RELEASE_MAX_MS),
    held_open_ms=st.integers(1_000, 60_000),
    relock=st.sampled_from(Relock),
    has_contact=st.booleans(),
)
acts = st.sampled_from([Grant, ExitPressed, LockFailed, Opened, Closed, ContactLost, Tick])
stories = st.lists(st.tuples(st.integers(0, 8_000), acts, st.integers(1, 70_000)), max_size=40)


@dataclass
class Witness:
    """A door as it is carried out: a lock, an audit, an alarm panel."""

    terms: DoorTerms
    door: Door = field(default_factory=Door)
    now_ms: int = 0
    released_until_ms: int = 0
    promised_until_ms: int = 0
    outcomes: list[str] = field(default_factory=list)
    alarms: set[DoorAlarm] = field(default_factory=set)

    def take(self, event: Event, now_ms: int) -> None:
        self.now_ms = now_ms
        match event:
            case Grant(_, for_ms):
                self.promise(for_ms)
            case ExitPressed():
                self.promise(self.terms.pulse_ms)
            case _:
                pass
        self.door, effects = step(self.door, event, now_ms, self.terms)
        asked = isinstance(event, Grant | ExitPressed)
        assert [isinstance(effect, Release) for effect in effects] == [
            asked and place == 0 for place in range(len(effects))
        ]
        assert effects or not asked
        for effect in effects:
            match effect:
                case Release(for_ms):
                    assert 1 <= for_ms <= RELEASE_MAX_MS
                    self.released_until_ms = now_ms + for_ms
                case Secure():
                    self.released_until_ms = min(self.released_until_ms, now_ms)
                case Outcome(event_id):
                    self.outcomes.append(event_id)
                case Alarm(kind):
                    assert kind not in self.alarms
                    self.alarms.add(kind)
                case Cleared(kind):
                    assert isinstance(event, Closed)
                    self.alarms.remove(kind)
                case _:
                    assert_never(effect)
        assert self.released_until_ms <= self.promised_until_ms

    def promise(self, for_ms: int) -> None:
        until_ms = self.now_ms + min(for_ms, RELEASE_MAX_MS)
        self.promised_until_ms = max(self.promised_until_ms, until_ms)

    def live(self, story: list[tuple[int, type[Event], int]]) -> list[str]:
        """Live through a story with the wakings in between; return the grants' ids."""
        granted: list[str] = []
        now_ms = 0
        for pause_ms, act, number in story:
            now_ms += pause_ms
            self.wait(now_ms)
            if act is Grant or act is ExitPressed:
                granted.append(str(len(granted)))
            self.take(self.event(act, number, granted), now_ms)
        return granted

    def event(self, act: type[Event], number: int, granted: list[str]) -> Event:
        if act is Grant:
            return Grant(granted[-1], number)
        if act is ExitPressed:
            return ExitPressed(granted[-1])
        if act is LockFailed:
            return LockFailed(granted[number % len(granted)] if granted else "nobody")
        plain: dict[type[Event], Event] = {
            Opened: Opened(),
            Closed: Closed(),
            ContactLost: ContactLost(),
            Tick: Tick(),
        }
        return plain[act]

    def wait(self, until_ms: float) -> None:
        for _ in range(4):
            wake_ms = due_ms(self.door)
            if wake_ms is None or wake_ms > until_ms:
                return
            self.take(Tick(), wake_ms)
        raise AssertionError("a door wants to be woken without end")


@given(terms, stories)
def test_a_bolt_is_only_released_for_those_who_were_let_through(
    how: DoorTerms, story: list[tuple[int, type[Event], int]]
) -> None:
    Witness(how).live(story)


@given(terms, stories)
def test_silence_ends_secured(how: DoorTerms, story: list[tuple[int, type[Event], int]]) -> None:
    witness = Witness(how)
    witness.live(story)
    witness.wait(float("inf"))
    assert witness.door.until_ms is None
    assert witness.released_until_ms <= witness.now_ms
    assert witness.door.phase is not Phase.RELEASED
    assert witness.door.pending == ()


@given(terms, stories)
def test_no_grant_has_two_outcomes(
    how: DoorTerms, story: list[tuple[int, type[Event], int]]
) -> None:
    witness = Witness(how)
    granted = witness.live(story)
    witness.wait(float("inf"))
    assert len(set(witness.outcomes)) == len(witness.outcomes)
    assert set(witness.outcomes) <= set(granted)


@given(terms, stories)
def test_with_a_contact_every_grant_has_an_outcome(
    how: DoorTerms, story: list[tuple[int, type[Event], int]]
) -> None:
    seen = [each for each in story if each[1] is not ContactLost]
    witness = Witness(DoorTerms(how.pulse_ms, how.held_open_ms, how.relock, has_contact=True))
    granted = witness.live([(0, Closed, 1), *seen])
    witness.wait(float("inf"))
    assert sorted(witness.outcomes) == sorted(granted)


@given(terms, stories)
def test_without_a_contact_nothing_is_claimed(
    how: DoorTerms, story: list[tuple[int, type[Event], int]]
) -> None:
    blind = DoorTerms(how.pulse_ms, how.held_open_ms, how.relock, has_contact=False)
    witness = Witness(blind)
    witness.live([each for each in story if each[1] is not LockFailed])
    witness.wait(float("inf"))
    assert witness.outcomes == []
    assert witness.alarms == set()


@given(terms, stories, st.integers(1, RELEASE_MAX_MS))
def test_nobody_loses_a_release_before_the_door_opens(
    how: DoorTerms, story: list[tuple[int, type[Event], int]], for_ms: int
) -> None:
    """A promise holds against everything but an opening and the closing after it."""
    witness = Witness(how)
    witness.live(story)
    start_ms = witness.now_ms
    witness.take(Grant("last", for_ms), start_ms)
    for pause_ms, act, _ in story:
        now_ms = witness.now_ms + pause_ms
        witness.wait(now_ms)
        if act is not Opened and act is not LockFailed:
            witness.take(witness.event(act, 1, ["more"]), now_ms)
        assert witness.released_until_ms >= start_ms + for_ms
