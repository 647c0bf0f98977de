"""Which commands were answered before, known without a look at the disk.

Most commands are new, and whoever stands at the door would wait for that look.
"""

from edged.cloud.outbox import JournalOutbox
from edged.store import limits
from edged.store.ledger import Ledger


class Answered:
    """Ids of commands, of which the journal may have an answer.

    It errs to one side: of an id that is not here the journal has none. It holds what the journal
    does, `limits.ANSWERED` ids of this run and as many of those before, 2 MB at most.
    """

    def __init__(self, outbox: JournalOutbox) -> None:
        self._outbox = outbox
        self._before: frozenset[str] | None = None
        self._now: dict[str, None] = {}

    async def may_hold(self, command: str) -> bool:
        """Say whether the journal has to be asked. Raises StoreFailed, at the first call."""
        if self._before is None:
            self._before = await self._outbox.read(lambda db: Ledger(db).answered())
        return command in self._now or command in self._before

    def add(self, command: str) -> None:
        """Take that an answer is about to be kept; the oldest is forgotten, as it is there."""
        self._now[command] = None
        if len(self._now) > limits.ANSWERED:
            del self._now[next(iter(self._now))]
