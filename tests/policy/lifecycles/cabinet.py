"""One locker in each state, and a short spelling of what comes out of a step."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from policy.locker_model import (
    Alarm,
    Answer,
    Cleared,
    Effects,
    Locker,
    LockerState,
    LockerWord,
    Log,
    Occupancy,
    Progress,
    Pulse,
    Release,
    ResetPin,
)
from policy.model import RuleSettings

START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 11, 5, tzinfo=UTC)
BEFORE, AFTER = END - timedelta(days=1), END + timedelta(days=1)
SETTINGS = RuleSettings()

PIN = b"hash of 1234"
O1 = Occupancy("O1", "M", START, END, pin_hash=PIN)
RELEASE = Release("c0", LockerWord.FORCED_END, LockerState.IN_USE, before_end=True)


def releasing(progress: Progress) -> Locker:
    return Locker("L7", LockerState.RELEASING, O1, replace(RELEASE, progress=progress))


LOCKERS = {
    "FREE": Locker("L7"),
    "IN_USE": Locker("L7", LockerState.IN_USE, O1),
    "WAITING": Locker("L7", LockerState.WAITING, O1),
    "RESETTING": releasing(Progress.RESETTING),
    "PULSING": releasing(Progress.PULSING),
    "STUCK": releasing(Progress.STUCK),
    "OUT_OF_ORDER": Locker("L7", LockerState.OUT_OF_ORDER, O1),
    "SET_ASIDE": Locker("L7", LockerState.OUT_OF_ORDER),
}
IN_USE = LOCKERS["IN_USE"]


def when(state: str) -> datetime:
    """Return an instant that fits the state: only WAITING is past the end."""
    return AFTER if state == "WAITING" else BEFORE


def spell_state(locker: Locker) -> str:
    if locker.state is LockerState.OUT_OF_ORDER and locker.occupancy is None:
        return "SET_ASIDE"
    return locker.state.value if locker.release is None else locker.release.progress.name


def spell(effects: Effects) -> list[str]:
    words = []
    for effect in effects:
        match effect:
            case Answer(result=result):
                words.append(result.value)
            case ResetPin():
                words.append("reset")
            case Pulse(seen_within_s=None):
                words.append("pulse")
            case Pulse(seen_within_s=seconds):
                words.append(f"pulse/{seconds}")
            case Log(word=word):
                words.append(f"+{word.value}")
            case Alarm(kind):
                words.append(f"!{kind.value}")
            case Cleared(kind):
                words.append(f"-{kind.value}")
    return words
