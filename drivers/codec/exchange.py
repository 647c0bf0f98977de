"""One request on a bus, and its answer found in whatever comes back. Shared by every protocol."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """A frame for one board, and how its answer is known.

    Args:
        board: Make and address, such as `kerong board 3`: one name for one board of a bus.
        frame: What is sent, whole.
        found: Gives the answer that ends with the last byte of what came in, None if there is
            none. It is given at least the last `longest` bytes, if so many came.
        longest: Bytes of the longest answer.
        differs: No answer equals the frame, so a copy of it can only be an adapter's echo.
        reply_ms: How long the answer may take.
        stale_ms: For so long after that an answer may still come and be taken for the next
            one's; the board is asked nothing meanwhile. 0: the next answer can't be mistaken.
    """

    board: str
    frame: bytes
    found: Callable[[bytes], T | None]
    longest: int
    differs: bool
    reply_ms: int
    stale_ms: int = 0


def check(what: str, value: int, allowed: range) -> None:
    """Raise ValueError, with its name, for a value that is out of range."""
    if value not in allowed:
        raise ValueError(f"{what} must be {allowed[0]}..{allowed[-1]}, got {value}")


class Search(Generic[T]):
    """Finds the answer to one request among noise, echo and old frames.

    Pure. What is no answer to this very request is passed over byte by byte. How the stream was
    divided into calls makes no difference, no input raises, and no more is kept than the longer
    of request and answer.

    Args:
        request: What is sent.
        echo: Whether the adapter sends every request back, which then is not the answer. A
            request that `differs` from its answers finds out by itself.
    """

    def __init__(self, request: Request[T], *, echo: bool) -> None:
        self._request = request
        self._echo_due = echo and not request.differs
        self._keep = max(len(request.frame), request.longest)
        self._tail = b""
        self.echoed = False
        """Whether the request came back for certain."""

    def feed(self, data: bytes) -> T | None:
        """Return the answer as soon as its last byte is in; what follows it is not looked at."""
        differs = self._request.differs
        for byte in data:
            self._tail = (self._tail + bytes((byte,)))[-self._keep :]
            if (differs or self._echo_due) and self._tail.endswith(self._request.frame):
                self.echoed |= differs
                self._echo_due = False
                self._tail = b""
            elif not self._echo_due and (found := self._request.found(self._tail)) is not None:
                return found
        return None
