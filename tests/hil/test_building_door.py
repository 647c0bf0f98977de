"""The physics of a door in the virtual building (hil/building/README.md)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.building.door import (
    Change,
    Close,
    Coil,
    Dark,
    Door,
    Event,
    Force,
    Hold,
    Leave,
    LockType,
    Part,
    Press,
    Pull,
    Release,
    Secure,
    Wait,
    step,
)

STRIKE = Door(LockType.STRIKE, opens_after_ms=50)
MAGNET = Door(LockType.MAGNET, opens_after_ms=50)

Timed = tuple[int, Event]
Story = list[Timed]


def told(door: Door, story: Story) -> str:
    """Every change as `at_ms part level`: "150 bolt+" is a bolt released, "150 bolt-" thrown."""
    return ", ".join(
        f"{each.at_ms} {each.part}{'+' if each.level else '-'}" for each in changes(door, story)
    )


def changes(door: Door, story: Story) -> list[Change]:
    seen: list[Change] = []
    for at_ms, event in story:
        door, new = step(door, event, at_ms)
        seen += new
    return seen


@pytest.mark.parametrize(
    ("door", "story", "expected"),
    [
        pytest.param(
            STRIKE,
            [(100, Release(1_000)), (9_000, Wait())],
            "100 coil+, 150 bolt+, 1100 coil-, 1100 bolt-",
            id="a strike's pulse ends by itself",
        ),
        pytest.param(
            STRIKE,
            [(0, Release(1_000)), (500, Release(200)), (9_000, Wait())],
            "0 coil+, 50 bolt+, 700 coil-, 700 bolt-",
            id="a new order replaces the deadline, even by an earlier one",
        ),
        pytest.param(
            STRIKE,
            [(0, Release(1_000)), (300, Secure()), (9_000, Wait())],
            "0 coil+, 50 bolt+, 300 coil-, 300 bolt-",
            id="secure throws the bolt at once",
        ),
        pytest.param(
            STRIKE,
            [(0, Release(40)), (9_000, Wait())],
            "0 coil+, 40 coil-",
            id="a pulse shorter than the bolt needs moves nothing",
        ),
        pytest.param(
            STRIKE,
            [(0, Release(60_000)), (70, Dark()), (90_000, Wait())],
            "0 coil+, 50 bolt+, 70 coil-, 70 bolt-",
            id="a strike whose host is gone locks",
        ),
        pytest.param(
            STRIKE,
            [(0, Coil(energised=True)), (700, Coil(energised=False))],
            "0 coil+, 50 bolt+, 700 coil-, 700 bolt-",
            id="a relay's level is the coil's",
        ),
        pytest.param(
            Door(LockType.STRIKE, opens_after_ms=50, jammed=True),
            [(0, Release(1_000)), (500, Pull()), (9_000, Wait())],
            "0 coil+, 1000 coil-",
            id="a jammed strike's coil works and its bolt does not",
        ),
        pytest.param(
            MAGNET,
            [(0, Hold(3_000)), (9_000, Wait())],
            "0 coil+, 0 bolt-, 3000 coil-, 3050 bolt+",
            id="a magnet without a fresh hold lets go",
        ),
        pytest.param(
            MAGNET,
            [(0, Hold(3_000)), (1_000, Release(500)), (2_000, Hold(500)), (9_000, Wait())],
            "0 coil+, 0 bolt-, 1000 coil-, 1050 bolt+, 1500 coil+, 1500 bolt-, "
            "2500 coil-, 2550 bolt+",
            id="a magnet's release ends in the hold, a new hold replaces the old one",
        ),
        pytest.param(
            MAGNET,
            [(0, Hold(3_000)), (100, Release(2_000)), (200, Hold(3_000)), (300, Secure())],
            "0 coil+, 0 bolt-, 100 coil-, 150 bolt+, 300 coil+, 300 bolt-",
            id="a hold does not cut a release short, secure does",
        ),
        pytest.param(MAGNET, [(0, Secure())], "", id="secure alone holds no magnet"),
        pytest.param(
            MAGNET,
            [(0, Hold(60_000)), (100, Dark()), (90_000, Wait())],
            "0 coil+, 0 bolt-, 100 coil-, 150 bolt+",
            id="a magnet whose host is gone lets go",
        ),
        pytest.param(
            Door(LockType.MAGNET, opens_after_ms=50, jammed=True),
            [(0, Hold(1_000)), (9_000, Wait())],
            "0 coil+, 1000 coil-",
            id="a jammed magnet holds nothing",
        ),
        pytest.param(
            STRIKE,
            [(0, Leave()), (10, Close()), (20, Pull())],
            "0 door+, 10 door-",
            id="whoever is inside gets out by the handle, and nobody in",
        ),
        pytest.param(
            Door(LockType.STRIKE, opens_after_ms=50, way_out=False),
            [(0, Leave()), (10, Release(500)), (70, Leave())],
            "10 coil+, 60 bolt+, 70 door+",
            id="without a way out nobody gets out of a locked door",
        ),
        pytest.param(
            STRIKE,
            [(0, Pull()), (10, Release(500)), (70, Pull()), (80, Pull()), (90, Close())],
            "10 coil+, 60 bolt+, 70 door+, 90 door-",
            id="a door opens while released only, and once",
        ),
        pytest.param(
            STRIKE,
            [(0, Release(100)), (60, Pull()), (500, Pull()), (600, Close()), (700, Pull())],
            "0 coil+, 50 bolt+, 60 door+, 100 coil-, 100 bolt-, 600 door-",
            id="a bolt thrown behind an open door locks it once it is closed",
        ),
        pytest.param(
            STRIKE,
            [(0, Press(300)), (200, Press(300)), (9_000, Wait())],
            "0 button+, 500 button-",
            id="a second press lasts from its own moment",
        ),
    ],
)
def test_a_door_moves(door: Door, story: Story, expected: str) -> None:
    assert told(door, story) == expected


@pytest.mark.parametrize(
    ("story", "forced"),
    [
        pytest.param([(0, Force())], [True], id="bolt thrown"),
        pytest.param([(0, Release(500)), (60, Force())], [False], id="bolt released"),
        pytest.param([(0, Force()), (10, Force())], [True], id="already open"),
    ],
)
def test_only_a_thrown_bolt_is_forced(story: Story, forced: list[bool]) -> None:
    opened = [each for each in changes(STRIKE, story) if each.part is Part.DOOR and each.level]

    assert [each.forced for each in opened] == forced


spans = st.integers(1, 2_000)
orders: st.SearchStrategy[Event] = st.one_of(
    spans.map(Release),
    spans.map(Hold),
    spans.map(Press),
    st.sampled_from([Secure(), Dark(), Pull(), Leave(), Force(), Close(), Wait()]),
)
relays: st.SearchStrategy[Event] = st.booleans().map(Coil)
# Gaps that meet deadlines to the millisecond as well as gaps that don't.
gaps = st.one_of(st.integers(0, 3_000), st.sampled_from([0, 1, 50, 1_000]))


def stories(*events: st.SearchStrategy[Event]) -> st.SearchStrategy[Story]:
    def timed(parts: list[Timed]) -> Story:
        at_ms, story = 0, []
        for gap_ms, event in parts:
            at_ms += gap_ms
            story.append((at_ms, event))
        return story

    return st.lists(st.tuples(gaps, st.one_of(*events)), max_size=30).map(timed)


doors = st.builds(
    Door,
    st.sampled_from(LockType),
    opens_after_ms=st.integers(0, 200),
    jammed=st.booleans(),
)
strikes = st.builds(Door, st.just(LockType.STRIKE), opens_after_ms=st.integers(0, 200))
magnets = st.builds(Door, st.just(LockType.MAGNET), opens_after_ms=st.integers(0, 200))


@given(strikes, stories(orders))
def test_released_never_outlasts_the_ordered_time(door: Door, story: Story) -> None:
    allowed: set[int] = set()  # every millisecond that some order allowed, counted by hand
    deadline_ms = 0
    for (at_ms, event), (next_ms, _) in pairwise([*story, (10**6, Wait())]):
        if isinstance(event, Release):
            deadline_ms = at_ms + event.for_ms
        elif isinstance(event, Secure | Dark):
            deadline_ms = at_ms
        allowed.update(range(at_ms, min(deadline_ms, next_ms)))
    since_ms = None
    for each in changes(door, [*story, (10**6, Wait())]):
        if each.part is Part.BOLT and each.level:
            since_ms = each.at_ms
        elif each.part is Part.BOLT:
            assert since_ms is not None
            assert allowed.issuperset(range(since_ms, each.at_ms))
            since_ms = None
    assert since_ms is None


@given(magnets, stories(orders), spans)
def test_a_magnet_holds_no_longer_than_it_was_told_to(
    door: Door, story: Story, hold_ms: int
) -> None:
    for at_ms, event in story:
        door, _ = step(door, event, at_ms)
    door, _ = step(door, Hold(hold_ms), door.at_ms)

    door, _ = step(door, Wait(), door.at_ms + hold_ms)
    assert not door.energised
    door, _ = step(door, Wait(), door.at_ms + door.opens_after_ms)
    assert door.released


@given(doors, stories(orders))
def test_a_door_without_its_host_goes_to_rest_and_stays_there(door: Door, story: Story) -> None:
    for at_ms, event in [*story, (story[-1][0] if story else 0, Dark())]:
        door, _ = step(door, event, at_ms)
    assert not door.energised

    door, _ = step(door, Wait(), door.at_ms + door.opens_after_ms)
    assert door.released is (door.lock is LockType.MAGNET)
    _, late = step(door, Wait(), door.at_ms + 10**6)
    assert {each.part for each in late} <= {Part.BUTTON}


@given(doors, stories(orders, relays))
def test_a_locked_door_opens_by_force_and_from_inside_only(door: Door, story: Story) -> None:
    for at_ms, event in story:
        before, _ = step(door, Wait(), at_ms)
        door, _ = step(before, event, at_ms)
        if door.open and not before.open and not before.released:
            assert isinstance(event, Force | Leave)


@given(doors, stories(orders, relays), st.integers(0, 10_000))
def test_looking_more_often_changes_nothing(door: Door, story: Story, look_ms: int) -> None:
    looked = sorted([*story, (look_ms, Wait())], key=lambda each: each[0])
    end = (10**6, Wait())

    assert changes(door, [*looked, end]) == changes(door, [*story, end])


@given(doors, stories(orders, relays))
def test_changes_alternate_and_never_run_backwards(door: Door, story: Story) -> None:
    seen = changes(door, [*story, (10**6, Wait())])

    assert [each.at_ms for each in seen] == sorted(each.at_ms for each in seen)
    for part in Part:
        levels = [each.level for each in seen if each.part is part]
        assert all(old is not new for old, new in pairwise(levels))
