"""A worker: one client of the broker, one desk, one thread for the database.

Every message of a group is durable before its answer leaves. Nothing that the broker says counts:
not its acknowledgements, not its order, not who it says has sent something.
"""

import asyncio
import json
import random
import socket
import ssl
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hil.cloud import commands, limits, registrar, spelling
from hil.cloud.desk import Desk, Heard
from hil.cloud.feed import Feed, Message
from hil.cloud.folder import Folder
from hil.cloud.news import News
from hil.cloud.notices import Notices
from hil.cloud.store import Store

KINDS = ("report", "audit", "ask", "result", "renew")
GROUP = "cloud"
TOPIC_PARTS = 6


@dataclass
class Worker:
    """Worker `number`, from 1, of `workers`. `ready` is set once it hears the devices."""

    folder: Folder
    number: int
    workers: int
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: int = 0
    _inbox: deque[Heard] = field(default_factory=deque)
    _some: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Open what the folder names; nothing connects yet."""
        settings = self.folder.settings
        self.store = Store(self.folder.database)
        admits = registrar.of(self.folder)
        self.desk = Desk(settings.tenant, self.store, self.folder.keys, admits)
        self.news = News(self.number - 1, self.workers)
        file = settings.notices.file
        place = None if file is None else self.folder.path / file
        self.notices = Notices(place, settings.notices.url)
        self._thread = ThreadPoolExecutor(1, "desk")

    async def run(self) -> None:
        """Serve for ever; a broker that is away is waited for.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database refuses.
            KeyFault, NoTrust: The cloud can't sign.
        """
        wait_ms = limits.RETRY_MS[0]
        try:
            while True:
                try:
                    async with self._client() as client:
                        wait_ms = limits.RETRY_MS[0]
                        await self._serve(client)
                except* aiomqtt.MqttError as errors:
                    self.ready.clear()
                    _say(event="broker_away", why=str(errors.exceptions[0]))
                await asyncio.sleep(random.uniform(0, wait_ms) / 1000)
                wait_ms = min(2 * wait_ms, limits.RETRY_MS[1])
        finally:
            self._thread.shutdown()
            self.store.close()

    async def _serve(self, client: aiomqtt.Client) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(client), name="listen")
            tasks.create_task(self._work(client), name="work")
            tasks.create_task(self._look(client), name="look")
            tasks.create_task(self.notices.post(), name="notices")

    async def _listen(self, client: aiomqtt.Client) -> None:
        tenant = self.folder.settings.tenant
        share = f"$share/{GROUP}/" if self.folder.settings.broker.shared else ""
        shared = [f"{share}edged/v1/{tenant}/+/up/{kind}" for kind in KINDS]
        # a retained state reaches plain subscriptions only: every worker gets all states
        await client.subscribe([(name, 1) for name in (*shared, f"edged/v1/{tenant}/+/up/state")])
        self.ready.set()
        async for message in client.messages:
            parts = str(message.topic).split("/")
            if len(parts) != TOPIC_PARTS or not isinstance(message.payload, bytes):
                continue
            if len(self._inbox) >= limits.INBOX:
                self.dropped += 1
                continue
            self._inbox.append(Heard(parts[3], parts[5], message.payload, spelling.now()))
            self._some.set()
        raise aiomqtt.MqttError("the broker hung up")

    async def _work(self, client: aiomqtt.Client) -> None:
        loop, tenant = asyncio.get_running_loop(), self.folder.settings.tenant
        await loop.run_in_executor(self._thread, self.desk.catch_up)
        read_at = loop.time()
        while True:
            quiet = not self._inbox and not await self._more()
            if self.desk.unread and (quiet or loop.time() - read_at >= limits.STUDY_MS / 1000):
                await loop.run_in_executor(self._thread, self._study)
                read_at = loop.time()
            count = min(len(self._inbox), limits.GROUP)
            group = [self._inbox.popleft() for _ in range(count)]
            if group or self.desk.waiting:
                answers = await loop.run_in_executor(self._thread, self._handle, group)
                await _send(client, tenant, answers)

    async def _more(self) -> bool:
        """Wait for a message; not for long while there is something else to do."""
        self._some.clear()
        busy = self.desk.unread or self.desk.waiting
        try:
            async with asyncio.timeout(limits.QUIET_MS / 1000 if busy else None):
                return await self._some.wait()
        except TimeoutError:
            return False

    def _handle(self, group: Sequence[Heard]) -> list[Message]:
        return self.desk.handle(group, spelling.now())

    def _study(self) -> None:
        self.notices.tell(self.desk.study(spelling.now()))

    async def _look(self, client: aiomqtt.Client) -> None:
        loop, tenant = asyncio.get_running_loop(), self.folder.settings.tenant
        rejected = 0
        while True:
            orders, changes = await loop.run_in_executor(self._thread, self._news)
            await _send(client, tenant, orders.values())
            if orders:
                await loop.run_in_executor(self._thread, self._sent, list(orders))
            await _send(client, tenant, changes)
            if (total := self.desk.rejected.total()) != rejected:
                rejected = total
                _say(event="rejected", **self.desk.rejected)
            await asyncio.sleep(limits.POLL_MS / 1000)

    def _news(self) -> tuple[dict[str, Message], list[Message]]:
        at = spelling.now()
        with self.store.reading() as db:
            feed = Feed(db, self.folder.settings.tenant, self.desk.keys(db, at))
            return self.news.orders(feed, at), self.news.changes(feed, at)

    def _sent(self, ids: Sequence[str]) -> None:
        with self.store.transaction() as db:
            commands.mark_sent(db, ids)

    def _client(self) -> aiomqtt.Client:
        return client(self.folder, f"cloud-{self.number}")


def client(folder: Folder, name: str) -> aiomqtt.Client:
    """Return a client of the folder's broker, under the name of its certificate."""
    broker, certificates = folder.settings.broker, folder.certificates
    made = aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=name,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=False,
        properties=_session(),
        tls_context=tls(certificates / "ca.crt", certificates / name),
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        max_inflight_messages=limits.IN_FLIGHT,
    )
    made.pending_calls_threshold = 2 * limits.IN_FLIGHT  # answers and news; more is odd
    return made


def tls(authority: Path, own: Path) -> ssl.SSLContext:
    """Return what a client with the certificate `OWN.crt` and the key `OWN.key` connects with."""
    context = ssl.create_default_context(cafile=authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(f"{own}.crt", f"{own}.key")
    return context


def _session() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = limits.SESSION_S
    properties.MaximumPacketSize = limits.ENVELOPE_BYTES + 1_024
    return properties


async def _send(client: aiomqtt.Client, tenant: str, messages: Iterable[Message]) -> None:
    """Send in order, some at a time under way."""
    some: list[Message] = []
    for message in messages:
        some.append(message)
        if len(some) == limits.IN_FLIGHT:
            await _publish(client, tenant, some)
            some = []
    await _publish(client, tenant, some)


async def _publish(client: aiomqtt.Client, tenant: str, some: Sequence[Message]) -> None:
    await asyncio.gather(
        *(
            client.publish(f"edged/v1/{tenant}/{each.device}/down/{each.kind}", each.data, qos=1)
            for each in some
        )
    )


def _say(**words: object) -> None:
    print(json.dumps(words), file=sys.stderr, flush=True)
