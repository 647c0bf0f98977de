"""What lights and sounders say, to people who see no colours, hear nothing, or see nothing."""

from itertools import combinations
from pathlib import Path

import pytest

from drivers.api import Light, Signal, Tone
from drivers.limits import SIGNAL_MS
from edged.messages import Cue, cue
from edged.settings.model import Language
from edged.translate import SHOWN, signal
from policy.model import Reason

STOPPED = (Reason.MEMBER_WITHDRAWN, Reason.MEMBER_SUSPENDED, Reason.IDENTITY_SUSPENDED)
LANGUAGES = tuple(Language)
README = Path(__file__).parents[2] / "config" / "README.md"

COUNTED = 5
"""Flashes or beeps that people count at a glance."""
SLOWER = 3
"""How many times as long a flash has to last to be a slow one: what a dash is to a dot."""


def times(shown: Signal) -> int:
    """How often it goes on; steady is once."""
    return max(1, shown.blinks)


def on_ms(shown: Signal) -> float:
    """How long it is on each time: as long as it is off (drivers.api.Signal)."""
    return shown.for_ms / (2 * shown.blinks) if shown.blinks else shown.for_ms


def told_apart(one: Signal, other: Signal) -> bool:
    """Whether two patterns differ for somebody who knows only on from off."""
    counted = min(times(one), times(other)) <= COUNTED and times(one) != times(other)
    short, long = sorted((on_ms(one), on_ms(other)))
    return counted or long >= SLOWER * short


def test_every_outcome_is_shown() -> None:
    assert set(SHOWN) == set(Cue)


@pytest.mark.parametrize(("one", "other"), list(combinations(Cue, 2)))
def test_no_two_outcomes_share_a_pattern(one: Cue, other: Cue) -> None:
    """Light and sound have the same one, so with either alone and without colours or pitch."""
    assert told_apart(SHOWN[one], SHOWN[other])


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ((0, 2_000), (0, 3_000), False),
        ((0, 1_000), (0, 3_000), True),
        ((3, 3_000), (3, 4_000), False),
        ((3, 3_000), (4, 3_000), True),
        ((20, 10_000), (25, 10_000), False),
        ((5, 3_000), (5, 9_000), True),
    ],
)
def test_patterns_are_told_apart_by_counting_or_by_pace(
    one: tuple[int, int], other: tuple[int, int], apart: bool
) -> None:
    first, second = (Signal(Light.RED, Tone.LOW, blinks, ms) for blinks, ms in (one, other))
    assert told_apart(first, second) is apart


@pytest.mark.parametrize("shown", list(SHOWN.values()), ids=[cue.name for cue in SHOWN])
def test_every_outcome_is_seen_and_heard(shown: Signal) -> None:
    assert shown.light is not Light.OFF
    assert shown.tone is not Tone.NONE
    assert shown.for_ms in SIGNAL_MS
    assert shown.blinks / shown.for_ms * 1000 <= 3  # more can bring on a seizure


@pytest.mark.parametrize("reason", [r for r in Reason if cue(r) not in {Cue.GO, Cue.NOTICE}])
def test_no_refusal_looks_or_sounds_like_go(reason: Reason) -> None:
    shown = signal(reason, ())
    for go in (SHOWN[Cue.GO], SHOWN[Cue.NOTICE]):
        assert go.light is Light.GREEN is not shown.light
        assert go.tone is Tone.HIGH is not shown.tone
        assert times(go) == 1 < times(shown)


@pytest.mark.threat("A19")
def test_nothing_shows_why_somebody_was_stopped() -> None:
    assert len({signal(reason, LANGUAGES) for reason in STOPPED}) == 1


def test_a_signal_has_a_line_for_each_language_that_is_asked_for() -> None:
    shown = signal(Reason.OK, (Language.KO, Language.EN))
    assert shown == Signal(Light.GREEN, Tone.HIGH, 0, 3_000, ("입장하세요", "Please go ahead"))


def test_installers_are_told_every_pattern() -> None:
    for each, shown in SHOWN.items():
        seconds = f"{shown.for_ms // 1000} s"
        how = f"{shown.blinks} in {seconds}" if shown.blinks else f"steady, {seconds}"
        row = f"| `{each.name}` | {how} | {shown.light.value} | {shown.tone.value} |"
        assert row in README.read_text(encoding="utf-8")
