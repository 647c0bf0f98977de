from collections.abc import Iterator

import pytest

from edged.console import limits
from edged.console.screen import Face, Screen, answered, passed, step
from edged.console.words import ALARMS, LOCKERS, PHASES, TEXTS, speaker
from edged.core.alarm_words import AlarmName
from edged.core.door_words import Phase
from edged.settings.model import Language
from policy.locker_model import LockerState
from policy.model import Reason

BOTH = (Language.JA, Language.EN)


def event(what: str, **facts: object) -> dict[str, object]:
    return {"event": what, "device": "front-in", "door": "front", "side": "IN", **facts}


def alarm(name: str, source: str, *, raised: bool = True) -> dict[str, object]:
    return {"event": "alarm", "alarm": name, "source": source, "raised": raised}


def after(*events: dict[str, object], at_ms: int = 0) -> Screen:
    screen = Screen()
    for one in events:
        screen = step(screen, one, "front", BOTH, at_ms)
    return screen


def test_a_code_that_opens_is_welcomed_with_what_is_left() -> None:
    screen = after(
        event("read"),
        event("decided", reason="OK", decision="ALLOW"),
        event("ahead", lines=["8回中あと7回", "7 of 8 left"]),
    )
    assert (screen.face, screen.lines) == (Face.WELCOME, ("どうぞ", "Please go ahead"))
    assert screen.more == ("8回中あと7回", "7 of 8 left")


def test_a_refusal_says_when_next_and_then_the_screen_is_idle_again() -> None:
    screen = after(
        event("read"),
        event("decided", reason="OUT_OF_BAND", decision="DENY"),
        event("ahead", lines=["17:45から入館できます", "From 17:45"]),
    )
    assert (screen.face, screen.more[1]) == (Face.REFUSED, "From 17:45")
    assert passed(screen, limits.SCREEN_MS - 1) == screen
    assert passed(screen, limits.SCREEN_MS) == Screen()


def test_a_login_says_what_comes_next() -> None:
    screen = after(event("login", result="ARMED", lines=["コードを", "Show your staff code"]))
    assert (screen.face, screen.lines[1]) == (Face.READING, "Show your staff code")
    assert passed(screen, limits.LOGIN_SCREEN_MS) == Screen()


@pytest.mark.parametrize("reason", ["MEMBER_WITHDRAWN", "MEMBER_SUSPENDED", "IDENTITY_SUSPENDED"])
def test_whoever_is_stopped_is_sent_to_the_staff_and_never_told_why(reason: str) -> None:
    assert after(event("decided", reason=reason)).lines[1] == "Please ask our staff"


@pytest.mark.parametrize(
    "other",
    [
        event("decided", door="back", reason="OK"),
        event("decided", side="OUT", reason="OK"),
        event("ahead", device="studio-in", lines=["x"]),
        event("decided", reason="A_WORD_OF_A_LATER_RELEASE"),
        alarm("DOOR_FORCED", "back"),
        alarm("DEVICE_LOST", "front"),
        {"event": "released", "door": "front"},
        {},
    ],
)
def test_what_does_not_concern_the_people_before_this_door_changes_nothing(
    other: dict[str, object],
) -> None:
    before = after(event("read"))
    assert step(before, other, "front", BOTH, 0) == before


def test_an_alarm_shows_until_it_ends_and_fire_shows_before_all() -> None:
    held = after(alarm("DOOR_HELD_OPEN", "front"), event("decided", reason="OK"))
    assert held.alarm == "DOOR_HELD_OPEN"
    burning = step(held, alarm("FIRE", "fire"), "front", BOTH, 0)
    assert burning.alarm == "FIRE"
    quiet = step(burning, alarm("FIRE", "fire", raised=False), "front", BOTH, 0)
    assert quiet.alarm == "DOOR_HELD_OPEN"
    assert (
        step(quiet, alarm("DOOR_HELD_OPEN", "front", raised=False), "front", BOTH, 0).alarm is None
    )


def test_a_daemon_that_is_lost_leaves_no_answer_on_the_screen() -> None:
    screen = after(event("decided", reason="OK"), {"event": "daemon", "here": False})
    assert screen.face is Face.IDLE


def test_every_reason_has_a_face() -> None:
    for reason in Reason:
        screen = answered(Screen(), "front-in", reason.value, BOTH, 0)
        assert screen.face in {Face.WELCOME, Face.REFUSED}
        assert all(screen.lines)


def tables() -> Iterator[tuple[str, tuple[str, ...]]]:
    for table in (TEXTS, ALARMS, PHASES, LOCKERS):
        yield from table.items()


def test_the_pages_have_words_for_everything_in_every_language() -> None:
    assert {name.value for name in AlarmName} == ALARMS.keys()
    assert {phase.name for phase in Phase} == PHASES.keys()
    assert {state.value for state in LockerState} == LOCKERS.keys()
    for name, words in tables():
        assert len(words) == len(Language), name
        assert len({word.count("{") for word in words}) == 1, name
    assert (
        speaker(Language.EN)("ready_members", 4, "Sunday") == "4 members can come in until Sunday"
    )
    assert speaker(Language.KO)("NO_WORD_FOR_IT") == "NO_WORD_FOR_IT"
