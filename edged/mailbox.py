"""A bounded queue with one reader: the only queue in the daemon. Full is an answer."""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Items in the order of their coming, at most `size` at a time.

    `refused` counts what was turned away since the start.
    """

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[T] = asyncio.Queue(size)  # noqa: TID251 - its one home
        self.refused = 0

    def __len__(self) -> int:
        """How many items wait."""
        return self._queue.qsize()

    def offer(self, item: T) -> bool:
        """Take the item or refuse it; never waits, so a stuck reader can't stall a writer."""
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.refused += 1
            return False
        return True

    async def take(self) -> T:
        """Wait for the next item."""
        return await self._queue.get()

    async def take_within(self, within_s: float | None) -> T | None:
        """Wait for the next item; None when `within_s` seconds (None: no limit) passed first."""
        if within_s is None:
            return await self._queue.get()
        try:
            async with asyncio.timeout(within_s):
                return await self._queue.get()
        except TimeoutError:
            return None

    def drain(self) -> list[T]:
        """Take all that waits, without waiting."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]
