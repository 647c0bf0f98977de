"""A KERONG locker board with the "6x" frame (CU48 and newer), as its documents describe it.

Source: spec/hardware.md 2.2, 11, spec/frames.json "kerong_cu6x". It has its own checksum and its
own reading of the frames: nothing here comes from the driver.
"""

from hil.building.lock_board import LockBoard, Locks

SLOTS = 48  # what a status frame has bits for, however many locks hang there


class Kerong6xBoard(LockBoard):
    """One board: `02 ADDR LOCK CMD 03 SUM`, and an answer that tells of no lock to an order.

    Args:
        address: 0..9.
        locks: What hangs at it.
        hook_closed_bit: How this firmware says that a hook is closed.
        end_mark: Whether its answers have a 03 before their sum, which no document shows.
    """

    def __init__(
        self, address: int, locks: Locks, *, hook_closed_bit: int = 1, end_mark: bool = False
    ) -> None:
        super().__init__(address, locks, look_ms=0)
        self._closed_bit = hook_closed_bit
        self._end = b"\x03" if end_mark else b""

    def request_length(self, heard: bytes) -> int | None:
        """All that it knows are six bytes."""
        if heard[0] != 0x02:
            return 0
        if len(heard) < 6:
            return None
        return 6 if heard[4] == 0x03 and heard[5] == sum(heard[:5]) % 256 else 0

    def obey(self, request: bytes, now_ms: int) -> None:
        """Tell of every hook, or open a lock."""
        address, lock, command = request[1:4]
        if address != self.address:
            return
        head = bytes((0x02, address, lock, 0x75))
        if command == 0x60:
            self.answer(now_ms, lambda: head + b"\x06" + self._hooks())
        elif command == 0x61:
            self.release(lock + 1)
            self.answer(now_ms, lambda: head + b"\x00")

    def seal(self, body: bytes) -> bytes:
        """An end mark if it has one, then the low byte of the sum of everything before it."""
        ended = body + self._end
        return ended + bytes((sum(ended) % 256,))

    def _hooks(self) -> bytes:
        hooks = 0
        for lock in range(1, SLOTS + 1):
            is_open = lock <= self.locks.count and self.locks.hook_open(lock)
            hooks |= (1 - self._closed_bit if is_open else self._closed_bit) << (lock - 1)
        return hooks.to_bytes(6, "little")
