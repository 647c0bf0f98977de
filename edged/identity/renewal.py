"""The certificates of a daemon that runs: it connects with one, and gets the next in time."""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog

from cloud_link import transport
from cloud_link.enrol import (
    Aged,
    Certified,
    Event,
    KeyMade,
    Phase,
    Proven,
    Slot,
    Work,
    connects,
    due,
    renewal_at,
)
from cloud_link.lane import first_of
from cloud_link.ports import Connection, LinkLost
from cloud_link.transport import MqttTransport
from edged import limits
from edged.clock import Clock
from edged.cloud.trusting import authorities
from edged.errors import Untrusted
from edged.identity.slots import Slots
from edged.settings.model import Broker, Settings

log = structlog.get_logger()


class Certificates:
    """Implements `cloud_link.ports.Transport` and `Renewal` over the slots.

    Args:
        settings: The device's.
        broker: Where it connects.
        clock: The daemon's.
    """

    def __init__(self, settings: Settings, broker: Broker, clock: Clock) -> None:
        self._device = settings.device
        self._broker = broker
        self._clock = clock
        self._slots = Slots(settings.state_dir)
        self._authorities = partial(authorities, settings.state_dir, broker.tenant)
        self._identity = self._slots.load()
        self._slots.tidy(self._identity)  # a cut may have come before that
        self._turn = threading.Lock()
        self._lost = 0
        self._connected: Slot | None = None
        self._proven = asyncio.Event()

    @asynccontextmanager
    async def connect(self, will: bytes) -> AsyncIterator[Connection]:
        """Connect with the certificate whose turn it is."""
        slot = connects(self._identity, self._lost)
        if slot is None:
            raise LinkLost("this device has no certificate: edged provision")
        self._lost, self._connected = self._lost + 1, slot
        files = self._slots.certificate_file(slot), self._slots.key_file(slot)
        there, named = self._broker, self._authorities
        place = transport.Broker(there.host, there.port, there.ca_file, *files, named)
        way = MqttTransport(place, there.tenant, self._device, self._knows_time)
        async with way.connect(will) as connection:
            yield connection

    def _knows_time(self) -> bool:
        return self._clock.now().trusted

    def fresh(self) -> None:
        """Take that the cloud was heard over the connection of now."""
        self._lost = 0
        if due(self._identity) is Work.PROVE and self._connected is self._identity.pending:
            self._proven.set()

    async def wanted(self) -> tuple[str, bytes]:
        """Wait until the next certificate is due, with its key made.

        Meanwhile one that was proven is put in the place of the one before.
        """
        while True:
            if self._proven.is_set() and self._connected is not None:
                self._proven.clear()
                await self._take(Proven(self._connected))
                log.info("certificate_renewed")
            if due(self._identity) is Work.REST and self._is_old():
                await self._take(Aged(secrets.token_hex(16)))
            if due(self._identity) is Work.MAKE_KEY:
                await asyncio.to_thread(self._make_key)
            slot = self._identity.pending
            if due(self._identity) is Work.ASK and slot is not None:
                csr = await asyncio.to_thread(self._slots.csr, slot, self._device)
                return self._identity.request, csr
            await first_of(self._proven.wait(), self._clock.sleep_ms(limits.RENEWAL_LOOK_MS))

    async def renewed(self, request: str, certificate: str) -> bool:
        """Keep what answers the request of now."""
        return await asyncio.to_thread(self._renewed, request, certificate)

    def _renewed(self, request: str, certificate: str) -> bool:
        slot = self._identity.pending
        if due(self._identity) is not Work.ASK or slot is None or request != self._identity.request:
            return False
        try:
            self._slots.put_certificate(slot, self._device, certificate)
        except Untrusted as error:
            log.warning("certificate_refused", problem=str(error))
            return False
        self._keep(Certified(request))
        return True

    def _is_old(self) -> bool:
        """Whether it is surely time for the next one."""
        if self._identity.phase is not Phase.ACTIVE or self._identity.current is None:
            return False
        held = self._slots.certificate(self._identity.current)
        return self._clock.now().earliest >= renewal_at(held.begins, held.ends, held.pem)

    def _make_key(self) -> None:
        if self._identity.pending is not None:
            self._slots.make_key(self._identity.pending)
            self._keep(KeyMade())

    async def _take(self, event: Event) -> None:
        await asyncio.to_thread(self._keep, event)

    def _keep(self, event: Event) -> None:
        """Go on by an event, in a thread: who waited for it may be gone when it is done."""
        with self._turn:
            self._identity = self._slots.take(self._identity, event)
