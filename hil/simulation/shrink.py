"""A story that breaks a law, made as short as it goes: what is left is what it takes.

Pure: whoever asks says whether a story fails. Taking events away leaves the others, and the
weather, as they were (story.py, hil/virtual/weather.py).
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shrink(story: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Take away what is not needed, in halves, quarters and so on down to single events.

    Delta debugging (Zeller, Hildebrandt): no single event can be taken from what is returned.

    Args:
        story: One that fails.
        fails: Whether a story fails.
    """
    left, pieces = list(story), 2
    while len(left) > 1:
        size = -(-len(left) // pieces)
        for start in range(0, len(left), size):
            rest = left[:start] + left[start + size :]
            if fails(rest):
                left, pieces = rest, max(2, pieces - 1)
                break
        else:
            if size == 1:
                break
            pieces = min(len(left), 2 * pieces)
    return left
