"""What follows from how things stand at a door, whatever has just happened to it. Pure.

The hours, a fire, a lockdown and the lock's own sensor are levels and no events: they are looked
at in every step, so that none can be missed.
"""

from dataclasses import replace

from edged.core.door_words import (
    Cleared,
    Door,
    DoorAlarm,
    DoorTerms,
    Effects,
    Hold,
    Holding,
    Phase,
    Release,
    Secure,
)
from edged.core.limits import BOND_MS, HOLD_MS, HOLD_RENEW_MS


def settle(door: Door, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Bring the hold, the open time and the lock's sensor in line with how things stand."""
    if door.armed and (not terms.scheduled or terms.lockdown or terms.fire):
        door = replace(door, armed=False)
    door, held = _hold(door, now_ms, terms)
    door, watched = _watch(door, now_ms, terms)
    door, bonded = _look_at_bond(door, now_ms, terms)
    return door, held + watched + bonded


def not_soon(door: Door) -> Effects:
    """End the pre-alarm, if it is up."""
    return (Cleared(DoorAlarm.DOOR_HELD_SOON),) if door.soon else ()


def _why_held(door: Door, terms: DoorTerms) -> Hold | None:
    """Say why the door stands released. A fire de-energises, which throws a strike's bolt."""
    if terms.fire:
        return Hold.FIRE if terms.fail_safe else None
    if not terms.scheduled or terms.lockdown or (terms.first_in and not door.armed):
        return None
    return Hold.SCHEDULE


def _hold(door: Door, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Begin, renew or end a hold; the lock ends each of its releases by itself."""
    before, why = door.hold, _why_held(door, terms)
    told: Effects = ()
    if why is not before:
        told = () if before is None else (Holding(before, began=False),)
        told += () if why is None else (Holding(why, began=True),)
    if why is None:
        return (door, ()) if before is None else _end_hold(door, now_ms, told)
    door = replace(door, hold=why)
    if before is not None and door.renew_ms is not None and now_ms < door.renew_ms:
        return door, told
    used = door.relock_ms is not None
    until_ms = None if used else door.until_ms
    hold_ms = now_ms + HOLD_MS
    door = replace(
        door,
        phase=Phase.RELEASED if door.phase is Phase.REST else door.phase,
        until_ms=until_ms,
        relock_ms=None,
        hold_ms=hold_ms,
        renew_ms=now_ms + HOLD_RENEW_MS,
    )
    return door, (Release(max(hold_ms, until_ms or now_ms) - now_ms), *told)


def _end_hold(door: Door, now_ms: int, told: Effects) -> tuple[Door, Effects]:
    """Throw the bolt, or leave it to whoever is being let through."""
    until_ms = door.until_ms
    door = replace(door, hold=None, hold_ms=0, renew_ms=None)
    if until_ms is not None and until_ms > now_ms:
        return door, (Release(until_ms - now_ms), *told)
    if door.phase is Phase.RELEASED and until_ms is None:
        door = replace(door, until_ms=now_ms)  # a contact's lag is forgiven
    return door, (Secure(), *told)


def _watch(door: Door, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Let the time of an open door run, unless it may stand open."""
    may_stand = door.hold is not None or terms.fire
    if may_stand and door.phase is Phase.UNASKED:
        door = replace(door, phase=Phase.OPEN, unasked_ms=None)
    if door.phase is not Phase.OPEN or may_stand is (door.held_ms is None):
        return door, ()
    if may_stand:
        return replace(door, soon_ms=None, held_ms=None, soon=False), not_soon(door)
    open_ms = terms.held_open_ms + (terms.extended_open_ms if door.extended else 0)
    warned = 0 < terms.pre_alarm_ms < open_ms
    soon_ms = now_ms + open_ms - terms.pre_alarm_ms if warned else None
    return replace(door, soon_ms=soon_ms, held_ms=now_ms + open_ms), ()


def _look_at_bond(door: Door, now_ms: int, terms: DoorTerms) -> tuple[Door, Effects]:
    """Tell of a bolt that should hold and does not, until it is seen to hold."""
    if door.bond is True:
        ended: Effects = (Cleared(DoorAlarm.LOCK_NOT_SECURED),) if door.loose else ()
        return replace(door, bond_ms=None, loose=False), ended
    known = door.sensed or not terms.has_contact
    wrong = door.bond is False and door.phase is Phase.REST and known
    if not wrong or door.loose:
        return (door if door.bond_ms is None else replace(door, bond_ms=None)), ()
    return replace(door, bond_ms=door.bond_ms or now_ms + BOND_MS), ()
