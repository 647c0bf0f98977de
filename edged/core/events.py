"""The words of the audit: what a record may say (spec/rules.md 2.8).

Each function gives the body of one record, plain JSON values only; the journal adds `seq` and
the hash of the record before. Kinds and keys are append-only: an old record stays readable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from policy.model import Decision, Device, Rules, Side

Body = dict[str, "str | int | bool | Sequence[str] | Mapping[str, int] | None"]


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


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened and how far the clock could be believed."""

    at: datetime
    clock: str


def stamp_text(at: datetime) -> str:
    """Spell an instant: UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Presented:
    """A code of ours that was held before a reader.

    `member`: the id, or the handle in hex of whom the rules don't know.
    """

    event_id: str
    code_kind: str
    member: str


def passage(
    stamp: Stamp, rules: Rules, device: Device, presented: Presented, decision: Decision
) -> Body:
    """One presented code and what was decided about it, by `rules`."""
    tz = rules.stores[device.store].tz
    day = decision.service_date
    return {
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
        "recorded_first": device.side is Side.IN,
    }


def outcome(stamp: Stamp, door: str, event_id: str, result: str) -> Body:
    """What came of a release: DOOR_OPENED, DOOR_NOT_OPENED or LOCK_FAULT."""
    return _about(Kind.OUTCOME, stamp, door=door, event_id=event_id, outcome=result)


def exit_button(stamp: Stamp, door: str, event_id: str) -> Body:
    """Somebody pressed the exit button (spec/rules.md 3.4, 5)."""
    return _about(Kind.EXIT_BUTTON, stamp, door=door, event_id=event_id)


def alarm(stamp: Stamp, source: str, name: str, *, raised: bool) -> Body:
    """Something needs a person, or needs nobody any more. `source`: a door or a device."""
    return _about(Kind.ALARM, stamp, source=source, alarm=name, raised=raised)


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


def _about(
    kind: Kind,
    stamp: Stamp,
    **facts: "str | int | bool | Sequence[str] | Mapping[str, int] | None",
) -> Body:
    return {
        "kind": kind.value,
        "occurred_at": stamp_text(stamp.at),
        "clock": stamp.clock,
        **facts,
    }
