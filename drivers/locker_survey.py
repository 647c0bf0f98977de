"""A bus of locker boards when it is commissioned: who is there, and what one pulse changes.

Bits are shown as they came: what they mean is what has to be found out (spec/hardware.md 2, 4).
Run by an installer while no daemon works the bus, which has one master.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from drivers import limits
from drivers.api import DeviceLost
from drivers.bus import Bus, join
from drivers.codec import board_8a, kerong, kerong_6x, modbus, winnsen, wkly
from drivers.codec.exchange import Request

_NAME: Final = "survey"


@dataclass(frozen=True, slots=True)
class Survey:
    """What one board said: its address, and the bits that were set, counted from 1."""

    address: int
    is_set: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Make:
    baud: int
    addresses: Iterable[int]
    reads: Callable[[int], Sequence[Request[Any]]]
    bits: Callable[[Any], Iterable[bool]]
    order: Callable[[int, int], Request[Any] | bytes]


def _relays(answer: modbus.Answer | modbus.Refusal) -> Iterable[bool]:
    closed = modbus.closed_relays(answer) if isinstance(answer, modbus.Answer) else frozenset()
    return (relay in closed for relay in limits.RELAYS)


_MAKES: Final = {
    "kerong": _Make(
        19_200,
        limits.KERONG_BOARDS,
        lambda address: (kerong.read_hooks(address),),
        lambda bits: bits,
        kerong.unlock,
    ),
    "kerong_6x": _Make(
        19_200,
        limits.KERONG_BOARDS,
        lambda address: (kerong_6x.read_hooks(address),),
        lambda bits: bits,
        kerong_6x.unlock,
    ),
    "winnsen": _Make(
        9_600,
        limits.WINNSEN_SCANNED,
        lambda address: (winnsen.read_doors(address),),
        lambda bits: bits,
        winnsen.open_lock,
    ),
    "board_8a": _Make(
        9_600,
        limits.SCANNED_8A,
        lambda address: [board_8a.read_lock(address, lock) for lock in limits.SCANNED_LOCKS_8A],
        lambda bit: (bit,),
        board_8a.open_lock,
    ),
    "wkly": _Make(
        9_600,
        limits.WKLY_BOARDS,
        lambda address: (wkly.read_doors(address),),
        lambda bits: bits,
        wkly.open_lock,
    ),
    "waveshare_lockers": _Make(
        9_600,
        limits.MODBUS_SCANNED,
        lambda address: (modbus.request(modbus.read_relays(address)),),
        _relays,
        lambda address, relay: modbus.request(modbus.flash_on(address, relay, 5)),
    ),
}


class Bench:
    """An open bus with boards of one make. Made by `bench`."""

    def __init__(self, bus: Bus, make: _Make) -> None:
        self._bus = bus
        self._make = make

    async def find(self) -> AsyncIterator[Survey]:
        """Ask every address that such a board may have; those that answer, as they do.

        Raises:
            DeviceLost: The port is gone, or there is an echo and no board.
        """
        for address in self._make.addresses:
            try:
                found = await self.look(address)
            except DeviceLost:
                if self._bus.closed:
                    raise
                continue
            yield found

    async def look(self, address: int) -> Survey:
        """Read one board. Raises DeviceLost: it does not answer."""
        bits: list[bool] = []
        for read in self._make.reads(address):
            bits += self._make.bits(await self._bus.ask(_NAME, read, tries=1))
        return Survey(address, tuple(lock for lock, bit in enumerate(bits, start=1) if bit))

    async def pulse(self, address: int, lock: int) -> None:
        """Release one lock, once, whatever it says of that.

        Raises:
            ValueError: There can be no such board or lock; nothing moved.
            DeviceLost: It did not answer.
        """
        order = self._make.order(address, lock)
        if isinstance(order, bytes):
            await self._bus.send(_NAME, order)
        else:
            await self._bus.order(_NAME, order, self._make.reads(address)[0])


@asynccontextmanager
async def bench(kind: str, port: str, baud: int | None = None) -> AsyncIterator[Bench]:
    """Open a bus with boards of a make, as in the settings; `baud` None = as delivered.

    Raises:
        DeviceMissing: The port can't be opened.
    """
    make = _MAKES[kind]
    bus = await join(_NAME, port, make.baud if baud is None else baud)
    try:
        yield Bench(bus, make)
    finally:
        bus.leave()
