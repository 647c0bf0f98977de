"""The nouns of a door as a machine: how it is to behave, what happens to it, what is to be done."""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from policy.decision import value
from policy.model import ExitButton, Relock


class DoorOutcome(StrEnum):
    """What came of one release (spec/rules.md 3.10)."""

    DOOR_OPENED = "DOOR_OPENED"
    DOOR_NOT_OPENED = "DOOR_NOT_OPENED"
    LOCK_FAULT = "LOCK_FAULT"


class DoorAlarm(StrEnum):
    """What a door finds wrong with itself (spec/hardware.md 9.3)."""

    DOOR_FORCED = "DOOR_FORCED"
    DOOR_HELD_OPEN = "DOOR_HELD_OPEN"
    DOOR_HELD_SOON = "DOOR_HELD_SOON"
    LOCK_NOT_SECURED = "LOCK_NOT_SECURED"


class Hold(StrEnum):
    """Why a door is kept released without anybody asking."""

    SCHEDULE = "schedule"
    FIRE = "fire"


@value
class DoorTerms:
    """How a door behaves, and what holds for it now (policy.model.Door; times in milliseconds).

    `pulse_ms` is the exit button's. `extended_ms` is added to the release for members who have
    more time, `extended_open_ms` to the time that the door may be open then.
    `pre_alarm_ms` before the held-open alarm, 0: none. `forced_min_ms`: the shortest alarm of a
    forced door. `has_contact` False: what a contact says is not believed, for there is none.
    `fail_safe`: without power the bolt lets go, so a fire keeps it released.

    The levels: `fire` and `lockdown` are on; `scheduled`: the hours say that the door stands
    open, after the `first_in` has come in if that is asked for.
    """

    pulse_ms: int
    held_open_ms: int
    relock: Relock
    has_contact: bool
    relock_delay_ms: int = 500
    extended_ms: int = 15_000
    extended_open_ms: int = 15_000
    pre_alarm_ms: int = 10_000
    forced_min_ms: int = 30_000
    exit_button: ExitButton = ExitButton.RELEASE
    first_in: bool = False
    fail_safe: bool = False
    fire: bool = False
    lockdown: bool = False
    scheduled: bool = False


@value
class Grant:
    """Somebody may pass. `event_id` is unique; `for_ms` from 1, cut at RELEASE_MAX_MS.

    `extended`: it is somebody who has more time. `entry`: it is a coming in by a code.
    """

    event_id: str
    for_ms: int
    extended: bool = False
    entry: bool = False


@dataclass(frozen=True, slots=True)
class Extend:
    """Whoever is being let through right now turns out to be somebody who has more time."""


@dataclass(frozen=True, slots=True)
class ExitPressed:
    """Somebody wants out: a grant that asks nobody. `event_id` None: its outcome is not told."""

    event_id: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The contact says open: a change, or its first report."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The contact says closed: a change, or its first report."""


@dataclass(frozen=True, slots=True)
class ContactLost:
    """The contact reports no more; its next report is a first one."""


@dataclass(frozen=True, slots=True)
class Bond:
    """The lock's own sensor says whether the bolt holds; None: it reports no more."""

    secured: bool | None


@dataclass(frozen=True, slots=True)
class LockFailed:
    """The lock did not take the release that this grant asked for, or was not given it."""

    event_id: str
    outcome: DoorOutcome = DoorOutcome.LOCK_FAULT


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing but time has passed, or the terms have changed."""


Event = Grant | Extend | ExitPressed | Opened | Closed | ContactLost | Bond | LockFailed | Tick


@value
class Release:
    """Release the bolt for so long from now, in place of what is left of an earlier release."""

    for_ms: int


@dataclass(frozen=True, slots=True)
class Secure:
    """Throw the bolt now, before the lock's own timer would."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Record what came of a grant; at most one for each."""

    event_id: str
    result: DoorOutcome


@dataclass(frozen=True, slots=True)
class Alarm:
    """Raise an alarm."""

    kind: DoorAlarm


@dataclass(frozen=True, slots=True)
class Cleared:
    """End an alarm."""

    kind: DoorAlarm


@dataclass(frozen=True, slots=True)
class Holding:
    """Record that the door begins to stand released, or does so no more."""

    why: Hold
    began: bool


Effect = Release | Secure | Outcome | Alarm | Cleared | Holding
Effects = tuple[Effect, ...]


class Phase(Enum):
    """Where a door stands, as far as is known. A bolt may be released in all but REST."""

    REST = auto()
    """Secured, and not seen open."""
    RELEASED = auto()
    """Released, and not opened yet."""
    OPEN = auto()
    """Open, as it may be."""
    HELD = auto()
    """Open for too long."""
    UNASKED = auto()
    """Just opened although nobody was let through: a bounce, or somebody's way out, or force."""
    FORCED = auto()
    """Opened although nobody was let through."""


@value
class Door:
    """The state of one door. Instants are of the monotonic clock, None = not running.

    `until_ms`: when the lock ends the release of whoever was let through. `relock_ms`: that
    release has been used, so it may be ended at this instant or when the door closes.
    `hold`: why the bolt is kept released beside that; `hold_ms`: until when the lock was told
    to, `renew_ms`: when to tell it again. `armed`: the first of the day has come in.
    `shunt_ms`: until when an opening is somebody's way out by the handle.
    `soon_ms`, `held_ms`: when open is nearly and when it is too long; `soon`: the former is
    told. `extended`: somebody who passes has more time. `unasked_ms`: when an opening that
    nobody asked for is forced; `forced_ms`: that alarm is up, and until when at least.
    `bond`: what the lock's sensor says; `bond_ms`: when to believe that the bolt does not hold;
    `loose`: that is told. `pending`: grants without an outcome, the oldest first; none but in
    RELEASED. `sensed`: a contact has reported and is not lost.
    """

    phase: Phase = Phase.REST
    until_ms: int | None = None
    relock_ms: int | None = None
    hold: Hold | None = None
    hold_ms: int = 0
    renew_ms: int | None = None
    armed: bool = False
    shunt_ms: int = 0
    soon_ms: int | None = None
    held_ms: int | None = None
    soon: bool = False
    extended: bool = False
    unasked_ms: int | None = None
    forced_ms: int | None = None
    bond: bool | None = None
    bond_ms: int | None = None
    loose: bool = False
    pending: tuple[str, ...] = ()
    sensed: bool = False

    @property
    def passable(self) -> bool:
        """Whether somebody may get through: the bolt may be out, or the door is seen open."""
        return self.phase is not Phase.REST
