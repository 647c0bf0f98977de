"""Beginning: a folder, keys, certificates; and serving."""

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Annotated

import typer

from hil.cloud import dsse, folder, keys, limits, pki, spelling, trusts
from hil.cloud.cli.common import HERE, AsJson, FolderPath, tell
from hil.cloud.folder import Folder
from hil.cloud.lobby import Lobby
from hil.cloud.store import Store
from hil.cloud.worker import Worker

Hosts = Annotated[list[str] | None, typer.Option("--host", help="A name or address of the broker.")]
Devices = Annotated[list[str] | None, typer.Option("--device", help="A device to certify.")]


def init(
    tenant: Annotated[str, typer.Option(help="The tenant's name.")],
    *,
    path: FolderPath = HERE,
    database: Annotated[str, typer.Option(help="An SQLAlchemy URL.")] = "sqlite:///cloud.db",
    host: Annotated[str, typer.Option(help="The broker's name or address.")] = "localhost",
    port: Annotated[int, typer.Option(help="The broker's port.")] = 8883,
    roots: Annotated[int, typer.Option(help="Root keys to make, 1..4.")] = 1,
    threshold: Annotated[int, typer.Option(help="Root keys that it takes to sign.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Make a cloud: its folder, its keys, its first trust document, its tables."""
    made = folder.create(path, tenant, database, host, port)
    document = keys.first(made.keys, tenant, roots, threshold, spelling.now())
    envelope = keys.signed(made.keys, document, None)
    store = Store(made.database)
    store.create()
    with store.transaction() as db:
        trusts.keep(db, document, envelope)
    store.close()
    (path / "trust.json").write_bytes(envelope)
    facts = {
        "folder": str(path),
        "trust": str(path / "trust.json"),
        "sha256": dsse.key_id(envelope),
    }
    tell(facts, f"{path}: ready; pin {facts['trust']} on devices", as_json=as_json)


def certify(
    into: Annotated[Path, typer.Argument(help="The folder of certificates.")],
    *,
    hosts: Hosts = None,
    devices: Devices = None,
    workers: Annotated[int, typer.Option(help="Workers to certify.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Make certificates for trials: an authority, a broker, workers, devices."""
    at = spelling.now()
    authority = pki.authority(into, at)
    if hosts:
        authority.broker(hosts, at)
    names = [*(f"cloud-{n}" for n in range(1, workers + 1)), *(devices or ())]
    for name in names:
        authority.client(name, at)
    facts = {"folder": str(into), "broker": bool(hosts), "clients": names}
    tell(facts, f"{into}: {len(names) + bool(hosts)} certificates", as_json=as_json)


def serve(
    *,
    path: FolderPath = HERE,
    workers: Annotated[int, typer.Option(min=1, max=limits.WORKERS, help="Processes.")] = 1,
    only: Annotated[int, typer.Option(hidden=True, help="Be this one of them.")] = 0,
) -> None:
    """Serve until SIGTERM; say so on stdout once every worker hears the devices."""
    found = folder.load(path)
    if workers > 1 and not found.settings.broker.shared:
        raise folder.FolderFault("workers: this broker shares no subscriptions: 1")
    if workers == 1 or only:
        asyncio.run(_one(found, only or 1, workers))
    else:
        asyncio.run(_several(path, workers))


async def _one(found: Folder, number: int, workers: int) -> None:
    worker = Worker(found, number, workers)
    worker.store.create()  # a folder of an older release lacks the newest tables
    places: list[Worker | Lobby] = [worker]
    if found.settings.enrolment is not None:
        places.append(Lobby(found, found.settings.enrolment, number))
    serving = asyncio.create_task(_all(place.run() for place in places), name="worker")
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, serving.cancel)
    ready = asyncio.create_task(_all(place.ready.wait() for place in places), name="ready")
    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        print(json.dumps({"ready": True, "worker": number}), flush=True)
    ready.cancel()
    try:
        await serving
    except asyncio.CancelledError:
        return


async def _all(jobs: Iterable[Coroutine[object, object, object]]) -> None:
    await asyncio.gather(*jobs)


async def _several(path: Path, workers: int) -> None:
    command = (sys.executable, "-m", "hil.cloud", "serve", "--folder", str(path))
    children = [
        await asyncio.create_subprocess_exec(
            *command,
            *("--workers", str(workers), "--only", str(number)),
            stdout=asyncio.subprocess.PIPE,
        )
        for number in range(1, workers + 1)
    ]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    ends = [asyncio.create_task(child.wait()) for child in children]
    stopped = asyncio.create_task(stop.wait())
    try:
        said = [await child.stdout.readline() for child in children if child.stdout is not None]
        if all(said):
            print(json.dumps({"ready": True, "workers": workers}), flush=True)
        await asyncio.wait({stopped, *ends}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        for child in children:
            if child.returncode is None:
                child.terminate()
        codes = await asyncio.gather(*ends)
    if not stop.is_set():
        raise SystemExit(max(codes) or 1)
