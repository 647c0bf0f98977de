"""The nouns of a locker, what can happen to it, and what it asks for (spec/rules.md 2.7, 4.1).

Instants are aware UTC datetimes. `policy.lockers` has the steps.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum, auto

from policy.model import Reason


class LockerState(StrEnum):
    """Where a locker stands (spec/rules.md 4.1)."""

    FREE = "FREE"
    IN_USE = "IN_USE"
    WAITING = "WAITING"
    RELEASING = "RELEASING"
    OUT_OF_ORDER = "OUT_OF_ORDER"


class LockerWord(StrEnum):
    """What the log says of a locker. Values are append-only."""

    EXPIRED = "expired"
    RELEASE_PULSE = "release_pulse"
    FORCED_END = "forced_end"
    RETURNED = "returned"
    MOVED_TO = "moved_to"
    MOVED_FROM = "moved_from"
    PIN_RESET_FAILED = "pin_reset_failed"
    STUCK = "stuck"
    STAFF_OPENED = "staff_opened"
    CONFIRMED_EMPTY = "confirmed_empty"
    SET_ASIDE = "set_aside"


class LockerAlarm(StrEnum):
    """What staff have to look at."""

    PIN_RESET_FAILED = "PIN_RESET_FAILED"
    LOCKER_STUCK = "LOCKER_STUCK"
    LOCK_FAULT = "LOCK_FAULT"


class LockerRefusal(StrEnum):
    """Why an ending from afar is refused where `force_end_needs_check` is on."""

    CONTENTS_NOT_CHECKED = "CONTENTS_NOT_CHECKED"


@dataclass(frozen=True, slots=True)
class Occupancy:
    """One use of a locker, `[start, end)`; `pin_hash` None = no PIN opens it.

    `moved_from`: the locker it was in before. `opened_late`: opened since its end.
    """

    id: str
    member: str
    start: datetime
    end: datetime
    product: str | None = None
    pin_hash: bytes | None = field(default=None, repr=False)
    moved_from: str | None = None
    opened_late: bool = False


class Progress(Enum):
    """How far a release has come."""

    RESETTING = auto()
    """The PIN reset is asked for; nothing has moved."""
    PULSING = auto()
    """The pulse is given or about to be; the opening is not seen yet."""
    STUCK = auto()
    """Nobody knows whether it opened: staff have to look."""


@dataclass(frozen=True, slots=True)
class Release:
    """An ending under way: by which command, what the log will say, the state to fall back to."""

    command: str
    word: LockerWord
    back: LockerState
    before_end: bool
    to: str | None = None
    progress: Progress = Progress.RESETTING


@dataclass(frozen=True, slots=True)
class Locker:
    """One locker. RELEASING has a `release`, no other state has; FREE has no `occupancy`.

    OUT_OF_ORDER keeps the ended occupancy of a locker that got stuck.
    """

    id: str
    state: LockerState = LockerState.FREE
    occupancy: Occupancy | None = None
    release: Release | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """How somebody shows that a locker is theirs: a member's code, a PIN, or both.

    `pin_hash` is made like the occupancy's; the PIN itself never comes here. `occupancy`: what
    a claim from afar is bound to, None at the locker itself.
    """

    member: str | None = None
    pin_hash: bytes | None = field(default=None, repr=False)
    occupancy: str | None = None


@dataclass(frozen=True, slots=True)
class Assign:
    """Give a free locker to a member."""

    command: str
    occupancy: Occupancy


@dataclass(frozen=True, slots=True)
class Open:
    """The owner opens."""

    command: str
    claim: Claim


@dataclass(frozen=True, slots=True)
class Return:
    """The owner gives the locker back before its end."""

    command: str
    claim: Claim


@dataclass(frozen=True, slots=True)
class Extend:
    """Set a new end, which may be earlier than the old one."""

    command: str
    occupancy: str
    end: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """Move a use to a free locker, with a new PIN there (see `move`)."""

    command: str
    occupancy: str
    pin_hash: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ForceEnd:
    """Staff end a use. `from_afar`: nobody stands at the locker."""

    command: str
    occupancy: str
    from_afar: bool = False
    contents_checked: bool = False


@dataclass(frozen=True, slots=True)
class StaffOpen:
    """Staff open to look inside; nothing else changes. `occupancy` None = there is none."""

    command: str
    staff: str
    occupancy: str | None


@dataclass(frozen=True, slots=True)
class ConfirmEmpty:
    """Staff have looked: a stuck locker or one out of order is empty and works."""

    command: str
    staff: str
    occupancy: str | None


@dataclass(frozen=True, slots=True)
class SetAside:
    """Staff take a stuck or free locker out of order."""

    command: str
    staff: str
    occupancy: str | None


@dataclass(frozen=True, slots=True)
class PinReset:
    """What came of the PIN reset that `command` asked for."""

    command: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Pulsed:
    """What came of the pulse that `command` asked for: did the board take it?"""

    command: str
    done: bool


@dataclass(frozen=True, slots=True)
class SeenOpen:
    """The board reports the door open."""


@dataclass(frozen=True, slots=True)
class NotSeenOpen:
    """`seen_within_s` after the pulse of `command` are over."""

    command: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The program began anew: nobody knows what came of what was under way."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing but time has passed."""


Command = Assign | Open | Return | Extend | ForceEnd | StaffOpen | ConfirmEmpty | SetAside
Report = PinReset | Pulsed | SeenOpen | NotSeenOpen | Restarted | Tick
Event = Command | Report


@dataclass(frozen=True, slots=True)
class Answer:
    """Tell whoever gave the command, and record it. At most one for each command."""

    command: str
    result: Reason | LockerRefusal


@dataclass(frozen=True, slots=True)
class ResetPin:
    """Clear the PIN wherever it is kept, and report PinReset."""

    command: str


@dataclass(frozen=True, slots=True)
class Pulse:
    """Release the bolt once, and report Pulsed.

    `seen_within_s`: report NotSeenOpen after so many seconds; None = nobody waits for it.
    """

    command: str
    seen_within_s: int | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """Record it and tell the cloud. `about`: the other locker, or the person of the staff."""

    word: LockerWord
    occupancy: str | None
    about: str | None = None
    before_end: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """Raise an alarm."""

    kind: LockerAlarm


@dataclass(frozen=True, slots=True)
class Cleared:
    """End an alarm: staff have settled it."""

    kind: LockerAlarm


Effect = Answer | ResetPin | Pulse | Log | Alarm | Cleared
Effects = tuple[Effect, ...]
Stepped = tuple[Locker, Effects]
