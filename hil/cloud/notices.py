"""Notices of refusals at doors: lines in a file, and POSTs to a URL.

They are a convenience: what a slow URL can't take is counted and dropped, the audit has it all.
"""

import asyncio
import json
import urllib.request
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hil.cloud import limits
from hil.cloud.lessons import Refused


@dataclass
class Notices:
    """Where notices go. `dropped`: how many did not."""

    file: Path | None
    url: str | None
    dropped: int = 0
    _waiting: deque[dict[str, Any]] = field(default_factory=deque)
    _some: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, refusals: Sequence[tuple[str, Refused]]) -> None:
        """Write notices to the file, and let them wait for the URL. Blocks for the file.

        Raises:
            OSError: The file can't be written.
        """
        told = [{"device": device, **asdict(refused)} for device, refused in refusals]
        if self.file is not None and told:
            with self.file.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(each) + "\n" for each in told)
        if self.url is not None:
            for each in told:
                if len(self._waiting) < limits.NOTICES:
                    self._waiting.append(each)
                else:
                    self.dropped += 1
            self._some.set()

    async def post(self) -> None:
        """Post what waits, one after the other, for ever."""
        while True:
            await self._some.wait()
            while self._waiting:
                await asyncio.to_thread(self._post, self._waiting.popleft())
            self._some.clear()

    def _post(self, told: dict[str, Any]) -> None:
        request = urllib.request.Request(
            self.url or "", json.dumps(told).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=limits.WEBHOOK_MS / 1000):
                pass
        except OSError:
            self.dropped += 1
