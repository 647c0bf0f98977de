"""A door as a machine: what happened and when go in, the new state and what to do come out.

The lock ends every release by itself; the machine says when to begin one, and when to end one
early because the door has been used (spec/hardware.md 9). Where the door stands is only known
from a contact. Without one, and until one has reported, nothing is claimed: no outcome, no alarm.
"""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

from edged.core.limits import LOCK_LAG_MS, PENDING_GRANTS, RELEASE_MAX_MS, RELOCK_DELAY_MS
from policy.model import Relock


class DoorOutcome(StrEnum):
    """What came of one release (spec/rules.md 3.10)."""

    DOOR_OPENED = "DOOR_OPENED"
    DOOR_NOT_OPENED = "DOOR_NOT_OPENED"
    LOCK_FAULT = "LOCK_FAULT"


class DoorAlarm(StrEnum):
    """What is wrong with a door until it is closed (spec/rules.md 3.10)."""

    DOOR_FORCED = "DOOR_FORCED"
    DOOR_HELD_OPEN = "DOOR_HELD_OPEN"


@dataclass(frozen=True, slots=True)
class DoorTerms:
    """How a door behaves, in milliseconds (policy.model.Door); `pulse_ms` is the exit button's.

    `has_contact` False: what a contact says is not believed, for there is none.
    """

    pulse_ms: int
    held_open_ms: int
    relock: Relock
    has_contact: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """Somebody may pass. `event_id` is unique; `for_ms` from 1, cut at RELEASE_MAX_MS."""

    event_id: str
    for_ms: int


@dataclass(frozen=True, slots=True)
class ExitPressed:
    """Somebody wants out: a grant that asks nobody."""

    event_id: str


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
class LockFailed:
    """The lock did not take the release that this grant asked for."""

    event_id: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing but time has passed."""


Event = Grant | ExitPressed | Opened | Closed | ContactLost | LockFailed | Tick


@dataclass(frozen=True, slots=True)
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
    """End an alarm: the door is seen closed."""

    kind: DoorAlarm


Effect = Release | Secure | Outcome | Alarm | Cleared
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
    FORCED = auto()
    """Opened although nobody was let through."""


_ALARMS = {Phase.HELD: DoorAlarm.DOOR_HELD_OPEN, Phase.FORCED: DoorAlarm.DOOR_FORCED}


@dataclass(frozen=True, slots=True)
class Door:
    """The state of one door. Instants are of the monotonic clock, None = not running.

    `until_ms`: when the lock ends the release. `relock_ms`: the release has been used, so it
    may be ended at this instant or when the door closes. `held_ms`: when open is too long.
    `pending`: grants without an outcome, the oldest first; none but in RELEASED. `sensed`: a
    contact has reported and is not lost.
    """

    phase: Phase = Phase.REST
    until_ms: int | None = None
    relock_ms: int | None = None
    held_ms: int | None = None
    pending: tuple[str, ...] = ()
    sensed: bool = False


def due_ms(door: Door) -> int | None:
    """Return when the door next wants a Tick, None: it waits for no instant."""
    ended_ms = None if door.until_ms is None else door.until_ms + LOCK_LAG_MS
    waiting = (ended_ms, door.relock_ms, door.held_ms)
    return min((at_ms for at_ms in waiting if at_ms is not None), default=None)


def step(door: Door, event: Event, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Advance a door by one event at `now_ms`, which never runs backwards. Pure and total.

    The caller carries out the effects in order. A Grant or ExitPressed always releases, and
    first of all, whatever the phase; nothing else ever releases. Every event stands for a
    Tick too.
    """
    door, late = _pass_time(door, now_ms)
    effects: Effects = ()
    match event:
        case Grant(event_id, for_ms):
            return _release(door, event_id, for_ms, now_ms, late)
        case ExitPressed(event_id):
            return _release(door, event_id, terms.pulse_ms, now_ms, late)
        case Opened() if terms.has_contact:
            door, effects = _open(door, now_ms, terms)
        case Closed() if terms.has_contact:
            door, effects = _close(door)
        case LockFailed(event_id) if event_id in door.pending:
            others = tuple(waiting for waiting in door.pending if waiting != event_id)
            door = replace(door, pending=others)
            effects = (Outcome(event_id, DoorOutcome.LOCK_FAULT),)
        case ContactLost():
            door = replace(door, sensed=False)
        case Opened() | Closed() | LockFailed() | Tick():  # pragma: no branch - mypy counts them
            pass
    return door, late + effects


