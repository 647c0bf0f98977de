"""Enough of MQTT 5.0 for a broker with one client; written from the OASIS standard."""

import asyncio
import struct
from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """Control packets (MQTT 5.0, 2.1.2)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


@dataclass(frozen=True, slots=True)
class Packet:
    """A control packet: its kind, its four flags, and what is behind the length."""

    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """What a client published; `number` None: QoS 0."""

    topic: str
    payload: bytes
    number: int | None


async def read_packet(reader: asyncio.StreamReader) -> Packet:
    """Read one packet. Raises asyncio.IncompleteReadError at the end."""
    (first,) = await reader.readexactly(1)
    length = shift = 0
    while True:
        (byte,) = await reader.readexactly(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return Packet(first >> 4, first & 0x0F, await reader.readexactly(length))


def packet(kind: Kind, body: bytes = b"", flags: int = 0) -> bytes:
    """Spell a packet."""
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


def varint(number: int) -> bytes:
    """Spell a variable byte integer (1.5.5)."""
    spelt = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        if not number:
            return bytes([*spelt, low])
        spelt.append(low | 0x80)


def published(one: Packet) -> Published:
    """Read a PUBLISH (3.3)."""
    (size,) = struct.unpack_from(">H", one.body)
    topic, at = one.body[2 : 2 + size].decode(), 2 + size
    number = None
    if one.flags & 0x06:
        (number,) = struct.unpack_from(">H", one.body, at)
        at += 2
    length = shift = 0
    while True:
        byte = one.body[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return Published(topic, one.body[at + length :], number)


def publish(topic: str, payload: bytes, number: int, *, retain: bool = False) -> bytes:
    """Spell a PUBLISH of QoS 1 without properties."""
    name = topic.encode()
    head = struct.pack(">H", len(name)) + name + struct.pack(">H", number) + b"\0"
    return packet(Kind.PUBLISH, head + payload, 0x02 | int(retain))


def answer(one: Packet) -> bytes:
    """Return what an honest broker answers at once."""
    match one.kind:
        case Kind.CONNECT:
            return packet(Kind.CONNACK, b"\0\0\0")
        case Kind.SUBSCRIBE:
            return packet(Kind.SUBACK, one.body[:2] + b"\0\1")
        case Kind.PINGREQ:
            return packet(Kind.PINGRESP)
        case Kind.PUBLISH:
            number = published(one).number
            return b"" if number is None else packet(Kind.PUBACK, struct.pack(">H", number))
        case _:
            return b""
