"""Winnsen locker boards.

Their frames have no checksum: one counts only if every byte that can be known is right. A lock
number may look like the end mark, so frames are never split at it.

Source: spec/hardware.md 3, vectors `winnsen` in tests/vectors/frames.json. The answers' second
set of function codes was observed on a board.
"""

from collections.abc import Callable
from typing import TypeVar

from drivers import limits
from drivers.codec.exchange import Request, check

T = TypeVar("T")

_START, _END = 0x90, 0x03
_OPEN, _POLL = 0x05, 0x02
_ANSWERS = {_OPEN: (0x85, 0xA5), _POLL: (0x82, 0xA2)}
_OPENED, _NOT_OPENED, _COOLING = 0x01, 0x00, 0x02
_LONGEST = 7


def open_lock(station: int, lock: int) -> Request[bool]:
    """Release one lock; the answer is whether the board says that it opened.

    Args:
        station: The board's address, 0..255.
        lock: 1..16, as on the housing and on the wire.

    Raises:
        ValueError: One of them is out of range; it is named.
    """
    check("lock", lock, limits.WINNSEN_LOCKS)

    def found(tail: bytes) -> bool | None:
        data = _answer(tail, _OPEN, station)
        if data is None or data[0] != lock or data[1] not in (_OPENED, _NOT_OPENED, _COOLING):
            return None
        return data[1] == _OPENED

    return _request(station, _OPEN, bytes((lock,)), found)


def read_doors(station: int) -> Request[tuple[bool, ...]]:
    """Ask which of a station's sixteen doors are open, that of lock 1 first.

    Ranges and errors as for `open_lock`.
    """

    def found(tail: bytes) -> tuple[bool, ...] | None:
        data = _answer(tail, _POLL, station)
        if data is None:
            return None
        bits = int.from_bytes(data, "little")
        return tuple(bool(bits >> n & 1) for n in range(len(limits.WINNSEN_LOCKS)))

    return _request(station, _POLL, b"\xff\xff", found)


def _answer(tail: bytes, function: int, station: int) -> bytes | None:
    """The two bytes that an answer carries, if the last bytes are one."""
    frame = tail[-_LONGEST:]
    heads = [bytes((_START, _LONGEST, code, station)) for code in _ANSWERS[function]]
    return frame[4:6] if frame[:4] in heads and frame[6:] == bytes((_END,)) else None


def _request(
    station: int, function: int, data: bytes, found: Callable[[bytes], T | None]
) -> Request[T]:
    check("station", station, limits.WINNSEN_STATIONS)
    frame = bytes((_START, 5 + len(data), function, station)) + data + bytes((_END,))
    return Request(
        f"Winnsen station {station}",
        frame,
        found,
        _LONGEST,
        differs=True,
        reply_ms=limits.LOCK_REPLY_MS,
        stale_ms=limits.LOCK_STALE_MS,
    )
