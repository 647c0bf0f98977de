"""The people of the virtual building, for tests and demonstrations.

A client of the person wire (hil/building/README.md). Answers and observations come on one
connection in order: once a request has returned, everything that the building saw before its
answer is in `seen`. So: note `last`, act, and wait for what comes `after` it.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

Observation = dict[str, Any]
"""One observation as it came: `at_ms`, `seen_us`, `n`, `what`, and its facts."""

_LINE_BYTES = 16_384  # the wire's own limit
_ANSWER_S = 60.0  # the building answers at once; this only ends a test that would hang
_OBSERVATIONS_KEPT = 200_000  # of a soak test that runs for days, the newest


class Refused(Exception):
    """The building said no; nothing changed. The text is its own."""


class BuildingGone(Exception):
    """The building hung up, does not answer, or lost count of its observations."""


class People:
    """Everybody in one building, and the witness. Open with `async with`.

    Args:
        socket: The building's Unix socket.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._ids = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Condition()
        self._gone = False
        self.seen: list[Observation] = []

    async def __aenter__(self) -> Self:
        """Connect and begin to watch. Raises OSError, BuildingGone."""
        self._reader, self._writer = await asyncio.open_unix_connection(
            self._socket, limit=_LINE_BYTES
        )
        self._listening = asyncio.create_task(self._listen(), name="people")
        self._writer.write(b'{"hello": "person"}\n')
        await self._do("watch")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        self._writer.close()
        await self._listening

    @property
    def last(self) -> int:
        """The number of the newest observation; 0 before the first."""
        return int(self.seen[-1]["n"]) if self.seen else 0

    async def scan(self, reader: str, text: str) -> None:
        """Hold a code before a scanner or a simulated reader."""
        await self._do("scan", reader=reader, text=text)

    async def raw(self, reader: str, data: bytes) -> None:
        """Make a scanner send exactly these bytes."""
        await self._do("raw", reader=reader, hex=data.hex())

    async def show(self, camera: str, png: bytes, for_ms: int = 2_000) -> None:
        """Hold a picture before a camera for so many ms, 1..60000."""
        await self._do("show", camera=camera, png=base64.b64encode(png).decode(), for_ms=for_ms)

    async def press(self, door: str, for_ms: int = 300) -> None:
        """Press the exit button for so many ms, 1..60000."""
        await self._do("press", door=door, for_ms=for_ms)

    async def open(self, door: str) -> None:
        """Pull the door open. Raises Refused("locked") while the bolt is thrown."""
        await self._do("open", door=door)

    async def leave(self, door: str) -> None:
        """Go out from inside, by what needs no electronics. Raises Refused("locked")."""
        await self._do("leave", door=door)

    async def force(self, door: str) -> None:
        """Break the door open."""
        await self._do("force", door=door)

    async def close(self, door: str) -> None:
        """Let the door fall shut."""
        await self._do("close", door=door)

    async def lapse(self, door: str, timeout_s: float, *, after: int) -> Observation:
        """Let a release pass without going through: wait until the bolt is thrown again.

        Args:
            door: Whose bolt was released after number `after`.
            timeout_s: How long to wait for each of both.
            after: The number of the newest observation before the release was asked for.
        """
        released = await self._bolt(door, timeout_s, released=True, after=after)
        return await self._bolt(door, timeout_s, released=False, after=released["n"])

    async def tamper(self, door: str, *, opened: bool) -> None:
        """Open the housing of the door's devices, or close it."""
        await self._do("tamper", door=door, opened=opened)

    async def switch(self, line: str, *, on: bool) -> None:
        """Turn a switch that is no door's: "fire" or "lockdown"."""
        await self._do("switch", line=line, on=on)

    async def open_locker(self, bank: str, channel: int) -> None:
        """Pull a locker open. Raises Refused("locked") while its latch holds."""
        await self._do("open_locker", bank=bank, channel=channel)

    async def force_locker(self, bank: str, channel: int) -> None:
        """Break a locker open."""
        await self._do("force_locker", bank=bank, channel=channel)

    async def close_locker(self, bank: str, channel: int) -> None:
        """Push a locker shut."""
        await self._do("close_locker", bank=bank, channel=channel)

    async def unplug(self, reader: str) -> None:
        """Pull a scanner's plug."""
        await self._do("unplug", reader=reader)

    async def plug(self, reader: str) -> None:
        """Put a scanner's plug back."""
        await self._do("plug", reader=reader)

    async def disturb(self, bus: str, **faults: object) -> None:
        """Let something go wrong at a bus (hil/building/README.md); nothing named: all is well."""
        await self._do("disturb", bus=bus, **faults)

    async def state(self) -> dict[str, Any]:
        """Look at everything: `doors`, `lockers` and `indicators`, by name."""
        return await self._do("state")

    async def watch(self, after: int = 0) -> AsyncIterator[Observation]:
        """Every observation with a number above `after` since we came, then those to come.

        Raises:
            BuildingGone: there will be no more.
        """
        while True:
            first = self.seen[0]["n"] if self.seen else 1
            for observation in self.seen[max(0, after + 1 - first) :]:
                after = observation["n"]
                yield observation
            async with self._news:
                while self.last <= after and not self._gone:
                    await self._news.wait()
            if self.last <= after:
                raise BuildingGone("no more observations")

    async def wait_for(
        self, predicate: Callable[[Observation], bool], timeout_s: float, *, after: int = 0
    ) -> Observation:
        """The first observation above number `after` that fits, seen already or to come.

        Raises:
            TimeoutError: none came in `timeout_s` seconds.
            BuildingGone: none will.
        """
        async with asyncio.timeout(timeout_s):
            async for observation in self.watch(after):
                if predicate(observation):
                    return observation
        raise AssertionError("watch() ends by raising only")

    async def _bolt(
        self, door: str, timeout_s: float, *, released: bool, after: int
    ) -> Observation:
        def fits(seen: Observation) -> bool:
            return seen["what"] == "bolt" and seen["door"] == door and seen["released"] is released

        return await self.wait_for(fits, timeout_s, after=after)

    async def _do(self, what: str, **facts: object) -> dict[str, Any]:
        """Ask for one thing; give the answer. Raises Refused, BuildingGone."""
        if self._gone:
            raise BuildingGone("the building hung up")
        self._ids += 1
        answer = self._answers[self._ids] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps({"id": self._ids, "do": what, **facts}).encode() + b"\n")
        try:
            async with asyncio.timeout(_ANSWER_S):
                said: dict[str, Any] = await answer
        except TimeoutError:
            raise BuildingGone(f"no answer to {what!r}") from None
        if not said["ok"]:
            raise Refused(said["error"])
        return said

    async def _listen(self) -> None:
        try:
            await self._reader.readline()  # the answer to hello: nobody is refused as a person
            with suppress(ConnectionError):
                while line := await self._reader.readline():
                    await self._hear(json.loads(line))
        finally:
            self._gone = True
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(BuildingGone("the building hung up"))
            async with self._news:
                self._news.notify_all()

    async def _hear(self, message: dict[str, Any]) -> None:
        if "what" not in message:
            answer = self._answers.pop(message["id"])
            if not answer.cancelled():
                answer.set_result(message)
            return
        if self.seen and message["n"] != self.last + 1:
            raise BuildingGone(f"observation {self.last + 1} is missing")
        self.seen.append(message)
        if len(self.seen) > _OBSERVATIONS_KEPT:
            del self.seen[: _OBSERVATIONS_KEPT // 2]
        async with self._news:
            self._news.notify_all()
