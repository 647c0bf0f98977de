"""A daemon's way to the broker in memory: the link's port for connections."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cloud_link.ports import Connection, Incoming, LinkLost
from edged.ports import Outside
from hil.virtual.broker import Broker, Client, Gone, Post
from hil.virtual.weather import Weather
from hil.virtual.wires import Life


class _Connection:
    """See ports.Connection."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def receive(self) -> Incoming:
        try:
            post, retained = await self._client.receive()
        except Gone as gone:
            raise LinkLost(str(gone)) from None
        return Incoming(post.topic, post.payload, retained)

    async def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        try:
            await self._client.send(topic, payload, retain=retain)
        except Gone as gone:
            raise LinkLost(str(gone)) from None

    def overflowed(self) -> int:
        return self._client.dropped


class VirtualTransport:
    """See ports.Transport. Its connections end with the life."""

    def __init__(self, broker: Broker, tenant: str, device: str, life: Life) -> None:
        self._broker = broker
        self._base = f"edged/v1/{tenant}/{device}"
        self._device = device
        self._life = life

    @asynccontextmanager
    async def connect(self, will: bytes) -> AsyncIterator[Connection]:
        """See ports.Transport."""
        if self._life.cut:
            raise LinkLost("killed")
        last = Post(f"{self._base}/up/state", will, retain=True, sender=self._device)
        topics = [f"{self._base}/down/+"]
        try:
            client = await self._broker.connect(self._device, topics, last, wants_retained=False)
        except Gone as gone:
            raise LinkLost(str(gone)) from None
        self._life.links[client] = None
        if self._life.cut:
            client.abort()
        try:
            yield _Connection(client)
        except LinkLost:
            client.end("given up")
            raise
        finally:
            client.end("a goodbye", graceful=True)
            self._life.links.pop(client, None)


class VirtualChance:
    """See ports.Chance: its waits are drawn from the weather, its nonces from the seed."""

    def __init__(self, weather: Weather, device: str) -> None:
        self._weather = weather
        self._device = device
        self._dice = random.Random(f"{weather.seed} {device}")

    def nonce(self) -> str:
        """See ports.Chance."""
        return f"{self._dice.getrandbits(128):032x}"

    def below_ms(self, bound_ms: int) -> int:
        """See ports.Chance."""
        return int(self._weather.draw(f"{self._device} waits") * (bound_ms + 1))


def outside(broker: Broker, weather: Weather, tenant: str, device: str, life: Life) -> Outside:
    """Return what a daemon's link is given for one of its lives."""
    transport = VirtualTransport(broker, tenant, device, life)
    return Outside(VirtualChance(weather, device), transport)
