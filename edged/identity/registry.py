"""The cloud over MQTT, as a device meets it that has no identity yet.

Imported only where a device is enrolled: the MQTT client costs 0.2 s and 20 MB.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from cloud_link import limits, topics, transport
from cloud_link.admission import Asked, Granted, NotOurs, NotYet, answered
from cloud_link.enrol import Slot
from cloud_link.envelope import seal
from cloud_link.ports import Connection, LinkLost
from cloud_link.shapes import canonical
from cloud_link.transport import MqttTransport
from cloud_link.trust import pin
from cloud_link.verify import Unproven, opened, verify
from cloud_link.wire import AskPulse, Pulse, State
from edged import limits as ours
from edged.clock import Clock
from edged.cloud.files import device_key, trust_file
from edged.cloud.trusting import all_authorities, authorities
from edged.identity.course import Tell
from edged.identity.slots import Slots
from edged.settings.model import Broker, Settings

T = TypeVar("T")


class MqttRegistry:
    """Implements `course.Registry`. `broker` is the settings' own."""

    def __init__(self, settings: Settings, clock: Clock, tell: Tell, broker: Broker) -> None:
        self._settings = settings
        self._broker = broker
        self._clock = clock
        self._tell = tell
        self._slots = Slots(settings.state_dir)

    async def admitted(self, asked: Asked) -> Granted | NotYet:
        """Ask to be enrolled; a "not yet" is returned when the next time to ask has come."""
        key = await asyncio.to_thread(device_key, self._settings.state_dir)
        data = asked.sealed(key)
        answer = await self._for_ever(lambda: self._ask(asked, data))
        if isinstance(answer, NotYet) and not answer.refused:
            await self._clock.sleep_ms(ours.ENROL_AGAIN_MS)
        return answer

    async def heard(self, slot: Slot) -> None:
        """Connect until a fresh pulse was heard."""
        await self._for_ever(lambda: self._hear(slot))

    async def _for_ever(self, meeting: Callable[[], Awaitable[T]]) -> T:
        """Try until it comes about, and say each new reason why it does not."""
        why = ""
        while True:
            try:
                async with asyncio.timeout(limits.CONNECT_S):
                    return await meeting()
            except (LinkLost, TimeoutError) as lost:
                said = str(lost) or "no answer"
            if said != why:
                why = said
                self._tell("no_answer", why=why)
            await self._clock.sleep_ms(ours.ENROL_AGAIN_MS)

    async def _ask(self, asked: Asked, data: bytes) -> Granted | NotYet:
        wanted, broker = asked.enrol, self._broker
        where = broker.host, broker.enrol_port, broker.ca_file
        known = partial(all_authorities, self._settings.state_dir, broker)
        place = transport.Broker(*where, None, None, known)
        knows_time = self._clock.now().trusted
        async with transport.enrolment(
            place, wanted.tenant, wanted.request, knows_time=knows_time
        ) as connection:
            topic = topics.enrol_up(wanted.tenant, wanted.request)
            while True:
                await connection.send(topic, data)
                with suppress(TimeoutError):
                    async with asyncio.timeout(ours.ENROL_AGAIN_MS / 1000):
                        return await self._answer(connection, asked)

    async def _answer(self, connection: Connection, asked: Asked) -> Granted | NotYet:
        """Wait for an answer that counts, and say each new reason why one does not."""
        why = ""
        while True:
            incoming = await connection.receive()
            try:
                return answered(asked, incoming.payload, self._clock.now().earliest)
            except NotOurs as error:
                if str(error) != why:
                    why = str(error)
                    self._tell("not_ours", why=why)

    async def _hear(self, slot: Slot) -> None:
        """Connect as the link does, and hear the cloud's own word."""
        broker, name = self._broker, self._settings.device
        files = self._slots.certificate_file(slot), self._slots.key_file(slot)
        named = partial(authorities, self._settings.state_dir, broker.tenant)
        place = transport.Broker(broker.host, broker.port, broker.ca_file, *files, named)
        key = await asyncio.to_thread(device_key, self._settings.state_dir)
        trusted = pin(trust_file(self._settings.state_dir).read_bytes(), broker.tenant)
        tenant, at = broker.tenant, self._clock.now()
        boot, nonce = secrets.token_hex(8), secrets.token_hex(16)
        gone = State(tenant=tenant, device=name, link="gone", boot=boot, session=1, at=at.at)
        ask = AskPulse(tenant=tenant, device=name, n=1, nonce=nonce)
        way = MqttTransport(place, tenant, name, lambda: self._clock.now().trusted)
        async with way.connect(seal("state", canonical(gone), key)) as connection:
            data = seal("ask", canonical(ask), key)
            await connection.send(topics.up(tenant, name, "ask"), data)
            while True:
                incoming = await connection.receive()
                try:
                    said = verify(opened(incoming.payload), trusted, name, at.earliest)
                except Unproven:
                    continue
                if isinstance(said, Pulse) and said.nonce == nonce:
                    return
