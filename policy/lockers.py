"""A locker as a machine: what happened and when go in, the locker and what to do come out.

What it is for: nobody is ever given a locker that may still hold somebody's things. Time frees
no locker, an ending frees it in three steps (PIN reset, release pulse, opening seen), and
whatever stays open between two steps is for staff to settle (spec/rules.md 4.1).

The caller hands each command in once. Beyond that, whatever ends, moves or extends a use names
its occupancy, so that a late copy moves nothing. Effects are carried out in their order.
"""

from dataclasses import replace
from datetime import datetime
from hmac import compare_digest
from typing import assert_never

from policy.locker_model import (
    Alarm,
    Answer,
    Assign,
    Claim,
    Cleared,
    ConfirmEmpty,
    Effects,
    Event,
    Extend,
    ForceEnd,
    Locker,
    LockerAlarm,
    LockerRefusal,
    LockerState,
    LockerWord,
    Log,
    Move,
    NotSeenOpen,
    Occupancy,
    Open,
    PinReset,
    Progress,
    Pulse,
    Pulsed,
    Release,
    Report,
    ResetPin,
    Restarted,
    Return,
    SeenOpen,
    SetAside,
    StaffOpen,
    Stepped,
    Tick,
)
from policy.model import OpenWhenExpired, Reason, RuleSettings


def due(locker: Locker) -> datetime | None:
    """Return when the locker next wants a Tick, None: it waits for no instant."""
    if locker.state is LockerState.IN_USE and locker.occupancy is not None:
        return locker.occupancy.end
    return None


def step(
    locker: Locker, event: Event, at: datetime, settings: RuleSettings, *, reports_door: bool
) -> Stepped:
    """Advance a locker by one event at `at`. Pure and total.

    Every event stands for a Tick too. `reports_door`: the board can say that a door is open;
    where it can't, a locker is free once the pulse is given (spec/rules.md 4.1).
    """
    early: Effects = ()
    if not isinstance(event, ForceEnd):  # its own word says more than the expiry before it
        locker, early = _expire(locker, at)
    locker, effects = _react(locker, event, at, settings, reports_door=reports_door)
    locker, late = _expire(locker, at)
    return locker, early + effects + late


def move(source: Locker, target: Locker, ask: Move, at: datetime) -> tuple[Stepped, Stepped]:
    """Move a use to another locker: same end, new PIN there, three-step release here.

    Both lockers change at once or not at all. If the old PIN then can't be reset, the member
    keeps both until staff end the old one: nothing of theirs is locked away.
    """
    source, early = _expire(source, at)
    target, its_own = _expire(target, at)
    held = _running(source, ask.occupancy)
    if isinstance(held, Occupancy):
        if target.state is not LockerState.FREE:
            held = Reason.LOCKER_OCCUPIED
        elif source.state is LockerState.WAITING:
            held = Reason.LOCKER_EXPIRED
    if isinstance(held, Reason):
        return (source, (*early, Answer(ask.command, held))), (target, its_own)
    there = replace(held, pin_hash=ask.pin_hash, moved_from=source.id)
    moved = Log(LockerWord.MOVED_FROM, held.id, about=source.id)
    source, effects = _begin_release(
        source,
        Release(ask.command, LockerWord.MOVED_TO, source.state, before_end=True, to=target.id),
    )
    target = replace(target, state=LockerState.IN_USE, occupancy=there)
    return (source, early + effects), (target, (*its_own, moved))


def _expire(locker: Locker, at: datetime) -> Stepped:
    held = locker.occupancy
    if locker.state is not LockerState.IN_USE or held is None or at < held.end:
        return locker, ()
    return replace(locker, state=LockerState.WAITING), (Log(LockerWord.EXPIRED, held.id),)


def _react(
    locker: Locker, event: Event, at: datetime, settings: RuleSettings, *, reports_door: bool
) -> Stepped:
    match event:
        case Assign():
            return _assign(locker, event)
        case Open():
            return _open(locker, event, at, settings.locker_open_when_expired)
        case Return():
            return _give_back(locker, event)
        case Extend():
            return _extend(locker, event)
        case ForceEnd():
            needs_check = settings.force_end_needs_check
            return _force_end(locker, event, at, needs_check=needs_check)
        case StaffOpen():
            return _staff_open(locker, event)
        case ConfirmEmpty() | SetAside():
            return _settle(locker, event)
        case PinReset() | Pulsed() | SeenOpen() | NotSeenOpen() | Restarted() | Tick():
            return _report(locker, event, settings.release_seen_s, reports_door=reports_door)
        case _:
            assert_never(event)


