"""A connection's life: back-off, hello, reports, pulses, and who is given what comes.

What runs here never ends by itself. A lost connection is made anew; whoever stops the link
cancels it, and the broker is told `stopped`.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NoReturn

import structlog

from cloud_link import limits, topics
from cloud_link.commands import Commands
from cloud_link.downlink import Ack, Downlink, FreshPulse, Prods
from cloud_link.lane import first_of
from cloud_link.ports import Connection, Device, Incoming, LinkLost, Ports
from cloud_link.rejects import Rejects
from cloud_link.renewal import Renewing
from cloud_link.reports import Reports
from cloud_link.trust import Distrusted, follow, pin
from cloud_link.uplink import Uplink
from cloud_link.verify import Said, Unproven, Why, opened, verify
from cloud_link.voice import Nonces, Voice
from cloud_link.wire import (
    AskPulse,
    AskRestore,
    Checkpoint,
    Command,
    Manifest,
    Pulse,
    Renewed,
    Restore,
    State,
    Usage,
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How the link is. `why`: what ended the last connection, "" when one is up.

    `fresh_ms`: how long ago the last fresh pulse came, None: not since the start.
    """

    connected: bool
    why: str
    fresh_ms: int | None


class Link:
    """The link of one device to its tenant's cloud.

    Raises Distrusted when the trust that the inbox holds is none.
    """

    def __init__(self, device: Device, ports: Ports) -> None:
        self._device = device
        self._clock = ports.clock
        self._ports = ports
        self._voice = Voice(device)
        self._nonces = Nonces(ports.clock, ports.chance)
        self._rejects = Rejects(ports)
        self._trusted = pin(ports.inbox.trust(), device.tenant)
        self._uplink = Uplink(self._voice, ports.clock, ports.outbox, self._versions)
        self._reports = Reports(self._voice, ports, self._versions)
        self._pulse_due = asyncio.Event()
        prods = Prods(self._reports.due.set, self._pulse_due.set, self._rejects.add)
        self._downlink = Downlink(self._voice, ports, self._uplink, prods)
        self._commands = Commands(self._voice, ports, self._nonces, self._reload)
        self._renewing = Renewing(self._voice, ports)
        self._session = 0
        self._fresh_ms: int | None = None
        self._why = "not connected yet"

    def status(self) -> LinkStatus:
        """Tell how the link is."""
        ago_ms = None if self._fresh_ms is None else self._clock.monotonic_ms() - self._fresh_ms
        connected = self._voice.connection is not None
        return LinkStatus(connected, "" if connected else self._why, ago_ms)

    async def run(self) -> NoReturn:
        """Keep the link for ever. Raises what the inbox or the outbox raised, in a group."""
        async with asyncio.TaskGroup() as group:
            for _ in range(limits.COMMANDS_AT_ONCE):
                group.create_task(self._commands.run(), name="link commands")
            group.create_task(self._downlink.run_work(), name="link work")
            group.create_task(self._downlink.run_rules(), name="link rules")
            group.create_task(self._rejects.run(), name="link rejects")
            await self._connect_for_ever()

    def _versions(self) -> tuple[int, int]:
        return self._ports.inbox.rules().version, self._trusted.document.version

    def _reload(self) -> None:
        self._pulse_due.set()
        self._reports.due.set()

    async def _connect_for_ever(self) -> NoReturn:
        """Connect again and again, after waits whose bound doubles while no pulse comes.

        Each wait is drawn from its whole range, so that a thousand devices that lost their
        broker together don't come back together.
        """
        failures = 0
        while True:
            bound_ms = min(limits.BACKOFF_MOST_MS, limits.BACKOFF_FIRST_MS << failures)
            await self._clock.sleep_ms(self._ports.chance.below_ms(bound_ms))
            before_ms = self._fresh_ms
            self._session += 1
            try:
                async with self._ports.transport.connect(self._state("gone")) as connection:
                    await self._converse(connection)
            except LinkLost as lost:
                self._why = str(lost)
            _heed_the_end()
            failures = 0 if self._fresh_ms != before_ms else min(failures + 1, 16)
            log.warning("link_down", why=self._why)

    async def _converse(self, connection: Connection) -> NoReturn:
        """Talk until the connection is lost. Raises LinkLost."""
        self._voice.connection = connection
        try:
            await self._all_at_once(connection)
        except asyncio.CancelledError:
            with suppress(LinkLost, TimeoutError):
                async with asyncio.timeout(limits.FAREWELL_MS / 1000):
                    await self._voice.send("state", self._state("stopped"), retain=True)
            raise
        finally:
            self._voice.connection = None

    async def _all_at_once(self, connection: Connection) -> NoReturn:
        """Say hello, and do all that a connection is for. Raises LinkLost."""
        why: list[str] = []
        try:
            async with asyncio.TaskGroup() as group:
                await self._voice.send("state", self._state("up"), retain=True)
                log.info("link_up", session=self._session)
                group.create_task(self._ask_pulses(), name="link pulses")
                group.create_task(self._watch(), name="link watch")
                group.create_task(self._reports.run(self._session), name="link reports")
                group.create_task(self._ask_restore(), name="link restore")
                group.create_task(self._uplink.run(), name="link uplink")
                group.create_task(self._renewing.run(), name="link renewal")
                self._downlink.resume()
                # In here, because a group that waits for its tasks only would count a cancellation
                # of this task for each that fails (3.11), and _heed_the_end be misled.
                await self._hear(connection)
        except* LinkLost as lost:  # what is raised in here would come out in a group
            why = [str(one) for one in _leaves(lost)]
        raise LinkLost(why[0])

    def _state(self, link: Literal["up", "gone", "stopped"]) -> bytes:
        state = State(
            tenant=self._device.tenant,
            device=self._device.name,
            link=link,
            boot=self._device.boot,
            session=self._session,
            at=self._clock.now().at,
        )
        return self._voice.sealed("state", state)

    async def _ask_pulses(self) -> NoReturn:
        """Ask at once, then at intervals, sooner while no answer came or when there is need."""
        while True:
            nonce = self._nonces.give()
            ask = AskPulse(
                tenant=self._device.tenant,
                device=self._device.name,
                n=self._voice.number("ask"),
                nonce=nonce,
            )
            self._pulse_due.clear()
            asked_ms = self._clock.monotonic_ms()
            await self._voice.say("ask", ask)
            await self._clock.sleep_ms(limits.LOOK_MS)  # who prods us gets no more than this
            answered = self._fresh_ms is not None and self._fresh_ms >= asked_ms
            again_ms = limits.PULSE_MS if answered else limits.FRESH_MS
            await first_of(self._pulse_due.wait(), self._clock.sleep_ms(again_ms))

    async def _watch(self) -> NoReturn:
        """End a connection that leads nowhere. Raises LinkLost."""
        begun_ms = self._clock.monotonic_ms()
        while True:
            since_ms = max(begun_ms, self._fresh_ms or begun_ms)
            left_ms = since_ms + limits.HALF_OPEN_MS - self._clock.monotonic_ms()
            if left_ms <= 0:
                raise LinkLost("half open: no fresh pulse")
            await self._clock.sleep_ms(left_ms)

    async def _ask_restore(self) -> None:
        """Ask what a new journal can't know, until it is told."""
        while (await self._ports.outbox.standing()).fresh:
            ask = AskRestore(
                tenant=self._device.tenant,
                device=self._device.name,
                n=self._voice.number("ask"),
                nonce=self._nonces.give(),
            )
            await self._voice.say("ask", ask)
            await self._clock.sleep_ms(limits.FRESH_MS)

    async def _hear(self, connection: Connection) -> NoReturn:
        """Take what comes, for ever. Raises LinkLost."""
        dropped = 0
        while True:
            incoming = await connection.receive()
            if connection.overflowed() > dropped:
                self._rejects.add(Why.OVERFLOW, connection.overflowed() - dropped)
                dropped = connection.overflowed()
            try:
                await self._dispatch(incoming)
            except Unproven as unproven:
                self._rejects.add(unproven.why)
                await self._clock.sleep_ms(limits.REJECT_PAUSE_MS)

    async def _dispatch(self, incoming: Incoming) -> None:
        """Give what came to whom it is for. Raises Unproven."""
        if incoming.retained:
            raise Unproven(Why.RETAINED)
        kind = topics.down_kind(incoming.topic, self._device.tenant, self._device.name)
        if kind is None:
            raise Unproven(Why.TOPIC)
        if kind == "part":
            if not self._downlink.piece(incoming.payload):
                raise Unproven(Why.MALFORMED)
            return
        envelope = opened(incoming.payload)
        if envelope.kind == "trust":
            await self._follow(incoming.payload)
            return
        earliest = self._clock.now().earliest
        said = verify(envelope, self._trusted, self._device.name, earliest)
        if not self._give(said, incoming.payload):
            self._rejects.add(Why.OVERFLOW)

    def _give(self, said: Said, data: bytes) -> bool:
        """Give what is verified away; False: too much waits. Raises Unproven."""
        match said:
            case Command() as command:
                return self._commands.offer(command)
            case Checkpoint() as checkpoint:
                return self._downlink.offer(Ack(checkpoint, data))
            case Pulse() as pulse:
                return self._hear_pulse(pulse)
            case Restore() as restore:
                if self._nonces.age_ms(restore.nonce) is None:
                    raise Unproven(Why.NOT_ASKED)
                return self._downlink.offer(restore)
            case Manifest() as manifest:
                self._downlink.manifest(manifest)
                return True
            case Usage() as usage:
                return self._downlink.offer(usage)
            case Renewed() as renewed:
                return self._renewing.offer(renewed)

    def _hear_pulse(self, pulse: Pulse) -> bool:
        age_ms = self._nonces.age_ms(pulse.nonce)
        if age_ms is None:
            raise Unproven(Why.NOT_ASKED)
        if age_ms > limits.FRESH_MS:
            return True
        self._fresh_ms = self._clock.monotonic_ms()
        self._renewing.fresh()
        return self._downlink.offer(FreshPulse(pulse, age_ms, self._fresh_ms))

    async def _follow(self, data: bytes) -> None:
        """Take a trust document, kept before it counts. Raises Unproven."""
        try:
            newer = follow(self._trusted, data)
        except Distrusted as error:
            raise Unproven(Why.TRUST, str(error)) from None
        if newer is not self._trusted:
            await self._ports.inbox.trusted(data)
            self._trusted = newer
            self._downlink.forget()
            self._reports.due.set()


def _heed_the_end() -> None:
    """End what was cancelled in the moment in which the connection was lost.

    A task group that has an error to tell forgets that it was cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions of a group of groups."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error
