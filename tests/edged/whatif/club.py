"""A store with a handful of members and a month of passages, for all tests of this room."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from edged.core import events
from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from edged.rulebook.load import load
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from policy.model import UsageKey

Write = Callable[[Ledger], object]

RULES: Mapping[str, Any] = {
    "format": "edged-rules/1",
    "tenant": "acme",
    "version": 3,
    "issued_at": "2026-10-31T00:00:00Z",
    "stores": {
        "S1": {
            "tz": "Asia/Tokyo",
            "name": "渋谷店",
            "bands": {"DAY": "10:00-17:00", "NIGHT": "18:00-23:00", "LATE": "22:00-26:00"},
            "holidays": {"2026-11-03": "文化の日", "2026-11-23": "勤労感謝の日"},
            "closed": ["2026-11-10"],
        },
        "S2": {"tz": "Asia/Tokyo", "bands": {"DAY": "9:00-15:00"}},
    },
    "plans": {
        "P1": {
            "bands": [
                {"kind": "DAY", "limit": 3, "weekdays": "1111110", "holiday": "NONE"},
                {"kind": "NIGHT", "limit": 2, "weekdays": "0101000"},
                {"kind": "LATE", "weekdays": "0000010"},
            ]
        },
        "FREE": {"restrict": False},
    },
    "doors": {"front": {"store": "S1"}},
    "devices": {
        "front-in": {"store": "S1", "door": "front", "side": "IN"},
        "front-out": {"store": "S1", "door": "front", "side": "OUT"},
        "other-in": {"store": "S2", "side": "IN"},
    },
    "members": {
        "M1": {
            "handle": "0102030405060708",
            "label": "=T. S.",
            "contracts": [{"id": "C1", "plan": "P1", "start": "2026-01-01"}],
            "tickets": [{"id": "T1", "type": "ENTRY", "remaining": 4, "valid_from": "2026-11-01"}],
            "bookings": [
                {
                    "id": "B1",
                    "store": "S1",
                    "program": "YOGA",
                    "start": "2026-11-24T09:00:00Z",
                    "end": "2026-11-24T10:00:00Z",
                    "status": "CONFIRMED",
                    "paid": True,
                }
            ],
        },
        "M2": {
            "handle": "0102030405060709",
            "contracts": [{"id": "C2", "plan": "FREE", "start": "2026-01-01"}],
            "bookings": [
                {
                    "id": "-B2",
                    "store": "S1",
                    "program": "YOGA",
                    "start": "2026-11-24T14:30:00Z",
                    "end": "2026-11-24T15:30:00Z",
                    "status": "CANCELLED",
                    "paid": False,
                    "room": "R1",
                },
                {
                    "id": "B3",
                    "store": "S2",
                    "program": "YOGA",
                    "start": "2026-11-24T09:00:00Z",
                    "end": "2026-11-24T10:00:00Z",
                    "status": "CONFIRMED",
                    "paid": True,
                },
            ],
        },
        "M3": {"handle": "010203040506070a"},
    },
}


def changed(*path: str, to: object, of: Mapping[str, Any] = RULES) -> dict[str, Any]:
    """Rules with another value in one place, of the next version."""
    rules = deepcopy(dict(of))
    place = rules
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return {**rules, "version": 4}


def write_rules(path: Path, rules: Mapping[str, Any]) -> Path:
    """Write a rules file."""
    path.write_text(json.dumps(rules))
    return path


def activate(state_dir: Path, rules: Mapping[str, Any]) -> None:
    """Make rules the active ones of a state directory."""
    state_dir.mkdir(exist_ok=True)
    load(write_rules(state_dir.parent / "active.json", rules), state_dir)


def write_journal(path: Path, *writes: Write) -> None:
    """Let these things happen, a transaction each."""

    async def write_all() -> None:
        journal = Journal(path)
        await journal.open()
        serving = asyncio.create_task(journal.serve())
        for write in writes:
            await journal.commit(write)
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await journal.close()

    path.parent.mkdir(exist_ok=True)
    asyncio.run(write_all())


def used(day: str, event: str, band: str = "DAY", owner: str = "C1") -> Write:
    """An event supports a key."""
    key = UsageKey(owner, band, date.fromisoformat(day))
    return lambda ledger: ledger.add_key(key, event)


def withdrawn(event: str) -> Write:
    """An event supports nothing any more."""
    return lambda ledger: ledger.withdraw(event)


def passage(local: str, event: str, **said: object) -> Write:
    """A recorded passage of M1 at the front door, let in by C1 and counted unless told otherwise.

    `local`: the store's time, such as 2026-11-02T12:00.
    """
    day = local[:10]
    at = datetime.fromisoformat(f"{local}:00+09:00")
    body: dict[str, Any] = {
        "kind": "passage",
        "event_id": event,
        "device": "front-in",
        "door": "front",
        "side": "IN",
        "mode": "LOCK_QR",
        "member": "M1",
        "code_kind": "M1",
        "occurred_at": events.stamp_text(at.astimezone(UTC)),
        "local_time": at.isoformat(timespec="seconds"),
        "service_date": day,
        "decision": "ALLOW",
        "reason": "OK",
        "via": "plan:C1",
        "band": "DAY",
        "usage_keys": [f"C1/DAY/{day}"],
        "delta": 1,
        "warnings": [],
        "rules_version": 3,
        "clock": "SYNCED",
        "recorded_first": True,
        **said,
    }
    return lambda ledger: ledger.append(body)


def refused(local: str, event: str, reason: str, **said: object) -> Write:
    """A recorded refusal of M1 at the front door."""
    nothing: dict[str, object] = {
        "via": None,
        "band": None,
        "service_date": None,
        "usage_keys": [],
        "delta": 0,
    }
    return passage(local, event, decision="DENY", reason=reason, **{**nothing, **said})


def outcome(event: str, result: str, *, withdrawn: bool = False) -> Write:
    """What came of a release."""
    at = events.Stamp(datetime(2026, 11, 2, 3, tzinfo=UTC), "SYNCED")
    body = events.outcome(at, "front", event, result, withdrawn=withdrawn)
    return lambda ledger: ledger.append(dict(body))


def rule_set(rules: Mapping[str, Any] = RULES) -> RuleSet:
    """Read rules."""
    found = rules_file.read(json.dumps(rules).encode())
    assert isinstance(found, RuleSet), found
    return found
