"""Somebody at the device: its files, its commands, its header's lines, its control socket."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final, Self

LINE_BYTES: Final = 64 * 2**20
"""A journal comes in one line."""
_ANSWER_S: Final = 900.0
"""For a command; an emulated processor is some seventeen times slower."""

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Calls an agent. Raises OSError."""


async def connected(socket: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Call the agent that is heard at a Unix socket. Raises OSError."""
    return await asyncio.open_unix_connection(socket, limit=LINE_BYTES)


class CommandFailed(Exception):
    """A command ended with another code than 0, or could not be run. The text says what it said."""


class Device:
    """The agent of a device (agent.py). Open with `async with`.

    `changed`: called with each change of a line that is watched.
    """

    def __init__(self, connect: Connect, changed: Callable[[int, bool], None]) -> None:
        self._connect = connect
        self._changed = changed
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._callers: dict[int, asyncio.StreamWriter] = {}
        self._ids = 0
        self._up = asyncio.Event()
        self._levels: dict[int, bool] = {}
        self._watched: list[int] = []

    async def __aenter__(self) -> Self:
        """Connect. Raises OSError."""
        reader, self._writer = await self._connect()
        self._listening = asyncio.create_task(self._listen(reader), name="device")
        self._writer.write(b'{"hello": true}\n')
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        self._writer.close()
        await self._listening

    def gone(self) -> None:
        """Take note that its power was cut; what was asked for is not answered."""
        self._up.clear()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(CommandFailed("the power was cut"))
        self._answers.clear()
        for caller in self._callers.values():
            caller.close()
        self._callers.clear()

    async def up(self, within_s: float) -> None:
        """Wait until it has started. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self._up.wait()

    def pull(self, line: int, *, level: bool) -> None:
        """Be the world at an input."""
        self._levels[line] = level
        self._send(pull=line, level=level)

    def watch(self, lines: Collection[int]) -> None:
        """Hear of these lines, each at once and when it changes."""
        self._watched = list(lines)
        self._send(watch=self._watched)

    async def run(self, *command: str) -> str:
        """Run a command as root, and give what it said. Raises CommandFailed."""
        answer = await self._ask(run=command)
        if answer["code"]:
            raise CommandFailed(f"{' '.join(command)}: {answer['code']}: {answer['said'][-2_000:]}")
        return str(answer["said"])

    async def put(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file, and its folder. Raises CommandFailed."""
        await self._ask(put=path, text=text, mode=mode)

    async def database(self, path: str) -> bytes:
        """Copy a database while it is written. Raises CommandFailed."""
        return base64.b64decode((await self._ask(database=path))["data"])

    async def driven(self, line: int) -> list[bool]:
        """Give every level that the kernel was told to drive a line to since the hello."""
        return list((await self._ask(driven=line))["levels"])

    async def call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a client on to the daemon's control socket, until one of them hangs up."""
        self._ids += 1
        caller = self._ids
        self._callers[caller] = writer
        while line := await reader.readline():
            self._send(call=caller, text=line.decode())
        if self._callers.pop(caller, None) is not None:
            self._send(call=caller, text="")
        writer.close()

    def _send(self, **message: object) -> None:
        if self._up.is_set():  # what it has to know otherwise it is told when it says hello
            self._writer.write(json.dumps(message).encode() + b"\n")

    async def _ask(self, **asked: object) -> dict[str, Any]:
        if not self._up.is_set():
            raise CommandFailed("the device is not up")
        self._ids += 1
        answer = self._answers[self._ids] = asyncio.get_running_loop().create_future()
        self._send(id=self._ids, **asked)
        async with asyncio.timeout(_ANSWER_S):
            said: dict[str, Any] = await answer
        if "error" in said:
            raise CommandFailed(str(said["error"]))
        return said

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            self._take(json.loads(line))

    def _take(self, said: Mapping[str, Any]) -> None:
        match said:
            case {"hello": _}:
                self._up.set()
                for line, level in self._levels.items():
                    self._send(pull=line, level=level)
                self._send(watch=self._watched)
            case {"line": int(line), "level": bool(level)} if self._up.is_set():
                self._changed(line, level)
            case {"call": int(caller), "text": ""}:
                if caller in self._callers:
                    self._callers.pop(caller).close()
            case {"call": int(caller), "text": str(text)}:
                if caller in self._callers:
                    self._callers[caller].write(text.encode())
            case {"id": int(number)} if number in self._answers:
                answer = self._answers.pop(number)
                if not answer.done():
                    answer.set_result(dict(said))
            case _:
                return  # the end of what was begun before the power was cut
