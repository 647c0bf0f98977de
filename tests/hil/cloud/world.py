"""A broker, a cloud and devices, in one folder: what the tests of the cloud stand on."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection
from typer.testing import CliRunner

from hil.chain.broker import Ejabberd, Mosquitto
from hil.chain.device import Device, pinned
from hil.chain.line import Place, now
from hil.cloud import commands, registrar
from hil.cloud.__main__ import app
from hil.cloud.desk import Desk, Heard
from hil.cloud.folder import load
from hil.cloud.lessons import Refused
from hil.cloud.store import Store

TENANT = "acme"
SOON_S = 60.0

both = pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)
"""For a test that is about what a database does."""


@dataclass
class Office:
    """A cloud's folder and its command line, without anything that runs."""

    folder: Path
    database: str = "sqlite:///cloud.db"
    port: int = 8883
    devices: dict[str, Device] = field(default_factory=dict)
    refusals: list[tuple[str, Refused]] = field(default_factory=list)
    _desk: Desk | None = None

    @property
    def certificates(self) -> Path:
        return self.folder / "pki"

    def begin(self) -> None:
        where = ("--host", "127.0.0.1", "--port", str(self.port), "--database", self.database)
        self.run("init", "--tenant", TENANT, *where)

    def run(self, *words: str) -> list[dict[str, Any]]:
        """One command; what it says in JSON."""
        done = CliRunner().invoke(app, [*words, "--folder", str(self.folder), "--json"])
        if done.exception is not None:
            raise done.exception
        lines = done.stdout.splitlines()  # a link that runs beside may log among them
        return [json.loads(line) for line in lines if line.startswith("{")]

    def change(self, old: str, new: str) -> None:
        """Change a line of the settings."""
        file = self.folder / "cloud.toml"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")

    def enter(self, name: str) -> Device:
        """Enter a new device, whose installer pinned the first trust document."""
        key = Ed25519PrivateKey.generate()
        tenant = pinned((self.folder / "trust.json").read_bytes())
        device = self.devices[name] = Device(name, key, tenant, session=1)
        self.run("device", "add", name, "--key", device.public.hex())
        return device

    @contextmanager
    def database_open(self) -> Iterator[Connection]:
        store = Store(load(self.folder).database)
        with store.transaction() as db:
            yield db
        store.close()

    def desk(self) -> Desk:
        """A worker's desk, without a worker."""
        if self._desk is None:
            found = load(self.folder)
            admits = registrar.of(found)
            self._desk = Desk(TENANT, Store(found.database), found.keys, admits)
        return self._desk

    def tell(self, device: Device, *messages: tuple[str, bytes], after_s: float = 0) -> list[str]:
        """Hand a device's messages in, and its answers to the answers; the kinds that came down."""
        kinds, waiting = [], list(messages)
        while waiting:
            at = now() + timedelta(seconds=after_s)
            heard = [Heard(device.name, kind, data, at) for kind, data in waiting]
            waiting = []
            for answer in self.desk().handle(heard, at):
                kinds.append(answer.kind)
                waiting += self.devices[answer.device].hear(answer.kind, answer.data, now())
        while self.desk().unread:
            self.refusals += self.desk().study(now())
        return kinds

    def unsent(self, db: Connection) -> list[bytes]:
        """Take the orders that wait, as a worker does."""
        rows = commands.unsent(db, now())
        commands.mark_sent(db, [row["id"] for row in rows])
        return [bytes(row["envelope"]) for row in rows]

    def close(self) -> None:
        if self._desk is not None:
            self._desk.store.close()

    def listed(self, name: str) -> dict[str, Any]:
        (row,) = (row for row in self.run("device", "list") if row["device"] == name)
        return row


@dataclass
class World:
    """A tenant that runs: its broker, its cloud as processes, its devices."""

    folder: Path
    names: Sequence[str] = ("d1", "d2")
    workers: int = 1
    database: str = "sqlite:///cloud.db"
    brand: type[Mosquitto | Ejabberd] = Mosquitto
    serving: Process | None = None

    def __post_init__(self) -> None:
        self.office = Office(self.folder / "cloud", self.database)
        self.broker = self.brand(self.folder / "broker", self.office.certificates)

    @property
    def place(self) -> Place:
        return Place(self.broker.port, self.office.certificates, TENANT)

    def device(self, name: str) -> Device:
        return self.office.devices[name]

    async def __aenter__(self) -> Self:
        clients = [word for name in self.names for word in ("--device", name)]
        pki = ("--host", "127.0.0.1", "--workers", str(self.workers), *clients)
        done = CliRunner().invoke(app, ["pki", str(self.office.certificates), *pki])
        assert done.exit_code == 0, done.output
        await self.broker.start()
        self.office.port = self.broker.port
        self.office.begin()
        if self.brand is Ejabberd:
            self.office.change("shared = true", "shared = false")
        for name in self.names:
            self.office.enter(name)
        await self.serve()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.broker.stop()

    async def serve(self) -> None:
        """Start the cloud; return when it hears the devices."""
        words = ("serve", "--folder", str(self.office.folder), "--workers", str(self.workers))
        self.serving = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hil.cloud", *words, stdout=PIPE
        )
        assert self.serving.stdout is not None
        async with asyncio.timeout(SOON_S):
            assert json.loads(await self.serving.stdout.readline())["ready"]

    async def stop(self) -> int:
        """Stop the cloud in peace; return its exit status."""
        if self.serving is None:
            return 0
        serving, self.serving = self.serving, None
        serving.terminate()
        async with asyncio.timeout(SOON_S):
            await serving.communicate()
        assert serving.returncode is not None
        return serving.returncode
