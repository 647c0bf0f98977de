"""The line between a store and the broker: it can be pulled, and it can be slow."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Final, Self

CHUNK_BYTES: Final = 65_536
_STEP_S: Final = 1e-6
"""Keeps what was sent at one moment in its order."""


class Way:
    """One direction: what goes in comes out in its order, after the line's delay."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._due = 0.0

    async def send(self, data: bytes, delay_s: float) -> None:
        """Let bytes out after so many seconds, and after all that was sent before."""
        loop = asyncio.get_running_loop()
        if delay_s or loop.time() < self._due:
            self._due = max(self._due + _STEP_S, loop.time() + delay_s)
            loop.call_at(self._due, self.at_once, data)
            return
        self.at_once(data)
        await self._writer.drain()

    def at_once(self, data: bytes) -> None:
        """Let bytes out before all that waits; they are lost if the line is cut."""
        if not self._writer.is_closing():
            self._writer.write(data)


class Line:
    """A TCP port on 127.0.0.1 that leads to another one. Open with `async with`.

    What goes over it is bytes of TLS: this line can't tell, copy or swap messages. Whatever is
    under way when it is cut is lost. `delay_s`: how long each byte takes from now on.

    Args:
        to: The port that it leads to.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self._server: asyncio.Server | None = None
        self._joined: set[asyncio.Task[None]] = set()
        self._pulled = False
        self.port = 0
        self.delay_s = 0.0

    async def __aenter__(self) -> Self:
        """Listen at a free port."""
        self._server = await self._listen()
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        """Pull it for good."""
        if self._server is not None:
            self._server.close()
        self.pull()  # whoever comes in this very moment is hung up on as well
        await asyncio.gather(*self._joined, return_exceptions=True)

    @property
    def pulled(self) -> bool:
        """Whether it leads nowhere."""
        return self._pulled

    def pull(self) -> None:
        """Cut it until it is plugged in again; who tries meanwhile is hung up on."""
        self._pulled = True
        self.cut()

    def plug(self) -> None:
        """Let it lead somewhere again."""
        self._pulled = False

    def cut(self) -> None:
        """Cut what goes over it now; new connections are made."""
        for joined in self._joined:
            joined.cancel()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._join, "127.0.0.1", 0)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._to)

    async def _pass(self, reader: asyncio.StreamReader, way: Way, _back: Way) -> None:
        """Pass on what comes one way until it ends."""
        while data := await reader.read(CHUNK_BYTES):
            await way.send(data, self.delay_s)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        joined = asyncio.current_task()
        if self._pulled or joined is None:
            writer.transport.abort()
            return
        self._joined.add(joined)
        far: asyncio.StreamWriter | None = None
        try:
            with suppress(OSError, asyncio.CancelledError):
                back, far = await self._reach()
                up, down = Way(far), Way(writer)
                await _first_of(self._pass(reader, up, down), self._pass(back, down, up))
        finally:
            self._joined.discard(joined)
            for end in (writer, far):
                if end is not None:
                    end.transport.abort()


async def _first_of(*both: Coroutine[None, None, None]) -> None:
    """Run them until one ends, for whatever reason."""
    tasks = [asyncio.create_task(each) for each in both]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
