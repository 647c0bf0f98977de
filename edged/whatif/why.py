"""Why would somebody get in, or not? The daemon's own decision, asked without a door.

Reads the databases of a state directory beside the daemon or without it, and changes nothing.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, assert_never

from edged.core import access, seating
from edged.errors import NotFound
from edged.readers.scene import with_places
from edged.store import audit
from edged.store.rules import RulesStore
from policy import staff, usage
from policy.model import Decision, Device, KeyRole, Member, Rules, Scene, Side, Staff, Usage

_HANDLE: Final = re.compile("[0-9a-fA-F]{16}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What would be decided at `device` for a correct and current code, with every check.

    `at` is in the store's own time. The clock is taken to be right.
    """

    device: Device
    at: datetime
    decision: Decision


async def why(state_dir: Path, who: str, at: datetime, where: str | None) -> list[Answer]:
    """Decide for a member, or for staff, at each device that is asked about.

    Args:
        state_dir: The daemon's state directory.
        who: The id, or handle in hex, of a member; if there is none, of a person of the staff.
        at: When; without a zone: in each store's own time.
        where: A device, or a door for all its devices; None: all devices.

    Raises:
        NotFound: There are no rules, nobody of this name or no such device.
        SchemaTooNew, StoreFailed: A database can't be read.
    """
    store = await RulesStore.open(state_dir / "rules")
    try:
        rules = store.rules
        if rules is None:
            raise NotFound("no rules are loaded")
        person = await _find(store, rules, who)
    finally:
        await store.close()
    asked = [
        device
        for device in rules.devices.values()
        if where in {None, device.id, device.door} and device.store in rules.stores
    ]
    if not asked:
        raise NotFound(f"device or door {where}: the rules have none of this name")
    journal = state_dir / "journal.db"
    return [_decide(rules, device, person, at, journal) for device in asked]


async def _find(store: RulesStore, rules: Rules, who: str) -> Member | Staff:
    handle = bytes.fromhex(who) if _HANDLE.fullmatch(who) else None
    found = await store.member_by_id(who)
    if found is None and handle is not None:
        found = await store.member(handle)
    person = found or rules.staff.get(who) or (handle and staff.find(rules, handle))
    if not person:
        raise NotFound(f"member {who}: the rules know no such id or handle, of staff either")
    return person


def _decide(
    rules: Rules, device: Device, person: Member | Staff, at: datetime, journal: Path
) -> Answer:
    tz = rules.stores[device.store].tz
    local = at.astimezone(tz) if at.tzinfo else at.replace(tzinfo=tz)
    asked = _request(rules, device, person, local.astimezone(UTC), journal)
    match device.side:
        case Side.IN:
            return Answer(device, local, access.decide_entry(asked))
        case Side.OUT:
            return Answer(device, local, access.decide_exit(asked))
        case other:
            assert_never(other)


def _request(
    rules: Rules, device: Device, person: Member | Staff, at: datetime, journal: Path
) -> access.Request:
    match person:
        case Member():
            scene = _scene(rules, device, person, at, journal)
            return access.Request(rules, device, person, code_fault=None, scene=scene)
        case Staff():
            return access.Request(
                rules, device, None, None, Scene(at), role=KeyRole.STAFF, person=person
            )


def _scene(rules: Rules, device: Device, member: Member, at: datetime, journal: Path) -> Scene:
    """Set the scene by what the journal knows; a daemon that never ran knows nothing."""
    store, scene = rules.stores[device.store], Scene(at)
    if not journal.exists():
        held = seating.held(member, store.id, lambda _store, _seat: None)
    else:
        held = seating.held(member, store.id, partial(audit.read_seat, journal))
        used = Usage.of(audit.read_used(journal, *usage.asked(store, member, at)))
        scene = Scene(at, used, audit.read_visit(journal, member.id, store.id))
    return with_places(scene, rules, device, member, held)


def plain(answer: Answer) -> dict[str, object]:
    """Spell an answer as plain JSON values."""
    decision = answer.decision
    return {
        "device": answer.device.id,
        "at": answer.at.isoformat(),
        "decision": decision.verdict.value,
        "reason": decision.reason.value,
        "via": decision.via,
        "band": decision.band,
        "would_count": [str(key) for key in decision.new_keys],
        "warnings": [warning.value for warning in decision.warnings],
        "checks": [
            {"check": check.name, "passed": check.passed, "facts": dict(check.facts)}
            for check in decision.trace
        ],
    }
