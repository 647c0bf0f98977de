"""The words of the audit: what a record may say (spec/rules.md 2.8).

Each function gives the body of one record, plain JSON values only; the journal adds `seq` and
the hash of the record before. Kinds and keys are append-only: an old record stays readable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TypeAlias

from edged.core.alarm_words import SEVERITY, AlarmName
from edged.core.seating import SeatChange
from policy.decision import value
from policy.locker_model import Log, Occupancy
from policy.loyalty import CancelEarn, Earn
from policy.model import Decision, Device, Rules, Side
from policy.seats import Io, Stepped

Fact: TypeAlias = "str | int | bool | Sequence[str] | Mapping[str, int] | None"
Body = dict[str, Fact]


class Kind(StrEnum):
    """What a record is about."""

    PASSAGE = "passage"
    OUTCOME = "outcome"
    EXIT_BUTTON = "exit_button"
    ALARM = "alarm"
    REFUSED = "refused"
    GAP = "gap"
    STARTED = "started"
    STOPPED = "stopped"
    RULES_ACTIVE = "rules_active"
    SETTINGS_ACTIVE = "settings_active"
    SEAT_CHECK_IN = "seat_check_in"
    SEAT_CHECK_OUT = "seat_check_out"
    VISIT_POINT = "visit_point"
    LOYALTY_EARN = "loyalty_earn"
    LOYALTY_EARN_CANCEL = "loyalty_earn_cancel"
    LOCKER = "locker"
    LOCKER_COMMAND = "locker_command"
    HOLD = "hold"
    COMMAND = "command"
    SUMMED = "summed"
    MASTER_RELEASE = "master_release"
    MASTER_RELEASED = "master_released"
    ROLLED_BACK = "rolled_back"
    NOT_TAKEN = "not_taken"
    RESTORED = "restored"
    RULES_REFUSED = "rules_refused"
    CLOCK = "clock"
    LOGIN = "login"


@value
class Stamp:
    """When something happened and how far the clock could be believed."""

    at: datetime
    clock: str


def stamp_text(at: datetime) -> str:
    """Spell an instant: UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class LockerCommand:
    """What somebody asks of a locker, in one word each.

    `locker`: the bank, for all of its lockers; None: there is none that it could be about. `by`:
    a member or one of the staff. `device`: the reader, None at the control socket.
    """

    id: str
    locker: str | None
    verb: str
    by: str
    device: str | None = None


@dataclass(frozen=True, slots=True)
class AlarmTold:
    """An alarm of a door or a device: up since when (`stamp_text`), and what is known of it."""

    source: str
    name: AlarmName
    since: str
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class DoorCommand:
    """What somebody of the staff, or the cloud, asks of the doors; `target`: which it is about."""

    id: str
    verb: str
    by: str
    target: str | None = None


@value
class Presented:
    """A code that was held before a reader.

    `member`, or `staff` for who works here: the id, or the handle in hex of whom the rules don't
    know. All are None for a code that is not ours. `gap`: it could not be recorded first, though
    it should have been.
    """

    event_id: str
    code_kind: str | None
    member: str | None
    staff: str | None = None
    gap: bool = False


def passage(
    stamp: Stamp, rules: Rules, device: Device, presented: Presented, decision: Decision
) -> Body:
    """One presented code and what was decided about it, by `rules`.

    `usage_keys` are those that it adds. `staff`, `kept_keys` (what it supports beside them),
    `checks_in`, `unsettled` and `gap` are there only when they say something.
    """
    tz = rules.stores[device.store].tz
    day = decision.service_date
    body: Body = {
        "kind": Kind.PASSAGE.value,
        "event_id": presented.event_id,
        "device": device.id,
        "door": device.door,
        "side": device.side.value,
        "mode": device.mode.value,
        "member": presented.member,
        "code_kind": presented.code_kind,
        "occurred_at": stamp_text(stamp.at),
        "local_time": stamp.at.astimezone(tz).isoformat(timespec="seconds"),
        "service_date": None if day is None else day.isoformat(),
        "decision": decision.verdict.value,
        "reason": decision.reason.value,
        "via": decision.via,
        "band": decision.band,
        "usage_keys": [str(key) for key in decision.new_keys],
        "delta": len(decision.new_keys),
        "warnings": [warning.value for warning in decision.warnings],
        "rules_version": rules.version,
        "clock": stamp.clock,
        "recorded_first": device.side is Side.IN and not presented.gap,
    }
    if presented.staff is not None:
        body["staff"] = presented.staff
    if kept := [str(key) for key in decision.keys if key not in decision.new_keys]:
        body["kept_keys"] = kept
    if decision.checks_in is not None:
        body["checks_in"] = decision.checks_in
    if decision.unsettled:
        body["unsettled"] = True
    if presented.gap:
        body["gap"] = True
    return body


