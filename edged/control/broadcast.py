"""Live events for whoever watches. Nobody who watches can hold up what is watched."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from edged import limits

Event = Mapping[str, object]


class Watcher:
    """One subscription: the newest events that it has not taken yet, and how many it missed."""

    def __init__(self, size: int) -> None:
        self._waiting: deque[Event] = deque(maxlen=size)
        self._missed = 0
        self._wake = asyncio.Event()

    def offer(self, event: Event) -> None:
        """Take the event, in place of the oldest where there is no room."""
        self._missed += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(event)
        self._wake.set()

    async def take(self) -> tuple[int, list[Event]]:
        """Wait for events: how many were missed before them, and all that wait."""
        await self._wake.wait()
        self._wake.clear()
        taken = self._missed, list(self._waiting)
        self._missed = 0
        self._waiting.clear()
        return taken


class Broadcast:
    """Hands each event to every watcher of the moment."""

    def __init__(self, size: int = limits.WATCH_EVENTS) -> None:
        self._size = size
        self._watchers: set[Watcher] = set()

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def publish(self, event: Event) -> None:
        """Tell everybody who watches; never waits. The event may not change afterwards."""
        for watcher in self._watchers:
            watcher.offer(event)

    @contextmanager
    def watcher(self) -> Iterator[Watcher]:
        """Watch what is published from now on, until the block ends."""
        watcher = Watcher(self._size)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
