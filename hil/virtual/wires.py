"""Wires in memory: both ends of a Unix socket, and who listens there.

A life (`LIFE`) owns the ends that are made in its tasks. When it is cut, they are all dead at
once, as those of a killed process are.
"""

import asyncio
import os
import struct
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from hil.virtual.disk import Disk


class End(Protocol):
    """Something that a life holds on to, and that is gone with it."""

    def abort(self) -> None:
        """Hang up."""


@dataclass(eq=False, slots=True)
class Life:
    """One life of a process: its ends of wires, and whether it has been killed.

    `disk`: what its files stand on. `wires`, `links` to a broker and `files` are dicts for their
    order: that of a set changes from run to run. `signals`: what it does when it hears of one.
    """

    disk: "Disk"
    cut: bool = False
    wires: "dict[Wire, None]" = field(default_factory=dict)
    links: dict[End, None] = field(default_factory=dict)
    files: dict[Any, None] = field(default_factory=dict)
    signals: dict[int, Callable[[], object]] = field(default_factory=dict)

    def end(self) -> None:
        """Kill it: from now on nothing that it does reaches anybody."""
        self.cut = True
        for end in (*self.wires, *self.links):
            end.abort()
        for file in tuple(self.files):
            file.close()


LIFE: ContextVar[Life | None] = ContextVar("life", default=None)
"""Whose tasks these are; None: of those who outlive everybody."""


class _Peer:
    """Who is at the other end: this process."""

    def getsockopt(self, *_: object) -> bytes:
        """Give pid, uid and gid, as SO_PEERCRED does."""
        return struct.pack("3i", os.getpid(), os.geteuid(), os.getegid())


class Wire(asyncio.Transport):
    """One end. What is written is there in the loop's next turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol) -> None:
        super().__init__({"socket": _Peer()})
        self._loop = loop
        self._protocol = protocol
        self._kept = bytearray()
        self._paused = self._closing = self._ended = False
        self._life = LIFE.get()
        self.peer: Wire
        self.listener: Listener | None = None
        if self._life is not None:
            self._life.wires[self] = None

    def get_protocol(self) -> asyncio.BaseProtocol:
        """See asyncio."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """See asyncio."""
        self._protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        if not self._closing:
            self._loop.call_soon(self.peer.arrive, bytes(data))

    def arrive(self, data: bytes) -> None:
        """Take what the other end sent."""
        if self._closing:
            return
        if self._paused:
            self._kept += data
        elif isinstance(self._protocol, asyncio.Protocol):
            self._protocol.data_received(data)

    def hang_up(self) -> None:
        """Take that the other end is gone."""
        if self._closing:
            return
        self._ended = True
        if isinstance(self._protocol, asyncio.Protocol) and not self._protocol.eof_received():
            self.close()

    def pause_reading(self) -> None:
        """See asyncio."""
        self._paused = True

    def resume_reading(self) -> None:
        """See asyncio."""
        self._paused = False
        if self._kept:
            data = bytes(self._kept)
            self._kept.clear()
            self._loop.call_soon(self.arrive, data)

    def is_closing(self) -> bool:
        """See asyncio."""
        return self._closing

    def close(self) -> None:
        """Hang up, behind what was sent."""
        if self._closing:
            return
        self._closing = True
        if self._life is not None:
            self._life.wires.pop(self, None)
        self._loop.call_soon(self._protocol.connection_lost, None)
        self._loop.call_soon(self.peer.hang_up)

    def abort(self) -> None:
        """Hang up."""
        self.close()

    def get_write_buffer_size(self) -> int:
        """Nothing waits here."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits here."""

    def can_write_eof(self) -> bool:
        """No: an end is whole or gone."""
        return False


class Listener(asyncio.AbstractServer):
    """Who listens at a path. Made by the loop."""

    def __init__(
        self,
        factory: Callable[[], asyncio.BaseProtocol],
        on_close: Callable[[], object],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.factory = factory
        self.life = LIFE.get()
        self._on_close = on_close
        self._loop = loop

    def close(self) -> None:
        """Listen no more."""
        self._on_close()

    async def wait_closed(self) -> None:
        """See asyncio."""

    def is_serving(self) -> bool:
        """See asyncio."""
        return True

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """See asyncio."""
        return self._loop

    async def start_serving(self) -> None:
        """See asyncio."""

    async def serve_forever(self) -> None:
        """See asyncio."""
        await self._loop.create_future()


def connected(
    loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol, listener: Listener
) -> tuple[Wire, Any]:
    """Join two ends, the second at the listener and of its life."""
    near = Wire(loop, protocol)
    token = LIFE.set(listener.life)
    try:
        far = Wire(loop, listener.factory())
        near.peer, far.peer, far.listener = far, near, listener
        loop.call_soon(far.get_protocol().connection_made, far)
    finally:
        LIFE.reset(token)
    protocol.connection_made(near)
    return near, protocol
