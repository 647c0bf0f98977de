"""The cloud at the broker of those whom nobody knows yet (config/broker/enrolment.conf).

Everybody may speak here, so one thing is done at a time, and what is too much is lost: whoever
means it asks again.
"""

import asyncio
import json
import secrets
import socket
import sys
from contextlib import suppress

import aiomqtt

from hil.cloud import limits, registrar, spelling
from hil.cloud.desk import Desk
from hil.cloud.folder import EnrolmentSettings, Folder
from hil.cloud.keys import Role
from hil.cloud.spelling import Rejected
from hil.cloud.store import Store
from hil.cloud.worker import tls

TOPIC_PARTS = 5


class Lobby:
    """Worker `number`'s place there. `ready` is set once it hears who asks."""

    def __init__(self, folder: Folder, settings: EnrolmentSettings, number: int) -> None:
        self._folder = folder
        self._settings = settings
        self._number = number
        self._store = Store(folder.database)
        self._desk = Desk(folder.settings.tenant, self._store, folder.keys)
        self._registrar = registrar.of(folder)
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Answer for ever; a broker that is away is waited for."""
        try:
            while True:
                with suppress(aiomqtt.MqttError):
                    async with self._client() as client:
                        await self._serve(client)
                print(json.dumps({"event": "enrolment_broker_away"}), file=sys.stderr, flush=True)
                await asyncio.sleep(limits.RETRY_MS[0] / 1000)
        finally:
            self._store.close()

    async def _serve(self, client: aiomqtt.Client) -> None:
        tenant = self._folder.settings.tenant
        await client.subscribe(f"$share/cloud/edged-enrol/v1/{tenant}/+/up", qos=1)
        self.ready.set()
        async for message in client.messages:
            parts = str(message.topic).split("/")
            if len(parts) != TOPIC_PARTS or not isinstance(message.payload, bytes):
                continue
            with suppress(Rejected):
                answer = await asyncio.to_thread(self._answer, parts[3], message.payload)
                await self.tell(client, f"edged-enrol/v1/{tenant}/{parts[3]}/down", answer)

    async def tell(self, client: aiomqtt.Client, topic: str, answer: bytes) -> None:
        """Send an answer."""
        await client.publish(topic, answer, qos=1)

    def _answer(self, request: str, data: bytes) -> bytes:
        at = spelling.now()
        with self._store.transaction() as db:
            key = self._desk.keys(db, at)[Role.ACKS]
            return self._registrar.asked(db, request, data, key, at)

    def _client(self) -> aiomqtt.Client:
        certificates = self._folder.certificates
        return aiomqtt.Client(
            self._settings.host,
            self._settings.port,
            # nobody who comes in by the other door can guess it, and so end this connection
            identifier=f"cloud-{self._number}-{secrets.token_hex(16)}",
            protocol=aiomqtt.ProtocolVersion.V5,
            tls_context=tls(certificates / "ca.crt", certificates / f"cloud-{self._number}"),
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            max_queued_incoming_messages=limits.WAITING,
        )
