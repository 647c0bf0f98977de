"""What the building saw: numbered, written to its log, told to whoever watches."""

import json
from collections.abc import Callable
from typing import TextIO

Watcher = Callable[[dict[str, object]], None]


class Observations:
    """The building's record. `n` counts from 1 without gaps; `at_ms` never runs backwards.

    Args:
        log: Line-buffered text file, so that a line is there when its watchers hear of it.
        clock_us: The building's monotonic clock, us: when each is seen, to measure by.
    """

    def __init__(self, log: TextIO, clock_us: Callable[[], int]) -> None:
        self._log = log
        self._clock_us = clock_us
        self._count = 0
        self.watchers: set[Watcher] = set()

    def add(self, at_ms: int, what: str, **facts: object) -> None:
        """Write one observation down and tell it to every watcher."""
        seen_us = self._clock_us()
        self._count += 1
        observation = {
            "at_ms": at_ms,
            "seen_us": seen_us,
            "n": self._count,
            "what": what,
            **facts,
        }
        self._log.write(json.dumps(observation, ensure_ascii=False) + "\n")
        for watcher in tuple(self.watchers):
            watcher(observation)
