"""Serving connections that end with their server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from hil.building import limits

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(
    start: Callable[[Talk], Awaitable[asyncio.Server]], talk: Talk
) -> AsyncIterator[asyncio.Server]:
    """Serve each connection by `talk` until the block ends, then hang all of them up.

    Args:
        start: Starts the server with the callback that it is given.
        talk: One conversation. It may end in a ConnectionError: the peer hung up.
    """
    talks: set[asyncio.Task[None] | None] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if len(talks) >= limits.CONNECTIONS:
            writer.transport.abort()
            return
        talks.add(task)
        try:
            # Cancelled at the end of the block only; streams take that for an accident.
            with suppress(ConnectionError, asyncio.CancelledError):
                await talk(reader, writer)
        finally:
            talks.discard(task)
            writer.close()

    server = await start(one)
    async with server:
        try:
            yield server
        finally:
            ending = [task for task in talks if task is not None]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
