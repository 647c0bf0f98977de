"""Rule sets to ask: a rules file, or the active rules of a state directory. Read, never changed."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edged.errors import NotFound
from edged.rulebook.file import RuleSet
from edged.store.connection import connect_read_only
from edged.store.errors import store_failure
from edged.store.rules import ACTIVE, RulesStore
from policy.limits import HANDLE_BYTES
from policy.model import Device, Member, Rules, Side, Store


class Members(Protocol):
    """Looks members up one by one; as `RulesStore` does."""

    async def member(self, handle: bytes) -> Member | None:
        """Look a member up by handle; None: unknown."""
        ...

    async def member_by_id(self, member: str) -> Member | None:
        """Look a member up by id; None: unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """One rule set: its rules, the ids of its members in order, and how to look them up."""

    rules: Rules
    ids: Sequence[str]
    members: Members

    async def find(self, who: str) -> Member | None:
        """Look up whom a record or a person names: by id, or by handle in 16 hex digits."""
        member = await self.members.member_by_id(who)
        if member is None and len(who) == 2 * HANDLE_BYTES:
            try:
                member = await self.members.member(bytes.fromhex(who))
            except ValueError:
                return None
        return member

    async def need(self, who: str) -> Member:
        """Look up likewise.

        Raises:
            NotFound: The rules know nobody of this id or handle.
        """
        member = await self.find(who)
        if member is None:
            raise NotFound(f"member {who}: the rules know no such id or handle")
        return member

    def entrance(self, name: str | None, ours: Collection[str]) -> Device:
        """Return an entrance, by device or door; without a name the first of ours, or of all.

        Args:
            name: A device, or a door.
            ours: The doors and readers that this device is wired to.

        Raises:
            NotFound: The rules have none, or none of this name.
        """
        rules = self.rules
        found = [
            device
            for device in sorted(rules.devices.values(), key=lambda device: device.id)
            if device.side is Side.IN
            and device.store in rules.stores
            and name in {None, device.id, device.door}
        ]
        if not found:
            which = "at all" if name is None else f"at the device or door {name}"
            raise NotFound(f"device: the rules have no entrance {which}")
        return next((d for d in found if d.id in ours or d.door in ours), found[0])

    def stores(self, ours: Collection[str]) -> list[Store]:
        """Return the stores of the doors and readers that this device is wired to.

        Raises:
            NotFound: The rules know none of them.
        """
        rules = self.rules
        found = {door.store for door in rules.doors.values() if door.id in ours}
        found |= {device.store for device in rules.devices.values() if device.id in ours}
        names = sorted(found & {*rules.stores})
        if not names:
            raise NotFound("doors: the rules know none of this device's doors and readers")
        return [rules.stores[name] for name in names]


class _Listed:
    """The members of a rules file that was read."""

    def __init__(self, rule_set: RuleSet) -> None:
        self._rule_set = rule_set

    async def member(self, handle: bytes) -> Member | None:
        return self._rule_set.members.get(self._rule_set.handles.get(handle, ""))

    async def member_by_id(self, member: str) -> Member | None:
        return self._rule_set.members.get(member)


def of_file(rule_set: RuleSet) -> Source:
    """Ask a rules file that was read."""
    return Source(rule_set.rules, sorted(rule_set.records), _Listed(rule_set))


@asynccontextmanager
async def active(state_dir: Path) -> AsyncIterator[Source]:
    """Ask the active rules of a state directory, the daemon up or down.

    Raises:
        NotFound: No rules are loaded.
        SchemaTooNew, StoreFailed: They can't be read.
    """
    folder = state_dir / "rules"
    store = await RulesStore.open(folder)
    try:
        if store.rules is None:
            raise NotFound("no rules are loaded")
        ids = await asyncio.to_thread(_ids, folder / ACTIVE)
        yield Source(store.rules, ids, store)
    finally:
        await store.close()


def _ids(path: Path) -> list[str]:
    try:
        with closing(connect_read_only(path)) as db:
            return [name for (name,) in db.execute("SELECT id FROM member ORDER BY id")]
    except sqlite3.Error as error:
        raise store_failure(error) or error from error