def seat(stamp: Stamp, event_id: str, device: str, change: SeatChange, stepped: Stepped) -> Body:
    """A seat that was checked in or out, with the one notice that its holder's parent gets.

    `io` None: the seat is given back. The cloud works out what the stay has used up.
    """
    came = change.io is Io.IN
    return _about(
        Kind.SEAT_CHECK_IN if came else Kind.SEAT_CHECK_OUT,
        stamp,
        event_id=event_id,
        device=device,
        store=change.store,
        seat=change.seat,
        member=change.member,
        product=change.product,
        io=None if change.io is None else change.io.value,
        since=stamp_text(change.since),
        notice=None if stepped.notice is None else stepped.notice.value,
    )


def visit_point(stamp: Stamp, event_id: str, device: Device, member: str, day: date) -> Body:
    """A member was here on a service date; the cloud may make a stamp of it (spec/rules.md 4.6)."""
    return _about(
        Kind.VISIT_POINT,
        stamp,
        event_id=event_id,
        device=device.id,
        store=device.store,
        member=member,
        service_date=day.isoformat(),
    )


def loyalty_earn(stamp: Stamp, earning: Earn) -> Body:
    """A payment that is to earn points, reported by the counter under an id of its own."""
    return _about(
        Kind.LOYALTY_EARN,
        stamp,
        operation=earning.id,
        member=earning.member,
        amount=earning.amount,
    )


def loyalty_earn_cancel(stamp: Stamp, cancel: CancelEarn) -> Body:
    """An earning of this counter that is to be taken back."""
    return _about(Kind.LOYALTY_EARN_CANCEL, stamp, operation=cancel.earn)


def outcome(
    stamp: Stamp, door: str | None, event_id: str, result: str, *, withdrawn: bool = False
) -> Body:
    """What came of a release: DOOR_OPENED, DOOR_NOT_OPENED or LOCK_FAULT.

    `withdrawn` is there only when it is true: what the event counted is taken back.
    """
    body = _about(Kind.OUTCOME, stamp, door=door, event_id=event_id, outcome=result)
    return {**body, "withdrawn": True} if withdrawn else body


def exit_button(stamp: Stamp, door: str, event_id: str) -> Body:
    """Somebody pressed the exit button (spec/rules.md 3.4, 5)."""
    return _about(Kind.EXIT_BUTTON, stamp, door=door, event_id=event_id)


def alarm(stamp: Stamp, told: AlarmTold, *, raised: bool) -> Body:
    """Something needs a person, or needs nobody any more; `since` is when it was first seen."""
    return _about(
        Kind.ALARM,
        stamp,
        source=told.source,
        alarm=told.name.value,
        severity=SEVERITY[told.name].value,
        cause=told.cause,
        since=told.since,
        raised=raised,
    )


def hold(stamp: Stamp, door: str, why: str, *, began: bool) -> Body:
    """A door begins to stand released, by the hours or for a fire, or does so no more."""
    return _about(Kind.HOLD, stamp, door=door, why=why, began=began)


def command(stamp: Stamp, asked: DoorCommand, result: str) -> Body:
    """What was asked of the doors, and the answer; an opening's outcome has the command's id."""
    return _about(
        Kind.COMMAND,
        stamp,
        command=asked.id,
        verb=asked.verb,
        target=asked.target,
        by=asked.by,
        result=result,
    )


def summed(stamp: Stamp, source: str, what: str, count: int, *, raised: bool | None = None) -> Body:
    """`count` events of one kind came too fast to be recorded one by one.

    `what`: an alarm, whose changes they are and which is up now if `raised`, or `exit_button`.
    """
    return _about(Kind.SUMMED, stamp, source=source, what=what, count=count, raised=raised)


def refused(stamp: Stamp, device: str, counts: Mapping[str, int], since: datetime) -> Body:
    """How many unusable codes a reader saw since `since`, by reason; exact, not one by one."""
    return _about(Kind.REFUSED, stamp, device=device, counts=dict(counts), since=stamp_text(since))


def gap(stamp: Stamp, lost: int, since: datetime) -> Body:
    """`lost` events happened from `since` on that could not be recorded (invariant 2)."""
    return _about(Kind.GAP, stamp, lost=lost, since=stamp_text(since))


