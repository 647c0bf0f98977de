"""The MQTT client, and all that it does not promise. The only file that imports one.

What was measured of the client and of brokers, and what is done about it here:

- Small writes meet delayed acknowledgements, 45 ms each: TCP_NODELAY.
- It writes its receipt before anybody has what came, 0.1 ms: receipts are ours to give, a
  millisecond later, and so is what is written.
- Clean start is the client's default at each start of a process: off, or what waits is lost.
- It keeps what it could not send and sends it later: a client lives as long as one connection.
- It acknowledges what nobody has read, and drops what is too much: its acknowledgements and the
  broker's mean nothing to us, and what is dropped is counted.
- It takes a packet of any size, whatever was agreed on: a larger one ends the connection.
- A connection that failed half-way leaves its socket and a task behind: both are ended.

The server's certificate is verified at the system's time, so that a clock which is far behind
refuses it: such a device works on, and alone.
"""

import asyncio
import logging
import math
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiomqtt import Client, MqttError, ProtocolVersion, Will
from paho.mqtt.client import Client as Paho
from paho.mqtt.client import DisconnectFlags, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud_link import limits, topics
from cloud_link.ports import Connection, Incoming, LinkLost

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike  # which is there for checkers only

REFUSED: Final = 0x80
"""MQTT 5.0, 2.4: reason codes from here on are failures."""

_NODELAY: Final = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


