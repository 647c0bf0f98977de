"""Programs beside the daemon and the daemon itself, started, awaited and ended."""

import asyncio
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

STOP_S = 60.0
START_S = 60.0


class DidNotStart(Exception):
    """A program ended, or said nothing, before it was ready. The text is what it said."""


class Program:
    """One subprocess with its output in a file.

    Args:
        command: What to run.
        output: Where its standard output and error go, appended.
        env: Added to this process's environment.
    """

    def __init__(
        self, command: Sequence[str], output: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._command = command
        self._env = {**os.environ, **(env or {})}
        self._process: asyncio.subprocess.Process | None = None
        self.output = output

    @property
    def pid(self) -> int:
        """The process's id; it has been started."""
        if self._process is None:
            raise DidNotStart("not started")
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, None while it runs."""
        return None if self._process is None else self._process.returncode

    async def start(self, stdout: int | None = None) -> asyncio.subprocess.Process:
        """Start it; `stdout` in place of the output file."""
        with self.output.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=log,
                env=self._env,
                start_new_session=True,
            )
        return self._process

    async def first_line(self) -> bytes:
        """Start it and wait for its first line on standard output. Raises DidNotStart."""
        process = await self.start(asyncio.subprocess.PIPE)
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
        if not line:
            raise DidNotStart(self.said())
        return line

    async def until_ready(self, notify: Path) -> None:
        """Start it and wait for READY=1 as systemd would. Raises DidNotStart."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ear:
            ear.bind(str(notify))
            self._env["NOTIFY_SOCKET"] = str(notify)
            process = await self.start()
            ended = asyncio.create_task(process.wait())
            try:
                async with asyncio.timeout(START_S):
                    while True:
                        heard = asyncio.create_task(loop.sock_recv(ear, 4096))
                        await asyncio.wait({heard, ended}, return_when=asyncio.FIRST_COMPLETED)
                        if not heard.done():
                            heard.cancel()
                            raise DidNotStart(self.said())
                        if b"READY=1" in heard.result():
                            return
            finally:
                if not ended.done():
                    ended.cancel()

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its end; give its exit code."""
        if self._process is None:
            raise DidNotStart("not started")
        return await self._process.wait()

    async def stop(self) -> int | None:
        """Ask it to end and wait; kill it after STOP_S."""
        if self._process is None:
            return None
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_S):
                    return await self._process.wait()
            except TimeoutError:
                self.kill()
        return await self._process.wait()

    def said(self) -> str:
        """What it wrote so far."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""
