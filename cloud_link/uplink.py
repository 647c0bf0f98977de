"""The audit on its way up: batches with a signed head, until the cloud has signed it too."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zstandard import ZstdCompressor

from cloud_link import limits
from cloud_link.lane import first_of
from cloud_link.ports import Clock, Outbox, Taken
from cloud_link.voice import Voice
from cloud_link.wire import Checkpoint

_PACKER = ZstdCompressor(level=3, write_content_size=True)


@dataclass(frozen=True, slots=True)
class Window:
    """Which records are under way. Pure.

    `cosigned` is the cursor; `waiting` are the last seqs of batches without an acknowledgement
    and when each was sent, oldest first.
    """

    epoch: str
    cosigned: int
    waiting: tuple[tuple[int, int], ...] = ()
    has_hole: bool = False
    """The cloud said again what it had: of what waits, it lacks the first."""
    is_open: bool = False
    """The cloud has answered. Until then one batch waits alone: where an epoch begins for the cloud
    is where its first batch does, and no later one may overtake that."""

    @property
    def sent(self) -> int:
        """The last record that was sent."""
        return self.waiting[-1][0] if self.waiting else self.cosigned

    @property
    def is_full(self) -> bool:
        """Whether as much is under way as may be."""
        return len(self.waiting) >= (limits.BATCHES_WAITING if self.is_open else 1)

    def with_batch(self, seq: int, now_ms: int) -> "Window":
        """Send a batch that ends at `seq`."""
        return replace(self, waiting=(*self.waiting, (seq, now_ms)))

    def acknowledged(self, seq: int) -> "Window":
        """Let all up to `seq` be done; the cursor never moves back."""
        if seq <= self.cosigned:
            return replace(self, has_hole=bool(self.waiting), is_open=True)
        rest = tuple(batch for batch in self.waiting if batch[0] > seq)
        return Window(self.epoch, seq, rest, is_open=True)

    def due_in_ms(self, now_ms: int) -> int | None:
        """Return for how long the oldest batch may still wait; None: nothing waits."""
        if not self.waiting:
            return None
        within_ms = limits.HOLE_MS if self.has_hole else limits.ACK_MS
        return max(0, self.waiting[0][1] + within_ms - now_ms)

    def from_cursor(self) -> "Window":
        """Send again all that is not acknowledged."""
        return replace(self, waiting=(), has_hole=False)


class Uplink:
    """Sends what the outbox has, and moves its cursor on signed acknowledgements.

    `versions` tells those of the rules and of the trust, which checkpoints name.
    """

    def __init__(
        self, voice: Voice, clock: Clock, outbox: Outbox, versions: Callable[[], tuple[int, int]]
    ) -> None:
        self._voice = voice
        self._clock = clock
        self._outbox = outbox
        self._window = Window("", 0)
        self._stirred = asyncio.Event()
        self.versions = versions

    async def run(self) -> None:
        """Send for as long as one connection lasts. Raises LinkLost, in a group."""
        await self.restart()
        async with asyncio.TaskGroup() as group:
            while True:
                self._stirred.clear()
                if self._window.due_in_ms(self._clock.monotonic_ms()) == 0:
                    self._window = self._window.from_cursor()
                batch = None if self._window.is_full else await self._next()
                if batch is None:
                    await self._wait()
                    continue
                group.create_task(self._voice.send("audit", batch))
                await self._clock.sleep_ms(limits.PACE_MS)

    async def restart(self) -> None:
        """Begin again at the cursor: a new connection, or a new epoch."""
        standing = await self._outbox.standing()
        self._window = Window(standing.epoch, standing.cosigned)
        self._stirred.set()

    async def acknowledged(self, ack: Checkpoint, envelope: bytes) -> bool:
        """Take the cloud's signature under our own head; False: it is under another one."""
        if ack.epoch != (await self._outbox.standing()).epoch:
            return True
        taken = await self._outbox.acknowledged(
            ack.epoch, ack.seq, bytes.fromhex(ack.head), envelope
        )
        match taken:
            case Taken.MOVED | Taken.KNOWN:
                self._window = self._window.acknowledged(ack.seq)
            case Taken.CONFLICT:
                await self._rolled_back(ack.epoch, ack.seq)
        self._stirred.set()
        return taken is not Taken.CONFLICT

    async def known_beyond(self, epoch: str, seq: int) -> bool:
        """Take a fresh word of what the cloud has; False: it has more than we ever wrote."""
        standing = await self._outbox.standing()
        if epoch != standing.epoch or seq <= standing.seq:
            return True
        await self._rolled_back(epoch, seq)
        return False

    async def _rolled_back(self, epoch: str, seq: int) -> None:
        await self._outbox.rolled_back(epoch, seq)
        await self.restart()

    async def _next(self) -> bytes | None:
        """Pack the next batch and count it as sent; None: there is none."""
        before = self._window
        room = limits.BATCH_BYTES - limits.CHECKPOINT_BYTES
        records = await self._outbox.records(before.sent, limits.BATCH_RECORDS, room)
        window = self._window
        if not records or (window.epoch, window.sent) != (before.epoch, before.sent):
            return None
        batch = self._pack(records, window)
        while len(batch) > limits.BATCH_PACKED_BYTES and len(records) > 1:
            records = records[: len(records) // 2]
            batch = self._pack(records, window)
        self._window = window.with_batch(window.sent + len(records), self._clock.monotonic_ms())
        return batch

    def _pack(self, records: Sequence[bytes], window: Window) -> bytes:
        rules, trust = self.versions()
        checkpoint = Checkpoint(
            tenant=self._voice.device.tenant,
            device=self._voice.device.name,
            epoch=window.epoch,
            seq=window.sent + len(records),
            head=hashlib.sha256(records[-1]).hexdigest(),
            at=self._clock.now().at,
            rules=rules,
            trust=trust,
        )
        lines = [self._voice.sealed("checkpoint", checkpoint), *records]
        return _PACKER.compress(b"".join(line + b"\n" for line in lines))

    async def _wait(self) -> None:
        """Wait for an acknowledgement, its lack, or for a record that there is room for."""
        waits: list[Coroutine[Any, Any, object]] = [self._stirred.wait()]
        if not self._window.is_full:
            waits.append(self._grown())
        due_in_ms = self._window.due_in_ms(self._clock.monotonic_ms())
        if due_in_ms is not None:
            waits.append(self._clock.sleep_ms(due_in_ms))
        await first_of(*waits)

    async def _grown(self) -> None:
        """Wait for a record, and until the door that it is about has moved."""
        await self._outbox.wait_beyond(self._window.sent)
        await self._clock.sleep_ms(limits.GATHER_MS)
