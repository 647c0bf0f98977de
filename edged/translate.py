"""Where the three vocabularies meet: from what members are told to what hardware shows."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from drivers.api import Light, Signal, Tone
from edged.messages import CUES, TEXTS, Cue, MessageClass
from edged.settings import Language

SHOWN: Mapping[Cue, Signal] = MappingProxyType(
    {
        Cue.GO: Signal(Light.GREEN, Tone.HIGH, blinks=0, for_ms=2_000),
        Cue.SHOW_CODE: Signal(Light.AMBER, Tone.LOW, blinks=2, for_ms=3_000),
        Cue.LATER: Signal(Light.AMBER, Tone.LOW, blinks=3, for_ms=3_000),
        Cue.NO_RIGHT: Signal(Light.RED, Tone.LOW, blinks=4, for_ms=3_000),
        Cue.STAFF: Signal(Light.RED, Tone.LOW, blinks=5, for_ms=3_000),
    }
)
"""Steady and one high tone is go; all else flashes and beeps low, and the count tells what, so
nobody needs to see the colour. People count to five."""


def signal(message: MessageClass, languages: Sequence[Language]) -> Signal:
    """Return what an indicator shows for a message, with a line of text for each language."""
    cue = SHOWN[CUES[message]]
    lines = tuple(TEXTS[language][message] for language in languages)
    return Signal(cue.light, cue.tone, cue.blinks, cue.for_ms, lines)
