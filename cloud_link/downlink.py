"""What comes down and is verified: rules, what others used, what a new journal lacks, pulses."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias, assert_never

import structlog

from cloud_link import limits
from cloud_link.fetch import Fetching
from cloud_link.lane import Lane
from cloud_link.ports import Ports
from cloud_link.uplink import Uplink
from cloud_link.verify import Why
from cloud_link.voice import Voice
from cloud_link.wire import Checkpoint, Manifest, Pulse, Restore, Usage

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledgement, and the envelope that proves it."""

    checkpoint: Checkpoint
    envelope: bytes


@dataclass(frozen=True, slots=True)
class FreshPulse:
    """A pulse that answered our nonce: it came at `came_ms`, `trip_ms` after we gave it."""

    pulse: Pulse
    trip_ms: int
    came_ms: int


Work: TypeAlias = Ack | FreshPulse | Usage | Restore


@dataclass(frozen=True, slots=True)
class Prods:
    """How the downlink asks for what it can't do itself: a report, or a pulse, soon."""

    report: Callable[[], None]
    pulse: Callable[[], None]
    reject: Callable[[Why], None]


class Downlink:
    """Hands what is verified to the inbox, one after the other, and fetches rules beside it.

    Its work goes on over the comings and goings of connections.
    """

    def __init__(self, voice: Voice, ports: Ports, uplink: Uplink, prods: Prods) -> None:
        self._clock = ports.clock
        self._inbox = ports.inbox
        self._uplink = uplink
        self._prods = prods
        self._lane: Lane[Work] = Lane(limits.WORK)
        self._fetching = Fetching(voice, ports)
        self._stirred = asyncio.Event()
        self._manifest: Manifest | None = None
        self._named: tuple[int, int] | None = None
        self._refused: set[tuple[int, str]] = set()

    def offer(self, work: Work) -> bool:
        """Take what is verified, or refuse it when too much waits: it is sent again."""
        return self._lane.offer(work)

    def piece(self, data: bytes) -> bool:
        """Take a piece of a part; False: it is none."""
        return self._fetching.piece(data)

    def manifest(self, manifest: Manifest) -> None:
        """Take a manifest; of several the newest counts, and none that was refused."""
        waiting = self._manifest
        if (
            manifest.version <= self._inbox.rules().version
            or (manifest.version, manifest.fingerprint) in self._refused
            or (waiting is not None and manifest.version < waiting.version)
        ):
            return
        if manifest != waiting:  # a copy does not disturb what is under way
            self._manifest = manifest
        if self._is_named(manifest):
            self._stirred.set()
        else:
            self._prods.pulse()

    def forget(self) -> None:
        """Drop what waits: who signed it may be revoked."""
        self._manifest = None

    def resume(self) -> None:
        """Go on with what was under way when the connection was lost."""
        self._stirred.set()

    async def run_work(self) -> None:
        """Hand over for ever, in order."""
        while True:
            match await self._lane.take():
                case Ack(checkpoint, envelope):
                    if not await self._uplink.acknowledged(checkpoint, envelope):
                        self._prods.reject(Why.CONFLICT)
                case FreshPulse() as fresh:
                    await self._pulse(fresh)
                case Usage() as usage:
                    await self._usage(usage)
                case Restore() as restore:
                    await self._inbox.restore(restore)
                    self._prods.report()
                case other:
                    assert_never(other)

    async def run_rules(self) -> None:
        """Fetch and activate for ever, whatever is due."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            manifest = self._manifest
            if manifest is not None and self._is_named(manifest):
                await self._take(manifest)

    async def _pulse(self, fresh: FreshPulse) -> None:
        """Believe a fresh pulse: the time, and the newest that there is of everything."""
        pulse = fresh.pulse
        since_ms = self._clock.monotonic_ms() - fresh.came_ms
        gone = timedelta(milliseconds=fresh.trip_ms / 2 + since_ms)
        self._inbox.heard(pulse.at + gone, fresh.trip_ms // 2 + 1)
        held = self._inbox.rules()
        if held.trial and held.version == pulse.rules:
            await self._inbox.confirmed(held.version)
            self._prods.report()
        highest = await self._inbox.highest_named(pulse.rules)
        self._named = (pulse.rules, held.version) if pulse.rules >= highest else None
        self._stirred.set()
        has = pulse.cosigned
        if has is not None and not await self._uplink.known_beyond(has.epoch, has.seq):
            self._prods.reject(Why.CONFLICT)
        position, _ = await self._inbox.usage_position()
        others = pulse.usage > position or pulse.trust > self._uplink.versions()[1]
        if others or pulse.rules not in {0, held.version}:
            self._prods.report()

    async def _usage(self, usage: Usage) -> None:
        """Take a page that joins what is known; else the next report shows what is missing."""
        position, _ = await self._inbox.usage_position()
        joins = usage.from_ <= position and usage.from_ <= usage.to
        if joins:
            await self._inbox.usage(usage)
        if not (joins and usage.more):
            self._prods.report()

    def _is_named(self, manifest: Manifest) -> bool:
        """Whether the last fresh pulse named this version, and the rules are those of then.

        If they are others, ours were reverted since: what was reverted is taken again only when
        a later pulse names it.
        """
        return self._named == (manifest.version, self._inbox.rules().version)

    async def _take(self, manifest: Manifest) -> None:
        """Fetch what is missing, and activate. What fails to come is taken up again later."""
        missing = frozenset(await self._inbox.manifest(manifest))
        parts = [part for part in manifest.parts if part.sha256 in missing]
        if not await self._fetching.fetch(parts, lambda: self._manifest is manifest):
            return
        if self._manifest is not manifest or not self._is_named(manifest):
            return
        why = await self._inbox.activate(manifest)
        if self._manifest is manifest:
            self._manifest = None
        if why is None:
            self._prods.pulse()
        else:
            self._refused.add((manifest.version, manifest.fingerprint))
            log.warning("rules_refused", version=manifest.version, why=why)
        self._prods.report()
