"""What a door's display shows: a pure step from event to event (spec/rules.md 3.10).

No name, no money, nothing of why somebody is stopped: only what the member is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from edged.console import limits
from edged.core.alarm_words import AlarmName
from edged.messages import TEXTS, Cue, cue, message_class
from edged.settings.model import Language
from policy.model import Reason


class Face(StrEnum):
    """The screen's five looks, each with a sign and a place of its own beside its colour."""

    IDLE = "idle"
    READING = "reading"
    WELCOME = "welcome"
    REFUSED = "refused"
    ALARM = "alarm"


ALARMS = frozenset(
    {
        AlarmName.FIRE.value,
        AlarmName.LOCKDOWN.value,
        AlarmName.DOOR_FORCED.value,
        AlarmName.DOOR_HELD_OPEN.value,
        AlarmName.DOOR_HELD_SOON.value,
    }
)
"""What the people before a door are told of; the rest is for the staff."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One display. `lines`: in each language; `until_ms`: then it is idle again (monotonic).

    `alarms`: those that are up and concern this door, by source and name. `device` is the reader
    that it speaks of.
    """

    face: Face = Face.IDLE
    lines: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    until_ms: int = 0
    device: str = ""
    alarms: frozenset[tuple[str, str]] = frozenset()

    @property
    def alarm(self) -> str | None:
        """The alarm to show: of several, the one that matters most."""
        names = {name for _, name in self.alarms}
        return next((name.value for name in AlarmName if name.value in names), None)


def step(
    screen: Screen,
    event: Mapping[str, object],
    door: str,
    languages: Sequence[Language],
    now_ms: int,
) -> Screen:
    """Take an event of the daemon's; what does not concern this door changes nothing."""
    screen, what = passed(screen, now_ms), event.get("event")
    if what == "alarm":
        return _alarm(screen, event, door)
    if what == "daemon":
        return Screen(alarms=screen.alarms)
    if event.get("door") != door or event.get("side") != "IN":
        return screen
    device = str(event.get("device"))
    if what == "read":
        until_ms = now_ms + limits.READING_MS
        return Screen(Face.READING, until_ms=until_ms, device=device, alarms=screen.alarms)
    if what == "decided":
        return answered(screen, device, str(event.get("reason")), languages, now_ms)
    if what == "login":
        lines, until_ms = _lines(event.get("lines")), now_ms + limits.LOGIN_SCREEN_MS
        return Screen(Face.READING, lines, (), until_ms, device, screen.alarms)
    if what == "ahead" and device == screen.device:
        return replace(screen, more=_lines(event.get("lines")))
    return screen


def passed(screen: Screen, now_ms: int) -> Screen:
    """Return the screen at a time: what it said of a code runs out."""
    if screen.face is Face.IDLE or now_ms < screen.until_ms:
        return screen
    return Screen(alarms=screen.alarms)


def _alarm(screen: Screen, event: Mapping[str, object], door: str) -> Screen:
    source, name = str(event.get("source")), str(event.get("alarm"))
    everywhere = name in {AlarmName.FIRE, AlarmName.LOCKDOWN}
    if name not in ALARMS or not (everywhere or source == door):
        return screen
    change = {(source, name)}
    alarms = screen.alarms | change if event.get("raised") else screen.alarms - change
    return replace(screen, alarms=alarms)


def answered(
    screen: Screen, device: str, said: str, languages: Sequence[Language], now_ms: int
) -> Screen:
    """Show what came of a code at a reader of this door; `said`: the reason in one word."""
    try:
        reason = Reason(said)
    except ValueError:
        return screen
    goes = cue(reason) in {Cue.GO, Cue.NOTICE}
    return Screen(
        Face.WELCOME if goes else Face.REFUSED,
        lines=tuple(TEXTS[language][message_class(reason)] for language in languages),
        until_ms=now_ms + limits.SCREEN_MS,
        device=device,
        alarms=screen.alarms,
    )


def _lines(said: object) -> tuple[str, ...]:
    return tuple(map(str, said)) if isinstance(said, list | tuple) else ()
