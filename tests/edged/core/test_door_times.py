"""What handles, bounces, warnings, extended times and the lock's sensor make of a story."""

from dataclasses import replace

import pytest

from edged.core.door_words import (
    Alarm,
    Bond,
    Cleared,
    Closed,
    ContactLost,
    DoorAlarm,
    DoorTerms,
    Effect,
    ExitPressed,
    Extend,
    Grant,
    Opened,
    Phase,
    Release,
    Secure,
    Tick,
)
from policy.model import ExitButton, Relock
from tests.edged.core.doors import (
    BROKEN,
    FORCED,
    FORCED_ENDS,
    HELD,
    HELD_OPEN,
    OPEN,
    REST,
    START,
    TERMS,
    Story,
    opened,
    play,
)

MAGNET = replace(TERMS, fail_safe=True, relock=Relock.CLOSE)
HANDLE = replace(TERMS, exit_button=ExitButton.SHUNT)
WARNS = replace(TERMS, pre_alarm_ms=10_000)

SOON, SOON_ENDS = Alarm(DoorAlarm.DOOR_HELD_SOON), Cleared(DoorAlarm.DOOR_HELD_SOON)
LOOSE, LOOSE_ENDS = Alarm(DoorAlarm.LOCK_NOT_SECURED), Cleared(DoorAlarm.LOCK_NOT_SECURED)


