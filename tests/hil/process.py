"""A building as a subprocess, and the daemon's side of its wire, line by line."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

CONFIG = """
socket = "building.sock"
log = "building.jsonl"

[doors.front]
lock = "strike"

[doors.hall]
lock = "magnet"
contact = false

[doors.side]
lock = "strike"

[scanners.front-in]
link = "front-in.tty"
terminator = "\\r"

[relays.panel]
link = "panel.tty"
channels = { 1 = "side" }

[cameras.front-cam]

[lockers.wall]
count = 3
opens_after_ms = 0
jammed = [3]

[lockers.row]
count = 1
reports_doors = false
opens_after_ms = 0
springs = false
"""
SOON_S = 60.0


class Process:
    """One building as a subprocess, in a folder of its own."""

    def __init__(self, folder: Path, text: str = CONFIG) -> None:
        config = folder / "building.toml"
        config.write_text(text)
        self.socket = folder / "building.sock"
        self.log = folder / "building.jsonl"
        self.tty = folder / "front-in.tty"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hil.building", config], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            self.ready: dict[str, Any] = json.loads(stdout.readline())

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(SOON_S)


class Host:
    """The daemon's side of one connection, line by line."""

    def __init__(self, building: Process, **hello: object) -> None:
        self._socket = building.socket
        self._hello = hello
        self.answer: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_unix_connection(self._socket)
        self.answer = await self.ask(self._hello)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, message: object) -> dict[str, Any]:
        return await self.send(json.dumps(message).encode() + b"\n")

    async def send(self, data: bytes) -> dict[str, Any]:
        self._writer.write(data)
        return await self.line()

    async def line(self) -> dict[str, Any]:
        async with asyncio.timeout(SOON_S):
            line: dict[str, Any] = json.loads(await self._reader.readline())
            return line

    async def rest(self) -> bytes:
        """All that still comes, until the building hangs up."""
        async with asyncio.timeout(SOON_S):
            return await self._reader.read()
