"""What holds in every story of a locker, however the board, the cloud and people behave."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from policy.locker_model import (
    Assign,
    Claim,
    ConfirmEmpty,
    Effects,
    Event,
    Extend,
    ForceEnd,
    Locker,
    LockerState,
    Log,
    Move,
    NotSeenOpen,
    Occupancy,
    Open,
    PinReset,
    Progress,
    Pulse,
    Pulsed,
    Restarted,
    Return,
    SeenOpen,
    SetAside,
    StaffOpen,
    Tick,
)
from policy.lockers import move, step
from policy.model import OpenWhenExpired, RuleSettings
from tests.policy.lifecycles.cabinet import LOCKERS, START

commands = st.sampled_from(["c0", "c1"])
occupancies = st.sampled_from(["O1", "O2"])
held = st.builds(
    Occupancy,
    occupancies,
    st.sampled_from(["M", "N"]),
    st.just(START),
    st.integers(1, 20).map(lambda days: START + timedelta(days=days)),
    pin_hash=st.sampled_from([None, b"1"]),
)
claims = st.builds(
    Claim,
    st.sampled_from([None, "M", "N"]),
    st.sampled_from([None, b"1"]),
    st.none() | occupancies,
)
at_staff = st.none() | occupancies
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Assign, commands, held),
    st.builds(Open, commands, claims),
    st.builds(Return, commands, claims),
    st.builds(Extend, commands, occupancies, held.map(lambda use: use.end)),
    st.builds(ForceEnd, commands, occupancies, st.booleans(), st.booleans()),
    st.builds(StaffOpen, commands, st.just("boss"), at_staff),
    st.builds(ConfirmEmpty, commands, st.just("boss"), at_staff),
    st.builds(SetAside, commands, st.just("boss"), at_staff),
    st.builds(PinReset, commands, st.booleans()),
    st.builds(Pulsed, commands, st.booleans()),
    st.just(SeenOpen()),
    st.builds(NotSeenOpen, commands),
    st.just(Restarted()),
    st.just(Tick()),
)
stories = st.lists(st.tuples(st.integers(0, 48), events), max_size=25)
any_settings = st.builds(
    RuleSettings,
    locker_open_when_expired=st.sampled_from(OpenWhenExpired),
    force_end_needs_check=st.booleans(),
)
any_locker = st.sampled_from(list(LOCKERS.values()))


@dataclass
class Story:
    """One locker and all that it went through."""

    locker: Locker
    settings: RuleSettings
    reports_door: bool
    at: datetime = START
    steps: list[tuple[Locker, Event, Locker, Effects]] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)

    def tell(self, told: Sequence[tuple[int, Event]]) -> "Story":
        for hours, event in told:
            self.at += timedelta(hours=hours)
            before = self.locker
            self.locker, effects = self.step(before, event)
            self.steps.append((before, event, self.locker, effects))
            self.times.append(self.at)
        return self

    def step(self, locker: Locker, event: Event) -> tuple[Locker, Effects]:
        return step(locker, event, self.at, self.settings, reports_door=self.reports_door)


told = st.builds(Story, any_locker, any_settings, st.booleans()).flatmap(
    lambda story: stories.map(story.tell)
)


def pulses(effects: Effects) -> list[Pulse]:
    return [effect for effect in effects if isinstance(effect, Pulse)]


def progress(locker: Locker) -> Progress | None:
    return None if locker.release is None else locker.release.progress


@given(told)
def test_it_gets_free_only_where_somebody_or_the_board_saw_to_it(story: Story) -> None:
    for before, event, after, _ in story.steps:
        if before.state is LockerState.FREE or after.state is not LockerState.FREE:
            continue
        match event:
            case SeenOpen():
                assert story.reports_door
                assert progress(before) is Progress.PULSING
            case Pulsed(done=done):
                assert done
                assert not story.reports_door
                assert progress(before) is Progress.PULSING
            case _:
                assert isinstance(event, ConfirmEmpty)


@given(told)
def test_a_release_pulse_follows_its_confirmed_reset_and_nothing_else_releases(
    story: Story,
) -> None:
    for before, event, _, effects in story.steps:
        assert len(pulses(effects)) <= 1
        for pulse in pulses(effects):
            if pulse.seen_within_s is None:
                assert isinstance(event, Open | StaffOpen)
                assert pulse.command == event.command
            else:
                assert event == PinReset(pulse.command, confirmed=True)
                assert progress(before) is Progress.RESETTING


@given(told)
def test_a_use_is_released_at_most_once(story: Story) -> None:
    released: set[str] = set()
    for _, event, _, effects in story.steps:
        if isinstance(event, Assign):
            released.discard(event.occupancy.id)  # the story uses few ids, and uses them again
        for effect in effects:
            if isinstance(effect, Log) and effect.word.value == "release_pulse":
                assert effect.occupancy not in released
                released.add(str(effect.occupancy))


@given(told)
def test_a_command_for_another_occupancy_moves_nothing(story: Story) -> None:
    for before, event, after, effects in story.steps:
        match event:
            case Extend() | ForceEnd() | StaffOpen() | ConfirmEmpty() | SetAside():
                meant = event.occupancy
            case Open() | Return() if event.claim.occupancy is not None:
                meant = event.claim.occupancy
            case _:
                continue
        if meant != (before.occupancy and before.occupancy.id):
            assert after in (before, waiting(before))
            assert pulses(effects) == []


def waiting(locker: Locker) -> Locker:
    in_use = locker.state is LockerState.IN_USE
    return replace(locker, state=LockerState.WAITING) if in_use else locker


@given(told, events)
def test_the_same_message_again_changes_nothing(story: Story, event: Event) -> None:
    once, _ = story.step(story.locker, event)
    twice, effects = story.step(once, event)
    assert twice == once
    if not isinstance(event, Open | StaffOpen):
        assert pulses(effects) == []


@given(told)
def test_its_parts_fit_its_state(story: Story) -> None:
    for (_, _, locker, _), at in zip(story.steps, story.times, strict=True):
        assert (locker.release is not None) is (locker.state is LockerState.RELEASING)
        match locker.state:
            case LockerState.FREE:
                assert locker.occupancy is None
            case LockerState.IN_USE:
                assert locker.occupancy is not None
                assert at < locker.occupancy.end
            case LockerState.WAITING | LockerState.RELEASING:
                assert locker.occupancy is not None
            case LockerState.OUT_OF_ORDER:
                pass


@given(told)
def test_time_and_starts_alone_never_free_or_open(story: Story) -> None:
    locker = story.locker
    for days in range(40):
        story.at += timedelta(days=days)
        for event in (Restarted(), Tick()):
            locker, effects = story.step(locker, event)
            assert pulses(effects) == []
    assert (locker.state is LockerState.FREE) is (story.locker.state is LockerState.FREE)
    assert locker.state is not LockerState.IN_USE


@given(told, told, st.builds(Move, commands, occupancies, st.just(b"new")))
def test_a_move_loses_nobodys_use(here: Story, there: Story, ask: Move) -> None:
    source, target = here.locker, replace(there.locker, id="L8")
    (left, _), (entered, _) = move(source, target, ask, here.at)
    if entered.occupancy == target.occupancy:
        assert left in (source, waiting(source))
        return
    assert target.state is LockerState.FREE
    assert source.occupancy is not None
    assert entered.occupancy == replace(source.occupancy, pin_hash=b"new", moved_from="L7")
    assert progress(left) is Progress.RESETTING
