"""A chain of sites at a real broker, and a small cloud that was written from the contract's text.

The cloud is `hil.byzantine.cloud`, one for each device; what one device's audit says was used,
the others are told.
"""

import asyncio
import json
import shutil
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hil.byzantine.cloud import Cloud, Message
from hil.byzantine.tenant import Tenant
from hil.site.site import Site
from tests.cloud_link.brokers import Mosquitto
from tests.drivers.rigs import until
from tests.e2e.scene import SOON_S
from tests.edged.cloud.sets import in_parts

LATER_S = 1.5 * SOON_S
"""How long a worker may take that builds rules, on a busy machine."""


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


class Chain:
    """The sites of one tenant, their clouds and their broker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = Mosquitto(folder)
        self.tenant = Tenant("acme")
        self.clouds: dict[str, Cloud] = {}
        self._sites: dict[str, Site] = {}
        self._told: set[str] = set()
        self._subscribed = asyncio.Event()
        self._client: aiomqtt.Client | None = None

    def add(self, site: Site) -> None:
        """Give a site its certificates and the broker's address; call before it is written."""
        device = site.settings["device"]
        certificate, key = self.broker.authority.issue(device)
        site.settings["cloud"] = {
            "host": "127.0.0.1",
            "port": self.broker.port,
            "tenant": "acme",
            "ca_file": str(self.broker.authority.file),
            "certificate_file": str(certificate),
            "key_file": str(key),
        }
        self._sites[device] = site

    async def pin(self, site: Site) -> Cloud:
        """Let the installer pin the tenant's trust, and tell the cloud the device's key."""
        device = site.settings["device"]
        trust = self.folder / f"{device}.trust"
        known = self.clouds.get(device)
        trust.write_bytes(self.tenant.trust(1, _now()) if known is None else known.trusts[0])
        code, _, err = await site.run_edged("trust", "pin", str(trust), "--config", site.config)
        assert code == 0, err
        pem = (site.folder / "state/cloud/device-key.pem").read_bytes()
        key = load_pem_private_key(pem, None)
        assert isinstance(key, Ed25519PrivateKey)
        if known is None:
            known = self.clouds[device] = Cloud(self.tenant, device, key, _now)
            known.trusts[0] = trust.read_bytes()
        known.device_key = key
        return known

    async def tell(self, device: str, message: Message) -> None:
        """Send something down."""
        kind, data = message
        assert self._client is not None
        await self._client.publish(f"edged/v1/acme/{device}/down/{kind}", data, qos=1)

    async def publish(self, site: Site) -> None:
        """Publish the site's rules as the next version."""
        device = site.settings["device"]
        cloud = self.clouds[device]
        site.rules["version"] = cloud.wanted + 1
        await self.tell(device, cloud.publish(in_parts(site.rules)))

    async def order(self, site: Site, verb: str, copies: int = 1, **args: object) -> dict[str, Any]:
        """Issue a command, send it so often, and return the result."""
        device = site.settings["device"]
        cloud = self.clouds[device]
        message = cloud.command(verb, args)
        (identity,) = [
            one for one, issued in cloud.commands.items() if issued.message == message[1]
        ]
        for _ in range(copies):
            await self.tell(device, message)

        def results() -> list[dict[str, Any]]:
            return [one for one in cloud.results if one["id"] == identity]

        await until(lambda: len(results()) >= copies)
        assert all(one["result"] == results()[0]["result"] for one in results())
        return results()[0]

    async def run(self) -> None:
        """Be the cloud, for ever."""
        context = ssl.create_default_context(cafile=self.broker.authority.file)
        context.load_cert_chain(*self.broker.cloud)
        async with aiomqtt.Client(
            "127.0.0.1",
            self.broker.port,
            identifier="cloud",
            protocol=aiomqtt.ProtocolVersion.V5,
            tls_context=context,
            timeout=SOON_S,
        ) as client:
            await client.subscribe("edged/v1/acme/+/up/+", qos=1)
            self._client = client
            self._subscribed.set()
            async for message in client.messages:
                _, _, _, device, _, kind = str(message.topic).split("/")
                assert isinstance(message.payload, bytes)
                if device in self.clouds:
                    await self._hear(device, kind, message.payload)

    async def _hear(self, device: str, kind: str, data: bytes) -> None:
        for answer in self.clouds[device].hear(kind, data):
            await self.tell(device, answer)
        if kind == "audit":
            await self._share(device)

    async def _share(self, device: str) -> None:
        """Tell the other devices what this one's audit says was used."""
        for data in self.clouds[device].records.values():
            body = json.loads(data)
            for key in body.get("usage_keys", ()):
                name = f"{key} {body['event_id']}"
                if name in self._told:
                    continue
                self._told.add(name)
                owner, band, day, *store = key.split("/")
                use = (owner, day, band, store[0] if store else "", body["event_id"])
                for other in self.clouds.keys() - {device}:
                    await self.tell(other, self.clouds[other].use(*use))


@asynccontextmanager
async def chain(folder: Path) -> AsyncIterator[Chain]:
    """A broker with a cloud at it."""
    made = Chain(folder)
    await made.broker.start()
    running = asyncio.create_task(made.run())
    try:
        await asyncio.wait_for(made._subscribed.wait(), SOON_S)
        yield made
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, aiomqtt.MqttError):
            await running
        await made.broker.stop()


@asynccontextmanager
async def up(there: Chain, site: Site) -> AsyncIterator[Site]:
    """Put a site up that has its rules from the cloud."""
    there.add(site)
    site.write()
    try:
        await site.start_building()
        await there.pin(site)
        await site.start_daemon()
        await there.publish(site)
        await has_rules(site)
        yield site
    finally:
        await site.stop()


async def status(site: Site) -> Mapping[str, Any]:
    code, out, err = await site.run_edged("status", "--json", "--config", site.config)
    assert code == 0, err
    found: Mapping[str, Any] = json.loads(out)
    return found


async def has_rules(site: Site) -> None:
    """Wait until the site decides by the rules that were published last."""
    wanted = site.rules["version"]
    async with asyncio.timeout(LATER_S):
        while ((await status(site))["rules"] or {}).get("version") != wanted:
            pass


def throw_disk_away(site: Site) -> None:
    """Let nothing be left of what the device knew."""
    shutil.rmtree(site.folder / "state")
