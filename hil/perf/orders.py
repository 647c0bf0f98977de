"""From a command of the cloud to the bolt over TLS, beside echoes at the same broker.

`python -m hil.perf.orders [--json] [--orders N]`. After each order come two messages that a process
of its own sends straight back: as large as the command, over TLS with client certificates, by the
bare MQTT client. One it sends back raw; before the other it writes 4 KiB and waits for the disk,
once, as a release that is on the disk first has to. It verifies and moves nothing. The clock stops
for a command when the building takes the order that lets its bolt go, by the machine's monotonic
clock, which the building tells (`seen_us`): that the bench hears of it later is no door's. For an
echo it stops when it is back here.
"""

import argparse
import asyncio
import json
import os
import ssl
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY
from statistics import median, quantiles
from typing import Final

import aiomqtt

from hil.chain.device import seal, spell, text_of
from hil.chain.line import now, tls
from hil.cloud import folder, trusts
from hil.cloud.keys import Role
from hil.cloud.store import Store
from hil.people import People
from hil.perf.linked import linked
from hil.site.processes import Program
from hil.site.rules import TENANT
from hil.stores.cloud import Cloud

ECHO: Final = "echo"
RAW: Final = "raw"
SYNCED: Final = "synced"
SENDER: Final = "cloud-2"
WARM: Final = 5
_PATIENCE_S: Final = 10.0
_REST_S: Final = 0.05
"""Before each message, for all alike: caches are as cold then as they are in life."""
_AFTER_S: Final = 0.1
"""Behind an order: what it left behind is recorded, sent and acknowledged meanwhile."""
_BLOCK_BYTES: Final = 4096
_BLOCKS: Final = 256


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of all, and the ratios of the bolt to each echo."""

    orders: int
    echo_p50_ms: float
    echo_p99_ms: float
    synced_p50_ms: float
    synced_p99_ms: float
    bolt_p50_ms: float
    bolt_p99_ms: float
    p50_ratio: float
    p99_ratio: float
    synced_p50_ratio: float
    synced_p99_ratio: float


class Sender:
    """A client of the broker that gives orders with the cloud's own key."""

    def __init__(self, cloud: Cloud, client: aiomqtt.Client) -> None:
        found = folder.load(cloud.folder)
        store = Store(found.database)
        with store.reading() as db:
            self._key = found.keys.signing(trusts.newest(db), now())[Role.COMMANDS]
        store.close()
        self._client = client

    def order(self, device: str, door: str) -> bytes:
        """Sign an order to open a door."""
        at = now()
        dates = {"issued_at": text_of(at), "expires_at": text_of(at + timedelta(seconds=10))}
        what = {"v": 1, "tenant": TENANT, "device": device, "id": str(uuid.uuid4()), **dates}
        what |= {"verb": "door_open", "args": {"door": door}, "by": "perf", "nonce": None}
        return seal("command", spell(what), self._key)

    async def tell(self, device: str, kind: str, data: bytes) -> float:
        """Send something down; return when that was, by the machine's monotonic clock."""
        began = time.monotonic()
        topic = f"edged/v1/{TENANT}/{device}/down/{kind}"
        await self._client.publish(topic, data, qos=1)
        return began

    async def echoed(self, kind: str, data: bytes) -> float:
        """Return the seconds until the echo is back."""
        await asyncio.sleep(_REST_S)
        began = await self.tell(ECHO, kind, data)
        async with asyncio.timeout(_PATIENCE_S):
            await anext(aiter(self._client.messages))
        return time.monotonic() - began


async def measure(orders: int) -> Measured:
    """Put a store up, and send orders and echoes in turn."""
    with tempfile.TemporaryDirectory(prefix="edged-o-") as made:
        async with linked(Path(made), 10, straight=True) as (up, site), site.people() as people:
            clients = ("--device", ECHO, "--device", SENDER)
            await up.cloud.said("pki", str(up.cloud.certificates), *clients)
            port, device = up.broker.port, site.settings["device"]
            async with _echo(up.cloud, port), _client(up.cloud, port, SENDER) as client:
                await client.subscribe(f"edged/v1/{TENANT}/{ECHO}/up/+", qos=1)
                sender = Sender(up.cloud, client)
                took: list[tuple[float, float, float]] = []
                for _ in range(orders + WARM):
                    bolt, data = await _bolt(sender, people, device), sender.order(device, "front")
                    raw = await sender.echoed(RAW, data)
                    took.append((raw, await sender.echoed(SYNCED, data), bolt))
    return _measured(*(list(each) for each in zip(*took[WARM:], strict=True)))


