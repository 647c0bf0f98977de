"""The simulated chain: it repeats itself, and tells a failure in few words."""

import gc
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import ClassVar

import pytest

from hil.simulation.aimed import LAST_EVENING, MONTHS_END, is_enough, stories
from hil.simulation.laws import Laws
from hil.simulation.places import PLACES
from hil.simulation.rare import STATES
from hil.simulation.saga import shortest, tell
from hil.simulation.shrink import shrink
from hil.simulation.story import Event, Kind, written
from hil.stores.verdict import Record

SEED = 7
ROUNDS = range(1, 5)
"""The seeds of the stories, as many as it takes."""
_AGAIN = (
    "from hil.simulation.saga import tell; from hil.simulation.story import written;"
    "print(tell(3, written(3, 0.1, 10)).trace)"
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*deleted before being closed:ResourceWarning")  # cut off
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
    gc.collect()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*deleted before being closed:ResourceWarning")  # cut off
@pytest.mark.timeout(1_200)  # more stories than a few, when the daemon's moments have moved
def test_each_rare_state_is_reached_and_no_law_is_broken_there() -> None:
    assert len(STATES) >= 60
    left = set(STATES)
    for seed, story in ((each, story) for each in ROUNDS for story in stories(each)):
        lived = tell(seed, story)
        assert lived.violations == [], seed
        assert lived.missed == [state for state in STATES if not lived.reached[state]]
        left &= {*lived.missed}
        if not left:
            break
    gc.collect()
    assert left == set()


class WhoCame(Laws):
    """Those that hold; `came`: who was answered what, on which day."""

    came: ClassVar[list[tuple[str, str, str]]] = []

    def judge(self) -> Sequence[Record]:
        records = super().judge()
        passages = [one for one in records if one["kind"] == "passage"]
        for one in sorted(passages, key=lambda passage: str(passage["occurred_at"])):
            self.came.append((one["member"], one["reason"], one["local_time"][:10]))
        return records


@pytest.mark.slow
def test_limits_begin_anew_with_the_month() -> None:
    """A use of the old month that is told in the new one counts in the old one."""
    lived = tell(3, MONTHS_END, laws=WhoCame, opening=LAST_EVENING)
    assert lived.violations == []
    assert [one for one in WhoCame.came if one[0] == "m1"] == [
        ("m1", "OK", "2026-11-30"),
        ("m1", "QUOTA_EXHAUSTED", "2026-11-30"),
        ("m1", "OK", "2026-12-01"),
        ("m1", "QUOTA_EXHAUSTED", "2026-12-01"),
    ]
    used = [one[1:] for one in WhoCame.came if one[0] == "m5"]
    assert used == [("OK", "2026-11-30"), ("OK", "2026-12-01")]


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


@pytest.mark.parametrize(
    ("reached", "enough", "is_so"),
    [
        ((20, 30, 20), 0, True),
        ((20, 30, 19), 0, False),
        ((20, 30, 2), 2, True),
        ((20, 30, 1), 2, False),
        ((19, 30, 2), 2, False),
    ],
)
def test_stories_are_told_until_enough_states_were_reached(
    reached: tuple[int, ...], enough: int, *, is_so: bool
) -> None:
    assert is_enough(reached, 20, enough) is is_so


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
