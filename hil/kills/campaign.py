"""Rounds of stream, kill, restart, look."""

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from edged.store.audit import Verified, read_records, verify
from hil.people import Observation, People, Refused
from hil.site.site import Site

_READER, _DOOR = "front-in", "front"
_ALIVE_MS = (5, 600)
"""How long a round's daemon lives after its start; a stream of codes falls into all of it."""
_ON_SIGHT = 0.5
"""Share of the rounds that end at the moment when a bolt lets go."""
_BETWEEN_MS = (1, 40)
CROWD_A_ROUND = 60
"""Members that come in one round at most: each presents once, so a bolt tells whom it let in."""
_EARLY = 30
"""So many come at most before the daemon is ready: however slowly it starts, others come later."""
_TRY_AGAIN = 3
"""Of those who came last before a kill, so many come again: nobody may be counted twice."""
_WINDOW_MS = 3_000
"""A bolt that moves belongs to somebody who presented a code so shortly before."""


@dataclass(slots=True)
class Tally:
    """What was done and seen. `violations`: everything that must not be, in words."""

    seed: int
    rounds: int = 0
    presented: int = 0
    movements: int = 0
    allowed: int = 0
    records: int = 0
    violations: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        """Give all of it as one JSON object."""
        return json.dumps(asdict(self))


def crowd(site: Site, size: int) -> None:
    """Fill the site's rules with `size` members who may all come in, and make bolts quick."""
    rules = site.rules
    rules["plans"]["CROWD"] = {"bands": [{"kind": "NOW"}]}
    rules["members"] = {
        f"m{n}": {
            "handle": member_handle(n).hex(),
            "contracts": [{"id": f"C{n}", "plan": "CROWD", "start": "2025-01-01"}],
        }
        for n in range(size)
    }
    for door in rules["doors"].values():
        door["pulse_ms"] = 500
    site.building["doors"][_DOOR]["opens_after_ms"] = 0


class Campaign:
    """One site, killed again and again. Its files are written and its building is up."""

    def __init__(self, site: Site, seed: int) -> None:
        self._site = site
        self._chance = random.Random(seed)
        self._members: dict[str, str] = {}
        self._next = 0
        self._last: list[int] = []
        self.tally = Tally(seed)

    async def round(self, people: People) -> None:
        """Start the daemon into a stream of codes, kill it, and look."""
        ready = asyncio.Event()
        streaming = asyncio.create_task(self._stream(people, ready))
        try:
            await self._site.start_daemon()
            ready.set()
            await self._moment(people)
            self._site.daemon.kill()
            await self._site.daemon.wait()
        finally:
            streaming.cancel()
            with suppress(asyncio.CancelledError):
                await streaming
        await people.state()  # what was seen until now has been told
        self.tally.rounds += 1
        self._look(people.seen)

    async def _moment(self, people: People) -> None:
        """Wait for a random moment, or for the one at which the building sees a bolt let go.

        The second is the worst there is for a daemon that would release before it has recorded.
        """
        alive_s = self._chance.uniform(*_ALIVE_MS) / 1000
        if self._chance.random() < _ON_SIGHT:
            with suppress(TimeoutError):
                await people.wait_for(_lets_go, alive_s, after=people.last)
            return
        await asyncio.sleep(alive_s)

    async def _stream(self, people: People, ready: asyncio.Event) -> None:
        """Let those who came last try again, then newcomers, each with a code of their own."""
        again, self._last = self._last[-_TRY_AGAIN:], []
        for count in range(CROWD_A_ROUND - _TRY_AGAIN):
            if count == _EARLY:
                await ready.wait()
            member = again.pop(0) if again else self._next
            self._next += member == self._next
            self._last.append(member)
            now = int(datetime.now(UTC).timestamp())  # noqa: TID251 - a phone's clock
            text = self._site.issuer.m1(
                member_handle(member), now, 30, self._chance.getrandbits(32)
            )
            self._members[hashlib.sha256(text.encode()).hexdigest()] = f"m{member}"
            with suppress(Refused):
                await people.scan(_READER, text)
                self.tally.presented += 1
            await asyncio.sleep(self._chance.uniform(*_BETWEEN_MS) / 1000)
            with suppress(Refused):  # the bolt may be thrown
                await people.open(_DOOR)
                await people.close(_DOOR)

    def _look(self, seen: list[Observation]) -> None:
        """Hold the building's memory against the audit."""
        journal, tally = self._site.folder / "state" / "journal.db", self.tally
        verdict = verify(journal)
        if not isinstance(verdict, Verified):
            tally.violations.append(f"round {tally.rounds}: {verdict}")
            return
        records = [json.loads(record.data) for record in read_records(journal, 0, 10_000_000)]
        allowed = [record for record in records if record.get("decision") == "ALLOW"]
        scans = [
            (one["at_ms"], self._members[one["sha256"]]) for one in seen if one["what"] == "scan"
        ]
        moved = [one["at_ms"] for one in seen if _lets_go(one)]
        tally.records, tally.allowed, tally.movements = len(records), len(allowed), len(moved)
        tally.violations += [*_unrecorded(moved, scans, allowed), *_doubled(scans, allowed)]


def _lets_go(seen: Observation) -> bool:
    return seen["what"] == "bolt" and bool(seen["released"])


Scans = list[tuple[int, str]]
"""Who presented a code, and when by the building's clock, in ms."""


def _unrecorded(moved: list[int], scans: Scans, allowed: list[dict[str, Any]]) -> Iterator[str]:
    """Name every movement for which nobody who stood there has an ALLOW record."""
    let_in = {record["member"] for record in allowed}
    for at_ms in moved:
        there = {who for when, who in scans if at_ms - _WINDOW_MS <= when <= at_ms}
        if not there & let_in:
            yield f"the bolt moved at {at_ms} ms, and none of {sorted(there)} has a record"
    if len(moved) > len(allowed):
        yield f"{len(moved)} movements, {len(allowed)} records"


def _doubled(scans: Scans, allowed: list[dict[str, Any]]) -> Iterator[str]:
    """Name everything that was recorded or counted more often than it happened."""
    presented = Counter(who for _, who in scans)
    entries = Counter(record["member"] for record in allowed)
    for member, count in entries.items():
        if count > presented[member]:
            yield f"{member}: {count} entries of {presented[member]} presentations"
    keys = Counter(key for record in allowed for key in record["usage_keys"])
    events = Counter(record["event_id"] for record in allowed)
    for name, count in (keys | events).items():
        if count > 1:
            yield f"{name}: {count} times"


def member_handle(member: int) -> bytes:
    """Give the handle of member `m0`, `m1` ..."""
    return b"c" + member.to_bytes(7, "big")
