"""The legacy protocol of KERONG locker boards (CU12, CU16).

The board answers no unlock: whether it was obeyed is seen by the lock's hook. There is no
request that opens several locks, so no driver can send one.

Source: spec/hardware.md 2.1, vectors `kerong_cu` in tests/vectors/frames.json. No text of the
vendor's was found; four independent drivers agree on the frame.
"""

from drivers import limits
from drivers.codec.exchange import Request, check

_START, _END = 0x02, 0x03
_STATUS, _UNLOCK = 0x30, 0x31
_HOOKS = 0x35
_LONGEST = 9


def read_hooks(board: int) -> Request[tuple[bool, ...]]:
    """Ask for the hooks of a board's sixteen locks, lock 1 first: each one's bit as it came.

    Whether a bit that is set means open or closed differs between boards. A board with twelve
    locks answers for sixteen as well.

    Args:
        board: Its address, 0..9.

    Raises:
        ValueError: It is out of range.
    """
    check("board", board, limits.KERONG_BOARDS)

    def found(tail: bytes) -> tuple[bool, ...] | None:
        frame = tail[-_LONGEST:]
        if frame[:3] != bytes((_START, board << 4, _HOOKS)) or frame[7:] != _ending(frame[:7]):
            return None
        bits = int.from_bytes(frame[3:5], "little")
        return tuple(bool(bits >> n & 1) for n in range(len(limits.KERONG_LOCKS)))

    return Request(
        f"KERONG board {board}",
        _frame(board << 4, _STATUS),
        found,
        _LONGEST,
        differs=True,
        reply_ms=limits.LOCK_REPLY_MS,
        stale_ms=limits.LOCK_STALE_MS,
    )


def unlock(board: int, lock: int) -> bytes:
    """Release one lock for as long as the board is set to.

    Args:
        board: Its address, 0..9.
        lock: 1..16, as on the housing; the wire counts from 0.

    Raises:
        ValueError: One of them is out of range; it is named.
    """
    check("board", board, limits.KERONG_BOARDS)
    check("lock", lock, limits.KERONG_LOCKS)
    return _frame(board << 4 | lock - 1, _UNLOCK)


def _frame(address: int, command: int) -> bytes:
    body = bytes((_START, address, command))
    return body + _ending(body)


def _ending(body: bytes) -> bytes:
    """What follows `body`: the end mark, and the low byte of the sum of all before it."""
    return bytes((_END, (sum(body) + _END) & 0xFF))
