"""The laws, held against what the building sees and what is on the disk at that moment.

The witness knows nothing of the daemon but its journal's file, read from beside it.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from edged.store import audit
from edged.store.errors import StoreFailed
from hil.people import Observation
from hil.virtual.site import VirtualSite

DOOR: Final = "front"
_FRESH_MS: Final = 1_500
"""What moves a bolt came so shortly before: a press, a record that reached the disk."""
_LEAVING_MS: Final = 10_000
"""A leaving may have come so long before: those before it at its reader are looked up first."""
_ASIDE_MS: Final = 500
"""What came so shortly before the bolt was thrown has not been served by it."""
_NO_RULES_MS: Final = 5_000
"""How long the exit button releases while the disk tells no rules (spec/rules.md 6, row 38)."""
_YEARS: Final = (date(2020, 1, 1), date(2199, 1, 1))


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a bolt may move: `kind` of what happened at `at_ms`, once.

    `late_ms`: how much later a leaving may; anything else may for a moment.
    """

    kind: str
    at_ms: int
    late_ms: int = 0

    def lasts(self, now_ms: int, for_ms: int) -> bool:
        """Tell whether it may still move the bolt; a leaving may for longer than `for_ms`."""
        return now_ms <= self.last_ms(for_ms)

    def last_ms(self, for_ms: int = 0) -> int:
        """The latest that it may move the bolt."""
        return self.at_ms + (self.late_ms or for_ms)


class Witness:
    """Watches a site's `door`.

    `violations`: all that must not be, in words, with the virtual time. `heard` is given each
    record as it is read from the disk.
    """

    def __init__(self, site: VirtualSite, owners: dict[str, int], door: str = DOOR) -> None:
        self.violations: list[str] = []
        self.events = 0
        self.pulses = 0
        self.seen_records = 0
        self.heard: Callable[[dict[str, Any]], object] = lambda _: None
        self._site = site
        self._owners = owners
        self.door = door
        self._causes: list[Cause] = []
        self._there: dict[str, int] = {}
        self._energised_ms: int | None = None

    def owes(self, kind: str) -> bool:
        """Tell whether an "entry", or "command", is on the disk that has moved no bolt yet."""
        return any(one.kind == kind for one in self._causes)

    @property
    def journal(self) -> Path:
        """The daemon's file."""
        return self._site.folder / "state" / "journal.db"

    def violate(self, what: str) -> None:
        """Note that a law was broken now."""
        self.violations.append(f"{self._site.sky.true().isoformat()} {what}")

    def asks(self, kind: str, more_ms: int = 0) -> None:
        """Note that something happens now that moves the bolt, once.

        `more_ms`: how much longer a leaving may wait than for those before it.
        """
        late_ms = _LEAVING_MS + more_ms if kind == "leaving" else 0
        self._causes.append(Cause(kind, self._now_ms(), late_ms))

    def sees(self, seen: Observation) -> None:
        """Take what the building saw, at the moment when it happens."""
        self.events += 1
        match seen["what"]:
            case "device":
                part = f"{seen['hello']} {seen.get('name', seen.get('door'))}"
                self._there[part] = self._there.get(part, 0) + (1 if seen["connected"] else -1)
            case "coil" if seen["door"] == self.door:
                (self._released if seen["energised"] else self._secured)(seen["at_ms"])

    def well(self, *parts: str) -> bool:
        """Tell whether these devices have a daemon."""
        return all(self._there.get(part, 0) > 0 for part in parts)

    def _now_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1_000)

    def _released(self, at_ms: int) -> None:
        """Hold a release against what may have caused it, each cause once."""
        self.pulses += 1
        self._energised_ms = at_ms
        self.read()
        self._causes = [one for one in self._causes if one.lasts(at_ms, _FRESH_MS)]
        if self._causes:  # those that last the shortest first
            self._causes.remove(min(self._causes, key=lambda one: one.kind == "leaving"))
            return
        self.violate("the bolt was released, and nothing that is on the disk says why")

    def _secured(self, at_ms: int) -> None:
        began_ms, self._energised_ms = self._energised_ms, None
        self.read()
        if began_ms is None:
            return
        newest = max([began_ms, *(one.last_ms() for one in self._causes)])
        self._causes = [one for one in self._causes if one.lasts(at_ms, _ASIDE_MS)]
        pulse_ms = max(self._site.rules["doors"][self.door]["pulse_ms"], _NO_RULES_MS)
        if at_ms - newest > pulse_ms + 1_000:
            self.violate(f"the bolt was released for {at_ms - newest} ms after the last cause")

    def read(self) -> None:
        """Read the records that have come to the disk, from beside the daemon."""
        for record in self._records(self.seen_records):
            self.seen_records += 1
            self.heard(record)
            if record["kind"] == "passage" and record["side"] == "IN":
                if record["decision"] == "ALLOW":
                    self.asks("entry")
            elif record["kind"] == "command" and record["verb"] == "open":
                self.asks("command")

    def begin_anew(self) -> None:
        """Take that the disk is one of before: what is on it has moved all that it moves."""
        self.seen_records = sum(1 for _ in self._records(0))
        self._causes.clear()

    def _records(self, after: int) -> Iterator[dict[str, Any]]:
        try:
            found = audit.read_records(self.journal, after, 1_000_000)
        except StoreFailed:
            return iter(())
        return (json.loads(one.data) for one in found)

    # --- at the end of a day

    def look(self) -> None:
        """Hold the whole journal against itself: the chain, the counts, the outcomes."""
        verdict = audit.verify(self.journal)
        if not isinstance(verdict, audit.Verified):
            self.violate(f"the chain is broken: {verdict}")
        records = list(self._records(0))
        self._recount(records)
        passages = Counter(one["event_id"] for one in records if one["kind"] == "passage")
        outcomes = Counter(one["event_id"] for one in records if one["kind"] == "outcome")
        for what, found in (("passages", passages), ("outcomes", outcomes)):
            for event_id, times in found.items():
                if times > 1:
                    self.violate(f"{event_id} has {times} {what}")

    def _recount(self, records: list[dict[str, Any]]) -> None:
        """Count anew from the records, and hold it against the journal's own count."""
        back = {one["event_id"] for one in records if one.get("withdrawn")}
        for owner, limit in self._owners.items():
            kept = audit.read_used(self.journal, [owner], *_YEARS)
            mine = {
                key
                for one in records
                if one["kind"] == "passage" and one["event_id"] not in back
                for key in one["usage_keys"]
                if key.split("/")[0] == owner
            }
            if len(mine) != len(kept):
                self.violate(f"{owner}: {len(kept)} counted, {len(mine)} by the records")
            months = Counter((key.service_date.year, key.service_date.month) for key in kept)
            if limit and any(count > limit for count in months.values()):
                self.violate(f"{owner}: more than {limit} in a month: {months}")
