"""Releasing every locker of a bank, for an evacuation: one after the other, for the current.

It is written down before the first pulse and again after the last one. No use of a locker
changes: its owner's code and PIN go on to count, and a locker that is ending still waits to be
seen open. A restart ends it; nothing is pulsed again by itself.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from edged.core import events
from edged.lockers.order import Write
from edged.store.ledger import Ledger
from edged.store.lockers import TakenCommand
from policy.model import Reason


@dataclass(slots=True)
class MasterRelease:
    """One release of a bank: which lockers are still to come, and what came of the others.

    `begun`: what the command is answered: OK once it is on the disk. `due_ms`: when the next
    pulse is due, by the monotonic clock.
    """

    command: events.LockerCommand
    waiting: deque[str]
    due_ms: int = 0
    released: int = 0
    failed: list[str] = field(default_factory=list)
    begun: asyncio.Future[str] = field(default_factory=asyncio.Future)

    @classmethod
    def of(cls, command: events.LockerCommand, lockers: Iterable[str]) -> "MasterRelease":
        """Make one of all these lockers, in this order."""
        return cls(command, deque(lockers))

    def answer(self, result: str) -> None:
        """Answer who asked, if somebody still waits."""
        if not self.begun.done():
            self.begun.set_result(result)

    def note(self, locker: str, *, done: bool) -> None:
        """Count what came of one pulse."""
        self.released += done
        if not done:
            self.failed.append(locker)

    def beginning(self, stamp: events.Stamp, bank: str) -> Write:
        """Make the transaction that has to come before the first pulse."""
        body = events.master_release(stamp, self.command, bank, lockers=len(self.waiting))

        def write(ledger: Ledger) -> TakenCommand | list[events.Body]:
            taken = ledger.taken_command(self.command.id)
            if taken is not None:
                return taken
            ledger.take_command(self.command)
            ledger.answer_command(self.command.id, Reason.OK.value)
            ledger.append(body)
            return [body]

        return write

    def end(self, stamp: events.Stamp, bank: str) -> events.Body:
        """Say what came of it."""
        return events.master_released(
            stamp, self.command, bank, released=self.released, failed=self.failed
        )