def _pass_time(door: Door, now_ms: int) -> tuple[Door, Effects]:
    """Do what is due: end a release, relock, raise the held-open alarm."""
    effects: Effects = ()
    if door.until_ms is not None and now_ms >= door.until_ms + LOCK_LAG_MS:
        effects = _settle(door.pending, DoorOutcome.DOOR_NOT_OPENED) if door.sensed else ()
        phase = Phase.REST if door.phase is Phase.RELEASED else door.phase
        door = replace(door, phase=phase, until_ms=None, relock_ms=None, pending=())
    elif door.relock_ms is not None and now_ms >= door.relock_ms:
        effects = (Secure(),)
        door = replace(door, until_ms=None, relock_ms=None)
    if door.held_ms is not None and now_ms >= door.held_ms:
        effects = (*effects, Alarm(DoorAlarm.DOOR_HELD_OPEN))
        door = replace(door, phase=Phase.HELD, held_ms=None)
    return door, effects


def _release(
    door: Door, event_id: str, for_ms: int, now_ms: int, late: Effects
) -> tuple[Door, Effects]:
    """Release to the later of the ends, never shorter than somebody was promised.

    Whoever is granted at an open door can pass: that counts as opened. Of too many that wait
    for one opening the oldest is given up. A relock that fell due is overtaken.
    """
    until_ms = max(now_ms + min(for_ms, RELEASE_MAX_MS), door.until_ms or now_ms)
    effects: Effects = (Release(until_ms - now_ms), *(e for e in late if e != Secure()))
    door = replace(door, until_ms=until_ms, relock_ms=None)
    if door.phase not in {Phase.REST, Phase.RELEASED}:
        return door, (*effects, Outcome(event_id, DoorOutcome.DOOR_OPENED))
    pending = (*door.pending, event_id)
    given_up, pending = pending[:-PENDING_GRANTS], pending[-PENDING_GRANTS:]
    if door.sensed:
        effects += _settle(given_up, DoorOutcome.DOOR_NOT_OPENED)
    return replace(door, phase=Phase.RELEASED, pending=pending), effects


def _open(door: Door, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Take an opening: by those who were let through, found so at first sight, or forced."""
    first, door = not door.sensed, replace(door, sensed=True)
    if door.phase is Phase.REST and not first:
        return replace(door, phase=Phase.FORCED), (Alarm(DoorAlarm.DOOR_FORCED),)
    if door.phase not in {Phase.REST, Phase.RELEASED}:
        return door, ()
    effects = _settle(door.pending, DoorOutcome.DOOR_OPENED)
    relock_ms = None
    if door.until_ms is not None:
        early = terms.relock is Relock.OPEN
        relock_ms = now_ms + RELOCK_DELAY_MS if early else door.until_ms + LOCK_LAG_MS
    held_ms = now_ms + terms.held_open_ms
    door = replace(door, phase=Phase.OPEN, relock_ms=relock_ms, held_ms=held_ms, pending=())
    return door, effects


def _close(door: Door) -> tuple[Door, Effects]:
    """Take a closing: the alarm ends, and a release that has been used ends with it."""
    door = replace(door, sensed=True)
    if door.phase in {Phase.REST, Phase.RELEASED}:
        return door, ()
    effects: Effects = (Cleared(_ALARMS[door.phase]),) if door.phase in _ALARMS else ()
    if door.relock_ms is not None:
        effects = (Secure(), *effects)
    if door.until_ms is None or door.relock_ms is not None:
        return Door(sensed=True), effects
    return replace(door, phase=Phase.RELEASED, held_ms=None), effects


def _settle(pending: tuple[str, ...], result: DoorOutcome) -> Effects:
    return tuple(Outcome(event_id, result) for event_id in pending)