async def _bolt(sender: Sender, people: People, device: str) -> float:
    """Order the door open and go through; return the seconds until its bolt let go.

    The bolt is thrown as soon as the door has fallen shut, which is long before its pulse ends.
    """
    await asyncio.sleep(_REST_S)
    before = people.last
    data = sender.order(device, "front")
    began = await sender.tell(device, "command", data)
    seen = await people.wait_for(
        lambda one: one["what"] == "bolt" and one["released"], _PATIENCE_S, after=before
    )
    took_s = float(seen["seen_us"] / 1_000_000 - began)
    await people.open("front")
    await people.close("front")
    await people.wait_for(
        lambda one: one["what"] == "bolt" and not one["released"], _PATIENCE_S, after=seen["n"]
    )
    await asyncio.sleep(_AFTER_S)
    return took_s


@asynccontextmanager
async def _echo(cloud: Cloud, port: int) -> AsyncIterator[None]:
    """The process that sends back what it is told."""
    words = (sys.executable, "-m", "hil.perf.orders", "--echo", str(cloud.certificates), str(port))
    program = Program(words, cloud.folder / "echo.log")
    await program.first_line()
    try:
        yield
    finally:
        await program.stop()


async def echo(certificates: Path, port: int) -> None:
    """Send back whatever comes, for ever."""
    async with _connected(port, ECHO, tls(certificates, ECHO)) as client:
        await client.subscribe(f"edged/v1/{TENANT}/{ECHO}/down/+", qos=1)
        file = os.open(certificates / "echo.bin", os.O_RDWR | os.O_CREAT)
        os.write(file, bytes(_BLOCKS * _BLOCK_BYTES))
        os.fsync(file)
        print("ready", flush=True)
        async for message in client.messages:
            if message.topic.value.endswith(SYNCED):
                block = message.mid % _BLOCKS
                os.pwrite(file, os.urandom(_BLOCK_BYTES), block * _BLOCK_BYTES)
                os.fdatasync(file)
            await client.publish(f"edged/v1/{TENANT}/{ECHO}/up/echo", message.payload, qos=1)


def _client(cloud: Cloud, port: int, name: str) -> aiomqtt.Client:
    return _connected(port, name, tls(cloud.certificates, name))


def _connected(port: int, name: str, context: ssl.SSLContext) -> aiomqtt.Client:
    return aiomqtt.Client(
        "127.0.0.1",
        port,
        identifier=name,
        protocol=aiomqtt.ProtocolVersion.V5,
        tls_context=context,
        socket_options=[(IPPROTO_TCP, TCP_NODELAY, 1)],
    )


def _measured(raw: list[float], synced: list[float], bolts: list[float]) -> Measured:
    (raw_p50, raw_p99), (synced_p50, synced_p99), (p50, p99) = map(_ms, (raw, synced, bolts))
    times = (raw_p50, raw_p99, synced_p50, synced_p99, p50, p99)
    ratios = (p50 / raw_p50, p99 / raw_p99, p50 / synced_p50, p99 / synced_p99)
    return Measured(len(bolts), *(round(figure, 2) for figure in (*times, *ratios)))


def _ms(took_s: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    return median(took_s) * 1000, quantiles(took_s, n=100)[-1] * 1000


def main() -> None:
    """Measure, and say what was measured."""
    parser = argparse.ArgumentParser(prog="python -m hil.perf.orders", description=__doc__)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--echo", nargs=2, metavar=("CERTIFICATES", "PORT"), help="be the echo")
    asked = parser.parse_args()
    if asked.echo:
        with suppress(KeyboardInterrupt, aiomqtt.MqttError):
            asyncio.run(echo(Path(asked.echo[0]), int(asked.echo[1])))
        return
    found = asdict(asyncio.run(measure(asked.orders)))
    print(json.dumps(found) if asked.json else "\n".join(f"{k}: {v}" for k, v in found.items()))


if __name__ == "__main__":
    main()
