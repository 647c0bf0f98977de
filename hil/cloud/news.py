"""What devices are told without having asked: orders, other stores' use, new rules, new keys.

Each worker tells the devices of its own share. What it misses, the next report shows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

from sqlalchemy import RowMapping, select

from hil.cloud import commands, limits, rulesets, trusts, usage
from hil.cloud.feed import Feed, Message
from hil.cloud.tables import counter, presence


@dataclass
class News:
    """What one worker has told its share, `index` of `workers`, since it began."""

    index: int
    workers: int
    _seen: dict[str, int] | None = None
    _used_until: datetime | None = None
    _used: dict[str, int] = field(default_factory=dict)
    _rules: dict[str, int] = field(default_factory=dict)

    def mine(self, device: str) -> bool:
        """Say whether a device is of this worker's share."""
        return crc32(device.encode()) % self.workers == self.index

    def orders(self, feed: Feed, at: datetime) -> dict[str, Message]:
        """Return the unsent commands to this share, by id."""
        return {
            row["id"]: Message(row["device"], "command", bytes(row["envelope"]))
            for row in commands.unsent(feed.db, at)
            if self.mine(row["device"])
        }

    def changes(self, feed: Feed, at: datetime) -> list[Message]:
        """Return what changed since the last look, for those who are connected."""
        now = {row.name: int(row.value) for row in feed.db.execute(select(counter))}
        now["trust"] = trusts.version(feed.db)
        before, self._seen = self._seen, now
        if before is None:
            return []
        changed = {name for name, value in now.items() if before.get(name, 0) != value}
        if usage.STREAM in changed and self._used_until is not None and at < self._used_until:
            changed.remove(usage.STREAM)
            now[usage.STREAM] = before.get(usage.STREAM, 0)  # so it is a change next time
        if not changed & {"trust", usage.STREAM, rulesets.ROLLOUTS}:
            return []
        connected = self._connected(feed)
        if usage.STREAM in changed:
            self._used_until = at + timedelta(seconds=len(connected) / limits.USAGE_PER_S)
        return [
            message for row in connected for message in self._tell(feed, row, before, changed, at)
        ]

    def _connected(self, feed: Feed) -> Sequence[RowMapping]:
        columns = (presence.c.device, presence.c.usage)
        wanted = select(*columns).where(presence.c.link == "up")
        return [row for row in feed.db.execute(wanted).mappings() if self.mine(row["device"])]

    def _tell(
        self, feed: Feed, row: RowMapping, before: dict[str, int], changed: set[str], at: datetime
    ) -> Iterator[Message]:
        name = row["device"]
        if "trust" in changed:
            for envelope in trusts.after(feed.db, before["trust"]):
                yield Message(name, "trust", envelope)
        if rulesets.ROLLOUTS in changed:
            version = rulesets.due(feed.db, name)
            if version and self._rules.get(name) != version:
                self._rules[name] = version
                yield feed.manifest(name, version)
        if usage.STREAM in changed:
            position = max(row["usage"], self._used.get(name, 0))
            yield from feed.usage(name, position, at)
            self._used[name] = usage.newest(feed.db)