TOLD: dict[str, tuple[Story, DoorTerms, list[tuple[int, Effect]], Phase]] = {
    "a handle's button only says that somebody will open": (
        [*START, (0, ExitPressed("out")), (4_999, Opened()), (5_500, Closed())],
        HANDLE,
        [],
        REST,
    ),
    "but not for longer": (
        [*START, (0, ExitPressed("out")), (5_000, Opened()), (5_200, Tick())],
        HANDLE,
        [(5_200, FORCED)],
        BROKEN,
    ),
    "a handle's button may report after the contact": (
        [*START, (0, Opened()), (150, ExitPressed("out")), (1_000, Tick())],
        HANDLE,
        [],
        OPEN,
    ),
    "a bounce is no force": (
        [*START, (0, Opened()), (199, Closed()), (1_000, Tick())],
        TERMS,
        [],
        REST,
    ),
    "the alarm of a forced door has its time": (
        [*START, (0, Opened()), (1_000, Closed()), (60_000, Tick())],
        TERMS,
        [(200, FORCED), (30_200, FORCED_ENDS)],
        REST,
    ),
    "forced again meanwhile: the same alarm, for longer": (
        [
            *START,
            (0, Opened()),
            (1_000, Closed()),
            (9_000, Opened()),
            (10_000, Closed()),
            (60_000, Tick()),
        ],
        TERMS,
        [(200, FORCED), (39_200, FORCED_ENDS)],
        REST,
    ),
    "warned before it is held": (
        [*START, (0, Grant("a", 1_000)), (0, Opened()), (40_000, Tick())],
        WARNS,
        [
            (0, Release(1_000)),
            (0, opened("a")),
            (500, Secure()),
            (20_000, SOON),
            (30_000, SOON_ENDS),
            (30_000, HELD),
        ],
        HELD_OPEN,
    ),
    "warned, and closed": (
        [*START, (0, Grant("a", 1_000)), (0, Opened()), (25_000, Closed())],
        WARNS,
        [
            (0, Release(1_000)),
            (0, opened("a")),
            (500, Secure()),
            (20_000, SOON),
            (25_000, SOON_ENDS),
        ],
        REST,
    ),
    "no warning where it would come at the opening": (
        [*START, (0, Grant("a", 1_000)), (0, Opened()), (12_000, Tick())],
        replace(WARNS, held_open_ms=10_000),
        [(0, Release(1_000)), (0, opened("a")), (500, Secure()), (10_000, HELD)],
        HELD_OPEN,
    ),
    "who has more time has it for the release and the open door": (
        [*START, (0, Grant("a", 5_000, extended=True)), (19_000, Opened()), (64_000, Tick())],
        TERMS,
        [(0, Release(20_000)), (19_000, opened("a")), (19_500, Secure()), (64_000, HELD)],
        HELD_OPEN,
    ),
    "and the next one does not": (
        [
            *START,
            (0, Grant("a", 5_000, extended=True)),
            (1_000, Opened()),
            (2_000, Closed()),
            (3_000, Grant("b", 1_000)),
            (3_000, Opened()),
            (33_000, Tick()),
        ],
        TERMS,
        [
            (0, Release(20_000)),
            (1_000, opened("a")),
            (1_500, Secure()),
            (3_000, Release(1_000)),
            (3_000, opened("b")),
            (3_500, Secure()),
            (33_000, HELD),
        ],
        HELD_OPEN,
    ),
    "granted more time at an open door: it begins anew": (
        [
            *START,
            (0, Grant("a", 1_000)),
            (0, Opened()),
            (21_000, Grant("b", 1_000, extended=True)),
            (60_000, Tick()),
        ],
        WARNS,
        [
            (0, Release(1_000)),
            (0, opened("a")),
            (500, Secure()),
            (20_000, SOON),
            (21_000, Release(16_000)),
            (21_000, opened("b")),
            (21_000, SOON_ENDS),
            (56_000, SOON),
        ],
        OPEN,
    ),
    "found out too late to have more time": (
        [*START, (0, Grant("a", 1_000)), (1_200, Extend()), (1_500, Tick())],
        replace(TERMS, has_contact=False),
        [(0, Release(1_000))],
        REST,
    ),
    "found out at the open door": (
        [*START, (0, Grant("a", 1_000)), (0, Opened()), (900, Extend()), (45_900, Tick())],
        TERMS,
        [(0, Release(1_000)), (0, opened("a")), (500, Secure()), (45_900, HELD)],
        HELD_OPEN,
    ),
    "relock after the closing": (
        [*START, (0, Grant("a", 9_000)), (1_000, Opened()), (2_000, Closed()), (2_200, Opened())],
        MAGNET,
        [(0, Release(9_000)), (1_000, opened("a"))],
        OPEN,
    ),
    "relock at the closing": (
        [*START, (0, Grant("a", 9_000)), (1_000, Opened()), (2_000, Closed())],
        replace(MAGNET, relock_delay_ms=0),
        [(0, Release(9_000)), (1_000, opened("a")), (2_000, Secure())],
        REST,
    ),
    "a bolt that does not hold": (
        [*START, (0, Bond(secured=True)), (1_000, Bond(secured=False)), (4_000, Tick())],
        TERMS,
        [(3_000, LOOSE)],
        REST,
    ),
    "until it is seen to hold": (
        [*START, (0, Bond(secured=False)), (3_000, Bond(None)), (4_000, Bond(secured=True))],
        TERMS,
        [(2_000, LOOSE), (4_000, LOOSE_ENDS)],
        REST,
    ),
    "a bolt that is not asked to hold": (
        [*START, (0, Grant("a", 5_000)), (100, Bond(secured=False)), (5_000, Opened())],
        MAGNET,
        [(0, Release(5_000)), (5_000, opened("a"))],
        OPEN,
    ),
    "a bolt at a door that is not seen": (
        [*START, (0, ContactLost()), (0, Bond(secured=False)), (9_000, Tick())],
        TERMS,
        [],
        REST,
    ),
}


@pytest.mark.parametrize(("story", "terms", "effects", "phase"), TOLD.values(), ids=TOLD)
def test_stories(
    story: Story, terms: DoorTerms, effects: list[tuple[int, Effect]], phase: Phase
) -> None:
    door, done = play(story, terms)
    assert (door.phase, done) == (phase, effects)


def test_a_press_that_is_only_counted_releases_and_has_no_outcome() -> None:
    door, done = play(
        [*START, (0, ExitPressed(None)), (1_000, Opened()), (1_100, ExitPressed(None))]
    )
    assert done == [(0, Release(5_000)), (1_100, Release(5_000))]
    assert door.phase is OPEN
