"""The staff: who listens to what the daemon tells, and gives it orders."""

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

Event = Mapping[str, Any]
_ANSWER_S = 60.0


class OrderRefused(Exception):
    """The daemon said no. The text is its own."""


class Staff:
    """A client of the control socket. Open with `async with`, anew for each life of the daemon.

    `heard`: what the daemon has told, the oldest first; it outlives the connection.
    """

    def __init__(self, socket: Path, heard: list[Event]) -> None:
        self._socket = socket
        self.heard = heard

    async def __aenter__(self) -> Self:
        """Listen. Raises OSError."""
        reader, self._writer = await asyncio.open_unix_connection(self._socket)
        self._writer.write(b'{"verb": "watch"}\n')
        await reader.readline()
        self._listening = asyncio.create_task(self._listen(reader), name="staff")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        self._writer.close()
        await self._listening

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                event = json.loads(line).get("event")
                if event is not None:
                    self.heard.append(event)
        except ConnectionError:
            return

    async def order(self, verb: str, do: str, **facts: object) -> str:
        """Give an order; what came of it. Raises OrderRefused, OSError."""
        order = {"do": do, "command": secrets.token_hex(8), **facts}
        return str((await self._ask({"verb": verb, "order": order}))["result"])

    async def lockers(self) -> Mapping[str, Any]:
        """Look at the lockers: each by its id."""
        answer = await self._ask({"verb": "lockers", "after": ""})
        return {one["locker"]: one for one in answer["lockers"]}

    async def alarms(self) -> Sequence[Event]:
        """Look at the alarms that are up."""
        found: Sequence[Event] = (await self._ask({"verb": "status"}))["alarms"]
        return found

    async def devices(self) -> Sequence[str]:
        """Look at the devices: how each is."""
        found: Mapping[str, str] = (await self._ask({"verb": "status"}))["devices"]
        return list(found.values())

    async def _ask(self, request: Event) -> Event:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            async with asyncio.timeout(_ANSWER_S):
                said = json.loads(await reader.readline())
        finally:
            writer.close()
        if not said["ok"]:
            raise OrderRefused("; ".join(said["errors"]))
        answer: Event = said["answer"]
        return answer
