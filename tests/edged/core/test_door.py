from dataclasses import replace
from itertools import product

import pytest

from edged.core.door import (
    Alarm,
    Cleared,
    Closed,
    ContactLost,
    Door,
    DoorAlarm,
    DoorOutcome,
    DoorTerms,
    Effect,
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
from edged.core.limits import PENDING_GRANTS
from policy.model import Relock

TERMS = DoorTerms(pulse_ms=5_000, held_open_ms=30_000, relock=Relock.OPEN, has_contact=True)
ON_CLOSE = replace(TERMS, relock=Relock.CLOSE)
BLIND = replace(TERMS, has_contact=False)

FORCED, HELD = Alarm(DoorAlarm.DOOR_FORCED), Alarm(DoorAlarm.DOOR_HELD_OPEN)
FORCED_ENDS, HELD_ENDS = Cleared(DoorAlarm.DOOR_FORCED), Cleared(DoorAlarm.DOOR_HELD_OPEN)


def opened(event_id: str) -> Outcome:
    return Outcome(event_id, DoorOutcome.DOOR_OPENED)


def not_opened(event_id: str) -> Outcome:
    return Outcome(event_id, DoorOutcome.DOOR_NOT_OPENED)


def fault(event_id: str) -> Outcome:
    return Outcome(event_id, DoorOutcome.LOCK_FAULT)


Story = list[tuple[int, Event]]


def play(
    story: Story, terms: DoorTerms = TERMS, door: Door | None = None
) -> tuple[Door, list[tuple[int, Effect]]]:
    """Tell a story to a door that wakes when it is due, as its gate does."""
    door = Door() if door is None else door
    done: list[tuple[int, Effect]] = []
    for now_ms, event in story:
        while (wake_ms := due_ms(door)) is not None and wake_ms < now_ms:
            door, effects = step(door, Tick(), wake_ms, terms)
            done += ((wake_ms, effect) for effect in effects)
        door, effects = step(door, event, now_ms, terms)
        done += ((now_ms, effect) for effect in effects)
    return door, done


START: Story = [(0, Closed())]
PASSED: Story = [*START, (0, Grant("g", 5_000)), (1_000, Opened()), (2_000, Tick())]
STORIES: dict[Phase, Story] = {
    Phase.REST: START,
    Phase.RELEASED: [*START, (0, Grant("g", 5_000))],
    Phase.OPEN: PASSED,
    Phase.HELD: [*PASSED, (31_000, Tick())],
    Phase.FORCED: [*START, (0, Opened())],
}
REST, RELEASED, OPEN, HELD_OPEN, BROKEN = Phase

PAIRS: dict[tuple[Phase, Event], tuple[Phase, tuple[Effect, ...]]] = {
    (REST, Grant("new", 3_000)): (RELEASED, (Release(3_000),)),
    (REST, ExitPressed("new")): (RELEASED, (Release(5_000),)),
    (REST, Opened()): (BROKEN, (FORCED,)),
    (REST, Closed()): (REST, ()),
    (REST, ContactLost()): (REST, ()),
    (REST, LockFailed("g")): (REST, ()),
    (REST, Tick()): (REST, ()),
    (RELEASED, Grant("new", 3_000)): (RELEASED, (Release(4_000),)),
    (RELEASED, ExitPressed("new")): (RELEASED, (Release(5_000),)),
    (RELEASED, Opened()): (OPEN, (opened("g"),)),
    (RELEASED, Closed()): (RELEASED, ()),
    (RELEASED, ContactLost()): (RELEASED, ()),
    (RELEASED, LockFailed("g")): (RELEASED, (fault("g"),)),
    (RELEASED, Tick()): (RELEASED, ()),
    (OPEN, Grant("new", 3_000)): (OPEN, (Release(3_000), opened("new"))),
    (OPEN, ExitPressed("new")): (OPEN, (Release(5_000), opened("new"))),
    (OPEN, Opened()): (OPEN, ()),
    (OPEN, Closed()): (REST, ()),
    (OPEN, ContactLost()): (OPEN, ()),
    (OPEN, LockFailed("g")): (OPEN, ()),
    (OPEN, Tick()): (OPEN, ()),
    (HELD_OPEN, Grant("new", 3_000)): (HELD_OPEN, (Release(3_000), opened("new"))),
    (HELD_OPEN, ExitPressed("new")): (HELD_OPEN, (Release(5_000), opened("new"))),
    (HELD_OPEN, Opened()): (HELD_OPEN, ()),
    (HELD_OPEN, Closed()): (REST, (HELD_ENDS,)),
    (HELD_OPEN, ContactLost()): (HELD_OPEN, ()),
    (HELD_OPEN, LockFailed("g")): (HELD_OPEN, ()),
    (HELD_OPEN, Tick()): (HELD_OPEN, ()),
    (BROKEN, Grant("new", 3_000)): (BROKEN, (Release(3_000), opened("new"))),
    (BROKEN, ExitPressed("new")): (BROKEN, (Release(5_000), opened("new"))),
    (BROKEN, Opened()): (BROKEN, ()),
    (BROKEN, Closed()): (REST, (FORCED_ENDS,)),
    (BROKEN, ContactLost()): (BROKEN, ()),
    (BROKEN, LockFailed("g")): (BROKEN, ()),
    (BROKEN, Tick()): (BROKEN, ()),
}


def test_the_table_has_every_phase_with_every_event() -> None:
    kinds = {type(event) for _, event in PAIRS}
    assert kinds == set(Event.__args__)
    assert {(phase, type(event)) for phase, event in PAIRS} == set(product(Phase, kinds))


@pytest.mark.parametrize(
    ("before", "event", "after", "effects"),
    [
        pytest.param(before, event, after, effects, id=f"{before.name}-{type(event).__name__}")
        for (before, event), (after, effects) in PAIRS.items()
    ],
)
def test_every_phase_answers_every_event(
    before: Phase, event: Event, after: Phase, effects: tuple[Effect, ...]
) -> None:
    story = STORIES[before]
    door, _ = play(story)
    assert door.phase is before
    now_ms = story[-1][0] + 1_000
    door, done = step(door, event, now_ms, TERMS)
    assert (door.phase, done) == (after, effects)


TOLD: dict[str, tuple[Story, DoorTerms, list[tuple[int, Effect]], Phase]] = {
    "nobody went through: the lock ends it, and the grant is told off": (
        [*START, (0, Grant("a", 5_000)), (5_500, Tick())],
        TERMS,
        [(0, Release(5_000)), (5_500, not_opened("a"))],
        REST,
    ),
    "a contact may be a little late": (
        [*START, (0, Grant("a", 5_000)), (5_499, Opened())],
        TERMS,
        [(0, Release(5_000)), (5_499, opened("a"))],
        OPEN,
    ),
    "but not later, even if nobody ticked": (
        [*START, (0, Grant("a", 5_000)), (5_500, Opened())],
        TERMS,
        [(0, Release(5_000)), (5_500, not_opened("a")), (5_500, FORCED)],
        BROKEN,
    ),
    "no relock before the leaf has left the strike": (
        [*START, (0, Grant("a", 5_000)), (1_000, Opened()), (1_499, Tick())],
        TERMS,
        [(0, Release(5_000)), (1_000, opened("a"))],
        OPEN,
    ),
    "relock on open": (
        [*START, (0, Grant("a", 5_000)), (1_000, Opened()), (1_500, Tick()), (9_000, Closed())],
        TERMS,
        [(0, Release(5_000)), (1_000, opened("a")), (1_500, Secure())],
        REST,
    ),
    "relock on open: closed again within the delay": (
        [*START, (0, Grant("a", 5_000)), (1_000, Opened()), (1_200, Closed())],
        TERMS,
        [(0, Release(5_000)), (1_000, opened("a")), (1_200, Secure())],
        REST,
    ),
    "relock on open: close to the end": (
        [*START, (0, Grant("a", 5_000)), (4_900, Opened()), (6_000, Tick())],
        TERMS,
        [(0, Release(5_000)), (4_900, opened("a")), (5_400, Secure())],
        OPEN,
    ),
    "relock on open: the lock's own timer was first": (
        [*START, (0, Grant("a", 5_000)), (5_200, Opened()), (6_000, Tick())],
        TERMS,
        [(0, Release(5_000)), (5_200, opened("a"))],
        OPEN,
    ),
    "relock on close": (
        [*START, (0, Grant("a", 5_000)), (1_000, Opened()), (3_000, Closed())],
        ON_CLOSE,
        [(0, Release(5_000)), (1_000, opened("a")), (3_000, Secure())],
        REST,
    ),
    "relock on close: the lock's own timer was first": (
        [*START, (0, Grant("a", 5_000)), (1_000, Opened()), (8_000, Closed())],
        ON_CLOSE,
        [(0, Release(5_000)), (1_000, opened("a"))],
        REST,
    ),
    "a second grant never shortens the first; one opening serves both": (
        [*START, (0, Grant("a", 9_000)), (1_000, Grant("b", 2_000)), (2_000, Opened())],
        TERMS,
        [(0, Release(9_000)), (1_000, Release(8_000)), (2_000, opened("a")), (2_000, opened("b"))],
        OPEN,
    ),
    "a second grant extends to the later end": (
        [*START, (0, Grant("a", 5_000)), (4_000, Grant("b", 5_000)), (9_500, Tick())],
        TERMS,
        [
            (0, Release(5_000)),
            (4_000, Release(5_000)),
            (9_500, not_opened("a")),
            (9_500, not_opened("b")),
        ],
        REST,
    ),
    "a grant overtakes the relock that is due, and the closing does not take it back": (
        [
            *START,
            (0, Grant("a", 5_000)),
            (1_000, Opened()),
            (1_500, Grant("b", 5_000)),
            (4_000, Closed()),
            (5_000, Opened()),
            (5_500, Tick()),
        ],
        TERMS,
        [
            (0, Release(5_000)),
            (1_000, opened("a")),
            (1_500, Release(5_000)),
            (1_500, opened("b")),
            (5_500, Secure()),
        ],
        OPEN,
    ),
    "a grant at a forced door lasts beyond its closing, and has had its outcome": (
        [*START, (0, Opened()), (1_000, Grant("a", 5_000)), (2_000, Closed()), (6_500, Tick())],
        ON_CLOSE,
        [(0, FORCED), (1_000, Release(5_000)), (1_000, opened("a")), (2_000, FORCED_ENDS)],
        REST,
    ),
    "a closing ends the held-open time, even of a door that stays released": (
        [
            *START,
            (0, Grant("a", 5_000)),
            (0, Opened()),
            (29_000, Grant("b", 5_000)),
            (29_500, Closed()),
            (34_500, Tick()),
        ],
        TERMS,
        [
            (0, Release(5_000)),
            (0, opened("a")),
            (500, Secure()),
            (29_000, Release(5_000)),
            (29_000, opened("b")),
        ],
        REST,
    ),
    "held open, relocked before the alarm is ended": (
        [*START, (0, Grant("a", 60_000)), (0, Opened()), (30_000, Tick()), (31_000, Closed())],
        ON_CLOSE,
        [
            (0, Release(60_000)),
            (0, opened("a")),
            (30_000, HELD),
            (31_000, Secure()),
            (31_000, HELD_ENDS),
        ],
        REST,
    ),
    "no release is longer than locks allow": (
        [*START, (0, Grant("a", 90_000))],
        TERMS,
        [(0, Release(60_000))],
        RELEASED,
    ),
    "a lock that answered nothing may have moved: opening is not forcing": (
        [
            *START,
            (0, ExitPressed("a")),
            (1, LockFailed("a")),
            (2, LockFailed("a")),
            (3_000, Opened()),
        ],
        TERMS,
        [(0, Release(5_000)), (1, fault("a"))],
        OPEN,
    ),
    "a fault is its own grant's": (
        [
            *START,
            (0, Grant("a", 5_000)),
            (1_000, Grant("b", 5_000)),
            (1_001, LockFailed("b")),
            (2_000, Opened()),
        ],
        TERMS,
        [(0, Release(5_000)), (1_000, Release(5_000)), (1_001, fault("b")), (2_000, opened("a"))],
        OPEN,
    ),
    "found open at the start: not forced, but not for ever": (
        [(0, Opened()), (30_000, Tick()), (31_000, Closed()), (32_000, Opened())],
        TERMS,
        [(30_000, HELD), (31_000, HELD_ENDS), (32_000, FORCED)],
        BROKEN,
    ),
    "found open after the contact was lost: not forced": (
        [*START, (0, ContactLost()), (1_000, Opened()), (2_000, Closed()), (3_000, Opened())],
        TERMS,
        [(3_000, FORCED)],
        BROKEN,
    ),
    "a cut wire ends no alarm": (
        [*START, (0, Opened()), (1_000, ContactLost()), (2_000, Opened()), (3_000, Closed())],
        TERMS,
        [(0, FORCED), (3_000, FORCED_ENDS)],
        REST,
    ),
    "nothing is claimed of a door that can't be seen": (
        [*START, (0, Grant("a", 5_000)), (1_000, ContactLost()), (5_500, Tick())],
        TERMS,
        [(0, Release(5_000))],
        REST,
    ),
    "granted before the first report": (
        [(0, Grant("a", 5_000)), (1_000, Opened())],
        TERMS,
        [(0, Release(5_000)), (1_000, opened("a"))],
        OPEN,
    ),
    "without a contact: no outcome, no alarm": (
        [(0, Closed()), (0, Opened()), (0, Grant("a", 5_000)), (100, Opened()), (5_500, Tick())],
        BLIND,
        [(0, Release(5_000))],
        REST,
    ),
    "without a contact a lock's fault is known all the same": (
        [(0, Grant("a", 5_000)), (1, LockFailed("a"))],
        BLIND,
        [(0, Release(5_000)), (1, fault("a"))],
        RELEASED,
    ),
}


@pytest.mark.parametrize(("story", "terms", "effects", "phase"), TOLD.values(), ids=TOLD)
def test_stories(
    story: Story, terms: DoorTerms, effects: list[tuple[int, Effect]], phase: Phase
) -> None:
    door, done = play(story, terms)
    assert (door.phase, done) == (phase, effects)


def test_a_grant_that_finds_old_work_releases_first_and_throws_no_bolt() -> None:
    door, _ = play([*START, (0, Grant("a", 40_000)), (0, Opened())])
    door, effects = step(door, ExitPressed("b"), 30_000, TERMS)
    assert effects == (Release(5_000), HELD, opened("b"))
    assert door.phase is HELD_OPEN


@pytest.mark.parametrize(
    ("start", "given_up"), [(START, [(0, not_opened("0"))]), ([], [])], ids=["seen", "unseen"]
)
def test_of_too_many_who_wait_the_oldest_is_given_up(
    start: Story, given_up: list[tuple[int, Effect]]
) -> None:
    crowd: Story = [(0, Grant(str(n), 5_000)) for n in range(PENDING_GRANTS + 1)]
    door, done = play([*start, *crowd])
    assert len(door.pending) == PENDING_GRANTS
    assert [(at, effect) for at, effect in done if effect != Release(5_000)] == given_up


@pytest.mark.parametrize(
    ("story", "due"),
    [
        (START, None),
        ([(0, Grant("a", 5_000))], 5_500),
        ([(0, Grant("a", 5_000)), (100, Opened())], 600),
        ([(0, Grant("a", 5_000)), (100, Opened()), (600, Tick())], 30_100),
        ([(0, Grant("a", 5_000)), (100, Opened()), (600, Tick()), (30_100, Tick())], None),
        ([*START, (0, Opened())], None),
        ([(0, Opened())], 30_000),
    ],
    ids=["rest", "released", "just opened", "open", "held", "forced", "found open"],
)
def test_a_door_says_when_it_wants_to_be_woken(story: Story, due: int | None) -> None:
    door, _ = play(story)
    assert due_ms(door) == due
