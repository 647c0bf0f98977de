"""The daemon's end: the keeper as a child that all who stand on lines share.

The first who comes starts it, the last who goes ends it. When it dies or answers no more, all of
them are told (DeviceLost) and the first who goes has the lines put to rest by a command of its
own, before anybody can start the next keeper.
"""

import asyncio
import itertools
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from drivers.api import DeviceLost, DeviceMissing, DeviceRefused, Header
from drivers.line_keeper import limits, protocol
from drivers.line_keeper.protocol import Answer, Fire, Kind, Malformed, Request, Result

_PROGRAM: Final = (sys.executable, "-P", "-m", "drivers.line_keeper")


def plan_of(header: Header) -> Path:
    """The lines and their rest levels; systemd/edged.service names it too."""
    return header.runtime_dir / "lines"


def latch_of(header: Header) -> Path:
    """There while the fire latch is set."""
    return header.state_dir / "fire-latch"


class Keeper:
    """One running keeper, and what it was asked."""

    def __init__(self, wire: socket.socket, process: asyncio.subprocess.Process) -> None:
        self.users = 0
        self.fire = Fire(0)
        self._wire = wire
        self._process = process
        self._numbers = itertools.count(1)
        self._asked = dict[int, asyncio.Future[Result]]()
        self._changed = asyncio.Event()
        self.problem = ""
        asyncio.get_running_loop().add_reader(wire, self._read)

    async def ask(
        self,
        device: str,
        kind: Kind,
        *,
        line: int = 0,
        a: int = 0,
        b: int = 0,
        within_ms: int = limits.ANSWER_MS,
    ) -> None:
        """Have an order carried out for `device`.

        Raises:
            DeviceRefused: The keeper said no; nothing moved.
            DeviceLost: It is gone, or does not answer and is as good as gone.
        """
        self._check(device)
        number = next(self._numbers)
        asked_ms = time.monotonic_ns() // 1_000_000
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self._wire.send(protocol.pack_request(Request(kind, number, asked_ms, line, a, b)))
            await asyncio.wait({answer}, timeout=within_ms / 1000)
        except OSError as error:
            self.give_up(str(error))
        finally:
            del self._asked[number]  # a late answer finds nobody
        if not answer.done():  # asked for itself: it may have come while this loop was held up
            self.give_up(f"no answer within {within_ms} ms")
        self._check(device)
        if answer.result() is not Result.DONE:
            raise DeviceRefused(device, f"the line keeper says {answer.result().name}")

    async def beat(self, device: str) -> None:
        """Wait for a beat, or less if `fire` changes. Raises DeviceLost."""
        self._check(device)
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.BEAT_MS / 1000):
                await self._changed.wait()
        self._check(device)

    def give_up(self, problem: str) -> None:
        """Take it for lost; again: no change. Killed, because what is stuck may wake up."""
        if self.problem:
            return
        self.problem = f"the line keeper is lost: {problem}"
        self._kill()
        self._close()

    async def end(self) -> bool:
        """Hang up and wait for its end; False: it did not end by itself, at rest."""
        lost = bool(self.problem)
        self._close()
        try:
            async with asyncio.timeout(limits.END_MS / 1000):
                status = await self._process.wait()
        except TimeoutError:
            self._kill()
            status = await self._process.wait()
        return status == 0 and not lost

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    def _close(self) -> None:
        self.problem = self.problem or "not open"
        if self._wire.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._wire)
            self._wire.close()
        self._wake()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_result(Result.FAILED)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _check(self, device: str) -> None:
        if self.problem:
            raise DeviceLost(device, self.problem)

    def _read(self) -> None:
        try:
            data = self._wire.recv(protocol.ANSWER_BYTES + 1)
            if not data:
                return self.give_up("it has ended")
            self._take(protocol.parse_answer(data))
        except BlockingIOError:
            return None
        except (Malformed, OSError) as error:
            return self.give_up(str(error))
        return None

    def _take(self, answer: Answer) -> None:
        if answer.fire != self.fire:
            self.fire = answer.fire
            self._wake()
        waiting = self._asked.get(answer.number)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.result)


class _Post:
    """What this process has at one header: a keeper or none, and who may change that now."""

    def __init__(self) -> None:
        self.keeper: Keeper | None = None
        self.turn = asyncio.Lock()


_POSTS: dict[Header, _Post] = {}


async def join(device: str, header: Header) -> Keeper:
    """Join the keeper of `header`, or start it. Raises DeviceMissing."""
    post = _POSTS.setdefault(header, _Post())
    async with post.turn:
        keeper = post.keeper
        if keeper is None:
            keeper = await _start(device, header)
            post.keeper = keeper
        elif keeper.problem:
            raise DeviceMissing(device, keeper.problem)  # until who has it lets it go
        keeper.users += 1
    return keeper


async def leave(header: Header, keeper: Keeper) -> None:
    """Leave; the last who does, or the first who finds it dead, sees the lines at rest."""
    post = _POSTS[header]
    keeper.users -= 1
    async with post.turn:
        if post.keeper is not keeper or (keeper.users and not keeper.problem):
            return
        try:
            if not await keeper.end():
                await put_to_rest(header)
        finally:
            post.keeper = None


async def put_to_rest(header: Header) -> None:
    """Run the command that drives every line of the plan to its rest level.

    What it could not do it says itself; the next keeper that claims the line tries again.
    """
    process = await asyncio.create_subprocess_exec(*_PROGRAM, "rest", str(plan_of(header)))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.REST_MS / 1000):
                await process.wait()
    finally:
        if process.returncode is None:
            process.kill()


async def _start(device: str, header: Header) -> Keeper:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(0)
    arguments = (str(theirs.fileno()), header.pins, str(latch_of(header)), str(plan_of(header)))
    try:
        process = await asyncio.create_subprocess_exec(
            *_PROGRAM, "serve", *arguments, pass_fds=(theirs.fileno(),)
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    keeper = Keeper(ours, process)
    try:
        await keeper.ask(device, Kind.ALIVE, within_ms=limits.START_MS)
    except DeviceLost as error:
        await keeper.end()
        raise DeviceMissing(device, f"{header.pins}: {error.problem}") from error
    except BaseException:
        keeper.give_up("nobody waited for it")
        await keeper.end()
        raise
    return keeper
