"""The daemon as the console sees it: questions, orders, and what happens, live."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from edged import limits as house
from edged.console import limits
from edged.control import client
from edged.control.broadcast import Broadcast, Event, Watcher
from edged.control.client import DaemonUnreachable
from edged.control.wire import Verb, line

Answer = Mapping[str, object]


class Daemon:
    """Asks at a control socket, and tells whoever watches what happens.

    `here` is whether the daemon is being watched now. `events` are the newest, newest first, each
    with when it was `heard`. An event `daemon` with `here` is told when it is lost, and when it
    is watched again.
    """

    def __init__(self, socket: Path) -> None:
        self.here = False
        self.events: deque[Event] = deque(maxlen=limits.EVENTS_KEPT)
        self._socket = socket
        self._told = Broadcast()
        self._listeners: list[Callable[[Event], Awaitable[None]]] = []

    async def ask(self, verb: Verb, /, **arguments: object) -> Answer:
        """Ask once.

        Raises:
            DaemonUnreachable: There is no answer.
            ControlRefused: There is one, and it is no.
            PermissionError: This user may not ask.
        """
        return await asyncio.to_thread(client.ask, self._socket, verb, **arguments)

    @contextmanager
    def watcher(self) -> Iterator[Watcher]:
        """Watch from now on; see `Broadcast.watcher`. Raises BlockingIOError: too many do."""
        if self._told.watchers >= limits.STREAMS:
            raise BlockingIOError("too many pages are told live")
        with self._told.watcher() as watcher:
            yield watcher

    def listen(self, listener: Callable[[Event], Awaitable[None]]) -> None:
        """Have a part of the console told of everything, before those who watch."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Watch the daemon, for ever; one that hangs up is tried again."""
        while True:
            with suppress(OSError, DaemonUnreachable, ValueError):  # it is not there, or is going
                await self._watch()
            if self.here:
                await self._change(here=False)
            await asyncio.sleep(limits.RETRY_S)

    async def _watch(self) -> None:
        reader, writer = await asyncio.open_unix_connection(
            self._socket, limit=house.CONTROL_LINE_BYTES
        )
        try:
            writer.write(line({"verb": Verb.WATCH.value}))
            if json.loads(await reader.readline()).get("ok") is not True:
                return
            await self._change(here=True)
            while said := await reader.readline():
                event = json.loads(said).get("event")
                if isinstance(event, dict):
                    heard = time.strftime("%H:%M:%SZ", time.gmtime())
                    self.events.appendleft({**event, "heard": heard})
                    await self._tell(event)
        finally:
            writer.close()

    async def _change(self, *, here: bool) -> None:
        self.here = here
        await self._tell({"event": "daemon", "here": here})

    async def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            await listener(event)
        self._told.publish(event)
