"""What the hours, a fire and a lockdown make of a door's story."""

from dataclasses import replace

import pytest

from edged.core.door_words import (
    Alarm,
    Cleared,
    Closed,
    DoorAlarm,
    DoorTerms,
    Effect,
    ExitPressed,
    Grant,
    Hold,
    Holding,
    Opened,
    Phase,
    Release,
    Secure,
    Tick,
)
from policy.model import Relock
from tests.edged.core.doors import (
    HELD,
    HELD_OPEN,
    OPEN,
    RELEASED,
    REST,
    START,
    TERMS,
    Story,
    not_opened,
    opened,
    play,
)

HOURS = replace(TERMS, scheduled=True)
FIRST_IN = replace(TERMS, first_in=True)
FIRST_IN_HOURS = replace(FIRST_IN, scheduled=True)
MAGNET = replace(TERMS, fail_safe=True, relock=Relock.CLOSE)
WARNS = replace(TERMS, pre_alarm_ms=10_000)

SOON, SOON_ENDS = Alarm(DoorAlarm.DOOR_HELD_SOON), Cleared(DoorAlarm.DOOR_HELD_SOON)
BEGINS, ENDS = Holding(Hold.SCHEDULE, began=True), Holding(Hold.SCHEDULE, began=False)
FIRE, FIRE_ENDS = Holding(Hold.FIRE, began=True), Holding(Hold.FIRE, began=False)
HELD_ON = Release(15_000)


def burning(terms: DoorTerms) -> DoorTerms:
    return replace(terms, fire=True)


def locked_down(terms: DoorTerms) -> DoorTerms:
    return replace(terms, lockdown=True)


