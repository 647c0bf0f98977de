"""A door as a machine: what happened and when go in, the new state and what to do come out.

The lock ends every release by itself; the machine says when to begin one, and when to end one
early because the door has been used (spec/hardware.md 9). Where the door stands is only known
from a contact. Without one, and until one has reported, nothing is claimed: no outcome, no alarm.
"""

from dataclasses import replace

from edged.core import door_levels
from edged.core.door_words import (
    Alarm,
    Bond,
    Cleared,
    Closed,
    ContactLost,
    Door,
    DoorAlarm,
    DoorOutcome,
    DoorTerms,
    Effects,
    Event,
    ExitPressed,
    Extend,
    Grant,
    LockFailed,
    Opened,
    Outcome,
    Phase,
    Release,
    Secure,
    Tick,
)
from edged.core.limits import (
    FORCED_AFTER_MS,
    LOCK_LAG_MS,
    PENDING_GRANTS,
    RELEASE_MAX_MS,
)
from policy.model import ExitButton, Relock

_SHUT = frozenset({Phase.REST, Phase.RELEASED})


def due_ms(door: Door) -> int | None:
    """Return when the door next wants a Tick, None: it waits for no instant."""
    waiting = (_timer_ms(door), door.renew_ms)
    return min((at_ms for at_ms in waiting if at_ms is not None), default=None)


