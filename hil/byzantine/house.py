"""A device's memory behind the link: what a daemon would have done, written down for a witness."""

import asyncio
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import zstandard

from cloud_link.ports import Answer, RulesHeld, Standing, Taken
from cloud_link.shapes import spell_instant
from cloud_link.verify import Why
from cloud_link.wire import Buffer, Command, Manifest, Part, RefusedRules, Restore, Usage
from hil.byzantine.cloud import fingerprint


class Journal:
    """The outbox: records that name the one before, in memory."""

    def __init__(self, epoch: str = "00000000000000a1", *, fresh: bool = False) -> None:
        self.epoch = epoch
        self.fresh = fresh
        self.written: list[bytes] = []
        self.cosigned = 0
        self.envelopes: dict[int, bytes] = {}
        self.rollbacks: list[tuple[str, int]] = []
        self.broken = False
        """Whether its disk fails."""
        self._more = asyncio.Event()
        self._epochs = itertools.count(0xB0)

    def write(self, times: int = 1, room: str = "") -> None:
        """Write records."""
        for _ in range(times):
            record = {"seq": len(self.written) + 1, "prev": self.head().hex(), "what": room}
            self.written.append(
                json.dumps(record, sort_keys=True, separators=(",", ":")).encode("ascii")
            )
        self._more.set()
        self._more = asyncio.Event()

    def head(self, seq: int | None = None) -> bytes:
        """Return the hash of a record, or of the last."""
        last = len(self.written) if seq is None else seq
        return hashlib.sha256(self.written[last - 1]).digest() if last else bytes(32)

    async def standing(self) -> Standing:
        """See Outbox."""
        if self.broken:
            raise OSError("disk")
        seq = len(self.written)
        return Standing(self.epoch, seq, self.head(), self.cosigned, self.fresh)

    async def wait_beyond(self, seq: int) -> None:
        """See Outbox."""
        while len(self.written) <= seq:
            await self._more.wait()

    async def records(self, after: int, limit: int, max_bytes: int) -> Sequence[bytes]:
        """See Outbox."""
        found: list[bytes] = []
        room = max_bytes
        for record in self.written[after : after + limit]:
            room -= len(record) + 1
            if room < 0 and found:
                break
            found.append(record)
        return found

    async def acknowledged(self, epoch: str, seq: int, head: bytes, envelope: bytes) -> Taken:
        """See Outbox."""
        if epoch != self.epoch or seq <= self.cosigned:
            return Taken.KNOWN
        if seq > len(self.written) or head != self.head(seq):
            return Taken.CONFLICT
        self.cosigned = seq
        self.envelopes[seq] = envelope
        return Taken.MOVED

    async def rolled_back(self, epoch: str, seq: int) -> None:
        """See Outbox."""
        self.rollbacks.append((epoch, seq))
        self.epoch = f"{next(self._epochs):016x}"
        self.cosigned = 0

    async def buffer(self) -> Buffer:
        """See Outbox."""
        waiting = self.written[self.cosigned :]
        return Buffer(records=len(waiting), bytes=sum(map(len, waiting)), days=30)


