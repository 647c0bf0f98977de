"""A KERONG CU12 or CU16 locker board with the legacy frame, as its documents describe it.

Source: spec/hardware.md 2.1, 11, spec/frames.json "kerong_cu". It has its own checksum and its own
reading of the frames: nothing here comes from the driver.
"""

from hil.building.lock_board import LockBoard, Locks

SLOTS = 16  # what a status frame has bits for, however many locks hang there
EVERY_BOARD = 0xF0


class KerongBoard(LockBoard):
    """One board: `02 ADDR CMD 03 SUM`, and no answer to an unlock.

    Args:
        address: 0..9.
        locks: What hangs at it.
        hook_closed_bit: How this firmware says that a hook is closed.
        busy_ms: How long it hears nothing after an unlock.
        answers_unlock: Some are said to answer an unlock with their status.
        items: Locks whose infrared eye sees something.
    """

    address_step = 0x10

    def __init__(
        self,
        address: int,
        locks: Locks,
        *,
        hook_closed_bit: int = 1,
        busy_ms: int = 0,
        answers_unlock: bool = False,
        items: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(address, locks, look_ms=0)
        self._closed_bit = hook_closed_bit
        self._busy_ms = busy_ms
        self._busy_until = 0
        self._answers_unlock = answers_unlock
        self._items = items

    def busy(self, now_ms: int) -> bool:
        """Whether its coil keeps it busy."""
        return now_ms < self._busy_until

    def request_length(self, heard: bytes) -> int | None:
        """All that it knows are five bytes."""
        if heard[0] != 0x02:
            return 0
        if len(heard) < 5:
            return None
        return 5 if heard[3] == 0x03 and heard[4] == sum(heard[:4]) % 256 else 0

    def obey(self, request: bytes, now_ms: int) -> None:
        """Carry out a status read or an unlock."""
        address, command = request[1], request[2]
        if address >> 4 != self.address and not (address == EVERY_BOARD and command == 0x32):
            return
        match command:
            case 0x30 | 0x32:
                self.answer(now_ms, self._status)
            case 0x31:
                self._unlock(now_ms, (address & 0x0F) + 1)
            case 0x33:
                self._unlock(now_ms, *range(1, self.locks.count + 1))
            case _:
                pass  # settings that nobody needs here

    def seal(self, body: bytes) -> bytes:
        """End mark, then the low byte of the sum of everything before it."""
        ended = body + b"\x03"
        return ended + bytes((sum(ended) % 256,))

    def _unlock(self, now_ms: int, *locks: int) -> None:
        for lock in locks:
            self.release(lock)
        self._busy_until = now_ms + self._busy_ms
        if self._answers_unlock:
            self.answer(now_ms, self._status)

    def _status(self) -> bytes:
        hooks = 0
        for lock in range(1, SLOTS + 1):
            is_open = lock <= self.locks.count and self.locks.hook_open(lock)
            hooks |= (1 - self._closed_bit if is_open else self._closed_bit) << (lock - 1)
        items = sum(1 << (lock - 1) for lock in self._items)
        words = hooks.to_bytes(2, "little") + items.to_bytes(2, "little")
        return bytes((0x02, self.address << 4, 0x35)) + words
