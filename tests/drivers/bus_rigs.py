"""Buses with simulated boards: at a pseudo-terminal, or behind a TCP converter."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from drivers.api import LockerBoard
from drivers.locker_boards import Board8A, Kerong, Kerong6x, WaveshareLockers, Winnsen, Wkly
from hil.building import board_8a, kerong, kerong_6x, winnsen, wkly
from hil.building.bus import Board, Wire
from hil.building.waveshare import WaveshareBoard
from hil.chain.broker import free_port
from tests.drivers.rigs import Terminal, now_ms

LOCKS = 2


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make what a driver waits for short: the boards here answer at once."""
    for name, short_ms in {
        "REPLY_MS": 500,
        "LOCK_REPLY_MS": 500,
        "LOCK_STALE_MS": 100,
        "LOCK_POLL_MS": 10,
        "POLL_MS": 20,
        "HOOK_MS": 1_500,
        "HOOK_LOOK_MS": 5,
        "BUS_GAP_MS": 1,
    }.items():
        monkeypatch.setattr(f"drivers.limits.{name}", short_ms)


class Cupboard:
    """Locks whose hooks obey at once, and what they were told. Lock 2 is open, the rest shut."""

    def __init__(self, count: int = LOCKS) -> None:
        self.count = count
        self.open = {lock: lock == 2 for lock in range(1, count + 1)}
        self.pulses: list[object] = []
        self.jammed = False

    def release(self, lock: int) -> None:
        self.pulses.append(lock)
        if not self.jammed:
            self.open[lock] = True

    def hook_open(self, lock: int) -> bool:
        return self.open[lock]


def waveshare(locks: Cupboard, address: int = 1) -> WaveshareBoard:
    def switched(relay: int, closed: bool) -> None:
        if closed:
            locks.release(relay)

    return WaveshareBoard(address, switched)


Drive = Callable[..., LockerBoard]
Make = tuple[Callable[[Cupboard], Board], Drive]

MAKES: dict[str, Make] = {
    "kerong": (
        lambda locks: kerong.KerongBoard(3, locks),
        lambda name, port: Kerong(
            name, port=port, baud=9600, address=3, locks=LOCKS, hook_closed_bit=1
        ),
    ),
    "kerong, 0 is closed": (
        lambda locks: kerong.KerongBoard(0, locks, hook_closed_bit=0, answers_unlock=True),
        lambda name, port: Kerong(name, port=port, baud=9600, locks=LOCKS, hook_closed_bit=0),
    ),
    "kerong 6x": (
        lambda locks: kerong_6x.Kerong6xBoard(4, locks),
        lambda name, port: Kerong6x(
            name, port=port, baud=9600, address=4, locks=LOCKS, hook_closed_bit=1
        ),
    ),
    "kerong 6x, 0 is closed": (
        lambda locks: kerong_6x.Kerong6xBoard(0, locks, hook_closed_bit=0, end_mark=True),
        lambda name, port: Kerong6x(name, port=port, baud=9600, locks=LOCKS, hook_closed_bit=0),
    ),
    "winnsen": (
        lambda locks: winnsen.WinnsenBoard(1, locks, look_ms=0),
        lambda name, port: Winnsen(name, port=port, locks=LOCKS),
    ),
    "winnsen, A5": (
        lambda locks: winnsen.WinnsenBoard(2, locks, other_codes=True, look_ms=10),
        lambda name, port: Winnsen(name, port=port, address=2, locks=LOCKS),
    ),
    "8A": (
        lambda locks: board_8a.Board8A(7, locks, look_ms=0),
        lambda name, port: Board8A(name, port=port, address=7, locks=LOCKS, hook_closed_bit=1),
    ),
    "8A, 0 is closed": (
        lambda locks: board_8a.Board8A(8, locks, hook_closed_bit=0, look_ms=10),
        lambda name, port: Board8A(name, port=port, address=8, locks=LOCKS, hook_closed_bit=0),
    ),
    "wkly": (
        lambda locks: wkly.WklyBoard(5, locks, look_ms=10),
        lambda name, port: Wkly(name, port=port, address=5, locks=LOCKS),
    ),
    "waveshare": (waveshare, lambda name, port: WaveshareLockers(name, port=port, locks=LOCKS)),
}
"""Of each make: a simulated board, and the driver for it."""
REPORTING = [make for make in MAKES if make != "waveshare"]


class BusAtTerminal:
    """A bus at a pseudo-terminal. `heard` is every request; what overlaps is counted."""

    def __init__(self, folder: Path, boards: Sequence[Board]) -> None:
        self.terminal = Terminal(folder / "bus.tty", self._hear)
        self.wire = Wire(boards, self.terminal.write, now_ms)
        self.heard: list[bytes] = []
        self.overlaps = 0

    @property
    def where(self) -> str:
        return str(self.terminal.link)

    async def plug(self) -> None:
        self.terminal.plug()

    async def unplug(self) -> None:
        self.terminal.unplug()
        self.wire.stop()

    def _hear(self, data: bytes) -> None:
        self.overlaps += any(board.due_ms() is not None for board in self.wire.boards)
        self.heard.append(data)
        self.wire.received(data)


class BusOverTcp:
    """The same behind a converter, which keeps its port while it is unplugged."""

    def __init__(self, folder: Path, boards: Sequence[Board]) -> None:
        del folder
        self.wire = Wire(boards, self._send, now_ms)
        self.heard: list[bytes] = []
        self.hosts: list[asyncio.Transport] = []
        self._server: asyncio.Server | None = None
        self._port = free_port()  # the kernel's own might be given away while it is unplugged

    @property
    def where(self) -> str:
        return f"tcp://127.0.0.1:{self._port}"

    async def plug(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Host(self), "127.0.0.1", self._port)

    async def unplug(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for host in self.hosts:
            host.abort()
        self.wire.stop()
        await asyncio.sleep(0)

    def _send(self, data: bytes) -> None:
        for host in self.hosts:
            host.write(data)


class _Host(asyncio.Protocol):
    def __init__(self, bus: BusOverTcp) -> None:
        self.bus = bus

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.bus.hosts.append(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self.bus.hosts.remove(self.transport)

    def data_received(self, data: bytes) -> None:
        self.bus.heard.append(data)
        self.bus.wire.received(data)
