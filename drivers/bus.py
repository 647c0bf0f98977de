"""One RS-485 bus: a port, its boards, and the one request that may be out at a time.

Boards of several makes may hang at one bus; they and everybody who drives them must agree on
its speed. Whoever opens a device there joins the bus, and the last who leaves closes the port.

Source: spec/hardware.md 1.1 (bus rules, echo test).
"""

import asyncio
import os
from typing import Any, TypeVar

from drivers import limits
from drivers.api import DeviceLost, DeviceMissing, Wanted, always, heed
from drivers.channel import TCP, Channel, open_channel
from drivers.codec.exchange import Request, Search

T = TypeVar("T")


class Bus:
    """The boards at one port. Made by `join`.

    Only reads are sent again when no answer comes, because a second read changes nothing. An
    order is sent once: a second copy of a pulse is a second opening that nobody decided, and
    whoever gave the order decides what to do about DeviceLost.

    A request that got no answer, or whose caller was cancelled, leaves its board in doubt: the
    answer may still come and look like the answer to the next one. The next order is then
    preceded by a read. A board answers in the order it was asked, so all that comes before the
    answer to the read is old, and an order and a read are never taken for each other. Where it
    matters that a read is no old one, its request says so (`Request.stale_ms`): the board is
    then left alone until whatever may still come has come, and been dropped.

    Args:
        path: What the port is known by.
        baud: Its speed.
        channel: The port, if it is open already.
    """

    def __init__(self, path: str, baud: int, channel: Channel | None = None) -> None:
        self.path = path
        self.baud = baud
        self._users = 0
        self._channel = channel
        self.closed = False
        """Whether the port is gone for whoever is here; joining anew opens it again."""
        self._turn = asyncio.Lock()
        self._echo = False  # the adapter sends back what we send; once seen, it stays expected
        self._doubt: dict[str, float] = {}  # boards whose answer may still come; until when
        self._heard_at: dict[str, float] = {}
        self._quiet_at = 0.0  # when the next request may go out

    async def enter(self, device: str, port: str) -> None:
        """Join; who comes first opens the port. Raises DeviceMissing."""
        self._users += 1
        try:
            async with self._turn:
                if self._channel is None:
                    self._channel = await open_channel(device, port, self.baud)
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Go; the last one closes the port."""
        self._users -= 1
        if self._users == 0:
            self._close()

    async def ask(self, device: str, read: Request[T], tries: int = limits.READ_TRIES) -> T:
        """Send a read, again if it gets no answer, and return its answer.

        Raises:
            DeviceLost: For `device`: the port is gone, or no answer came `tries` times.
        """
        for _ in range(tries):
            await self._settle(read)
            async with self._turn:
                found = await self._exchange(device, read)
            if found is not None:
                return found
        raise DeviceLost(device, self._silence(read))

    async def order(
        self, device: str, order: Request[T], probe: Request[Any], wanted: Wanted = always
    ) -> T:
        """Send an order, once, and return its answer.

        Args:
            device: For errors.
            order: The order.
            probe: A read of the same board, sent before while an old answer may still come.
            wanted: See `drivers.api.Lock.release`.

        Raises:
            NotWanted: Nothing was sent.
            DeviceLost: The port is gone or no answer came: it may have been obeyed or not.
        """
        while True:
            if order.board in self._doubt:
                await self.ask(device, probe)
            async with self._turn:
                if order.board in self._doubt:
                    continue  # somebody else's request to it got no answer just now
                found = await self._exchange(device, order, wanted)
            if found is None:
                raise DeviceLost(device, self._silence(order))
            return found

    async def send(self, device: str, frame: bytes, wanted: Wanted = always) -> None:
        """Send an order that no board answers, once.

        Raises:
            NotWanted: Nothing was sent.
            DeviceLost: The port is gone.
        """
        async with self._turn:
            await self._say(device, frame, wanted)

    async def idle(self, board: str) -> None:
        """Wait for what is left of `limits.POLL_MS` since a board was last heard."""
        due = self._heard_at.get(board, 0.0) + limits.POLL_MS / 1000
        await asyncio.sleep(due - asyncio.get_running_loop().time())

    async def _settle(self, request: Request[Any]) -> None:
        """Wait until nothing can be taken for the answer to `request` that is none."""
        if request.stale_ms:
            until = self._doubt.get(request.board, 0.0)
            await asyncio.sleep(until - asyncio.get_running_loop().time())

    async def _exchange(
        self, device: str, request: Request[T], wanted: Wanted = always
    ) -> T | None:
        """Send a request and find its answer, or None if none comes in time."""
        clock = asyncio.get_running_loop().time
        search = Search(request, echo=self._echo)
        found = None
        await self._settle(request)  # again: it had to wait for its turn
        self._doubt[request.board] = clock()
        try:
            channel = await self._say(device, request.frame, wanted)
            async with asyncio.timeout(request.reply_ms / 1000):
                while found is None:
                    found = search.feed(await channel.read())
            self._heard_at[request.board] = clock()
        except TimeoutError:
            pass  # the caller knows what no answer means
        except DeviceLost as error:
            self._close()
            raise DeviceLost(device, error.problem) from error
        finally:
            self._echo |= search.echoed
            self._quiet_at = clock() + limits.BUS_GAP_MS / 1000
            if found is None:
                self._doubt[request.board] = clock() + request.stale_ms / 1000
            else:
                del self._doubt[request.board]
        return found

    async def _say(self, device: str, frame: bytes, wanted: Wanted) -> Channel:
        """Send a frame into silence; what came in before is dropped.

        Raises:
            NotWanted: Nothing was sent.
            DeviceLost: The port is gone.
        """
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(self._quiet_at - clock())
        if self._channel is None or self.closed:
            raise DeviceLost(device, f"{self.path}: closed")
        heed(device, wanted)
        self._channel.discard()
        try:
            await self._channel.write(frame)
        except DeviceLost as error:
            self._close()
            raise DeviceLost(device, error.problem) from error
        finally:
            self._quiet_at = clock() + limits.BUS_GAP_MS / 1000
        return self._channel

    def _close(self) -> None:
        """Let go of the port for the next opening. Who still asks here gets DeviceLost."""
        self.closed = True
        if self._channel is not None:
            self._channel.close()
        if _BUSES.get(self.path) is self:
            del _BUSES[self.path]

    def _silence(self, request: Request[Any]) -> str:
        if self._echo:
            return "adapter echo, no device"
        return f"{request.board} does not answer within {request.reply_ms} ms"


_BUSES: dict[str, Bus] = {}
"""What this process has open: devices at one port share it, from first to last."""


def _known_by(port: str) -> str:
    """What a port is the same port by, whatever link leads to it."""
    return port if port.startswith(TCP) else os.path.realpath(port)


async def join(device: str, port: str, baud: int) -> Bus:
    """Return the bus at `port`, opened if nobody has yet; `Bus.leave` when done.

    Args:
        device: For errors.
        port: Path of a serial port, or `tcp://host:port` of a transparent converter, which has
            its own setting for the speed.
        baud: One of `limits.BAUDS`.

    Raises:
        DeviceMissing: The port can't be opened, or is open at another speed.
    """
    path = _known_by(port)
    bus = _BUSES.get(path)
    if bus is None:
        bus = _BUSES[path] = Bus(path, baud)
    elif bus.baud != baud:
        raise DeviceMissing(device, f"{port} is open at {bus.baud} baud already")
    await bus.enter(device, port)
    return bus
