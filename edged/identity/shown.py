"""A claim that is shown to a scanner, or typed, where a device has no identity yet."""

import asyncio
from collections.abc import Callable
from functools import partial

from cloud_link.claim import PREFIX, BadClaim, claim_key
from drivers.api import Scan


class ShownClaims:
    """Stands between the readers and what they read for, as long as a claim is waited for."""

    def __init__(self) -> None:
        self._waited: asyncio.Future[bytes] | None = None

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for a claim."""
        return self._waited is not None and not self._waited.done()

    def give(self, code: str) -> bool:
        """Give a claim that was typed; False: nobody waits for one. Raises BadClaim."""
        key = claim_key(code)
        if self._waited is None or self._waited.done():
            return False
        self._waited.set_result(key)
        return True

    async def take(self) -> bytes:
        """Wait until a claim is shown to any reader; return its key. One waits at a time."""
        self._waited = asyncio.get_running_loop().create_future()
        try:
            return await self._waited
        finally:
            self._waited = None

    def before(self, scanned: Callable[[Scan], None]) -> Callable[[Scan], None]:
        """Return what a reader reports to: a claim that is waited for goes no further."""
        return partial(self._see, scanned)

    def _see(self, scanned: Callable[[Scan], None], scan: Scan) -> None:
        if not self._takes(scan.text):
            scanned(scan)

    def _takes(self, text: bytes) -> bool:
        if self._waited is None or self._waited.done() or not text.startswith(PREFIX.encode()):
            return False
        try:
            self._waited.set_result(claim_key(text.decode("ascii", "replace")))
        except BadClaim:
            return False
        return True
