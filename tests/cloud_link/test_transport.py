"""The MQTT client: whom it does not connect to, and what it leaves behind."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud_link import limits
from cloud_link.ports import LinkLost
from cloud_link.transport import Broker, MqttTransport
from hil.byzantine.broker import Broker as Liar
from hil.byzantine.pki import Authority
from tests.cloud_link.brokers import LEAVES_SOCKETS, Mosquitto
from tests.cloud_link.worlds import DEVICE
from tests.drivers.rigs import until

pytestmark = LEAVES_SOCKETS


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


BAD_WORLDS = ["another authority", "expired", "another host", "no certificate", "not there"]


@pytest.mark.threat("D9")
@pytest.mark.parametrize("bad", BAD_WORLDS)
async def test_a_broker_that_is_not_ours_is_refused_with_a_reason(
    tmp_path: Path, broker: Mosquitto, bad: str
) -> None:
    begin = None
    if bad == "expired":
        begin = datetime(2020, 1, 1, tzinfo=UTC)
    if bad in {"expired", "another host"}:
        hosts = ["127.0.0.2" if bad == "another host" else "127.0.0.1"]
        await broker.stop()
        broker.authority.issue("broker", hosts, begin)
        await broker.start()
    certificate, key = broker.device
    authority = broker.authority.file
    if bad == "another authority":
        (tmp_path / "other").mkdir()
        authority = Authority(tmp_path / "other").file
    if bad == "no certificate":
        (tmp_path / "other").mkdir()
        certificate, key = Authority(tmp_path / "other").issue(DEVICE)
    if bad == "not there":
        await broker.stop()
    transport = MqttTransport(
        Broker("127.0.0.1", broker.port, authority, certificate, key), "acme", DEVICE
    )
    with pytest.raises(LinkLost) as lost:
        async with transport.connect(b"will"):
            pass
    words = {
        "another authority": "self-signed certificate|unable to get local issuer|signature failure",
        "expired": "expired",
        "another host": "IP address mismatch",
        "no certificate": "does it know our certificate",
        "not there": "refused",
    }
    assert any(word in str(lost.value) for word in words[bad].split("|")), str(lost.value)


@pytest.mark.parametrize("year", [2020, 2099])
async def test_a_device_that_does_not_know_the_time_holds_nobody_to_it(
    tmp_path: Path, broker: Mosquitto, year: int
) -> None:
    """A first boot without a clock: the time comes over this very connection, signed."""
    knows = iter([False, True, False])
    await broker.stop()
    broker.authority.issue("broker", ["127.0.0.1"], datetime(year, 1, 1, tzinfo=UTC))
    await broker.start()
    where = Broker("127.0.0.1", broker.port, broker.authority.file, *broker.device)
    transport = MqttTransport(where, "acme", DEVICE, lambda: next(knows))
    async with transport.connect(b"will"):
        pass
    with pytest.raises(LinkLost, match="certificate"):
        async with transport.connect(b"will"):
            pass
    (tmp_path / "other").mkdir()
    where = replace(where, ca_file=Authority(tmp_path / "other").file)
    transport = MqttTransport(where, "acme", DEVICE, lambda: next(knows))
    with pytest.raises(LinkLost, match="certificate"):
        async with transport.connect(b"will"):
            pass


async def test_authorities_that_are_named_count_in_place_of_the_file(
    tmp_path: Path, broker: Mosquitto
) -> None:
    (tmp_path / "other").mkdir()
    right, other = broker.authority, Authority(tmp_path / "other", "other")
    named = [[right], [other, right], [other], []]
    turns = [[ssl.PEM_cert_to_DER_cert(one.file.read_text()) for one in turn] for turn in named]
    taken = iter(turns)
    where = Broker(
        "127.0.0.1", broker.port, right.file, *broker.device, authorities=lambda: next(taken)
    )
    transport = MqttTransport(where, "acme", DEVICE)
    for knows in (True, True, False, True):
        with nullcontext() if knows else pytest.raises(LinkLost, match="certificate"):
            async with transport.connect(b"will"):
                pass


async def test_missing_certificates_are_named(tmp_path: Path) -> None:
    nowhere = tmp_path / "nothing.crt"
    transport = MqttTransport(Broker("127.0.0.1", 1, nowhere, nowhere, nowhere), "acme", DEVICE)
    with pytest.raises(LinkLost, match="our certificates"):
        async with transport.connect(b"will"):
            pass


@pytest.mark.threat("D9")
async def test_tls_1_1_is_too_old(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("broker", ["127.0.0.1"]))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    port = int(server.sockets[0].getsockname()[1])
    certificate, key = authority.issue(DEVICE)
    broker = Broker("127.0.0.1", port, authority.file, certificate, key)
    async with server:
        with pytest.raises(LinkLost):
            async with MqttTransport(broker, "acme", DEVICE).connect(b"will"):
                pass


async def test_who_stops_while_connecting_waits_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONNECT_S", 600)
    authority = Authority(tmp_path)
    certificate, key = authority.issue(DEVICE)
    accepted: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: accepted.append(writer), "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    transport = MqttTransport(
        Broker("127.0.0.1", port, authority.file, certificate, key), "acme", DEVICE
    )

    async def connect() -> None:
        async with transport.connect(b"will"):
            pass

    task = asyncio.create_task(connect())
    await until(lambda: accepted)
    task.cancel()
    await until(task.done)
    assert task.cancelled()
    for writer in accepted:
        writer.transport.abort()
    server.close()
    await server.wait_closed()
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


class Guest:
    """A device's connection to a broker that does as it likes."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        self.said: list[tuple[str, bytes]] = []
        self.broker = Liar(authority, lambda *said: self.said.append(said))
        self._files = authority.file, *authority.issue(DEVICE)

    def transport(self) -> MqttTransport:
        return MqttTransport(Broker("127.0.0.1", self.broker.port, *self._files), "acme", DEVICE)


