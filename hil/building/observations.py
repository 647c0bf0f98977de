"""What the building saw: numbered, written to its log, told to whoever watches."""

import json
from collections.abc import Callable
from typing import TextIO

Watcher = Callable[[dict[str, object]], None]


class Observations:
    """The building's record. `n` counts from 1 without gaps; `at_ms` never runs backwards.

    Args:
        log: Line-buffered text file, so that a line is there when its watchers hear of it.
    """

    def __init__(self, log: TextIO) -> None:
        self._log = log
        self._count = 0
        self.watchers: set[Watcher] = set()

    def add(self, at_ms: int, seen_us: int, what: str, **facts: object) -> None:
        """Write one observation down and tell it to every watcher (`seen_us`: README.md)."""
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