_NO_CHECK_TIME: Final = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and by which certificates each knows the other.

    Without a certificate and its key: one that lets everybody in. `authorities`, asked for each
    connection, gives those that may certify the broker, DER; while there are none, `ca_file` does.
    """

    host: str
    port: int
    ca_file: Path
    certificate_file: Path | None
    key_file: Path | None
    authorities: Callable[[], Sequence[bytes]] = tuple


class MqttTransport:
    """Connections of one device to its broker.

    Args:
        broker: The certificates are read anew for each connection, so that they can be renewed.
        tenant: With `device` the address; `device` is the client's id, too.
        device: See `tenant`.
        knows_time: Whether certificates can be held to their dates. A device that has no clock
            yet would never hear the time otherwise; whose word counts is not settled by TLS.
    """

    def __init__(
        self,
        broker: Broker,
        tenant: str,
        device: str,
        knows_time: Callable[[], bool] = lambda: True,
    ) -> None:
        self._broker = broker
        self._tenant = tenant
        self._device = device
        self._knows_time = knows_time

    @asynccontextmanager
    async def connect(self, will: bytes) -> AsyncIterator[Connection]:
        """See ports.Transport."""
        topic = topics.up(self._tenant, self._device, "state")
        last = Will(topic, will, qos=1, retain=True)
        client = _client(self._broker, self._device, last, dated=self._knows_time())
        async with _connected(client, topics.down(self._tenant, self._device, "+")) as connection:
            yield connection


@asynccontextmanager
async def enrolment(
    broker: Broker, tenant: str, request: str, *, knows_time: bool
) -> AsyncIterator[Connection]:
    """Connect to the broker of those who have no certificate, and hear the answers to `request`.

    `knows_time`: see MqttTransport. Entering raises LinkLost.
    """
    topic = topics.enrol_down(tenant, request)
    client = _client(broker, request, None, dated=knows_time)
    async with _connected(client, topic) as connection:
        yield connection


class _Client(Client):
    """The client for one connection, with its ends tied up."""

    overflowed = 0
    """How many messages were dropped."""
    leaving: asyncio.Task[None] | None = None
    """Its goodbye, when it came too late for whoever wanted it."""

    def bound(self) -> None:
        """Hold the broker to what is agreed on, before connecting."""
        self._client.connect_timeout = limits.CONNECT_S
        self._client.disable_logger()
        self._client.manual_ack_set(on=True)
        self._came: deque[Incoming] = deque()
        self._stirred = asyncio.Event()
        self.pending_calls_threshold = 2 * limits.RECEIVE_MAXIMUM
        # The reader that the base class registers calls this; what it raises ends the connection.
        vars(self._client)["loop_read"] = _bounded(self._client)

    def _on_message(self, client: Paho, _: object, message: MQTTMessage) -> None:
        self._loop.call_later(limits.WRITE_AFTER_S, client.ack, message.mid, message.qos)
        if len(self._came) >= limits.INCOMING:
            self.overflowed += 1
        else:
            self._came.append(Incoming(message.topic, bytes(message.payload), message.retain))
            self._stirred.set()

    async def next_message(self) -> Incoming:
        """Wait for what comes. Raises LinkLost.

        The base class would make two tasks for each wait: half a millisecond, when a door waits.
        """
        self._disconnected.add_done_callback(self._stir)
        try:
            while not self._came:
                if self._disconnected.done():
                    raise LinkLost(f"disconnected: {self._disconnected.exception()}")
                self._stirred.clear()
                await self._stirred.wait()
        finally:
            self._disconnected.remove_done_callback(self._stir)
        return self._came.popleft()

    def _stir(self, _: object) -> None:
        self._stirred.set()

    def _on_socket_register_write(self, client: Paho, _: object, sock: "SocketLike") -> None:
        """Write soon, behind what just came: a door may wait for that, and nobody for our receipt.

        The socket nearly always takes it; where it does not, the loop tells when it will. One that
        was closed before the loop got to it is left alone: its number may be another file's by
        then, for which the loop would never come to rest.
        """

        def write() -> None:
            try:
                client.loop_write()
            except OSError as error:
                if not self._disconnected.done():
                    self._disconnected.set_exception(error)

        def flush() -> None:
            if sock.fileno() >= 0:
                write()
            if client.want_write() and sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), write)

        try:
            asyncio.get_running_loop().call_later(limits.WRITE_AFTER_S, flush)
        except RuntimeError:  # the thread that connects
            self._loop.call_soon_threadsafe(flush)

    def _on_disconnect(
        self,
        client: Paho,
        userdata: object,
        flags: DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        if not self._connected.done():  # else whoever connects would wait for its whole time
            hung_up = "the broker hung up before its greeting: does it know our certificate?"
            self._connected.set_exception(MqttError(hung_up))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    async def hand_over(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish, and wait for the receipt, for the end of the connection, or long enough."""
        sending = asyncio.ensure_future(
            self.publish(topic, payload, qos=1, retain=retain, timeout=math.inf)
        )
        within_s = limits.RECEIPT_MS / 1000
        try:
            await asyncio.wait(
                {sending, self._disconnected},
                timeout=within_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if sending.done():
                sending.result()
            elif self._disconnected.done():
                raise LinkLost("the connection ended before the receipt")
        except MqttError as error:
            raise LinkLost(_cause(error)) from None
        finally:
            sending.cancel()

    async def leave(self, *, graceful: bool) -> None:
        """End the connection, with a goodbye or so that the broker tells our will. Never raises."""
        if graceful:
            with suppress(MqttError, TimeoutError):
                async with asyncio.timeout(limits.FAREWELL_MS / 1000):
                    await self.__aexit__(None, None, None)
        left = self._client.socket()
        if isinstance(left, socket.socket):
            with suppress(OSError):
                left.shutdown(socket.SHUT_RDWR)  # its reader finds the end, and ties up the rest
        if self._misc_task is not None:
            await asyncio.wait([self._misc_task], timeout=limits.FAREWELL_MS / 1000)
        if self._disconnected.done():
            self._disconnected.exception()  # or it is logged as never retrieved


class _Connection:
    """See ports.Connection."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    async def receive(self) -> Incoming:
        return await self._client.next_message()

    async def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        await self._client.hand_over(topic, payload, retain=retain)

    def overflowed(self) -> int:
        return self._client.overflowed


def _client(broker: Broker, name: str, will: Will | None, *, dated: bool) -> _Client:
    """Return a client for one connection; without a will its session ends with it."""
    agreed = Properties(PacketTypes.CONNECT)
    agreed.SessionExpiryInterval = 0 if will is None else limits.SESSION_EXPIRY_S
    agreed.ReceiveMaximum = limits.RECEIVE_MAXIMUM
    agreed.MaximumPacketSize = limits.PACKET_BYTES
    client = _Client(
        broker.host,
        broker.port,
        identifier=name,
        protocol=ProtocolVersion.V5,
        clean_start=will is None,
        properties=agreed,
        timeout=limits.CONNECT_S,
        keepalive=limits.KEEPALIVE_S,
        will=will,
        tls_context=_tls(broker, dated=dated),
        socket_options=[_NODELAY],
        max_inflight_messages=limits.RECEIVE_MAXIMUM,
        logger=_quiet(),
    )
    client.bound()
    return client


def _tls(broker: Broker, *, dated: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not dated:
        context.verify_flags |= _NO_CHECK_TIME
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if named := broker.authorities():
            context.load_verify_locations(cadata=b"".join(named))
        else:
            context.load_verify_locations(broker.ca_file)
        if broker.certificate_file is not None:
            context.load_cert_chain(broker.certificate_file, broker.key_file)
    except OSError as error:
        raise LinkLost(f"our certificates: {error}") from None
    return context


@asynccontextmanager
async def _connected(client: _Client, topic: str) -> AsyncIterator[Connection]:
    """Connect and hear a topic; entering raises LinkLost."""
    await _enter(client)
    graceful = False
    try:
        await _subscribe(client, topic)
        yield _Connection(client)
        graceful = True
    except asyncio.CancelledError:
        graceful = True
        raise
    finally:
        await client.leave(graceful=graceful)


async def _subscribe(client: _Client, topic: str) -> None:
    try:
        granted = await client.subscribe(
            topic,
            options=SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND),
        )
    except MqttError as error:
        raise LinkLost(str(error)) from None
    if any((code if isinstance(code, int) else code.value) >= REFUSED for code in granted):
        raise LinkLost("the broker lets this device hear nothing")


async def _enter(client: _Client) -> None:
    """Connect. Raises LinkLost.

    Whoever is cancelled meanwhile does not wait for the thread that connects; what it brings is
    let go of when it comes.
    """
    entering = asyncio.ensure_future(client.__aenter__())

    def let_go(entered: asyncio.Task[_Client]) -> None:
        if not entered.cancelled() and entered.exception() is None:
            client.leaving = asyncio.ensure_future(client.leave(graceful=True))

    try:
        await asyncio.shield(entering)
    except MqttError as error:
        why = _cause(error)
    except asyncio.CancelledError:
        entering.add_done_callback(let_go)
        raise
    else:
        return
    await client.leave(graceful=False)
    raise LinkLost(why)  # without its cause, whose traceback would hold on to the socket


def _bounded(paho: Paho) -> Callable[[], int]:
    """Return the client's reading, which ends at a packet beyond what was agreed on."""
    read = paho.loop_read

    def loop_read() -> int:
        code = read()
        if vars(paho)["_in_packet"]["remaining_length"] > limits.PACKET_BYTES:
            raise ConnectionAbortedError("the broker sends more than was agreed on")
        return code

    return loop_read


def _cause(error: MqttError) -> str:
    """Say what happened, with what lies behind it."""
    return f"{error}: {error.__cause__}" if error.__cause__ else str(error)


def _quiet() -> logging.Logger:
    """The client's logger, silent: what matters is raised, and a broker must not fill the log."""
    logger = logging.getLogger("cloud_link.mqtt")
    logger.setLevel(logging.CRITICAL)
    return logger
