"""What the codecs of scanners make of a stream: codes, answers, and what has to be sent back."""

from dataclasses import dataclass, field
from typing import Protocol, TypeVar

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Code:
    """A text that was read, without its end; 1..`limits.SCAN_BYTES`. It is somebody's key."""

    text: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Send:
    """A frame that the scanner expects now, because of what it sent."""

    frame: bytes


class Hearing(Protocol[AnswerT]):
    """Takes one scanner's stream apart. Pure: bytes and the time go in.

    How the stream was divided into calls makes no difference, no input raises, and no more is
    kept than a text or a frame may have.
    """

    def feed(self, data: bytes, now_ms: int) -> "list[Code | Send | AnswerT]":
        """Return what `data` ended, oldest first. The clock never goes back."""
        ...

    def settle(self) -> "list[Code | Send | AnswerT]":
        """Give up what is unfinished: the scanner owes an answer, and its line fell silent.

        Returns:
            What lay behind noise, an echo, or a text whose end never came: the answer, if it
            is there.
        """
        ...