class House:
    """The inbox. Whatever it was made to do stays in its lists."""

    def __init__(
        self,
        journal: Journal,
        trust: bytes,
        folder: Path,
        now: Callable[[], datetime],
        monotonic_ms: Callable[[], int],
    ) -> None:
        self._now = now
        self._monotonic_ms = monotonic_ms
        self._journal = journal
        self._folder = folder
        self.trusts = [trust]
        self.done: list[tuple[Command, datetime]] = []
        self.answers: dict[str, tuple[Command, Answer]] = {}
        self.refusals: Counter[str] = Counter()
        self.added: set[tuple[str, ...]] = set()
        self.withdrawn: set[str] = set()
        self.position = 0
        self.as_of: datetime | None = None
        self.restored: list[Restore] = []
        self.parts: dict[str, bytes] = {}
        self.active = RulesHeld(0, "", trial=False)
        self.activated: list[tuple[int, Mapping[str, bytes]]] = []
        self.refuses: str | None = None
        self.confirmations: list[int] = []
        self.highest = 0
        self.rejects: Counter[Why] = Counter()
        self.records = 0
        """How many records the rejects made."""
        self.alarmed: Sequence[str] = ()
        self.hours: list[tuple[datetime, int, datetime]] = []
        """The cloud's time as it was heard, its error in ms, and what time it was."""
        self.wrong: list[str] = []
        self.more: Mapping[str, Any] = {}
        self.gate = asyncio.Event()
        """Commands wait for it; set from the start."""
        self.gate.set()

    def trust(self) -> bytes:
        """See Inbox."""
        return self.trusts[-1]

    async def trusted(self, envelope: bytes) -> None:
        """See Inbox."""
        self.trusts.append(envelope)

    async def command(
        self, command: Command, *, expired: str | None, until_ms: int | None
    ) -> Answer:
        """See Inbox. What is done stands beside the time by which its end was looked at."""
        if command.id in self.answers:
            first, answer = self.answers[command.id]
            return answer if first == command else Answer("DUPLICATE")
        answer = Answer(expired or "DONE", self.more)
        self.answers[command.id] = command, answer
        if not expired:
            await self.gate.wait()
            if until_ms is None or self._monotonic_ms() < until_ms:
                self.done.append((command, self._now()))
                return answer
            answer = Answer("EXPIRED")
            self.answers[command.id] = command, answer
        self.refusals[answer.result] += 1
        return answer

    async def usage(self, usage: Usage) -> int:
        """See Inbox."""
        self.added |= set(usage.add)
        self.withdrawn |= set(usage.withdraw)
        self.position = max(self.position, usage.to)
        self.as_of = max(self.as_of or usage.as_of, usage.as_of)
        return self.position

    async def usage_position(self) -> tuple[int, datetime | None]:
        """See Inbox."""
        return self.position, self.as_of

    async def restore(self, restore: Restore) -> None:
        """See Inbox."""
        if self._journal.fresh:
            self.restored.append(restore)
            self._journal.fresh = False

    async def manifest(self, manifest: Manifest) -> Sequence[str]:
        """See Inbox."""
        return [part.sha256 for part in manifest.parts if part.sha256 not in self.parts]

    def part_file(self, sha256: str) -> Path:
        """See Inbox."""
        return self._folder / sha256

    async def part_whole(self, part: Part) -> None:
        """See Inbox."""
        frame = self.part_file(part.sha256).read_bytes()
        self.parts[part.sha256] = zstandard.ZstdDecompressor().decompress(frame)
        self.part_file(part.sha256).unlink()

    async def activate(self, manifest: Manifest) -> str | None:
        """See Inbox."""
        plain = {part.name: self.parts[part.sha256] for part in manifest.parts}
        why = self.refuses
        if any(
            hashlib.sha256(plain[part.name]).hexdigest() != part.sha256 for part in manifest.parts
        ):
            self.wrong.append("a part is not what was signed")
        if manifest.version <= self.active.version or manifest.version < self.highest:
            self.wrong.append("an old version")
        if fingerprint(plain) != manifest.fingerprint:
            why = "fingerprint"
        if why is not None:
            refused = RefusedRules(version=manifest.version, why=why)
            self.active = RulesHeld(
                self.active.version,
                self.active.fingerprint,
                trial=self.active.trial,
                refused=(refused, *self.active.refused),
            )
            return why
        trial = manifest.confirm_s > 0
        self.active = RulesHeld(manifest.version, manifest.fingerprint, trial=trial)
        self.activated.append((manifest.version, plain))
        return None

    async def confirmed(self, version: int) -> None:
        """See Inbox."""
        self.confirmations.append(version)
        self.active = RulesHeld(version, self.active.fingerprint, trial=False)

    def rules(self) -> RulesHeld:
        """See Inbox."""
        return self.active

    async def highest_named(self, version: int) -> int:
        """See Inbox."""
        self.highest = max(self.highest, version)
        return self.highest

    async def rejected(self, why: Why, times: int) -> None:
        """See Inbox."""
        self.rejects[why] += times
        self.records += 1

    def heard(self, at: datetime, error_ms: int) -> None:
        """See Inbox."""
        self.hours.append((at, error_ms, self._now()))

    def alarms(self) -> Sequence[str]:
        """See Inbox."""
        return self.alarmed

    def says(self) -> dict[str, Any]:
        """Sum up, for whoever looks for what went wrong."""
        return {
            "done": [command.verb for command, _ in self.done],
            "rules": self.active.version,
            "position": self.position,
            "as_of": self.as_of and spell_instant(self.as_of),
            "rejects": {why.value: times for why, times in self.rejects.items()},
        }
