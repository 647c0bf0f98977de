"""Where the three vocabularies meet: from what members are told to what hardware shows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from drivers.api import Light, Signal, Tone
from edged import limits
from edged.messages import TEXTS, Cue, cue, message_class
from edged.settings.model import Language
from policy.model import Reason

SHOWN: Mapping[Cue, Signal] = MappingProxyType(
    {
        Cue.GO: Signal(Light.GREEN, Tone.HIGH, blinks=0, for_ms=3_000),
        Cue.NOTICE: Signal(Light.GREEN, Tone.HIGH, blinks=1, for_ms=2_000),
        Cue.SHOW_CODE: Signal(Light.AMBER, Tone.LOW, blinks=2, for_ms=3_000),
        Cue.LATER: Signal(Light.AMBER, Tone.LOW, blinks=3, for_ms=3_000),
        Cue.NO_RIGHT: Signal(Light.RED, Tone.LOW, blinks=4, for_ms=3_000),
        Cue.STAFF: Signal(Light.RED, Tone.LOW, blinks=5, for_ms=3_000),
        Cue.FAULT: Signal(Light.RED, Tone.LOW, blinks=5, for_ms=10_000),
        Cue.ALARM: Signal(Light.RED, Tone.HIGH, blinks=8, for_ms=limits.SOUND_MS[0]),
    }
)
"""What each outcome looks and sounds like, and the only place that says so.

Nobody needs to see the colour, to hear, or to tell pitches apart: light and sound have the same
pattern, and no two patterns are alike. Once is go, long or short; two to five quick ones are
counted (people count to five); slow ones are the device's own fault; quick ones that go on and
on are an alarm (edged.alarms.sounder). No light flashes more than three times a second, which can
bring on a seizure.
"""


def signal(reason: Reason, languages: Sequence[Language]) -> Signal:
    """Return what an indicator shows for a reason, with a line of text for each language."""
    return _signal(reason, tuple(languages))


@cache  # as many as there are reasons: a device's languages never change
def _signal(reason: Reason, languages: tuple[Language, ...]) -> Signal:
    lines = tuple(TEXTS[language][message_class(reason)] for language in languages)
    return replace(SHOWN[cue(reason)], lines=lines)
