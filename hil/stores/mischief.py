"""A line that looks inside: it loses, copies and swaps whole messages of MQTT.

Bytes of TLS can only be cut and delayed: one that is lost or swapped ends the connection. So this
line ends TLS itself, with the certificates of both ends. What it loses it acknowledges to the
sender, as a broker does that forgets; a copy has its original's number, as one that is sent again
has; a late one is overtaken by those behind it. It forges nothing, and can't.
"""

import asyncio
import random
import ssl
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hil.stores.line import Line, Way

_PUBLISH: Final = 3
_PUBACK: Final = b"\x40\x02"
_LATE_S: Final = 3.0
"""A message is late by up to so much: later than many that were sent behind it."""


@dataclass
class Mischief:
    """How many messages of a thousand are lost, sent twice, and late; and how many were."""

    dice: random.Random
    lost: int = 50
    twice: int = 100
    late: int = 250
    done: Counter[str] = field(default_factory=Counter)

    def now(self) -> str:
        """Say what becomes of the next message: `lost`, `twice`, `late` or `passed`."""
        roll, fate = self.dice.randrange(1_000), "passed"
        for name, share in (("lost", self.lost), ("twice", self.twice), ("late", self.late)):
            if 0 <= roll < share:
                fate = name
            roll -= share
        self.done[fate] += 1
        return fate

    def stop(self) -> None:
        """Let everything pass from now on."""
        self.lost = self.twice = self.late = 0


class MessageLine(Line):
    """A line between one device and the broker that does some mischief.

    Args:
        to: The broker's port.
        certificates: The folder of both ends' certificates.
        device: The device's name.
        mischief: What becomes of messages.
    """

    def __init__(self, to: int, certificates: Path, device: str, mischief: Mischief) -> None:
        super().__init__(to)
        self._mischief = mischief
        self._as_broker = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._as_broker.load_cert_chain(certificates / "broker.crt", certificates / "broker.key")
        self._as_broker.load_verify_locations(certificates / "ca.crt")
        self._as_broker.verify_mode = ssl.CERT_REQUIRED
        self._as_device = ssl.create_default_context(cafile=certificates / "ca.crt")
        self._as_device.load_cert_chain(
            certificates / f"{device}.crt", certificates / f"{device}.key"
        )

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._join, "127.0.0.1", 0, ssl=self._as_broker)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._to, ssl=self._as_device)

    async def _pass(self, reader: asyncio.StreamReader, way: Way, back: Way) -> None:
        """Pass packets on, and do mischief to the messages among them."""
        loop = asyncio.get_running_loop()
        while True:
            packet, body = await _packet(reader)
            fate = "passed"
            if packet[0] >> 4 == _PUBLISH and packet[0] & 0x06:
                fate = self._mischief.now()
            match fate:
                case "lost":
                    back.at_once(_PUBACK + _number(packet[body:]))
                case "twice":
                    await way.send(packet + packet, self.delay_s)
                case "late":
                    late_s = self.delay_s + self._mischief.dice.uniform(0, _LATE_S)
                    loop.call_later(late_s, way.at_once, packet)
                case _:
                    await way.send(packet, self.delay_s)


async def _packet(reader: asyncio.StreamReader) -> tuple[bytes, int]:
    """Read one control packet (MQTT 5.0, 2.1); return it, and where its body begins.

    Raises:
        asyncio.IncompleteReadError: The end.
    """
    head = await reader.readexactly(2)
    while head[-1] & 0x80:
        head += await reader.readexactly(1)
    length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(head[1:]))
    return head + await reader.readexactly(length), len(head)


def _number(body: bytes) -> bytes:
    """Return the two bytes of a PUBLISH's number (3.3.2), which stand behind its topic."""
    (topic,) = struct.unpack_from(">H", body)
    return body[2 + topic : 4 + topic]
