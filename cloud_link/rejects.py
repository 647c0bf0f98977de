"""What came and is not the cloud's word, counted, so that a flood of it is a line a second."""

import asyncio
from collections import Counter
from typing import NoReturn

from cloud_link import limits
from cloud_link.ports import Ports
from cloud_link.verify import Why


class Rejects:
    """Sums up, and has each reason recorded once a second at the most."""

    def __init__(self, ports: Ports) -> None:
        self._clock = ports.clock
        self._inbox = ports.inbox
        self._counted: Counter[Why] = Counter()
        self._some = asyncio.Event()

    def add(self, why: Why, times: int = 1) -> None:
        """Count something."""
        self._counted[why] += times
        self._some.set()

    async def run(self) -> NoReturn:
        """Have it recorded, for ever."""
        while True:
            await self._some.wait()
            self._some.clear()
            counted, self._counted = self._counted, Counter()
            for why, times in counted.items():
                await self._inbox.rejected(why, times)
            await self._clock.sleep_ms(limits.REJECTS_MS)
