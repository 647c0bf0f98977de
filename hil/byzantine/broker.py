"""The broker that lies: a device speaks MQTT to it over TLS, and it decides what becomes of it."""

import asyncio
import itertools
import ssl
from collections.abc import Callable
from contextlib import suppress

from hil.byzantine import mqtt
from hil.byzantine.pki import Authority


class Broker:
    """Takes what a device says to `hear`, and tells it whatever it is told to.

    `deaf`: it still takes bytes, and answers nothing, as a half open connection does.
    """

    def __init__(self, authority: Authority, hear: Callable[[str, bytes], None]) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*authority.issue("broker", ["127.0.0.1"]))
        self._context.load_verify_locations(authority.file)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._hear = hear
        self._numbers = itertools.cycle(range(1, 65_536))
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.deaf = False

    @property
    def has_guest(self) -> bool:
        """Whether the device is there and can be told something."""
        return self._writer is not None and not self.deaf

    async def start(self) -> None:
        """Listen at a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close it."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()

    def cut(self) -> None:
        """Cut the connection."""
        for end in self._ends:
            end.transport.abort()
        self._writer = None

    def tell(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Publish to the device; False: it is not there."""
        return self.raw(mqtt.publish(topic, payload, next(self._numbers), retain=retain))

    def raw(self, data: bytes) -> bool:
        """Send bytes of any kind; False: it is not there."""
        if self._writer is None or self.deaf or self._writer.is_closing():
            return False
        self._writer.write(data)
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                while True:
                    await self._take(await mqtt.read_packet(reader), writer)
        finally:
            self._ends.discard(writer)
            if self._writer is writer:
                self._writer = None
            writer.transport.abort()

    async def _take(self, one: mqtt.Packet, writer: asyncio.StreamWriter) -> None:
        if self.deaf:
            return
        if one.kind == mqtt.Kind.SUBSCRIBE:
            self._writer = writer
        writer.write(mqtt.answer(one))
        if one.kind == mqtt.Kind.PUBLISH:
            said = mqtt.published(one)
            self._hear(said.topic.rpartition("/")[2], said.payload)