def step(door: Door, event: Event, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Advance a door by one event at `now_ms`, which never runs backwards. Pure and total.

    The caller carries out the effects in order. A Grant always releases, and first of all,
    whatever the phase; so does an ExitPressed where the terms say so. Beside them only the
    hours and a fire release (`door_levels`). Every event stands for a Tick too.
    """
    door, late = _pass_time(door, now_ms, terms)
    effects: Effects = ()
    match event:
        case Grant():
            door, effects = _grant(door, event, now_ms, terms)
        case ExitPressed():
            door, effects = _press(door, event, now_ms, terms)
        case Extend():
            door, effects = _extend(door, now_ms, terms)
        case LockFailed():
            door, effects = _fail(door, event)
        case Opened() | Closed() | ContactLost() | Bond():
            door, effects = _sense(door, event, now_ms, terms)
        case Tick():  # pragma: no branch - mypy counts them
            pass
    if effects and isinstance(effects[0], Release):  # first of all; a relock due is overtaken
        effects = (effects[0], *(e for e in late if e != Secure()), *effects[1:])
    else:
        effects = late + effects
    door, settled = door_levels.settle(door, now_ms, terms)
    return door, effects + settled


def _press(door: Door, press: ExitPressed, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    if terms.exit_button is ExitButton.SHUNT:
        return _shunt(door, now_ms + terms.pulse_ms), ()
    return _release(door, press.event_id, terms.pulse_ms, now_ms)


def _fail(door: Door, failed: LockFailed) -> tuple[Door, Effects]:
    if failed.event_id not in door.pending:
        return door, ()
    others = tuple(waiting for waiting in door.pending if waiting != failed.event_id)
    return replace(door, pending=others), (Outcome(failed.event_id, failed.outcome),)


def _sense(
    door: Door, seen: Opened | Closed | ContactLost | Bond, now_ms: int, terms: DoorTerms
) -> tuple[Door, Effects]:
    match seen:
        case Bond(secured):
            return replace(door, bond=secured), ()
        case ContactLost():
            return replace(door, sensed=False), ()
        case Opened() | Closed() if not terms.has_contact:
            return door, ()
        case Opened():
            return _open(door, now_ms, terms)
        case Closed():  # pragma: no branch - mypy counts them
            return _close(door, now_ms, terms)


def _timer_ms(door: Door) -> int | None:
    """Say when something is due that needs only time."""
    waiting = (
        None if door.until_ms is None else door.until_ms + LOCK_LAG_MS,
        door.relock_ms,
        door.soon_ms,
        door.held_ms,
        door.unasked_ms,
        None if door.phase is Phase.FORCED else door.forced_ms,
        door.bond_ms,
    )
    return min((at_ms for at_ms in waiting if at_ms is not None), default=None)


def _pass_time(door: Door, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Do all that is due, each at its own instant."""
    effects: Effects = ()
    while (at_ms := _timer_ms(door)) is not None and at_ms <= now_ms:
        door, done = _wake(door, at_ms, terms)
        effects += done
    return door, effects


def _wake(door: Door, at_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Do what is due at `at_ms`; whatever else is due then comes next."""
    if door.until_ms is not None and at_ms == door.until_ms + LOCK_LAG_MS:
        return _end_release(door)
    if at_ms == door.relock_ms:  # after a closing, a contact's lag is forgiven
        until_ms = at_ms if door.phase is Phase.RELEASED else None
        return replace(door, until_ms=until_ms, relock_ms=None), (Secure(),)
    if at_ms == door.soon_ms:
        return replace(door, soon_ms=None, soon=True), (Alarm(DoorAlarm.DOOR_HELD_SOON),)
    if at_ms == door.held_ms:
        effects = (*door_levels.not_soon(door), Alarm(DoorAlarm.DOOR_HELD_OPEN))
        return replace(door, phase=Phase.HELD, held_ms=None, soon=False), effects
    if at_ms == door.unasked_ms:
        effects = (Alarm(DoorAlarm.DOOR_FORCED),) if door.forced_ms is None else ()
        forced_ms = at_ms + terms.forced_min_ms
        return replace(door, phase=Phase.FORCED, unasked_ms=None, forced_ms=forced_ms), effects
    if at_ms == door.forced_ms:
        return replace(door, forced_ms=None), (Cleared(DoorAlarm.DOOR_FORCED),)
    return replace(door, bond_ms=None, loose=True), (Alarm(DoorAlarm.LOCK_NOT_SECURED),)


def _end_release(door: Door) -> tuple[Door, Effects]:
    """End a release that the lock has ended; nobody went through by it."""
    effects = _outcomes(door.pending, DoorOutcome.DOOR_NOT_OPENED) if door.sensed else ()
    door = replace(door, until_ms=None, relock_ms=None, pending=())
    if door.phase is Phase.RELEASED and door.hold is None:
        door = replace(door, phase=Phase.REST, extended=False)
    return door, effects


def _grant(door: Door, grant: Grant, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    for_ms = grant.for_ms + (terms.extended_ms if grant.extended else 0)
    if grant.entry and terms.scheduled:
        door = replace(door, armed=True)
    door, effects = _release(door, grant.event_id, for_ms, now_ms)
    if grant.extended:
        door, restarted = _more_time(door)
        effects += restarted
    return door, effects


def _release(door: Door, event_id: str | None, for_ms: int, now_ms: int) -> tuple[Door, Effects]:
    """Release to the later of the ends, never shorter than somebody was promised.

    Whoever is granted at an open door can pass: that counts as opened. Of too many that wait
    for one opening the oldest is given up.
    """
    until_ms = max(now_ms + min(for_ms, RELEASE_MAX_MS), door.until_ms or now_ms)
    effects: Effects = (Release(max(until_ms, door.hold_ms) - now_ms),)
    if door.phase not in _SHUT:
        door = replace(door, until_ms=until_ms, relock_ms=None)
        if event_id is not None:
            effects += (Outcome(event_id, DoorOutcome.DOOR_OPENED),)
        return _shunt(door, door.shunt_ms), effects
    pending = door.pending if event_id is None else (*door.pending, event_id)
    given_up, pending = pending[:-PENDING_GRANTS], pending[-PENDING_GRANTS:]
    if door.sensed:
        effects += _outcomes(given_up, DoorOutcome.DOOR_NOT_OPENED)
    door = replace(door, until_ms=until_ms, relock_ms=None, phase=Phase.RELEASED, pending=pending)
    return door, effects


def _shunt(door: Door, until_ms: int) -> Door:
    """Take an opening for somebody's way, one that was just seen and one until `until_ms`."""
    phase = Phase.OPEN if door.phase is Phase.UNASKED else door.phase
    shunt_ms = max(door.shunt_ms, until_ms)
    return replace(door, phase=phase, unasked_ms=None, shunt_ms=shunt_ms)


def _extend(door: Door, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Lengthen the release that runs; where the door is open already, the time it may be."""
    if door.phase is not Phase.RELEASED:
        return _more_time(door) if door.phase is Phase.OPEN else (door, ())
    if door.until_ms is None or door.until_ms <= now_ms or door.relock_ms is not None:
        return door, ()
    until_ms = min(door.until_ms + terms.extended_ms, now_ms + RELEASE_MAX_MS)
    until_ms = max(until_ms, door.until_ms)
    door = replace(door, until_ms=until_ms, extended=True)
    return door, (Release(max(until_ms, door.hold_ms) - now_ms),)


def _more_time(door: Door) -> tuple[Door, Effects]:
    """Let the open time begin anew, for somebody who has more of it (`door_levels` does)."""
    effects = door_levels.not_soon(door)
    return replace(door, extended=True, soon_ms=None, held_ms=None, soon=False), effects


def _open(door: Door, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Take an opening: by those who were let through, found so at first sight, or unasked."""
    first, door = not door.sensed, replace(door, sensed=True)
    if door.phase is Phase.REST and not first and now_ms >= door.shunt_ms:
        return replace(door, phase=Phase.UNASKED, unasked_ms=now_ms + FORCED_AFTER_MS), ()
    if door.phase not in _SHUT:
        return door, ()
    effects = _outcomes(door.pending, DoorOutcome.DOOR_OPENED)
    until_ms = door.until_ms if door.hold is None else None  # it has been used
    relock_ms = None
    if until_ms is not None:
        early = terms.relock is Relock.OPEN
        relock_ms = now_ms + terms.relock_delay_ms if early else until_ms + LOCK_LAG_MS
    door = replace(door, phase=Phase.OPEN, until_ms=until_ms, relock_ms=relock_ms, pending=())
    return door, effects


def _close(door: Door, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Take a closing: alarms end, and a release that has been used ends with it."""
    door = replace(door, sensed=True)
    if door.phase in _SHUT:
        return door, ()
    effects = door_levels.not_soon(door)
    if door.phase is Phase.HELD:
        effects += (Cleared(DoorAlarm.DOOR_HELD_OPEN),)
    if door.forced_ms is not None and door.forced_ms <= now_ms:
        effects += (Cleared(DoorAlarm.DOOR_FORCED),)
        door = replace(door, forced_ms=None)
    shut = replace(door, phase=Phase.REST, soon_ms=None, held_ms=None, soon=False, unasked_ms=None)
    if door.hold is not None:
        return replace(shut, phase=Phase.RELEASED), effects
    if door.relock_ms is None:
        phase = Phase.REST if door.until_ms is None else Phase.RELEASED
        return replace(shut, phase=phase, extended=False), effects
    if terms.relock is Relock.CLOSE and terms.relock_delay_ms:
        relock_ms = min(now_ms + terms.relock_delay_ms, door.relock_ms)
        return replace(shut, phase=Phase.RELEASED, relock_ms=relock_ms, extended=False), effects
    shut = replace(shut, until_ms=None, relock_ms=None, extended=False)
    return shut, (Secure(), *effects)


def _outcomes(pending: tuple[str, ...], result: DoorOutcome) -> Effects:
    return tuple(Outcome(event_id, result) for event_id in pending)
