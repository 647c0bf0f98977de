"""An RS-485 bus: boards of any make at one pseudo-terminal, or behind a TCP converter."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Protocol

from hil.building import limits
from hil.building.board_8a import Board8A
from hil.building.config import BoardConfig, BusConfig
from hil.building.faults import Faults
from hil.building.kerong import KerongBoard
from hil.building.kerong_6x import Kerong6xBoard
from hil.building.lockers import Bank
from hil.building.tty import Tty
from hil.building.waveshare import WaveshareBoard
from hil.building.winnsen import WinnsenBoard
from hil.building.wkly import WklyBoard


class Board(Protocol):
    """What every board at a bus can do (see `LockBoard`, `WaveshareBoard`)."""

    faults: Faults

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        """Take what the host sent; give what comes back at once."""
        ...

    def tick(self, now_ms: int) -> list[bytes]:
        """Let time pass; give what comes back by now."""
        ...

    def due_ms(self) -> int | None:
        """When `tick` has something to do, or None."""
        ...


class BankLocks:
    """Some lockers of a bank, as a board sees them: its lock 1 is the bank's channel `first`."""

    def __init__(self, bank: Bank, first: int, count: int) -> None:
        self._bank = bank
        self._first = first
        self.count = count

    def release(self, lock: int) -> None:
        """Give the coil its pulse."""
        self._bank.pulse(self._first + lock - 1)

    def hook_open(self, lock: int) -> bool:
        """Whether the latch is out of the way."""
        return self._bank.lockers[self._first + lock - 1].released


def board_of(config: BoardConfig, bank: Bank) -> Board:
    """Build a board and its wires to the lockers of a bank."""
    locks = BankLocks(bank, config.first, config.locks)
    match config.kind:
        case "kerong":
            return KerongBoard(
                config.address,
                locks,
                hook_closed_bit=config.hook_closed_bit,
                busy_ms=config.busy_ms,
            )
        case "kerong_6x":
            return Kerong6xBoard(
                config.address,
                locks,
                hook_closed_bit=config.hook_closed_bit,
                end_mark=config.end_mark,
            )
        case "winnsen":
            return WinnsenBoard(
                config.address, locks, other_codes=config.other_codes, look_ms=config.look_ms
            )
        case "board_8a":
            return Board8A(
                config.address,
                locks,
                hook_closed_bit=config.hook_closed_bit,
                look_ms=config.look_ms,
            )
        case "wkly":
            return WklyBoard(
                config.address, locks, look_ms=config.look_ms, tells_unasked=config.tells_unasked
            )
        case "waveshare_lockers":

            def switched(relay: int, closed: bool) -> None:
                if closed and relay <= config.locks:
                    locks.release(relay)

            return WaveshareBoard(config.address, switched)


class Wire:
    """The boards of a bus in time. All hear whatever the host sends.

    Args:
        boards: What hangs at it.
        send: Takes what goes back to the host.
        clock: A monotonic clock, ms.
    """

    def __init__(
        self, boards: Sequence[Board], send: Callable[[bytes], object], clock: Callable[[], int]
    ) -> None:
        self.boards = boards
        self.echo = False
        """Whether the host's adapter sends back what the host sends."""
        self._send = send
        self._clock = clock
        self._alarm: asyncio.TimerHandle | None = None

    def received(self, data: bytes) -> None:
        """Let every board hear what the host sent."""
        if self.echo:
            self._send(data)
        now_ms = self._clock()
        self._answer([board.feed(data, now_ms) for board in self.boards])

    def stop(self) -> None:
        """Stop the clockwork."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _tick(self) -> None:
        now_ms = self._clock()
        self._answer([board.tick(now_ms) for board in self.boards])

    def _answer(self, answers: list[list[bytes]]) -> None:
        talking = [b"".join(each) for each in answers if each]
        if len(talking) > 1:
            self._send(collide(talking[0], talking[1]))
        elif talking:
            self._send(talking[0])
        self.stop()
        moments = [due_ms for board in self.boards if (due_ms := board.due_ms()) is not None]
        if moments:
            wait_s = max(0, min(moments) - self._clock()) / 1000
            self._alarm = asyncio.get_running_loop().call_later(wait_s, self._tick)


def collide(one: bytes, other: bytes) -> bytes:
    """Two boards that talk at once: their bits pull against each other, one bit out of step."""
    late = bytes((byte >> 1) | 0x80 for byte in other)
    return bytes(a & b for a, b in zip_longest(one, late, fillvalue=0xFF))


class Bus:
    """A bus and its plug.

    Args:
        config: Where it is, and its boards.
        banks: The banks whose lockers they work.
        clock: The building's monotonic clock, ms.
    """

    def __init__(self, config: BusConfig, banks: dict[str, Bank], clock: Callable[[], int]) -> None:
        boards = [board_of(each, banks[each.bank]) for each in config.boards]
        self.wire = Wire(boards, self._send, clock)
        self.wire.echo = config.echo
        self._tty = None if config.link is None else Tty(config.link, self.wire.received)
        self._port = config.tcp
        self._plugged = False
        self._server: asyncio.Server | None = None
        self._hosts: set[asyncio.StreamWriter] = set()

    @property
    def place(self) -> str:
        """The link of its pseudo-terminal, or `tcp://host:port`."""
        return f"tcp://127.0.0.1:{self._port}" if self._tty is None else str(self._tty.link)

    async def start(self) -> None:
        """Put the bus up, connected. Raises OSError."""
        if self._tty is None:
            self._server = await asyncio.start_server(self._talk, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]
        self.plug()

    def stop(self) -> None:
        """Take it down."""
        self.unplug()
        self.wire.stop()
        if self._server is not None:
            self._server.close()

    def plug(self) -> None:
        """Connect the bus. Idempotent. Raises OSError."""
        self._plugged = True
        if self._tty is not None:
            self._tty.plug()

    def unplug(self) -> None:
        """Disconnect the bus: hosts are hung up, and new ones at once. Idempotent."""
        self._plugged = False
        if self._tty is not None:
            self._tty.unplug()
        for host in tuple(self._hosts):
            host.transport.abort()

    def disturb(self, faults: Faults, board: int | None = None) -> None:
        """Let something go wrong at one board, or at all of them, from now on."""
        for one in self.wire.boards if board is None else (self.wire.boards[board],):
            one.faults = faults

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a host of the converter; like such boxes, it takes several."""
        self._hosts.add(writer)
        try:
            with suppress(ConnectionError):
                while self._plugged and (data := await reader.read(limits.TTY_READ_BYTES)):
                    self.wire.received(data)
        finally:
            self._hosts.discard(writer)
            writer.transport.abort()

    def _send(self, data: bytes) -> None:
        if self._tty is not None:
            self._tty.send(data)
        for host in self._hosts:
            host.write(data)
