"""The "6x" protocol of KERONG's larger locker boards (CU48 and newer).

Its answer to an unlock says that the board heard it, and not whether the lock obeyed. There is
no request that opens several locks, so no driver can send one.

Source: spec/hardware.md 2.2, vectors `kerong_cu6x` in tests/vectors/frames.json: one unofficial
driver. It does not show whether an answer has an end mark before its sum, so both are read.
"""

from collections.abc import Callable
from typing import TypeVar

from drivers import limits
from drivers.codec.exchange import Request, check

T = TypeVar("T")

_START, _END = 0x02, 0x03
_STATUS, _OPEN = 0x60, 0x61
_ANSWER = 0x75
_HOOK_BYTES = 6
_AROUND = 5 + 2
"""Bytes of an answer beside its data: those before, an end mark, and the sum."""


def read_hooks(board: int) -> Request[tuple[bool, ...]]:
    """Ask for the hooks of a board's 48 locks, lock 1 first: each one's bit as it came.

    Args:
        board: Its address, 0..9.

    Raises:
        ValueError: It is out of range.
    """

    def told(data: bytes) -> tuple[bool, ...]:
        bits = int.from_bytes(data, "little")
        return tuple(bool(bits >> n & 1) for n in range(len(limits.KERONG_6X_LOCKS)))

    return _request(board, 1, _STATUS, _HOOK_BYTES, told)


def unlock(board: int, lock: int) -> Request[bool]:
    """Release one lock for as long as the board is set to; the answer is True, that it heard.

    Args:
        board: Its address, 0..9.
        lock: 1..48, as on the housing; the wire counts from 0.

    Raises:
        ValueError: One of them is out of range; it is named.
    """
    return _request(board, lock, _OPEN, 0, lambda _: True)


def _request(
    board: int, lock: int, command: int, length: int, told: Callable[[bytes], T]
) -> Request[T]:
    check("board", board, limits.KERONG_BOARDS)
    check("lock", lock, limits.KERONG_6X_LOCKS)
    head = bytes((_START, board, lock - 1, _ANSWER, length))
    bare = len(head) + length

    def found(tail: bytes) -> T | None:
        for ending in (b"", bytes((_END,))):
            frame = tail[-(bare + len(ending) + 1) :]
            if frame.startswith(head) and frame[bare:] == ending + _sum(frame[:bare] + ending):
                return told(frame[len(head) : bare])
        return None

    body = bytes((_START, board, lock - 1, command, _END))
    return Request(
        f"KERONG 6x board {board}",
        body + _sum(body),
        found,
        length + _AROUND,
        differs=True,
        reply_ms=limits.LOCK_REPLY_MS,
        stale_ms=limits.LOCK_STALE_MS,
    )


def _sum(body: bytes) -> bytes:
    """The low byte of the sum of all before it."""
    return bytes((sum(body) & 0xFF,))
