"""What the commands are tried on."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from edged.control.broadcast import Broadcast
from edged.control.server import ControlServer, Handler
from edged.control.wire import Verb
from edged.store.journal import Journal
from edged.store.ledger import Ledger

SETTINGS = """
device = "S1-FRONT"
state_dir = "{folder}/state"
runtime_dir = "{folder}"
allow_simulated = true
[doors.front]
type = "strike"
lock = {{ kind = "sim", socket = "{folder}/building.sock", door = "front" }}
[doors.front.readers.front-in]
kind = "sim"
socket = "{folder}/building.sock"
reader = "front-in"
"""
RULES: Mapping[str, Any] = {
    "format": "edged-rules/1",
    "tenant": "acme",
    "version": 3,
    "issued_at": "2026-01-01T00:00:00Z",
    "stores": {"S1": {"tz": "Asia/Tokyo", "bands": {"DAY": "10:00-17:00"}}},
    "plans": {"P1": {"bands": [{"kind": "DAY", "limit": 1}]}},
    "doors": {"front": {"store": "S1"}},
    "devices": {
        "front-in": {"store": "S1", "door": "front", "side": "IN"},
        "front-out": {"store": "S1", "door": "front", "side": "OUT"},
    },
    "staff": {
        "W1": {"handle": "1112131415161718", "roles": ["open"], "valid_from": "2026-01-05"},
    },
    "members": {
        "M1": {
            "handle": "0102030405060708",
            "contracts": [{"id": "C1", "plan": "P1", "start": "2026-01-01"}],
        }
    },
}


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The one JSON object that it printed."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


Edged = Callable[..., Done]


def write_journal(path: Path, *writes: Callable[[Ledger], object]) -> None:
    """Make a journal in which these things happened, a transaction each."""

    async def write_all() -> None:
        journal = Journal(path)
        await journal.open()
        serving = asyncio.create_task(journal.serve())
        for write in writes:
            await journal.commit(write)
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await journal.close()

    path.parent.mkdir(exist_ok=True)
    asyncio.run(write_all())


class Daemon:
    """Answers at a control socket, in a thread of its own."""

    def __init__(self, path: Path, handlers: Mapping[Verb, Handler]) -> None:
        self._path, self._handlers = path, handlers
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._listening = threading.Event()
        self._events = Broadcast()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        async with ControlServer(self._path, self._handlers, self._events) as server:
            serving = asyncio.create_task(server.run())
            self._listening.set()
            await self._stop.wait()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    def tell(self, event: Mapping[str, object]) -> None:
        """Tell a watcher, as soon as there is one."""

        async def publish() -> None:
            while True:
                if self._events.watchers:
                    return self._events.publish(event)
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(publish(), self._loop).result(60)
