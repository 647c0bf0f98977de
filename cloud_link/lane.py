"""What waits for its turn, and waiting itself."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Lane(Generic[T]):
    """Items in the order of their coming, at most `size`. Full is an answer, not an accident."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._waiting = asyncio.Semaphore(0)

    def offer(self, item: T) -> bool:
        """Take the item or refuse it; never waits."""
        if len(self._items) >= self._size:
            return False
        self._items.append(item)
        self._waiting.release()
        return True

    async def take(self) -> T:
        """Wait for the next item. Several may wait; each item wakes one of them, and goes to it."""
        await self._waiting.acquire()
        return self._items.popleft()


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when one of the waits is over, and end the others. Raises what that one raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
