"""The daemon's side of the control socket.

Whoever talks nonsense, too much, too long or not at all hurts nobody but himself: every line,
every connection and every wait has a limit, and nothing here waits for a client.
"""

import asyncio
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import structlog

from edged import limits
from edged.control import wire
from edged.control.broadcast import Broadcast
from edged.control.wire import Verb
from edged.exits import Exit, explain

log = structlog.get_logger()

Handler: TypeAlias = Callable[[Mapping[str, object]], Awaitable[Mapping[str, object]]]
"""Answers one verb; what it raises is explained to the client (edged/exits.py)."""


class ControlServer:
    """Listens from `async with` on, and answers while `run` runs.

    Args:
        path: The socket; made with mode 0600, in place of one that a dead daemon left.
        handlers: One for each verb but WATCH, which is answered from `events`.
        events: What watchers are told.
        users: The uids that are answered, and what each may ask; by default root and this
            process's own user, everything.
        guest: A user of the system who may ask what `wire.CONSOLE` says; then the socket is
            his group's too (0660).

    Raises:
        ValueError: A verb has no handler.
        OSError: The socket can't be made.
    """

    def __init__(
        self,
        path: Path,
        handlers: Mapping[Verb, Handler],
        events: Broadcast,
        users: Mapping[int, Collection[Verb]] | None = None,
        guest: str | None = None,
    ) -> None:
        if missing := set(Verb) - {Verb.WATCH} - handlers.keys():
            raise ValueError(f"no handler for {', '.join(sorted(missing))}")
        self._path = path
        self._handlers = handlers
        self._events = events
        everything = frozenset(Verb)
        own = dict.fromkeys((0, os.geteuid()), everything)
        self._users = own if users is None else {uid: frozenset(may) for uid, may in users.items()}
        self._guest = guest
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._open = 0

    async def __aenter__(self) -> Self:
        """Listen."""
        self._path.unlink(missing_ok=True)
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)  # nobody can connect before it listens
        if self._guest is not None:
            self._let_in(self._guest)
        self._socket.listen(limits.CONTROL_CONNECTIONS)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Listen no more."""
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _let_in(self, guest: str) -> None:
        """Let the console's user connect; without it the doors work all the same."""
        try:
            user = pwd.getpwnam(guest)
            os.chown(self._path, -1, user.pw_gid)
        except (KeyError, OSError) as error:
            log.error("console_shut_out", user=guest, problem=str(error))
            return
        self._path.chmod(0o660)
        self._users.setdefault(user.pw_uid, wire.CONSOLE)

    async def run(self) -> None:
        """Answer, for ever."""
        async with asyncio.TaskGroup() as group:

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                group.create_task(self._serve(reader, writer), name="control connection")

            server = await asyncio.start_unix_server(
                accept, sock=self._socket, limit=limits.CONTROL_LINE_BYTES
            )
            async with server:
                await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        writer.transport.set_write_buffer_limits(0)  # what is drained has been handed over
        try:
            uid = _uid(writer)
            if refusal := self._unwelcome(uid):
                await _send(writer, refusal)
            else:
                await self._converse(reader, writer, self._users[uid])
        except* OSError:
            pass  # it hung up, said nothing for too long, or takes nothing any more
        except* Exception:
            log.exception("control_connection_failed")
        finally:
            self._open -= 1
            writer.transport.abort()

    def _unwelcome(self, uid: int) -> bytes | None:
        """Say why this client is not answered at all, if so."""
        if uid not in self._users:
            return wire.refused(Exit.FORBIDDEN, [f"user {uid} may not ask"])
        if self._open > limits.CONTROL_CONNECTIONS:
            return wire.refused(Exit.UNREACHABLE, ["too many connections to the daemon"])
        return None

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, may: Collection[Verb]
    ) -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(loop.time())
        while True:
            try:
                async with asyncio.timeout(limits.CONTROL_IDLE_S):
                    line = await reader.readline()
            except ValueError:
                too_long = f"a line has at most {limits.CONTROL_LINE_BYTES} bytes"
                await _send(writer, wire.refused(Exit.USAGE, [too_long]))
                return
            if not line.endswith(b"\n"):
                return
            await asyncio.sleep(pace.delay_s(loop.time()))
            try:
                request = wire.read_request(line)
            except wire.BadRequest as bad:
                await _send(writer, wire.refused(Exit.USAGE, [str(bad)]))
                continue
            if request.verb not in may:
                no = [f"this user may not ask {request.verb}"]
                await _send(writer, wire.refused(Exit.FORBIDDEN, no))
            elif request.verb is Verb.WATCH:
                await self._show(reader, writer)
                return
            else:
                await _send(writer, await self._answer(request))

    async def _answer(self, request: wire.Request) -> bytes:
        try:
            async with asyncio.timeout(limits.CONTROL_REQUEST_S):
                return wire.answered(await self._handlers[request.verb](request.arguments))
        except Exception as error:
            code, lines = explain(error)
            if code is Exit.INTERNAL:
                log.exception("control_request_failed", verb=request.verb)
            return wire.refused(code, lines)

    async def _show(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell a watcher what happens, until it hangs up or says anything."""
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self._tell(writer))
            await reader.read(1)
            telling.cancel()

    async def _tell(self, writer: asyncio.StreamWriter) -> None:
        with self._events.watcher() as watcher:
            await _send(writer, wire.answered({}))
            while True:
                missed, events = await watcher.take()
                if missed:
                    await _send(writer, wire.line({"lagged": missed}))
                for event in events:
                    await _send(writer, wire.line({"event": event}))


def _uid(writer: asyncio.StreamWriter) -> int:
    """Return the user at the other end, as the kernel knows him."""
    credentials = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    return int(struct.unpack("3i", credentials)[1])


class Pace:
    """Slows a client that asks too often: `limits.CONTROL_BURST` at once, then at the rate."""

    def __init__(self, now_s: float) -> None:
        self._free_at_s = now_s - limits.CONTROL_BURST / limits.CONTROL_REQUESTS_PER_S

    def delay_s(self, now_s: float) -> float:
        """Take a request at `now_s` (monotonic): how long it has to wait."""
        burst_s = limits.CONTROL_BURST / limits.CONTROL_REQUESTS_PER_S
        self._free_at_s = max(self._free_at_s, now_s - burst_s) + 1 / limits.CONTROL_REQUESTS_PER_S
        return max(0.0, self._free_at_s - now_s)


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Hand a line over. Raises OSError where nobody takes it in time."""
    writer.write(data)
    async with asyncio.timeout(limits.CONTROL_WRITE_S):
        await writer.drain()
