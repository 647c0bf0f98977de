"""Entries that a device has recorded and the cloud has not seen: what a long time alone leaves."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from edged.core import events
from edged.core.events import Presented, Stamp
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from edged.store.rules import RulesStore
from edged.store.state_dir import claim
from hil.chain.line import now
from policy.decision import Decision
from policy.model import Reason, Rules, Verdict
from policy.usage_keys import UsageKey

_COMMIT: Final = 500  # records that are written at once
_READER: Final = "front-in"


@dataclass(frozen=True, slots=True)
class Entries:
    """So many entries, evenly over so many days until now, by members m0, m1 ... in turn."""

    count: int
    days: int
    members: int

    def at(self, number: int, until: datetime) -> datetime:
        """Return when the entry of this number was, oldest first."""
        return until - timedelta(days=self.days) * (self.count - number) / self.count


async def write(state: Path, entries: Entries, tell: Callable[[int], object]) -> None:
    """Write the entries into the journal of a daemon that is not running; each counts.

    `tell` is told how many there are.
    """
    until = now()
    with claim(state):
        store = await RulesStore.open(state / "rules")
        journal = Journal(state / "journal.db")
        await journal.open()
        serving = asyncio.create_task(journal.serve())
        try:
            if store.rules is None:
                raise ValueError(f"{state} has no rules")
            for first in range(0, entries.count, _COMMIT):
                await journal.commit(partial(_append, store.rules, entries, first, until))
                tell(min(first + _COMMIT, entries.count))
        finally:
            serving.cancel()
            await asyncio.wait({serving})
            await journal.close()
            await store.close()


def _append(rules: Rules, entries: Entries, first: int, until: datetime, ledger: Ledger) -> None:
    device = rules.devices[_READER]
    tz = rules.stores[device.store].tz
    for number in range(first, min(first + _COMMIT, entries.count)):
        at, member, event = entries.at(number, until), number % entries.members, str(uuid.uuid4())
        day = at.astimezone(tz).date()
        key = UsageKey(f"C{member}", "NOW", day)
        decision = Decision(Verdict.ALLOW, Reason.OK, f"plan:C{member}", "NOW", day, (key,), (key,))
        presented = Presented(event, "M1", f"m{member}")
        ledger.append(events.passage(Stamp(at, "SYNCED"), rules, device, presented, decision))
        ledger.add_key(key, event)
