"""The simulated chain: it repeats itself, and tells a failure in few words."""

import gc
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from hil.simulation.laws import Laws
from hil.simulation.places import PLACES
from hil.simulation.rare import STATES
from hil.simulation.saga import shortest, tell
from hil.simulation.shrink import shrink
from hil.simulation.story import Event, Kind, written

SEED = 7
FRONT, SIDE, SOUTH = PLACES
AIMED = [
    *(Event(1, Kind.SPOIL_DISK, *one) for one in ((FRONT, 140), (SIDE, 36), (SOUTH, 10))),
    *(Event(9, Kind.PRESS, place, 1) for place in PLACES),  # full, failing and hanging: half a min
    Event(60, Kind.LOCK_DOWN, FRONT, 43),
    Event(65, Kind.PRESS, FRONT, 1),
    Event(70, Kind.LOSE_TIME, SOUTH, 31),
    Event(75, Kind.PRESS, SOUTH, 1),
    Event(150, Kind.COME, FRONT, 2),  # m1, once a month
    Event(200, Kind.COME, SOUTH, 2),
    Event(210, Kind.SLOW_LINE, FRONT, 36),  # 3 s
    *(Event(211 + n / 2, Kind.ORDER, FRONT, n) for n in range(3)),  # one may be lost or late
    Event(213, Kind.PRESS, SIDE, 1),  # the 17th: what waits is saved with it, and delivered then
    Event(222, Kind.CUT_BROKER, FRONT, 1),
    Event(300, Kind.KILL, SIDE, 22),  # as soon as somebody is let in
    Event(330, Kind.KILL, SIDE, 13),  # for a minute
    Event(331, Kind.ORDER, SIDE, 1),
    *(Event(400 + seed, Kind.KILL_AT_THE_WORST, SOUTH, seed) for seed in (0, 20, 40, 60)),
    Event(500, Kind.ORDER_LATE, FRONT, 5),
    Event(520, Kind.WIPE_SESSION, SIDE, 0),
    Event(530, Kind.ORDER, SIDE, 1),
    Event(620, Kind.CUT_CLOUD_AT_THE_WORST, SOUTH, 1),
    Event(621, Kind.COME, SOUTH, 31),
    *(Event(700, Kind.PULL_LINE, place, 1) for place in PLACES),  # for a minute
    Event(701, Kind.BACK_AGAIN, FRONT, 18),  # m5, once a month
    Event(900, Kind.BURN, SIDE, 32),
    Event(905, Kind.PRESS, SIDE, 1),
]
"""What half an hour has too seldom; each event draws what is said here from its seed."""
SHORT = range(1, 9)
"""The seeds of the half hours behind it, as many as it takes."""
_AGAIN = (
    "from hil.simulation.saga import tell; from hil.simulation.story import written;"
    "print(tell(3, written(3, 0.1, 10)).trace)"
)


@pytest.mark.slow
def test_the_same_seed_is_the_same_story_to_its_last_record() -> None:
    """In a process whose sets have another order, too."""
    lived = tell(3, written(3, 0.1, 10))
    assert lived.violations == []
    assert lived.records > 0
    again = subprocess.run(
        [sys.executable, "-c", _AGAIN],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == lived.trace


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*deleted before being closed:ResourceWarning")  # cut off
@pytest.mark.timeout(1_200)  # more half hours than one, when the daemon's moments have moved
def test_each_rare_state_is_reached_and_no_law_is_broken_there() -> None:
    left = set(STATES)
    for seed, story in [(1, AIMED), *((seed, written(seed, 0.5, 10)) for seed in SHORT)]:
        lived = tell(seed, story)
        assert lived.violations == [], seed
        assert lived.missed == [state for state in STATES if not lived.reached[state]]
        left &= {*lived.missed}
        if not left:
            break
    gc.collect()
    assert left == set()


class NobodyComesWhileTheLineIsPulled(Laws):
    """What a chain does not promise."""

    def hold(self) -> None:
        super().hold()
        if self._chain.rare.reached["let in while the line was pulled"]:
            self._chain.violate("somebody was let in while the line was pulled")


@pytest.mark.slow
def test_a_broken_law_is_told_as_the_shortest_story_that_breaks_it() -> None:
    events = [
        Event(5.0, Kind.PRESS, PLACES[1], 1),
        Event(10.0, Kind.PULL_LINE, PLACES[0], 5),
        Event(15.0, Kind.COME, PLACES[0], 0),
    ]
    lived = tell(11, events, laws=NobodyComesWhileTheLineIsPulled)
    assert lived.violations
    *story, end = shortest(lived, events, laws=NobodyComesWhileTheLineIsPulled)
    assert len(story) == 2
    assert "is pulled" in story[0]
    assert "comes to" in story[1]
    assert "let in while the line was pulled" in end


def test_an_event_draws_the_same_whatever_happens_beside_it() -> None:
    events = written(SEED, 24)
    assert {event.kind for event in events} == set(Kind)
    assert {event.place for event in events} == set(PLACES)
    drawn = [one.dice().random() for one in events]
    assert [one.dice().random() for one in written(SEED, 24)[::2]] == drawn[::2]


def test_what_is_left_of_a_story_can_not_be_shorter() -> None:
    asked: list[int] = []

    def fails(story: Sequence[int]) -> bool:
        asked.append(len(story))
        return {3, 17, 40} <= set(story)

    assert shrink(range(64), fails) == [3, 17, 40]
    assert len(asked) < 64
    assert shrink([1], lambda _: True) == [1]


def test_an_event_tells_itself_in_a_sentence() -> None:
    event = Event(4 * 3_600 + 61, Kind.PULL_LINE, PLACES[2], 1)
    assert event.told() == "Day 1, 14:01:01: the line of S2-SOUTH is pulled."
