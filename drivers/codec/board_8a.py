"""The generic "8A/80" lock boards with 8 to 32 channels.

The board looks at the lock before it answers an order, and one of its two answers repeats the
order byte for byte: that one can't be told from an adapter's echo and proves nothing. There is
no request that opens several locks, so no driver can send one. The reading of a whole board is
left out too: sources disagree about its bits.

Source: spec/hardware.md 4.1, vectors `bcc8a` in tests/vectors/frames.json.
"""

from functools import reduce
from operator import xor

from drivers import limits
from drivers.codec.exchange import Request, check

_OPEN, _READ = 0x8A, 0x80
_DO, _ASK = 0x11, 0x33
_BITS = {0x00: False, 0x11: True}
_LONGEST = 5


def open_lock(board: int, lock: int) -> Request[bool]:
    """Release one lock; the answer is the bit of its feedback switch after the pulse.

    The board times the pulse itself, about 300 ms.

    Args:
        board: Its address, 1..99.
        lock: 1..32, as on the housing and on the wire.

    Raises:
        ValueError: One of them is out of range; it is named.
    """
    return _request(_OPEN, board, lock, _DO)


def read_lock(board: int, lock: int) -> Request[bool]:
    """Ask for the bit of one lock's feedback switch; what it means depends on the lock.

    Ranges and errors as for `open_lock`.
    """
    return _request(_READ, board, lock, _ASK)


def _request(function: int, board: int, lock: int, what: int) -> Request[bool]:
    check("board", board, limits.BOARDS_8A)
    check("lock", lock, limits.LOCKS_8A)
    head = bytes((function, board, lock))

    def found(tail: bytes) -> bool | None:
        frame = tail[-_LONGEST:]
        if len(frame) < _LONGEST or frame[:3] != head or _sealed(frame[:4]) != frame:
            return None
        return _BITS.get(frame[3])

    return Request(
        f"8A board {board}",
        _sealed(head + bytes((what,))),
        found,
        _LONGEST,
        differs=what not in _BITS,
        reply_ms=limits.LOCK_REPLY_MS,
        stale_ms=limits.LOCK_STALE_MS,
    )


def _sealed(body: bytes) -> bytes:
    """`body` and its check byte."""
    return body + bytes((reduce(xor, body),))
