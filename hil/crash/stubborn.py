"""A journal that is written to whatever the disk says, as the daemon does it.

After a failure it is closed, opened anew, and gone on with from what is there. Says on standard
output what is stored, and `WRONG` where that is not so after the next opening. A program of its
own, so that its calls can be made to fail.
"""

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from edged.store import limits
from edged.store.journal import Journal, StoreFailed
from hil.crash.telling import say
from hil.crash.workload import PADDING, PIECE, write

_COMMITS: Final = 12
_ROOM: Final = 8 * PIECE
_TOGETHER: Final = (1, 4, 1)
_COPIED_AT: Final = 5
_OPENINGS: Final = 8
"""After so many the disk is not going to be well again."""


class Stubborn:
    """A journal that shall hold so many commits. `told`: how many were told stored."""

    def __init__(self, path: Path, commits: int) -> None:
        self._journal = Journal(path)
        self._commits = commits
        self.told = 0
        self._doubtful = commits  # whoever wrote before may not have heard what came of it

    async def work(self) -> bool:
        """Commit all of them; False: the disk did not let it."""
        for _ in range(_OPENINGS):
            with suppress(StoreFailed):
                await self._journal.open()
                serving = asyncio.create_task(self._journal.serve())
                try:
                    await self._go_on()
                finally:
                    serving.cancel()
                    await asyncio.wait({serving})
            await self._journal.close()
            if self.told == self._commits:
                return True
        return False

    async def _go_on(self) -> None:
        """Look what is there, and commit the rest. Raises StoreFailed: the disk failed."""
        there = await self._journal.commit(lambda ledger: ledger.last()[0])
        if not self.told <= there <= self.told + self._doubtful:
            say(f"WRONG: {there} are there, {self.told} told, {self._doubtful} in doubt")
        self.told, self._doubtful = there, 0
        await self._journal.make_room()
        while self.told < self._commits:
            count = min(_TOGETHER[self.told % len(_TOGETHER)], self._commits - self.told)
            await self._commit(count)
            if self.told % _COPIED_AT == 0:
                await self._journal.copy_log()

    async def _commit(self, count: int) -> None:
        wanted = range(self.told, self.told + count)
        heard = await asyncio.gather(
            *(self._journal.commit(partial(write, n, PADDING[n % len(PADDING)])) for n in wanted),
            return_exceptions=True,
        )
        failed = [one for one in heard if isinstance(one, BaseException)]
        self.told += count - len(failed)  # they are one commit, or fail one after the other
        say(f"stored {self.told}")
        self._doubtful = sum(isinstance(one, StoreFailed) and one.doubtful for one in failed)
        if failed:
            raise failed[0]


def work(folder: Path, _said: str) -> bool:
    """Work in a folder; False: the disk did not let it."""
    vars(limits).update(LOG_ROOM=_ROOM, LOG_PIECE=PIECE)
    return asyncio.run(Stubborn(folder / "journal.db", _COMMITS).work())