TOLD: dict[str, tuple[Story, DoorTerms, list[tuple[int, Effect]], Phase]] = {
    "the hours release, are renewed, and end": (
        [*START, (0, HOURS), (12_000, TERMS), (13_000, Tick())],
        TERMS,
        [
            (0, HELD_ON),
            (0, BEGINS),
            (5_000, HELD_ON),
            (10_000, HELD_ON),
            (12_000, Secure()),
            (12_000, ENDS),
        ],
        REST,
    ),
    "a door that stands open by the hours is neither forced nor held": (
        [*START, (0, HOURS), (1_000, Opened()), (4_000, Closed()), (4_100, Opened())],
        TERMS,
        [(0, HELD_ON), (0, BEGINS)],
        OPEN,
    ),
    "when the hours end, an open door has its time from then": (
        [*START, (0, HOURS), (1_000, Opened()), (4_000, TERMS), (34_000, Tick())],
        TERMS,
        [(0, HELD_ON), (0, BEGINS), (4_000, Secure()), (4_000, ENDS), (34_000, HELD)],
        HELD_OPEN,
    ),
    "who is being let through when the hours end keeps the time": (
        [*START, (0, HOURS), (3_000, Grant("a", 5_000)), (4_000, TERMS), (5_000, Opened())],
        TERMS,
        [
            (0, HELD_ON),
            (0, BEGINS),
            (3_000, Release(12_000)),
            (4_000, Release(4_000)),
            (4_000, ENDS),
            (5_000, opened("a")),
        ],
        OPEN,
    ),
    "whoever has gone through by then does not": (
        [
            *START,
            (0, HOURS),
            (2_000, Grant("a", 9_000)),
            (3_000, Opened()),
            (4_000, Closed()),
            (4_500, TERMS),
        ],
        TERMS,
        [
            (0, HELD_ON),
            (0, BEGINS),
            (2_000, Release(13_000)),
            (3_000, opened("a")),
            (4_500, Secure()),
            (4_500, ENDS),
        ],
        RELEASED,  # for the contact's lag
    ),
    "hours that begin while somebody goes through": (
        [*START, (0, Grant("a", 5_000)), (1_000, Opened()), (1_200, HOURS), (6_000, Tick())],
        TERMS,
        [
            (0, Release(5_000)),
            (1_000, opened("a")),
            (1_200, HELD_ON),
            (1_200, BEGINS),
        ],
        OPEN,
    ),
    "the first person in begins the hours": (
        [*START, (0, FIRST_IN_HOURS), (1_000, Grant("a", 5_000, entry=True)), (2_000, Opened())],
        FIRST_IN,
        [
            (1_000, Release(5_000)),
            (1_000, HELD_ON),
            (1_000, BEGINS),
            (2_000, opened("a")),
        ],
        OPEN,
    ),
    "whoever leaves, or comes before the hours, does not": (
        [
            *START,
            (0, Grant("early", 1_000, entry=True)),
            (2_000, FIRST_IN_HOURS),
            (3_000, Grant("out", 1_000)),
            (3_100, Opened()),
            (3_200, Closed()),
        ],
        replace(FIRST_IN, has_contact=False),
        [(0, Release(1_000)), (3_000, Release(1_000)), (3_100, opened("out")), (3_200, Secure())],
        REST,
    ),
    "the next day asks for a first person again": (
        [
            *START,
            (0, FIRST_IN_HOURS),
            (0, Grant("a", 1_000, entry=True)),
            (1_000, FIRST_IN),
            (9_000, FIRST_IN_HOURS),
        ],
        FIRST_IN,
        [
            (0, Release(1_000)),
            (0, HELD_ON),
            (0, BEGINS),
            (1_000, Secure()),
            (1_000, ENDS),
            (1_500, not_opened("a")),
        ],
        REST,
    ),
    "a lockdown ends the hours, and nobody's way out": (
        [*START, (0, HOURS), (1_000, locked_down(HOURS)), (2_000, ExitPressed("out"))],
        TERMS,
        [(0, HELD_ON), (0, BEGINS), (1_000, Secure()), (1_000, ENDS), (2_000, Release(5_000))],
        RELEASED,
    ),
    "a fire lets a magnet go until it is reset, through a lockdown too": (
        [
            *START,
            (0, burning(MAGNET)),
            (3_000, burning(locked_down(MAGNET))),
            (6_000, MAGNET),
            (7_000, Tick()),
        ],
        MAGNET,
        [(0, HELD_ON), (0, FIRE), (5_000, HELD_ON), (6_000, Secure()), (6_000, FIRE_ENDS)],
        REST,
    ),
    "a fire leaves a strike at rest, and opening it is no force": (
        [*START, (0, burning(TERMS)), (1_000, Opened()), (60_000, Tick()), (61_000, Closed())],
        TERMS,
        [],
        REST,
    ),
    "a fire ends the hours of a strike": (
        [*START, (0, HOURS), (1_000, burning(HOURS)), (1_500, ExitPressed("out"))],
        TERMS,
        [(0, HELD_ON), (0, BEGINS), (1_000, Secure()), (1_000, ENDS), (1_500, Release(5_000))],
        RELEASED,
    ),
    "a fire takes over from the hours of a magnet without a hole": (
        [*START, (0, replace(MAGNET, scheduled=True)), (1_000, burning(MAGNET)), (5_000, Tick())],
        MAGNET,
        [(0, HELD_ON), (0, BEGINS), (1_000, ENDS), (1_000, FIRE), (5_000, HELD_ON)],
        RELEASED,
    ),
    "a fire that comes just after an opening: not forced": (
        [*START, (0, Opened()), (100, burning(TERMS)), (9_000, Tick())],
        TERMS,
        [],
        OPEN,
    ),
    "a fire ends the pre-alarm": (
        [*START, (0, Grant("a", 1_000)), (0, Opened()), (21_000, burning(WARNS))],
        WARNS,
        [
            (0, Release(1_000)),
            (0, opened("a")),
            (500, Secure()),
            (20_000, SOON),
            (21_000, SOON_ENDS),
        ],
        OPEN,
    ),
}


@pytest.mark.parametrize(("story", "terms", "effects", "phase"), TOLD.values(), ids=TOLD)
def test_stories(
    story: Story, terms: DoorTerms, effects: list[tuple[int, Effect]], phase: Phase
) -> None:
    door, done = play(story, terms)
    assert (door.phase, done) == (phase, effects)
