"""What the console asks about rules and records; nothing of it moves or changes anything.

What takes milliseconds is done in a thread, what goes through every member in a process of its
own, and its answer is good for a while.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Generic, TypeVar

from edged import limits
from edged.apart import Apart
from edged.clock import Clock, SystemClock
from edged.settings.model import Settings
from edged.store import audit
from edged.whatif import ask, readiness, why

T = TypeVar("T")

_BUSY: Final = "the same is being looked up already"


class Inquiry:
    """Answers from the databases of this device, as the command line would."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._bookings = _Kept(Apart(_bookings, _BUSY))
        self._readiness = _Kept(Apart(_readiness, _BUSY))

    async def why(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Say whether a `member` would get in now at `place`, a device or a door; "": at any."""
        member, place = str(said["member"]), str(said["place"]) or None
        now = self._clock.now().at
        asked = why.why(self._settings.state_dir, member, now, place)
        answers = await asyncio.to_thread(asyncio.run, asked)
        return {"answers": [why.plain(one) for one in answers[: limits.ANSWERS_SHOWN]]}

    async def records(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Give records before the seq `before`, or the newest where that is 0; newest first."""
        before = said["before"]
        path = self._settings.state_dir / "journal.db"
        if not isinstance(before, int) or not path.exists():
            return {"records": []}
        found = await asyncio.to_thread(_records, path, before)
        return {"records": found}

    async def bookings(self, _: Mapping[str, object]) -> Mapping[str, object]:
        """Give today's bookings at this device's stores, by their start."""
        rows = await self._bookings(self._settings)
        return {"bookings": rows[: limits.BOOKINGS_SHOWN], "all": len(rows)}

    async def readiness(self, _: Mapping[str, object]) -> Mapping[str, object]:
        """Say what goes on to work if the line drops now (edged/whatif/readiness.py)."""
        return await self._readiness(self._settings)


class _Kept(Generic[T]):
    """An answer that is worked out anew after `limits.INQUIRY_KEPT_S`."""

    def __init__(self, work: Apart[T]) -> None:
        self._work = work
        self._kept: tuple[float, T] | None = None

    async def __call__(self, settings: Settings) -> T:
        now_s = asyncio.get_running_loop().time()
        if self._kept is None or now_s > self._kept[0] + limits.INQUIRY_KEPT_S:
            self._kept = now_s, await self._work(settings)
        return self._kept[1]


def _bookings(settings: Settings) -> list[dict[str, object]]:
    state = ask.State(settings, SystemClock())
    return [row.plain() for row in asyncio.run(ask.bookings(state, None, _quietly))]


def _readiness(settings: Settings) -> Mapping[str, object]:
    return asyncio.run(readiness.readiness(ask.State(settings, SystemClock())))


def _quietly(names: Sequence[str]) -> Iterable[str]:
    return names


def _records(path: Path, before: int) -> list[Mapping[str, object]]:
    """Read a page of records, newest first, as many as a line has room for."""
    if before <= 0:
        found = audit.read_newest(path, limits.RECORDS_SHOWN)
    else:
        first = max(0, before - 1 - limits.RECORDS_SHOWN)
        found = audit.read_records(path, first, before - 1 - first)
    shown: list[Mapping[str, object]] = []
    room = limits.CONTROL_LINE_BYTES // 2
    for record in reversed(found):
        room -= len(record.data)
        if room < 0:
            break
        shown.append(json.loads(record.data))
    return shown