def _report(locker: Locker, event: Report, seen_within_s: int, *, reports_door: bool) -> Stepped:
    """Take what the board, a timer or the start reports; only a release under way cares."""
    held, release = locker.occupancy, locker.release
    if held is None or release is None or not _concerns(event, release):
        failed = isinstance(event, Pulsed) and not event.done
        return locker, (Alarm(LockerAlarm.LOCK_FAULT),) if failed else ()
    match event, release.progress:
        case PinReset(confirmed=True), Progress.RESETTING:
            return _pulse(locker, held, release, seen_within_s)
        case ((PinReset() | Restarted()), Progress.RESETTING):
            return _keep(locker, held, release)
        case Pulsed(done=True), Progress.PULSING if not reports_door:
            return _free(locker, held, release)
        case SeenOpen(), Progress.PULSING if reports_door:
            return _free(locker, held, release)
        case ((Pulsed(done=False) | NotSeenOpen() | Restarted()), Progress.PULSING):
            return _stick(locker, held, release)
        case Restarted(), Progress.STUCK:
            return locker, (Alarm(LockerAlarm.LOCKER_STUCK),)
        case _:  # old news: nothing waits for it
            return locker, ()


def _concerns(event: Report, release: Release) -> bool:
    return isinstance(event, SeenOpen | Restarted | Tick) or event.command == release.command


def _assign(locker: Locker, ask: Assign) -> Stepped:
    if locker.state is not LockerState.FREE:
        return _answer(locker, ask.command, Reason.LOCKER_OCCUPIED)
    locker = replace(locker, state=LockerState.IN_USE, occupancy=ask.occupancy)
    return _answer(locker, ask.command, Reason.OK)


def _open(locker: Locker, ask: Open, at: datetime, when_expired: OpenWhenExpired) -> Stepped:
    held = _claimed(locker, ask.claim)
    if isinstance(held, Reason):
        return _answer(locker, ask.command, held)
    if at < held.start:
        return _answer(locker, ask.command, Reason.LOCKER_NOT_STARTED)
    if locker.state is LockerState.WAITING:
        used_up = when_expired is OpenWhenExpired.ONCE and held.opened_late
        if when_expired is OpenWhenExpired.OFF or used_up:
            return _answer(locker, ask.command, Reason.LOCKER_EXPIRED)
        locker = replace(locker, occupancy=replace(held, opened_late=True))
    return locker, (Answer(ask.command, Reason.OK), Pulse(ask.command))


def _give_back(locker: Locker, ask: Return) -> Stepped:
    held = _claimed(locker, ask.claim)
    if isinstance(held, Reason):
        return _answer(locker, ask.command, held)
    if locker.state is LockerState.WAITING:
        return _answer(locker, ask.command, Reason.LOCKER_EXPIRED)
    return _begin_release(
        locker, Release(ask.command, LockerWord.RETURNED, locker.state, before_end=True)
    )


def _extend(locker: Locker, ask: Extend) -> Stepped:
    held = _running(locker, ask.occupancy)
    if isinstance(held, Reason):
        return _answer(locker, ask.command, held)
    longer = replace(held, end=ask.end, opened_late=False)
    locker = replace(locker, state=LockerState.IN_USE, occupancy=longer)
    return _answer(locker, ask.command, Reason.OK)


def _force_end(locker: Locker, ask: ForceEnd, at: datetime, *, needs_check: bool) -> Stepped:
    held = _running(locker, ask.occupancy)
    if isinstance(held, Reason):
        return _answer(locker, ask.command, held)
    if needs_check and ask.from_afar and not ask.contents_checked:
        return _answer(locker, ask.command, LockerRefusal.CONTENTS_NOT_CHECKED)
    return _begin_release(
        locker, Release(ask.command, LockerWord.FORCED_END, locker.state, at < held.end)
    )


def _staff_open(locker: Locker, ask: StaffOpen) -> Stepped:
    if ask.occupancy != _occupancy_id(locker):
        return _answer(locker, ask.command, Reason.STALE_COMMAND)
    if locker.state is LockerState.FREE:
        return _answer(locker, ask.command, Reason.LOCKER_NOT_ASSIGNED)
    return locker, (
        Log(LockerWord.STAFF_OPENED, ask.occupancy, about=ask.staff),
        Answer(ask.command, Reason.OK),
        Pulse(ask.command),
    )


