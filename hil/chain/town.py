"""A tenant with its brokers and its cloud, and no device yet: where devices are enrolled."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hil.chain.broker import Doorstep, Mosquitto

TENANT: Final = "acme"


class CloudSaysNo(Exception):
    """A command of the cloud failed; the text is what it said."""


@dataclass(slots=True)
class Town:
    """What was put up, at ports of 127.0.0.1. `serving` is the cloud, while it runs."""

    folder: Path
    broker: Mosquitto
    doorstep: Doorstep
    serving: Process | None = None

    @property
    def cloud(self) -> Path:
        """The cloud's folder."""
        return self.folder / "cloud"

    @property
    def settings(self) -> dict[str, Any]:
        """What a device's settings say of its cloud."""
        ports = {"port": self.broker.port, "enrol_port": self.doorstep.port}
        ca_file = str(self.cloud / "pki" / "ca.crt")
        return {"host": "127.0.0.1", **ports, "tenant": TENANT, "ca_file": ca_file}

    async def run(self, *words: str) -> list[dict[str, Any]]:
        """Run a command of the cloud; what it says in JSON.

        Raises:
            CloudSaysNo: It failed.
        """
        command = ("-m", "hil.cloud", *words, "--json")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            env={**os.environ, "EDGED_CLOUD": str(self.cloud)},
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await process.communicate()
        if process.returncode:
            raise CloudSaysNo(err.decode())
        return [json.loads(line) for line in out.splitlines()]

    async def claim(self, device: str, serial: str) -> str:
        """Make a claim for a device; its code."""
        (made,) = await self.run("device", "add", device, "--serial", serial)
        return str(made["claim"])

    async def listed(self, device: str) -> dict[str, Any]:
        """What the cloud knows of a device, or of one that waits to be it; empty: nothing."""
        rows = await self.run("device", "list")
        return next((row for row in rows if row["device"] == device), {})

    async def serve(self) -> None:
        """Start the cloud; return when it hears devices and newcomers.

        Raises:
            OSError: It did not come up.
        """
        words = ("-m", "hil.cloud", "serve", "--folder", str(self.cloud))
        self.serving = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=PIPE)
        if self.serving.stdout is None or not await self.serving.stdout.readline():
            raise OSError("the cloud did not come up")

    async def stop(self) -> None:
        """Stop the cloud."""
        if self.serving is not None:
            serving, self.serving = self.serving, None
            if serving.returncode is None:
                serving.terminate()
            await serving.communicate()


@asynccontextmanager
async def town(folder: Path, *, admits: bool = True) -> AsyncIterator[Town]:
    """Put it up in a folder; take all of it down at the end.

    `admits` false: the cloud does not meet newcomers; somebody else does.
    """
    pki = folder / "cloud" / "pki"
    made = Town(folder, Mosquitto(folder / "broker", pki), Doorstep(folder / "doorstep", pki))
    try:
        await made.run("pki", str(pki), "--host", "127.0.0.1", "--workers", "1")
        await made.broker.start()
        await made.doorstep.start()
        where = ("--host", "127.0.0.1", "--port", str(made.broker.port))
        await made.run("init", "--tenant", TENANT, *where)
        if admits:
            _admit(made)
        await made.serve()
        yield made
    finally:
        await made.stop()
        await made.doorstep.stop()
        await made.broker.stop()


def _admit(made: Town) -> None:
    with (made.cloud / "cloud.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[enrolment]\nhost = "127.0.0.1"\nport = {made.doorstep.workers}\n')
