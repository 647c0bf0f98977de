"""What the lock boards share: requests found in a stream, answers in their time, and faults.

Bytes and the time go in, bytes and releases come out; a board owns no port and no clock.

Source: spec/hardware.md 11. Each make reads and makes its own frames from its documents: nothing
here comes from the drivers.
"""

from collections.abc import Callable
from typing import Protocol

from hil.building.faults import Faults

FRAME_GAP_MS = 100  # silence after which half a request is forgotten; generous for a terminal


class Locks(Protocol):
    """What hangs at a board, counted from 1."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def release(self, lock: int) -> None:
        """Give the coil its pulse; whether the hook obeys is another matter."""
        ...

    def hook_open(self, lock: int) -> bool:
        """Whether the lock's feedback switch shows an open hook."""
        ...


class LockBoard:
    """One board. Whoever owns it calls `feed` with what the host sent and `tick` at `due_ms`.

    Both return what goes back to the host, oldest first. The clock never goes back.

    Args:
        address: As its switches are set.
        locks: What hangs at it.
        look_ms: From an order to the look at the lock that its answer tells of: the pulse.
    """

    address_at = 1
    """Where the address stands in an answer."""
    address_step = 1
    """From one board's address to the next one's there."""

    def __init__(self, address: int, locks: Locks, look_ms: int = 300) -> None:
        self.address = address
        self.locks = locks
        self.faults = Faults()
        self._look_ms = look_ms
        self._waiting: list[tuple[int, Callable[[], bytes]]] = []
        self._heard = b""
        self._heard_ms = 0

    def due_ms(self) -> int | None:
        """When `tick` has something to do, or None."""
        return min((at_ms for at_ms, _ in self._waiting), default=None)

    def tick(self, now_ms: int) -> list[bytes]:
        """Let the time come to `now_ms`; return the answers whose time has come."""
        ready = [make for at_ms, make in self._waiting if at_ms <= now_ms]
        self._waiting = [each for each in self._waiting if each[0] > now_ms]
        return [make() for make in ready]

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        """Take what the host sent and return what comes back at once."""
        back = self.tick(now_ms)
        if self.faults.echo:
            back.append(data)
        if self.faults.mute or self.busy(now_ms):
            return back
        if now_ms - self._heard_ms > FRAME_GAP_MS:
            self._heard = b""
        self._heard_ms = now_ms
        self._heard += data
        while self._heard:
            length = self.request_length(self._heard)
            if length is None:
                break
            if length:
                request, self._heard = self._heard[:length], self._heard[length:]
                self.obey(request, now_ms)
            else:
                self._heard = self._heard[1:]
        return [*back, *self.tick(now_ms)]

    def busy(self, now_ms: int) -> bool:
        """Whether the board hears nothing just now."""
        del now_ms
        return False

    def request_length(self, heard: bytes) -> int | None:
        """Bytes of the request that `heard` begins with; 0: none; None: it is not all there."""
        raise NotImplementedError

    def obey(self, request: bytes, now_ms: int) -> None:
        """Carry out a request, which may be for another board."""
        raise NotImplementedError

    def seal(self, body: bytes) -> bytes:
        """Make a frame of all that comes before its end and its checksum."""
        raise NotImplementedError

    def release(self, lock: int) -> bool:
        """Release a lock if there is one and nothing is refused; False: it was not."""
        if self.faults.refuse or not 1 <= lock <= self.locks.count:
            return False
        self.locks.release(lock)
        return True

    def answer(self, now_ms: int, body: Callable[[], bytes], after_ms: int = 0) -> None:
        """Answer in `after_ms` with what `body` gives then."""
        if self.faults.deaf_answers:
            return
        at_ms = now_ms + after_ms + self.faults.late_ms
        self._waiting.append((at_ms, lambda: self._spoil(body())))

    def look(self, now_ms: int, body: Callable[[], bytes]) -> None:
        """Answer an order once its pulse is over."""
        self.answer(now_ms, body, self._look_ms)

    def _spoil(self, body: bytes) -> bytes:
        """Add the end of the frame, and whatever goes wrong on the way."""
        if self.faults.wrong_address:
            named = (body[self.address_at] + self.address_step) % 256
            body = body[: self.address_at] + bytes((named,)) + body[self.address_at + 1 :]
        return self.faults.spoil(self.seal(body))
