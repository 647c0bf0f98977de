"""A Winnsen locker board, as its documents describe it.

Source: spec/hardware.md 3, 11, spec/frames.json "winnsen". Nothing here comes from the driver.
"""

from hil.building.lock_board import LockBoard, Locks


class WinnsenBoard(LockBoard):
    """One station: `90 LEN FN STATION ... 03`, and no checksum at all.

    Args:
        address: The station.
        locks: What hangs at it.
        other_codes: Whether it answers with A5 and A2 in place of 85 and 82, as one did.
        look_ms: From an order to the look at the lock.
    """

    address_at = 3

    def __init__(
        self, address: int, locks: Locks, *, other_codes: bool = False, look_ms: int = 300
    ) -> None:
        super().__init__(address, locks, look_ms)
        self._plus = 0xA0 if other_codes else 0x80

    def request_length(self, heard: bytes) -> int | None:
        """By the function, which has to agree with the length that the frame names."""
        if heard[0] != 0x90:
            return 0
        if len(heard) < 3:
            return None
        length = {0x05: 6, 0x02: 7, 0x12: 6}.get(heard[2], 0)
        if heard[1] != length:
            return 0
        if len(heard) < length:
            return None
        return length if heard[length - 1] == 0x03 else 0

    def obey(self, request: bytes, now_ms: int) -> None:
        """Open a lock, tell about one, or tell about all."""
        _, _, function, station = request[:4]
        if station != self.address:
            return
        lock = request[4]
        head = bytes((0x90, 0x07, function + self._plus, station))
        if function == 0x02:
            mask = int.from_bytes(request[4:6], "little")
            self.answer(now_ms, lambda: head + (self._open_doors() & mask).to_bytes(2, "little"))
        elif function == 0x12:
            self.answer(now_ms, lambda: head + bytes((self._is_open(lock), lock)))
        else:
            took = self.release(lock)
            self.look(now_ms, lambda: head + bytes((lock, took and self._is_open(lock))))

    def seal(self, body: bytes) -> bytes:
        """The end mark is all."""
        return body + b"\x03"

    def _is_open(self, lock: int) -> bool:
        return 1 <= lock <= self.locks.count and self.locks.hook_open(lock)

    def _open_doors(self) -> int:
        return sum(self._is_open(lock) << (lock - 1) for lock in range(1, 17))
