"""An event loop whose time passes only when nobody has anything left to do.

Everything in it is one thread, and every wire is memory: what happens depends on what its
callers do, and on nothing else of this machine.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextvars import Context
from socket import socket
from typing import Any, Final, TypeVar, TypeVarTuple, cast

from hil.virtual.wires import LIFE, Listener, Wire, connected

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_TICK_S: Final = 1e-6
"""Times are whole microseconds: sums of fractions would drift from their deadlines."""
_EPOCH_S: Final = 1_000.0
"""Where time begins; before it there is room for instants that are long ago."""


class NothingLeft(Exception):
    """Everybody waits for somebody else: on this loop nothing can happen any more."""


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop. `listeners`: who may be connected to, by the path of the socket."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = _EPOCH_S
        self._selector = self
        self._clock_resolution = _TICK_S
        self.listeners: dict[str, Listener] = {}

    def time(self) -> float:
        """Give the virtual time, s."""
        return self._now_s

    def select(self, timeout_s: float | None) -> Sequence[object]:
        """Let time pass up to the next deadline. The base class asks this of its selector.

        Raises:
            NothingLeft: There is no deadline.
        """
        if timeout_s is None:
            raise NothingLeft("nobody has anything left to do, and no deadline comes")
        if timeout_s > 0:
            self._now_s = round(self._now_s + max(timeout_s, _TICK_S), 6)
        return ()

    def _process_events(self, _: Sequence[object]) -> None:
        """Nothing comes from outside."""

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Call soon: there are no threads."""
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(
        self, _: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> "asyncio.Future[T]":
        """Carry it out in the next turn: there are no threads."""

        async def done() -> T:
            return func(*args)

        return self.create_task(done())

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Note what the life of this task does at a signal. Outside a life none comes."""
        if (life := LIFE.get()) is not None:
            life.signals[sig] = lambda: callback(*args)

    async def create_unix_connection(
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], path: object = None, **_: object
    ) -> tuple[Wire, Any]:
        """Connect to a listener of this loop. Raises ConnectionRefusedError."""
        listener = self.listeners.get(str(path))
        if listener is None:
            raise ConnectionRefusedError(f"nobody listens at {path}")
        return connected(self, protocol_factory(), listener)

    async def create_unix_server(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        path: object = None,
        *,
        sock: socket | None = None,
        **_: object,
    ) -> asyncio.Server:
        """Listen at a path, or at that of a socket, which itself stays unused."""
        at = str(sock.getsockname() if sock is not None else path)
        listener = Listener(protocol_factory, lambda: self.listeners.pop(at, None), self)
        self.listeners[at] = listener
        return cast("asyncio.Server", listener)  # all that anybody does with one


def now_ms() -> int:
    """Give the running loop's time, ms."""
    return int(asyncio.get_running_loop().time() * 1_000 + _TICK_S)


def running() -> VirtualLoop:
    """Give the running loop, which is a virtual one."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise TypeError("there is no virtual time here")
    return loop