def started(stamp: Stamp, device: str, release: str, *, clean: bool) -> Body:
    """The daemon began. `clean` False: the run before did not end by itself."""
    return _about(Kind.STARTED, stamp, device=device, release=release, clean=clean)


def stopped(stamp: Stamp, device: str) -> Body:
    """The daemon ended as asked, every output at rest."""
    return _about(Kind.STOPPED, stamp, device=device)


def rules_active(stamp: Stamp, version: int, fingerprint: str) -> Body:
    """From here on decisions follow this rule set."""
    return _about(Kind.RULES_ACTIVE, stamp, version=version, fingerprint=fingerprint)


def settings_active(stamp: Stamp, fingerprint: str, changed: list[str]) -> Body:
    """From here on these settings hold; `changed` names those that are not as they were."""
    return _about(Kind.SETTINGS_ACTIVE, stamp, fingerprint=fingerprint, changed=changed)


def rolled_back(stamp: Stamp, epoch: str, acked: int, last: int, began: str) -> Body:
    """The cloud had signed record `acked` of `epoch`, which this journal does not hold.

    It ends with `last`: the disk was rolled back, or copied. The epoch `began` begins.
    """
    return _about(Kind.ROLLED_BACK, stamp, epoch=epoch, acked=acked, last=last, began=began)


def not_taken(stamp: Stamp, counts: Mapping[str, int], since: datetime) -> Body:
    """What came over the link since `since` and was not taken, counted by reason."""
    return _about(Kind.NOT_TAKEN, stamp, counts=dict(counts), since=stamp_text(since))


def restored(stamp: Stamp, as_of: datetime, counts: Mapping[str, int], unknown: list[str]) -> Body:
    """A new journal was told who held what at `as_of`; `unknown`: what nobody can say."""
    told = stamp_text(as_of)
    return _about(Kind.RESTORED, stamp, as_of=told, counts=dict(counts), unknown=unknown)


def rules_refused(stamp: Stamp, version: int, why: str) -> Body:
    """A rule set that the cloud signed was not taken, or was given up; `why` in our words."""
    return _about(Kind.RULES_REFUSED, stamp, version=version, why=why)


def locker(stamp: Stamp, locker: str, log: Log) -> Body:
    """What happened to a locker, in the words of `policy.locker_model` (spec/rules.md 4.1).

    `about`: the other locker, or the person of the staff.
    """
    return _about(
        Kind.LOCKER,
        stamp,
        locker=locker,
        word=log.word.value,
        occupancy=log.occupancy,
        about=log.about,
        before_end=log.before_end,
    )


def locker_command(
    stamp: Stamp, command: LockerCommand, held: Occupancy | None, result: str
) -> Body:
    """What somebody asked of a locker and was answered; `held`: its use then, if it is told."""
    return _about(
        Kind.LOCKER_COMMAND,
        stamp,
        command=command.id,
        locker=command.locker,
        verb=command.verb,
        by=command.by,
        device=command.device,
        occupancy=None if held is None else held.id,
        member=None if held is None else held.member,
        end=None if held is None else stamp_text(held.end),
        result=result,
    )


def master_release(stamp: Stamp, command: LockerCommand, bank: str, *, lockers: int) -> Body:
    """Staff have every locker of a bank released; it begins."""
    return _about(
        Kind.MASTER_RELEASE,
        stamp,
        command=command.id,
        bank=bank,
        by=command.by,
        lockers=lockers,
    )


def master_released(
    stamp: Stamp, command: LockerCommand, bank: str, *, released: int, failed: Sequence[str]
) -> Body:
    """All of them were pulsed; `failed`: the lockers whose board did not take it."""
    return _about(
        Kind.MASTER_RELEASED,
        stamp,
        command=command.id,
        bank=bank,
        by=command.by,
        released=released,
        failed=list(failed),
    )


def clock(stamp: Stamp, before: str | None, source: str, error_ms: int | None) -> Body:
    """The clock is worth more or less than before (None: it was not looked at yet).

    `source`: by whose word it goes; `error_ms`: how far it may be off, None: nobody knows.
    """
    return _about(Kind.CLOCK, stamp, before=before, source=source, error_ms=error_ms)


def _about(kind: Kind, stamp: Stamp, **facts: Fact) -> Body:
    return {"kind": kind.value, "occurred_at": stamp_text(stamp.at), "clock": stamp.clock, **facts}
