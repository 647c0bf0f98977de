"""A generic "8A/80" lock board, as its documents describe it.

Source: spec/hardware.md 4.1, 11, spec/frames.json "bcc8a". It has its own check byte and its own
reading of the frames: nothing here comes from the driver.
"""

from hil.building.lock_board import LockBoard, Locks


class Board8A(LockBoard):
    """One board: `8A` opens, `80` reads, the last byte is the XOR of all before it.

    Args:
        address: 1..99.
        locks: What hangs at it; it reports as 24 channels.
        hook_closed_bit: 1: its locks short their feedback when closed; 0: when open.
        look_ms: From an order to the look at the lock.
    """

    def __init__(
        self, address: int, locks: Locks, *, hook_closed_bit: int = 1, look_ms: int = 300
    ) -> None:
        super().__init__(address, locks, look_ms)
        self._closed_bit = hook_closed_bit

    def request_length(self, heard: bytes) -> int | None:
        """Five bytes; six if the order names its seconds, which the check byte tells."""
        if heard[0] not in (0x8A, 0x80):
            return 0
        if len(heard) < 5:
            return None
        wanted = 0x11 if heard[0] == 0x8A else 0x33
        if heard[3] != wanted:
            return 0
        if _xor(heard[:5]) == 0:
            return 5
        if heard[0] == 0x80 or not 1 <= heard[4] <= 9:
            return 0
        if len(heard) < 6:
            return None
        return 6 if _xor(heard[:6]) == 0 else 0

    def obey(self, request: bytes, now_ms: int) -> None:
        """Open or read, one or all."""
        code, address, lock = request[:3]
        if address != self.address:
            return
        if code == 0x80 and lock == 0:
            self.answer(now_ms, self._all)
        elif code == 0x80:
            self.answer(now_ms, lambda: bytes((code, address, lock, self._status(lock))))
        elif lock == 0:
            for one in range(1, self.locks.count + 1):
                self.release(one)
        else:
            self.release(lock)
            after = bytes((code, address, lock))
            self.look(now_ms, lambda: after + bytes((self._status(lock),)))

    def seal(self, body: bytes) -> bytes:
        """The XOR of everything."""
        return body + bytes((_xor(body),))

    def _bit(self, lock: int) -> int:
        is_open = 1 <= lock <= self.locks.count and self.locks.hook_open(lock)
        return 1 - self._closed_bit if is_open else self._closed_bit

    def _status(self, lock: int) -> int:
        return 0x11 if self._bit(lock) else 0x00

    def _all(self) -> bytes:
        bits = sum(self._bit(lock) << (lock - 1) for lock in range(1, 25))
        return bytes((0x80, self.address)) + bits.to_bytes(3, "big") + b"\x33"


def _xor(data: bytes) -> int:
    left = 0
    for byte in data:
        left ^= byte
    return left
