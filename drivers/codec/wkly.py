"""The "WKLY" lock boards with up to 24 channels.

There is no request that opens several locks or holds one open, so no driver can send one. What
the board tells unasked, that a door moved, is passed over: it may come while another board
talks, and every door is read anyway.

Source: spec/hardware.md 4.2, vectors `wkly` in tests/vectors/frames.json: one unofficial driver.
"""

from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import TypeVar

from drivers import limits
from drivers.codec.exchange import Request, check

T = TypeVar("T")

_START = b"WKLY"
_RELEASE, _READ_ONE, _READ_ALL = 0x82, 0x83, 0x84
_DONE, _FAILED = b"\x00", b"\xff"
_OPEN = {0x00: True, 0x01: False, 0xFF: False}
"""What a lock's byte says: open, closed, or an error of its feedback, which is not seen open."""
_BEFORE = len(_START) + 3
"""Bytes of a frame before its data: also its length, the board and the command."""


def open_lock(board: int, lock: int) -> Request[bool]:
    """Release one lock; the answer is whether the board says that this was done.

    Args:
        board: Its address, 0..31.
        lock: 1..24, as on the housing and on the wire.

    Raises:
        ValueError: One of them is out of range; it is named.
    """
    check("lock", lock, limits.WKLY_LOCKS)

    def told(data: bytes) -> bool | None:
        status, about = data[:1], data[1:]
        if about not in {bytes((lock, door)) for door in _OPEN}:
            return None
        return {_DONE: True, _FAILED: False}.get(status)

    return _request(board, _RELEASE, bytes((lock,)), 3, told)


def read_door(board: int, lock: int) -> Request[bool]:
    """Ask whether one lock is open. Ranges and errors as for `open_lock`."""
    check("lock", lock, limits.WKLY_LOCKS)

    def told(data: bytes) -> bool | None:
        door = data[2:]
        if data[:2] != _DONE + bytes((lock,)) or len(door) != 1:
            return None
        return _OPEN.get(door[0])

    return _request(board, _READ_ONE, bytes((lock,)), 3, told)


def read_doors(board: int) -> Request[tuple[bool, ...]]:
    """Ask which locks of a board are open, lock 1 first; the board says how many it has.

    Ranges and errors as for `open_lock`.
    """

    def told(data: bytes) -> tuple[bool, ...] | None:
        doors = data[2:]
        if data[:2] != _DONE + bytes((len(doors),)) or not _OPEN.keys() >= set(doors):
            return None
        return tuple(_OPEN[door] for door in doors)

    return _request(board, _READ_ALL, b"", 2 + len(limits.WKLY_LOCKS), told)


def _request(
    board: int, command: int, data: bytes, longest: int, told: Callable[[bytes], T | None]
) -> Request[T]:
    """Make a request; `longest`: bytes that its answer carries at most, `told`: what they say."""
    check("board", board, limits.WKLY_BOARDS)

    def found(tail: bytes) -> T | None:
        frame = tail[max(tail.rfind(_START), 0) :]
        back = frame[_BEFORE:-1]
        return told(back) if frame == _frame(board, command, back) else None

    return Request(
        f"WKLY board {board}",
        _frame(board, command, data),
        found,
        _BEFORE + longest + 1,
        differs=True,
        reply_ms=limits.LOCK_REPLY_MS,
        stale_ms=limits.LOCK_STALE_MS,
    )


def _frame(board: int, command: int, data: bytes) -> bytes:
    body = _START + bytes((_BEFORE + len(data) + 1, board, command)) + data
    return body + bytes((reduce(xor, body),))
