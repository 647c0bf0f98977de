"""Where goes what the link has verified: to the desks, the journal, the rules and the clock."""

from asyncio import to_thread
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cloud_link.ports import Answer, RulesHeld
from cloud_link.verify import Why
from cloud_link.wire import Command, Manifest, Part, Restore, Usage
from edged.cloud.files import trust_file, write_whole
from edged.cloud.memory import Memory
from edged.cloud.orders import Orders
from edged.cloud.rules_down import RulesDown
from edged.core import events
from edged.ports import Ports


class DaemonInbox:
    """Implements `cloud_link.ports.Inbox`, each part of it by whom it is about.

    Args:
        ports: The daemon's.
        state_dir: Where the trust is kept, which is pinned.
        orders: Takes the commands.
        memory: Takes what others used, and what is restored.
        rules: Takes rules.
    """

    def __init__(
        self, ports: Ports, state_dir: Path, orders: Orders, memory: Memory, rules: RulesDown
    ) -> None:
        self._ports = ports
        self._file = trust_file(state_dir)
        self._trust = self._file.read_bytes()
        self._orders = orders
        self._memory = memory
        self._rules = rules
        self._counted: Counter[str] = Counter()
        self._since = ports.clock.now().at

    def trust(self) -> bytes:
        """Return the envelope of the trust document that counts."""
        return self._trust

    async def trusted(self, envelope: bytes) -> None:
        """Keep a later trust document, on the disk when this returns."""
        await to_thread(write_whole, self._file, envelope)
        self._trust = envelope

    async def command(
        self, command: Command, *, expired: str | None, until_ms: int | None
    ) -> Answer:
        """Carry out a command and record it, or refuse it."""
        return await self._orders.command(command, expired, until_ms)

    async def usage(self, usage: Usage) -> int:
        """Merge what others used; return the position afterwards."""
        return await self._memory.usage(usage)

    async def usage_position(self) -> tuple[int, datetime | None]:
        """Return the position in the stream, and how old what is known is."""
        return await self._memory.position()

    async def restore(self, restore: Restore) -> None:
        """Fill in what this journal has never seen."""
        await self._memory.restore(restore)

    async def manifest(self, manifest: Manifest) -> Sequence[str]:
        """Return the parts that are not held whole yet."""
        return await to_thread(self._rules.missing, manifest)

    def part_file(self, sha256: str) -> Path:
        """Return where the part is kept while it grows."""
        return self._rules.part_file(sha256)

    async def part_whole(self, part: Part) -> None:
        """Keep a part that is whole."""
        await to_thread(self._rules.part_whole, part)

    async def activate(self, manifest: Manifest) -> str | None:
        """Verify all parts, build, test, swap."""
        return await self._rules.activate(manifest)

    async def confirmed(self, version: int) -> None:
        """End the trial of this version."""
        await self._rules.confirmed(version)

    def rules(self) -> RulesHeld:
        """Tell which rules are active."""
        return self._rules.held()

    async def highest_named(self, version: int) -> int:
        """Keep the highest version that a fresh pulse named, and return it."""
        return await self._rules.highest_named(version)

    async def rejected(self, why: Why, times: int) -> None:
        """Count what is not the cloud's word; `sum_up` records it."""
        self._counted[why.value] += times

    def sum_up(self) -> None:
        """Record what was counted since the last time, if anything."""
        now = self._ports.stamp()
        if self._counted:
            counts, self._counted = dict(self._counted), Counter()
            self._ports.recorder.append(events.not_taken(now, counts, self._since))
        self._since = now.at

    def heard(self, at: datetime, error_ms: int) -> None:
        """Take the cloud's time."""
        self._ports.clock.hear(at, timedelta(milliseconds=error_ms))
        self._rules.heard(at)

    def alarms(self) -> Sequence[str]:
        """Return the names of what is wrong now."""
        return sorted({up["alarm"] for up in self._ports.alarms.listing()})