@pytest.fixture
async def guest(tmp_path: Path) -> AsyncIterator[Guest]:
    guest = Guest(tmp_path)
    await guest.broker.start()
    yield guest
    await guest.broker.stop()


async def test_a_packet_beyond_what_was_agreed_on_ends_the_connection(guest: Guest) -> None:
    topic = f"edged/v1/acme/{DEVICE}/down/command"
    async with guest.transport().connect(b"will") as connection:
        guest.broker.tell(topic, bytes(limits.PACKET_BYTES - 100))
        assert len((await connection.receive()).payload) == limits.PACKET_BYTES - 100
        guest.broker.raw(b"\x32\x81\x80\x10" + bytes(60_000))
        with pytest.raises(LinkLost, match="more than was agreed on"):
            await connection.receive()


async def test_what_came_is_given_on_before_its_receipt_is_written(guest: Guest) -> None:
    topic = f"edged/v1/acme/{DEVICE}/down/command"
    async with guest.transport().connect(b"will") as connection:
        written: list[str] = []
        paho = vars(connection)["_client"]._client
        write = paho.loop_write

        def noted() -> None:
            written.append("receipt")
            write()

        paho.loop_write = noted
        guest.broker.tell(topic, b"open")
        await connection.receive()
        assert written == []
        await until(lambda: written)


async def test_more_than_the_socket_takes_goes_out_whole_and_in_order(guest: Guest) -> None:
    async with guest.transport().connect(b"will") as connection:
        large = [bytes([n]) * 240_000 for n in range(limits.RECEIVE_MAXIMUM)]
        topic = f"edged/v1/acme/{DEVICE}/up/audit"
        await asyncio.gather(*(connection.send(topic, one) for one in large))
    assert [data for kind, data in guest.said if kind == "audit"] == large


async def test_what_nobody_reads_is_dropped_and_counted(guest: Guest) -> None:
    topic = f"edged/v1/acme/{DEVICE}/down/command"
    async with guest.transport().connect(b"will") as connection:
        for number in range(limits.INCOMING + 36):
            guest.broker.tell(topic, str(number).encode())
        await until(lambda: connection.overflowed() == 36)
        kept = [(await connection.receive()).payload for _ in range(limits.INCOMING)]
    assert kept == [str(number).encode() for number in range(limits.INCOMING)]


async def test_who_sends_learns_that_the_connection_ended(guest: Guest) -> None:
    async with guest.transport().connect(b"will") as connection:
        guest.broker.deaf = True
        sending = asyncio.create_task(connection.send("edged/v1/acme/gate-1/up/ask", b"x"))
        await asyncio.sleep(0)
        guest.broker.cut()
        with pytest.raises(LinkLost):
            await sending
        with pytest.raises(LinkLost):
            await connection.receive()
