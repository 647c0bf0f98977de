"""A "WKLY" lock board, as its documents describe it.

Source: spec/hardware.md 4.2, 11, spec/frames.json "wkly". It has its own check byte and its own
reading of the frames: nothing here comes from the driver.
"""

from collections.abc import Iterable
from functools import partial

from hil.building.lock_board import LockBoard, Locks

START = b"WKLY"
WATCH_MS = 20  # how often it looks for a door that moved; nobody has measured one


class WklyBoard(LockBoard):
    """One board: `57 4B 4C 59 LEN BOARD CMD DATA... XOR`.

    Args:
        address: 0..31.
        locks: What hangs at it.
        look_ms: From an order to the look at the lock.
        tells_unasked: Whether it sends a frame whenever a door has moved, from its first request
            on, whoever talks at the bus just then.
        broken: Locks whose feedback it calls an error.
    """

    address_at = 5

    def __init__(
        self,
        address: int,
        locks: Locks,
        *,
        look_ms: int = 300,
        tells_unasked: bool = False,
        broken: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(address, locks, look_ms)
        self._tells_unasked = tells_unasked
        self._broken = broken
        self._doors: bytes | None = None
        self._watched_ms = 0

    def due_ms(self) -> int | None:
        """When `tick` has something to do, or None."""
        due_ms = super().due_ms()
        if self._doors is None:
            return due_ms
        watch_ms = self._watched_ms + WATCH_MS
        return watch_ms if due_ms is None else min(due_ms, watch_ms)

    def tick(self, now_ms: int) -> list[bytes]:
        """Let the time come to `now_ms`; return what is said by then, unasked or not."""
        if self._doors is not None and now_ms >= self._watched_ms + WATCH_MS:
            self._watch(now_ms)
        return super().tick(now_ms)

    def request_length(self, heard: bytes) -> int | None:
        """As long as it says, if its check byte is right."""
        if not START.startswith(heard[:4]):
            return 0
        if len(heard) < 5:
            return None
        length = heard[4]
        if not 8 <= length <= 8 + self.locks.count + 1:
            return 0
        if len(heard) < length:
            return None
        return length if _xor(heard[:length]) == 0 else 0

    def obey(self, request: bytes, now_ms: int) -> None:
        """Open a lock or several, or tell about one or all."""
        if self._tells_unasked and self._doors is None:
            self._doors, self._watched_ms = self._states(), now_ms
        address, command, *data = request[5:-1]
        if address != self.address:
            return
        match command, data:
            case 0x82, [lock]:
                took = self.release(lock)
                self.look(now_ms, lambda: self._said(0x82, *self._opened(took, lock)))
            case 0x83, [lock]:
                self.answer(now_ms, lambda: self._said(0x83, 0x00, lock, self._state(lock)))
            case 0x84, []:
                count = self.locks.count
                self.answer(now_ms, lambda: self._said(0x84, 0x00, count, *self._states()))
            case 0x86, []:
                self._release_all(now_ms, command, range(1, self.locks.count + 1))
            case 0x80 | 0x87, [count, *locks] if count == len(locks):
                self._release_all(now_ms, command, locks)
            case _:
                pass  # holding open and a flashing light, which nobody needs here

    def seal(self, body: bytes) -> bytes:
        """The length where it belongs, and the XOR of everything."""
        frame = body[:4] + bytes((len(body) + 1,)) + body[5:]
        return frame + bytes((_xor(frame),))

    def _release_all(self, now_ms: int, command: int, locks: Iterable[int]) -> None:
        took = [self.release(lock) for lock in locks]
        self.answer(now_ms, lambda: self._said(command, 0x00 if all(took) else 0xFF))

    def _said(self, command: int, *data: int) -> bytes:
        return START + bytes((0, self.address, command, *data))

    def _opened(self, took: bool, lock: int) -> tuple[int, int, int]:
        state = self._state(lock)
        return 0xFF if not took or state == 0x01 else 0x00, lock, state

    def _state(self, lock: int) -> int:
        if lock in self._broken or not 1 <= lock <= self.locks.count:
            return 0xFF
        return 0x00 if self.locks.hook_open(lock) else 0x01

    def _states(self) -> bytes:
        return bytes(self._state(lock) for lock in range(1, self.locks.count + 1))

    def _watch(self, now_ms: int) -> None:
        before, self._doors, self._watched_ms = self._doors or b"", self._states(), now_ms
        for lock, (was, state) in enumerate(zip(before, self._doors, strict=True), start=1):
            if was != state:
                self.answer(now_ms, partial(self._said, 0x85, lock, state))


def _xor(data: bytes) -> int:
    left = 0
    for byte in data:
        left ^= byte
    return left
