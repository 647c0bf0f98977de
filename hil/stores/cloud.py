"""The reference cloud as its operator has it: a folder, a command line, and a process that serves.

Nothing of `hil.cloud` is imported: what can't be done at its command line can't be done.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hil.site.processes import DidNotStart, Program

BACK = 10
"""The nice value of what stands elsewhere in life."""
_PROGRAM = (sys.executable, "-m", "hil.cloud")


class Refused(Exception):
    """The cloud's command line said no. The text is its own."""


class Cloud:
    """A cloud of one tenant.

    Args:
        folder: Where its keys, its certificates and its database are.
        workers: Processes that serve.
    """

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self.folder = folder
        self._workers = str(workers)
        self._serving: Program | None = None

    @property
    def certificates(self) -> Path:
        """The folder of everybody's certificates."""
        return self.folder / "pki"

    @property
    def trust(self) -> Path:
        """What an installer pins on a device."""
        return self.folder / "trust.json"

    async def create(self, tenant: str, port: int, devices: Sequence[str]) -> None:
        """Make its folder, and certificates for a broker at `port` and for these devices."""
        place = ("--host", "127.0.0.1")
        names = [word for device in devices for word in ("--device", device)]
        certify = ("pki", str(self.certificates), *place, "--workers", self._workers, *names)
        await self.said(*certify)
        await self.run("init", "--tenant", tenant, *place, "--port", str(port))

    async def publish(self, rules: Mapping[str, Any], *to: str) -> int:
        """Publish rules to everybody, or to some devices; return their version."""
        folder = self.folder / "rules"
        folder.mkdir(exist_ok=True)
        said = {key: value for key, value in rules.items() if key not in {"version", "issued_at"}}
        (folder / "rules.json").write_text(json.dumps(said))
        whom = [word for device in to for word in ("--to", device)]
        (told,) = await self.run("rules", "publish", str(folder), *whom)
        return int(told["version"])

    async def run(self, *words: str) -> list[dict[str, Any]]:
        """Run a command that answers in JSON. Raises Refused."""
        out = await self.said(*words, "--folder", str(self.folder), "--json")
        return [json.loads(line) for line in out.splitlines()]

    async def said(self, *words: str) -> str:
        """Run any command; return what it printed. Raises Refused."""
        process = await asyncio.create_subprocess_exec(*_PROGRAM, *words, stdout=PIPE, stderr=PIPE)
        out, err = await process.communicate()
        if process.returncode:
            raise Refused(f"{words[0]}: {err.decode().strip()}")
        return out.decode()

    async def start(self) -> None:
        """Serve; return when it hears the devices. Raises DidNotStart."""
        command = (*_PROGRAM, "serve", "--folder", str(self.folder), "--workers", self._workers)
        serving = self._serving = Program(command, self.folder / "serving.log")
        if not json.loads(await serving.first_line())["ready"]:
            raise DidNotStart(serving.said())

    def stand_back(self) -> None:
        """Let all else on this machine have the processor first, as if it were elsewhere."""
        if self._serving is not None:
            os.setpriority(os.PRIO_PGRP, self._serving.pid, BACK)
            with suppress(OSError):  # a kernel that shares the processor by sessions, proc(5)
                Path(f"/proc/{self._serving.pid}/autogroup").write_text(str(BACK))

    async def stop(self) -> None:
        """Serve no more."""
        if self._serving is not None:
            await self._serving.stop()

    async def kill(self) -> None:
        """SIGKILL to it and its workers, as a crash of the machine would."""
        if self._serving is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._serving.pid, signal.SIGKILL)
            await self._serving.wait()
