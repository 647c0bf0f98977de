from dataclasses import replace

import pytest

from edged.core.door_words import (
    Closed,
    ContactLost,
    DoorOutcome,
    DoorTerms,
    Effect,
    ExitPressed,
    Grant,
    LockFailed,
    Opened,
    Phase,
    Release,
    Secure,
    Tick,
)
from policy.model import Relock
from tests.edged.core.doors import (
    BROKEN,
    FORCED,
    FORCED_ENDS,
    HELD,
    HELD_ENDS,
    OPEN,
    RELEASED,
    REST,
    START,
    TERMS,
    Story,
    fault,
    not_opened,
    opened,
    play,
)

ON_CLOSE = replace(TERMS, relock=Relock.CLOSE)
BLIND = replace(TERMS, has_contact=False)

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
        [*START, (0, Grant("a", 5_000)), (5_500, Opened()), (5_700, Tick())],
        TERMS,
        [(0, Release(5_000)), (5_500, not_opened("a")), (5_700, FORCED)],
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
        [*START, (0, Grant("a", 5_000)), (1_000, Opened()), (3_000, Closed()), (4_000, Tick())],
        ON_CLOSE,
        [(0, Release(5_000)), (1_000, opened("a")), (3_500, Secure())],
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
        [*START, (0, Opened()), (1_000, Grant("a", 5_000)), (2_000, Closed()), (40_000, Tick())],
        ON_CLOSE,
        [(200, FORCED), (1_000, Release(5_000)), (1_000, opened("a")), (30_200, FORCED_ENDS)],
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
        [*START, (0, Grant("a", 60_000)), (0, Opened()), (31_000, Closed()), (32_000, Tick())],
        ON_CLOSE,
        [
            (0, Release(60_000)),
            (0, opened("a")),
            (30_000, HELD),
            (31_000, HELD_ENDS),
            (31_500, Secure()),
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
    "a release that its lock was not given opens nothing": (
        [*START, (0, Grant("a", 5_000)), (1, LockFailed("a", DoorOutcome.DOOR_NOT_OPENED))],
        TERMS,
        [(0, Release(5_000)), (1, not_opened("a"))],
        RELEASED,
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
        [(0, Opened()), (30_000, Tick()), (31_000, Closed()), (32_000, Opened()), (33_000, Tick())],
        TERMS,
        [(30_000, HELD), (31_000, HELD_ENDS), (32_200, FORCED)],
        BROKEN,
    ),
    "found open after the contact was lost: not forced": (
        [
            *START,
            (0, ContactLost()),
            (1_000, Opened()),
            (2_000, Closed()),
            (3_000, Opened()),
            (3_200, Tick()),
        ],
        TERMS,
        [(3_200, FORCED)],
        BROKEN,
    ),
    "a cut wire ends no alarm": (
        [*START, (0, Opened()), (1_000, ContactLost()), (2_000, Opened()), (33_000, Closed())],
        TERMS,
        [(200, FORCED), (33_000, FORCED_ENDS)],
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
