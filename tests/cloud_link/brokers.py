"""A real broker with TLS, its cloud's client, and a network between it and the device."""

import asyncio
import signal
import socket
import ssl
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloud_link.transport import Broker, MqttTransport
from hil.byzantine.cloud import Cloud, Message
from hil.byzantine.pki import Authority
from hil.chain.broker import free_port, listening
from tests.cloud_link.worlds import DEVICE
from tests.drivers.rigs import PATIENCE_S, until

LEAVES_SOCKETS = pytest.mark.filterwarnings(
    "ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning"
)
"""A TLS handshake that fails leaves paho's socket for Python to close."""

CONFIG = """\
listener {port} 127.0.0.1
cafile {folder}/ca.crt
certfile {folder}/broker.crt
keyfile {folder}/broker.key
require_certificate true
use_identity_as_username true
tls_version tlsv1.2
set_tcp_nodelay true
persistence true
persistence_location {folder}/
log_type none
user root
"""


class Mosquitto:
    """The broker: started, killed and started again with what it kept, or without."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        authority = Authority(folder)
        authority.issue("broker", ["127.0.0.1"])
        self.cloud = authority.issue("cloud")
        self.device = authority.issue(DEVICE)
        self.authority = authority
        self.port = 0
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it, at a free port the first time and at the same one from then on."""
        if not self.port:
            self.port = free_port()
        config = self.folder / "mosquitto.conf"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder))
        self._process = await asyncio.create_subprocess_exec("mosquitto", "-c", str(config))
        await listening(self.port)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it: in peace, or by SIGKILL."""
        if self._process is not None:
            self._process.send_signal(number)
            await self._process.wait()
            self._process = None

    def forget(self) -> None:
        """Delete all that it kept."""
        (self.folder / "mosquitto.db").unlink(missing_ok=True)

    def for_device(self, port: int | None = None) -> MqttTransport:
        """Return the device's way to it, or to a network before it."""
        certificate, key = self.device
        broker = Broker("127.0.0.1", port or self.port, self.authority.file, certificate, key)
        return MqttTransport(broker, "acme", DEVICE)


class _Client(aiomqtt.Client):
    """One that a broker which hangs up before its greeting does not keep waiting."""

    def _on_disconnect(self, *said: Any) -> None:
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("hung up on"))
        super()._on_disconnect(*said)


@dataclass
class CloudAtBroker:
    """The cloud as a client of the broker, which comes back when the broker does."""

    cloud: Cloud
    broker: Mosquitto
    heard: list[Message] = field(default_factory=list)
    subscribed: int = 0
    _client: aiomqtt.Client | None = None

    async def run(self) -> None:
        """Be there for ever."""
        while True:
            with suppress(aiomqtt.MqttError):
                await self._once()
            await asyncio.sleep(0.02)

    async def tell(self, kind: str, data: bytes, *, retain: bool = False) -> None:
        """Send something down; it is lost when the broker is not there."""
        if (client := self._client) is None:
            return
        topic = f"edged/v1/acme/{DEVICE}/down/{kind}"
        sending = asyncio.ensure_future(client.publish(topic, data, qos=1, retain=retain))
        try:  # a broker that is gone answers nobody, and one that is slow answers late
            await asyncio.wait({sending, client._disconnected}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await sending

    async def _once(self) -> None:
        context = ssl.create_default_context(cafile=self.broker.authority.file)
        context.load_cert_chain(*self.broker.cloud)
        expiry = Properties(PacketTypes.CONNECT)
        expiry.SessionExpiryInterval = 3600
        async with _Client(
            "127.0.0.1",
            self.broker.port,
            identifier="cloud",
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=expiry,
            tls_context=context,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            timeout=PATIENCE_S,
        ) as client:
            try:
                await client.subscribe("edged/v1/acme/+/up/+", qos=1)
                self._client = client
                self.subscribed += 1
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    kind = str(message.topic).rpartition("/")[2]
                    self.heard.append((kind, message.payload))
                    for answer in self.cloud.hear(kind, message.payload):
                        await self.tell(*answer)
            finally:
                self._client = None
                if client._disconnected.done():
                    client._disconnected.exception()  # or it is logged as never retrieved


@asynccontextmanager
async def broker_and_cloud(folder: Path, cloud: Cloud) -> AsyncIterator[CloudAtBroker]:
    """Start a broker with the cloud at it."""
    broker = Mosquitto(folder)
    at_broker = CloudAtBroker(cloud, broker)
    task = None
    try:
        await broker.start()
        task = asyncio.create_task(at_broker.run())
        await until(lambda: at_broker.subscribed)
        yield at_broker
    finally:
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await broker.stop(signal.SIGKILL)


class Network:
    """A TCP connection's way through a network that can be cut, slowed, or swallow everything."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port = 0
        self.delay_s = 0.0
        self.swallows = False
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Cut every connection; new ones are made."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._join(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        ways = [
            asyncio.ensure_future(self._pass(reader, far_writer)),
            asyncio.ensure_future(self._pass(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in both:
                end.transport.abort()
            self._writers -= both

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await asyncio.sleep(self.delay_s)
                if not self.swallows:
                    writer.write(data)
                    await writer.drain()
