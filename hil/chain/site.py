"""A broker, a cloud and simulated devices put up in one folder, for measurements."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hil.chain.broker import Mosquitto
from hil.chain.device import Device, pinned
from hil.chain.line import Place, now
from hil.cloud import devices, folder, keys, pki, trusts
from hil.cloud.store import Store

TENANT: Final = "chain"


@dataclass(frozen=True, slots=True)
class Site:
    """What was put up: the broker, the cloud's process, and devices that are not connected."""

    broker: Mosquitto
    serving: Process
    place: Place
    devices: Sequence[Device]


@asynccontextmanager
async def site(
    path: Path, names: Sequence[str], workers: int, more: str = ""
) -> AsyncIterator[Site]:
    """Put up a broker and a cloud for these devices, and take both down at the end.

    `more`: lines for the broker's settings.
    """
    certificates = path / "cloud" / "pki"
    authority = pki.authority(certificates, now())
    authority.broker(["127.0.0.1"], now())
    for name in (*(f"cloud-{n}" for n in range(1, workers + 1)), *names):
        authority.client(name, now())
    broker = Mosquitto(path / "broker", certificates, more=more)
    await broker.start()
    try:
        made = _cloud(path / "cloud", names, broker.port)
        words = ("serve", "--folder", str(path / "cloud"), "--workers", str(workers))
        serving = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hil.cloud", *words, stdout=PIPE
        )
        try:
            if serving.stdout is None or not json.loads(await serving.stdout.readline())["ready"]:
                raise OSError("the cloud did not come up")
            yield Site(broker, serving, Place(broker.port, certificates, TENANT), made)
        finally:
            if serving.returncode is None:
                serving.terminate()
            await serving.communicate()
    finally:
        await broker.stop()


def _cloud(path: Path, names: Sequence[str], port: int) -> list[Device]:
    made = folder.create(path, TENANT, "sqlite:///cloud.db", "127.0.0.1", port)
    document = keys.first(made.keys, TENANT, 1, 1, now())
    envelope = keys.signed(made.keys, document, None)
    store = Store(made.database)
    store.create()
    found = [Device(name, Ed25519PrivateKey.generate(), pinned(envelope)) for name in names]
    with store.transaction() as db:
        trusts.keep(db, document, envelope)
        for device in found:
            devices.add(db, device.name, device.public, now())
    store.close()
    return found
