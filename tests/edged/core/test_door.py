from itertools import product

import pytest

from edged.core.door import due_ms, step
from edged.core.door_words import (
    Bond,
    Closed,
    ContactLost,
    Door,
    Effect,
    Event,
    ExitPressed,
    Extend,
    Grant,
    LockFailed,
    Opened,
    Phase,
    Release,
    Tick,
)
from edged.core.limits import PENDING_GRANTS
from tests.edged.core.doors import (
    BROKEN,
    FORCED_ENDS,
    HELD,
    HELD_ENDS,
    HELD_OPEN,
    OPEN,
    PASSED,
    RELEASED,
    REST,
    START,
    TERMS,
    UNASKED,
    Story,
    fault,
    not_opened,
    opened,
    play,
)

STORIES: dict[Phase, Story] = {
    REST: [*START, (1_000, Tick())],
    RELEASED: [*START, (0, Grant("g", 5_000)), (1_000, Tick())],
    OPEN: [*PASSED, (3_000, Tick())],
    HELD_OPEN: [*PASSED, (32_000, Tick())],
    UNASKED: [*START, (0, Opened()), (100, Tick())],
    BROKEN: [*START, (0, Opened()), (31_000, Tick())],
}

PAIRS: dict[tuple[Phase, Event], tuple[Phase, tuple[Effect, ...]]] = {
    (REST, Grant("new", 3_000)): (RELEASED, (Release(3_000),)),
    (REST, ExitPressed("new")): (RELEASED, (Release(5_000),)),
    (REST, Extend()): (REST, ()),
    (REST, Opened()): (UNASKED, ()),
    (REST, Closed()): (REST, ()),
    (REST, ContactLost()): (REST, ()),
    (REST, Bond(secured=False)): (REST, ()),
    (REST, LockFailed("g")): (REST, ()),
    (REST, Tick()): (REST, ()),
    (RELEASED, Grant("new", 3_000)): (RELEASED, (Release(4_000),)),
    (RELEASED, ExitPressed("new")): (RELEASED, (Release(5_000),)),
    (RELEASED, Extend()): (RELEASED, (Release(19_000),)),
    (RELEASED, Opened()): (OPEN, (opened("g"),)),
    (RELEASED, Closed()): (RELEASED, ()),
    (RELEASED, ContactLost()): (RELEASED, ()),
    (RELEASED, Bond(secured=False)): (RELEASED, ()),
    (RELEASED, LockFailed("g")): (RELEASED, (fault("g"),)),
    (RELEASED, Tick()): (RELEASED, ()),
    (OPEN, Grant("new", 3_000)): (OPEN, (Release(3_000), opened("new"))),
    (OPEN, ExitPressed("new")): (OPEN, (Release(5_000), opened("new"))),
    (OPEN, Extend()): (OPEN, ()),
    (OPEN, Opened()): (OPEN, ()),
    (OPEN, Closed()): (REST, ()),
    (OPEN, ContactLost()): (OPEN, ()),
    (OPEN, Bond(secured=False)): (OPEN, ()),
    (OPEN, LockFailed("g")): (OPEN, ()),
    (OPEN, Tick()): (OPEN, ()),
    (HELD_OPEN, Grant("new", 3_000)): (HELD_OPEN, (Release(3_000), opened("new"))),
    (HELD_OPEN, ExitPressed("new")): (HELD_OPEN, (Release(5_000), opened("new"))),
    (HELD_OPEN, Extend()): (HELD_OPEN, ()),
    (HELD_OPEN, Opened()): (HELD_OPEN, ()),
    (HELD_OPEN, Closed()): (REST, (HELD_ENDS,)),
    (HELD_OPEN, ContactLost()): (HELD_OPEN, ()),
    (HELD_OPEN, Bond(secured=False)): (HELD_OPEN, ()),
    (HELD_OPEN, LockFailed("g")): (HELD_OPEN, ()),
    (HELD_OPEN, Tick()): (HELD_OPEN, ()),
    (UNASKED, Grant("new", 3_000)): (OPEN, (Release(3_000), opened("new"))),
    (UNASKED, ExitPressed("new")): (OPEN, (Release(5_000), opened("new"))),
    (UNASKED, Extend()): (UNASKED, ()),
    (UNASKED, Opened()): (UNASKED, ()),
    (UNASKED, Closed()): (REST, ()),
    (UNASKED, ContactLost()): (UNASKED, ()),
    (UNASKED, Bond(secured=False)): (UNASKED, ()),
    (UNASKED, LockFailed("g")): (UNASKED, ()),
    (UNASKED, Tick()): (UNASKED, ()),
    (BROKEN, Grant("new", 3_000)): (BROKEN, (Release(3_000), opened("new"))),
    (BROKEN, ExitPressed("new")): (BROKEN, (Release(5_000), opened("new"))),
    (BROKEN, Extend()): (BROKEN, ()),
    (BROKEN, Opened()): (BROKEN, ()),
    (BROKEN, Closed()): (REST, (FORCED_ENDS,)),
    (BROKEN, ContactLost()): (BROKEN, ()),
    (BROKEN, Bond(secured=False)): (BROKEN, ()),
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
    door, done = step(door, event, story[-1][0], TERMS)
    assert (door.phase, done) == (after, effects)
    assert door.passable is (after is not REST)


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
        ([*START, (0, Opened())], 200),
        ([*START, (0, Opened()), (200, Tick())], None),
        ([*START, (0, Opened()), (200, Tick()), (300, Closed())], 30_200),
        ([(0, Opened())], 30_000),
    ],
    ids=[
        "rest",
        "released",
        "just opened",
        "open",
        "held",
        "perhaps forced",
        "forced",
        "forced and closed",
        "found open",
    ],
)
def test_a_door_says_when_it_wants_to_be_woken(story: Story, due: int | None) -> None:
    door, _ = play(story)
    assert due_ms(door) == due


def test_a_door_that_begins_anew_moves_nothing() -> None:
    door, effects = step(Door(), Tick(), 7_000_000, TERMS)
    assert (door, effects, due_ms(door)) == (Door(), (), None)
