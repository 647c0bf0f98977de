"""A control server, and clients that say whatever they like."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from edged.control.broadcast import Broadcast
from edged.control.server import ControlServer, Handler
from edged.control.wire import Verb
from edged.errors import RulesFaulty

WITHIN_S = 60


async def status(_: Mapping[str, object]) -> Mapping[str, object]:
    return {"well": True}


async def load(arguments: Mapping[str, object]) -> Mapping[str, object]:
    raise RulesFaulty([f"{arguments['path']}: one", "two"])


async def nothing(_: Mapping[str, object]) -> Mapping[str, object]:
    return {}


HANDLERS: Mapping[Verb, Handler] = {
    **dict.fromkeys(set(Verb) - {Verb.WATCH}, nothing),
    Verb.STATUS: status,
    Verb.RULES_LOAD: load,
}


@asynccontextmanager
async def serving(
    path: Path,
    handlers: Mapping[Verb, Handler] = HANDLERS,
    events: Broadcast | None = None,
    users: Mapping[int, Collection[Verb]] | None = None,
    guest: str | None = None,
) -> AsyncIterator[ControlServer]:
    async with ControlServer(path, handlers, events or Broadcast(), users, guest) as server:
        running = asyncio.create_task(server.run())
        try:
            yield server
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled(), running.exception()


class Peer:
    """A client that says whatever it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> dict[str, object]:
        async with asyncio.timeout(WITHIN_S):
            found = json.loads(await self.reader.readline())
        assert isinstance(found, dict)
        return found

    async def hears_the_end(self) -> bool:
        async with asyncio.timeout(WITHIN_S):
            try:
                return await self.reader.readline() == b""
            except ConnectionResetError:
                return True

    async def asks(self, verb: str, **arguments: object) -> dict[str, object]:
        await self.say(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
        return await self.hear()


async def until(holds: Callable[[], bool]) -> None:
    """Give way until something holds."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            if holds():
                return
            await asyncio.sleep(0)


@asynccontextmanager
async def peer(path: Path) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()