def _settle(locker: Locker, ask: ConfirmEmpty | SetAside) -> Stepped:
    """Free a locker that staff have looked into, or take it out of order."""
    if ask.occupancy != _occupancy_id(locker):
        return _answer(locker, ask.command, Reason.STALE_COMMAND)
    stuck = locker.release is not None and locker.release.progress is Progress.STUCK
    if not stuck and locker.state not in (LockerState.FREE, LockerState.OUT_OF_ORDER):
        return _answer(locker, ask.command, Reason.LOCKER_OCCUPIED)  # it has to be ended first
    if isinstance(ask, ConfirmEmpty):
        word, locker = LockerWord.CONFIRMED_EMPTY, Locker(locker.id)
    else:
        word = LockerWord.SET_ASIDE
        locker = replace(locker, state=LockerState.OUT_OF_ORDER, release=None)
    log = Log(word, ask.occupancy, about=ask.staff)
    cleared = (Cleared(LockerAlarm.LOCKER_STUCK),) if stuck else ()
    return locker, (log, *cleared, Answer(ask.command, Reason.OK))


def _begin_release(locker: Locker, release: Release) -> Stepped:
    """Ask for the PIN reset; nothing is released before it is confirmed."""
    locker = replace(locker, state=LockerState.RELEASING, release=release)
    return locker, (ResetPin(release.command),)


def _pulse(locker: Locker, held: Occupancy, release: Release, seen_within_s: int) -> Stepped:
    """Release the bolt, once: the PIN is gone."""
    locker = replace(
        locker,
        occupancy=replace(held, pin_hash=None),
        release=replace(release, progress=Progress.PULSING),
    )
    return locker, (
        Log(LockerWord.RELEASE_PULSE, held.id),
        Answer(release.command, Reason.OK),
        Pulse(release.command, seen_within_s),
    )


def _keep(locker: Locker, held: Occupancy, release: Release) -> Stepped:
    """Fall back to the use as it was: without a PIN reset nothing is released."""
    return replace(locker, state=release.back, release=None), (
        Log(LockerWord.PIN_RESET_FAILED, held.id),
        Alarm(LockerAlarm.PIN_RESET_FAILED),
        Answer(release.command, Reason.PIN_RESET_FAILED),
    )


def _stick(locker: Locker, held: Occupancy, release: Release) -> Stepped:
    """Leave it to staff: nobody knows whether it opened."""
    return replace(locker, release=replace(release, progress=Progress.STUCK)), (
        Log(LockerWord.STUCK, held.id),
        Alarm(LockerAlarm.LOCKER_STUCK),
    )


def _free(locker: Locker, held: Occupancy, release: Release) -> Stepped:
    log = Log(release.word, held.id, about=release.to, before_end=release.before_end)
    return Locker(locker.id), (log,)


def _running(locker: Locker, occupancy: str) -> Occupancy | Reason:
    """Return the use that a command names if it is the present one, and not ending."""
    held = locker.occupancy
    if held is None or held.id != occupancy or locker.state is LockerState.RELEASING:
        return Reason.STALE_COMMAND
    return Reason.LOCKER_OUT_OF_ORDER if locker.state is LockerState.OUT_OF_ORDER else held


def _claimed(locker: Locker, claim: Claim) -> Occupancy | Reason:
    """Return the use that a person shows to be theirs, in the order of spec/cases.md 14."""
    if claim.occupancy not in (None, _occupancy_id(locker)):
        return Reason.STALE_COMMAND
    held = locker.occupancy
    if held is None or locker.state is LockerState.RELEASING:
        return Reason.LOCKER_NOT_ASSIGNED
    if locker.state is LockerState.OUT_OF_ORDER:
        return Reason.LOCKER_OUT_OF_ORDER
    nobody = claim.member is None and claim.pin_hash is None
    if nobody or claim.member not in (None, held.member):
        return Reason.LOCKER_NOT_YOURS
    if claim.pin_hash is None:
        return held
    right = held.pin_hash is not None and compare_digest(claim.pin_hash, held.pin_hash)
    return held if right else Reason.LOCKER_BAD_PIN


def _occupancy_id(locker: Locker) -> str | None:
    return None if locker.occupancy is None else locker.occupancy.id


def _answer(locker: Locker, command: str, result: Reason | LockerRefusal) -> Stepped:
    return locker, (Answer(command, result),)
