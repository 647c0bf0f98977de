"""A simulated device's connection to the broker."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Final

import aiomqtt
from cryptography.exceptions import InvalidSignature
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hil.chain.device import Device, Message

WEEK_S: Final = 604_800
KEEP_ALIVE_S: Final = 60
PATIENCE_S: Final = 60.0
"""How long `until` waits; a busy machine is slow."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device connects: the port on 127.0.0.1, the certificates, the tenant."""

    port: int
    certificates: Path
    tenant: str


def now() -> datetime:
    """Return the machine's time."""
    return datetime.fromtimestamp(time(), UTC)


@dataclass
class Line:
    """A connected device. `refused`: what came and did not count; `stirred`: something came."""

    device: Device
    client: aiomqtt.Client
    tenant: str
    refused: list[str] = field(default_factory=list)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, messages: Iterable[Message], *, retain: bool = False) -> None:
        """Publish, in order."""
        for kind, data in messages:
            topic = f"edged/v1/{self.tenant}/{self.device.name}/up/{kind}"
            await self.client.publish(topic, data, qos=1, retain=retain)

    async def listen(self) -> None:
        """Hear what comes down, for ever."""
        async for message in self.client.messages:
            if message.retain or not isinstance(message.payload, bytes):
                continue
            kind = str(message.topic).rpartition("/")[2]
            try:
                answers = self.device.hear(kind, message.payload, now())
            except (InvalidSignature, KeyError, ValueError) as error:
                self.refused.append(f"{kind}: {error}")
                continue
            finally:
                self.stirred.set()
            await self.say(answers)

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until a condition on the device holds.

        Raises:
            TimeoutError: It does not, within `PATIENCE_S`.
        """
        async with asyncio.timeout(PATIENCE_S):
            while not true():
                self.stirred.clear()
                await self.stirred.wait()


@asynccontextmanager
async def connected(
    device: Device, place: Place, *, context: ssl.SSLContext | None = None
) -> AsyncIterator[Line]:
    """Connect a device: will, state and report, as the contract says; hang up at the end."""
    device.session += 1
    kind, data = device.state("gone", now())
    will = aiomqtt.Will(f"edged/v1/{place.tenant}/{device.name}/up/{kind}", data, 1, retain=True)
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = WEEK_S
    properties.ReceiveMaximum = 16
    async with aiomqtt.Client(
        "127.0.0.1",
        place.port,
        identifier=device.name,
        protocol=aiomqtt.ProtocolVersion.V5,
        will=will,
        clean_start=False,
        keepalive=KEEP_ALIVE_S,
        properties=properties,
        tls_context=context or tls(place.certificates, device.name),
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        timeout=PATIENCE_S,
    ) as client:
        line = Line(device, client, place.tenant)
        await client.subscribe(f"edged/v1/{place.tenant}/{device.name}/down/+", qos=1)
        listening = asyncio.create_task(line.listen(), name=f"listen {device.name}")
        try:
            await line.say([device.state("up", now())], retain=True)
            await line.say([device.report(now())])
            yield line
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await listening


def tls(certificates: Path, name: str) -> ssl.SSLContext:
    """Return what a device connects with."""
    context = ssl.create_default_context(cafile=certificates / "ca.crt")
    context.load_cert_chain(certificates / f"{name}.crt", certificates / f"{name}.key")
    return context
