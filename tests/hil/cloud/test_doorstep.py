"""The broker that lets everybody in: what a stranger can do there, and what it can't."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiomqtt
import pytest
from typer.testing import CliRunner

from hil.chain.broker import Doorstep
from hil.chain.line import PATIENCE_S, tls
from hil.cloud.__main__ import app
from tests.drivers.rigs import until

ME, OTHER = "a" * 32, "b" * 32


@pytest.fixture
async def doorstep(tmp_path: Path) -> AsyncIterator[Doorstep]:
    pki = ("--host", "127.0.0.1", "--workers", "1", "--device", "d1")
    assert CliRunner().invoke(app, ["pki", str(tmp_path / "pki"), *pki]).exit_code == 0
    broker = Doorstep(tmp_path / "broker", tmp_path / "pki")
    await broker.start()
    yield broker
    await broker.stop()


@asynccontextmanager
async def inside(
    port: int, name: str, context: ssl.SSLContext, heard: list[str]
) -> AsyncIterator[aiomqtt.Client]:
    """Be a client who notes the topics of what comes."""
    async with aiomqtt.Client(
        "127.0.0.1",
        port,
        identifier=name,
        protocol=aiomqtt.ProtocolVersion.V5,
        tls_context=context,
        timeout=PATIENCE_S,
    ) as client:

        def note(message: aiomqtt.Message) -> None:
            heard.append(str(message.topic))

        async def listen() -> None:
            async for message in client.messages:
                note(message)

        listening = asyncio.create_task(listen())
        try:
            yield client
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await listening


def stranger(doorstep: Doorstep) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=doorstep.certificates / "ca.crt")


async def hung_up_on(port: int, context: ssl.SSLContext) -> bool:
    """Whether the broker ends the connection of somebody who asks to be let in."""
    connect = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04" + b"test"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return True
    try:
        writer.write(connect)
        async with asyncio.timeout(PATIENCE_S):
            return await reader.read(1) == b""
    except (ssl.SSLError, ConnectionError):
        return True
    finally:
        writer.transport.abort()


@pytest.mark.threat("G2", "A11")
async def test_a_stranger_has_two_topics_and_no_more(doorstep: Doorstep) -> None:
    worker, mine, others = list[str](), list[str](), list[str]()
    workers = tls(doorstep.certificates, "cloud-1")
    context = stranger(doorstep)
    async with (
        inside(doorstep.workers, "w", workers, worker) as cloud,
        inside(doorstep.port, ME, context, mine) as me,
        inside(doorstep.port, OTHER, context, others) as other,
    ):
        await cloud.subscribe("edged-enrol/v1/acme/+/up", qos=1)
        await other.subscribe(f"edged-enrol/v1/acme/{OTHER}/down", qos=1)
        for topic in (
            "#",
            "edged-enrol/v1/acme/+/up",
            f"edged-enrol/v1/acme/{OTHER}/down",
            "$SYS/#",
        ):
            await me.subscribe(topic, qos=1)
        await me.subscribe(f"edged-enrol/v1/acme/{ME}/down", qos=1)
        for topic in (
            f"edged-enrol/v1/acme/{OTHER}/up",
            f"edged-enrol/v1/acme/{OTHER}/down",
            f"edged-enrol/v1/acme/{ME}/down",
            "edged/v1/acme/d1/up/report",
        ):
            await me.publish(topic, b"x", qos=1)
        await me.publish(f"edged-enrol/v1/acme/{ME}/up", b"x", qos=1)
        await until(lambda: f"edged-enrol/v1/acme/{ME}/up" in worker)
        for request in (OTHER, ME):
            await cloud.publish(f"edged-enrol/v1/acme/{request}/down", b"x", qos=1)
        await until(lambda: f"edged-enrol/v1/acme/{ME}/down" in mine)
        await until(lambda: f"edged-enrol/v1/acme/{OTHER}/down" in others)
    assert worker == [f"edged-enrol/v1/acme/{ME}/up"]
    assert set(mine) == {f"edged-enrol/v1/acme/{ME}/down"}
    assert others == [f"edged-enrol/v1/acme/{OTHER}/down"]


@pytest.mark.threat("G2")
async def test_the_clouds_side_is_for_its_workers(doorstep: Doorstep) -> None:
    heard = list[str]()
    device = tls(doorstep.certificates, "d1")
    assert await hung_up_on(doorstep.workers, stranger(doorstep)), "let in without a certificate"
    assert not await hung_up_on(doorstep.workers, device)
    async with (
        inside(doorstep.workers, "d1", device, heard) as curious,
        inside(doorstep.port, ME, stranger(doorstep), []) as me,
    ):
        await curious.subscribe("edged-enrol/v1/acme/+/up", qos=1)
        await me.subscribe(f"edged-enrol/v1/acme/{ME}/down", qos=1)
        await me.publish(f"edged-enrol/v1/acme/{ME}/up", b"x", qos=1)
        await curious.publish(f"edged-enrol/v1/acme/{ME}/down", b"x", qos=1)
    assert heard == []
