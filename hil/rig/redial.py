"""The device's agent over a connection that ends whenever its power does."""

import asyncio
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from hil.machine.device import LINE_BYTES

REDIAL_S: Final = 1.0
"""Between two tries: a Raspberry Pi is up again after some ten seconds."""


class Redial:
    """One unbroken stream of whole lines over one connection after the other.

    What is sent while nobody is connected is lost: the agent's hello begins anew.

    Args:
        command: Runs the agent, and talks to it by its standard input and output.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Begin."""
        ours, theirs = socket.socketpair()
        inner = await asyncio.open_connection(sock=ours, limit=LINE_BYTES)
        self._keeping = asyncio.create_task(self._keep(*inner), name="redial")
        return await asyncio.open_connection(sock=theirs, limit=LINE_BYTES)

    def hang_up(self) -> None:
        """End this connection, for the power was cut; another one is made."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def close(self) -> None:
        """End for good. Idempotent."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])

    async def _keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._dial(reader, writer)
                await asyncio.sleep(REDIAL_S)
        finally:
            writer.close()

    async def _dial(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, limit=LINE_BYTES
        )
        sending = asyncio.create_task(_send(reader, process), name="redial, sending")
        try:
            while line := await _next(process):
                if line.endswith(b"\n"):  # the power was cut in the middle of any other
                    writer.write(line)
        finally:
            self.hang_up()
            sending.cancel()
            await asyncio.wait([sending])
            await process.wait()


async def _send(reader: asyncio.StreamReader, process: Process) -> None:
    into = process.stdin
    while into is not None and (line := await reader.readline()):
        with suppress(ConnectionError):
            into.write(line)
            await into.drain()


async def _next(process: Process) -> bytes:
    return await process.stdout.readline() if process.stdout is not None else b""
