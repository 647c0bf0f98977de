"""What the campaign of two stores believes, and what its lines do to messages."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from hil.chain.broker import Mosquitto
from hil.chain.line import now, tls
from hil.cloud import pki
from hil.stores import verdict
from hil.stores.chaos import harms
from hil.stores.line import Line, Way
from hil.stores.mischief import MessageLine, Mischief
from tests.drivers.rigs import until

DEVICE = "S1"
DOWN = f"edged/v1/acme/{DEVICE}/down/ack"
UP = f"edged/v1/acme/{DEVICE}/up/report"
PATIENCE_S = 60.0


def passage(event: str, *keys: str, **more: Any) -> dict[str, Any]:
    body = {"kind": "passage", "decision": "ALLOW", "event_id": event, "usage_keys": [*keys]}
    return body | more


def test_a_record_that_one_side_lacks_or_has_twice_is_named() -> None:
    assert [*verdict.strays("S1", [b"1", b"2"], [b"2", b"1"])] == []
    assert len([*verdict.strays("S1", [b"1", b"2"], [b"1"])]) == 1
    assert len([*verdict.strays("S1", [b"1"], [b"1", b"1"])]) == 1
    assert len([*verdict.strays("S1", [b"1", b"2"], [b"1", b"3"])]) == 2


def test_an_effect_of_one_identity_counts_once() -> None:
    order = {"kind": "command", "command": "c1", "verb": "open", "result": "OK"}
    assert [*verdict.doubled("S1", [passage("e1"), passage("e2"), order])] == []
    assert len([*verdict.doubled("S1", [passage("e1"), passage("e1"), order, order])]) == 2
    refused = {**order, "command": "c2", "result": "NOT_FOUND"}
    assert verdict.openings([order, refused, {**order, "verb": "lockdown"}]) == 1


def test_what_is_used_is_a_union_less_what_was_taken_back() -> None:
    records = [
        passage("e1", "C1/NOW/2026-11-28/S1"),
        passage("e2", "C1/NOW/2026-11-28/S1"),
        passage("e3", "C1/NOW/2026-11-28/S2", kept_keys=["C2/NOW/2026-11-28/S2"]),
        passage("e4", "C3/NOW/2026-11-28/S1"),
        {"kind": "outcome", "event_id": "e4", "withdrawn": True},
        {"kind": "outcome", "event_id": "e3"},
        passage("e5", "C4/NOW/2026-11-28/S1", decision="DENY"),
    ]
    right = verdict.used(records)
    assert right == {("C1", "NOW"): 2, ("C2", "NOW"): 1}
    assert verdict.excesses(right, 1) == {("C1", 1)}
    told = [{"owner": "C1", "band": "NOW", "count": 2}, {"owner": "C2", "band": "NOW", "count": 1}]
    assert [*verdict.miscounted("cloud", told, right)] == []
    assert len([*verdict.miscounted("cloud", told[1:], right)]) == 1
    assert len([*verdict.miscounted("cloud", told, {("C1", "NOW"): 1})]) == 2


def test_each_harm_is_done_once_and_no_round_more_than_is_needed() -> None:
    kinds, done = ["cut", "pulled", "killed"], list[str]()
    for kind in harms(kinds, random.Random(1), lambda: len(done) >= 1):
        done.append(kind)
    assert sorted(done) == sorted(kinds)
    done.clear()
    for kind in harms(kinds, random.Random(1), lambda: len(done) >= 7):
        done.append(kind)
    assert len(done) == 7
    assert [sorted(done[n : n + 3]) for n in (0, 3)] == [sorted(kinds)] * 2


@asynccontextmanager
async def joined(
    folder: Path, mischief: Mischief
) -> AsyncIterator[tuple[aiomqtt.Client, aiomqtt.Client]]:
    """A device and a cloud at a broker, and a line with mischief before the device."""
    authority = pki.authority(folder / "pki", now())
    authority.broker(["127.0.0.1"], now())
    for name in (DEVICE, "cloud-1"):
        authority.client(name, now())
    broker = Mosquitto(folder / "broker", authority.folder)
    await broker.start()
    line = MessageLine(broker.port, authority.folder, DEVICE, mischief)
    try:
        async with line, at(broker.port, "cloud-1", authority.folder) as cloud:
            await cloud.subscribe("edged/v1/acme/+/up/+", qos=1)
            async with at(line.port, DEVICE, authority.folder) as device:
                await device.subscribe("edged/v1/acme/S1/down/+", qos=1)
                yield device, cloud
    finally:
        await broker.stop()


def at(port: int, name: str, certificates: Path) -> aiomqtt.Client:
    version = aiomqtt.ProtocolVersion.V5
    context = tls(certificates, name)
    return aiomqtt.Client(
        "127.0.0.1",
        port,
        identifier=name,
        protocol=version,
        tls_context=context,
        timeout=PATIENCE_S,
    )


async def heard(client: aiomqtt.Client, end: bytes) -> list[bytes]:
    """What comes until the end is said."""
    found: list[bytes] = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            if message.payload == end:
                return found
            found.append(message.payload)
    raise AssertionError("messages never end")


async def said(speaker: aiomqtt.Client, topic: str, mischief: Mischief) -> Counter[str]:
    """Say a hundred things, and what became of them; then the end, over an honest line."""
    for n in range(100):
        await speaker.publish(topic, b"%d" % n, qos=1)
    mischief.stop()
    await until(lambda: mischief.done.total() == 100)
    done = Counter(mischief.done)
    await speaker.publish(topic, b"end", qos=1)
    return done


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("kind", ["lost", "twice"])
async def test_a_line_loses_and_copies_whole_messages(tmp_path: Path, way: str, kind: str) -> None:
    lost, twice = (500, 0) if kind == "lost" else (0, 500)
    mischief = Mischief(random.Random(1), lost, twice, late=0)
    async with joined(tmp_path, mischief) as (device, cloud):
        speaker, listener, topic = (device, cloud, UP) if way == "up" else (cloud, device, DOWN)
        done, found = await asyncio.gather(said(speaker, topic, mischief), heard(listener, b"end"))
    times = Counter(Counter(found).values())
    assert done[kind] > 20
    assert times == {1: done["passed"]} | ({2: done["twice"]} if kind == "twice" else {})


async def test_a_late_message_is_overtaken_and_comes(tmp_path: Path) -> None:
    mischief = Mischief(random.Random(1), lost=0, twice=0, late=500)
    async with joined(tmp_path, mischief) as (device, cloud):
        for n in range(20):
            await cloud.publish(DOWN, b"%d" % n, qos=1)
        found: list[bytes] = []
        async with asyncio.timeout(PATIENCE_S):
            async for message in device.messages:
                assert isinstance(message.payload, bytes)
                found.append(message.payload)
                if len(found) == 20:
                    break
    assert found != sorted(found, key=int)
    assert sorted(found, key=int) == [b"%d" % n for n in range(20)]


@asynccontextmanager
async def echoed() -> AsyncIterator[Line]:
    """A line to somebody who says everything back."""

    async def say_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while data := await reader.read(1):
                writer.write(data)

    server = await asyncio.start_server(say_back, "127.0.0.1", 0)
    async with server, Line(server.sockets[0].getsockname()[1]) as line:
        yield line


@asynccontextmanager
async def caller(line: Line) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    with closing(writer):
        yield reader, writer


async def test_a_pulled_line_leads_nowhere_until_it_is_plugged_in() -> None:
    async with echoed() as line, asyncio.timeout(PATIENCE_S), caller(line) as (reader, writer):
        writer.write(b"1")
        assert await reader.readexactly(1) == b"1"
        line.pull()
        async with caller(line) as (other, _):
            for ended in (reader, other):
                with suppress(ConnectionError):
                    assert await ended.read() == b""
        line.plug()
        async with caller(line) as (again, to):
            to.write(b"2")
            assert await again.readexactly(1) == b"2"


async def test_bytes_keep_their_order_when_a_slow_line_gets_fast() -> None:
    async with echoed() as line, asyncio.timeout(PATIENCE_S), caller(line) as (reader, writer):
        began, way = asyncio.get_running_loop().time(), Way(writer)
        await way.send(b"1", 0.04)
        await way.send(b"2", 0)
        assert await reader.readexactly(2) == b"12"
        assert asyncio.get_running_loop().time() - began >= 0.04
