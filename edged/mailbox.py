"""A bounded queue with one reader: the only queue in the daemon. Full is an answer."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Items in the order of their coming, at most `size` at a time.

    `refused` counts what was turned away since the start.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._taker: asyncio.Future[None] | None = None
        self.refused = 0

    def __len__(self) -> int:
        """How many items wait."""
        return len(self._items)

    def offer(self, item: T) -> bool:
        """Take the item or refuse it; never waits, so a stuck reader can't stall a writer."""
        if len(self._items) >= self._size:
            self.refused += 1
            return False
        self._items.append(item)
        _wake(self._taker)
        return True

    async def take(self) -> T:
        """Wait for the next item."""
        while not self._items:
            await self._filled(None)
        return self._items.popleft()

    async def take_within(self, within_s: float | None) -> T | None:
        """Wait for the next item; None when `within_s` seconds (None: no limit) passed first."""
        if not self._items:
            await self._filled(within_s)
        return self._items.popleft() if self._items else None

    def drain(self) -> list[T]:
        """Take all that waits, without waiting.

        From another thread too: one by one, so that nothing that comes meanwhile is lost.
        """
        drained = list[T]()
        with suppress(IndexError):
            while True:
                drained.append(self._items.popleft())
        return drained

    async def _filled(self, within_s: float | None) -> None:
        """Wait until there is an item, or the time has passed."""
        loop = asyncio.get_running_loop()
        self._taker = taker = loop.create_future()
        late = None if within_s is None else loop.call_later(within_s, _wake, taker)
        try:
            await taker
        finally:
            self._taker = None
            if late is not None:
                late.cancel()


def _wake(taker: asyncio.Future[None] | None) -> None:
    if taker is not None and not taker.done():
        taker.set_result(None)
