"""People who come one after another, and what the process beside them is like meanwhile."""

import os
import resource
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hil.kills.campaign import member_handle
from hil.people import Observation, People
from hil.site.site import Site

MEMBERS: Final = 1_000
_SEEN_S: Final = 10.0
_SAMPLES: Final = 200
"""Of a whole run: enough for a slope, and few enough to be no load of their own."""
_WARM: Final = 10
"""The first tenth is for caches to fill: what grows after it is a slope."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the daemon was like after so many scans."""

    scans: int
    resident_kb: int
    handles: int
    threads: int
    wal_kb: int
    processor_s: float


@dataclass(slots=True)
class Soaked:
    """A stream: how long each entry took from the code to the light, and the samples."""

    took_ms: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    entries: int = 0
    exits: int = 0
    garbage: int = 0

    def summary(self) -> dict[str, Any]:
        """Give the figures. Memory: KB a million scans, by least squares after the first tenth."""
        tenth = max(1, len(self.took_ms) // 10)
        first, last = sorted(self.took_ms[:tenth]), sorted(self.took_ms[-tenth:])
        warm = self.samples[len(self.samples) // _WARM :]
        least = max(2, len(self.samples) // 10)
        begun, ending = (costs_us(some) for some in (self.samples[:least], self.samples[-least:]))
        return {
            "scans": self.entries + self.exits + self.garbage,
            "entries": self.entries,
            "exits": self.exits,
            "garbage": self.garbage,
            "first_tenth_p50_ms": round(first[tenth // 2], 2),
            "last_tenth_p50_ms": round(last[tenth // 2], 2),
            "last_to_first": round(last[tenth // 2] / first[tenth // 2], 2),
            "processor_us": [round(begun), round(ending)],
            "processor_last_to_first": round(ending / begun, 2) if begun else None,
            "memory_begin_kb": warm[0].resident_kb,
            "memory_end_kb": warm[-1].resident_kb,
            "memory_kb_per_million": round(slope(warm) * 1_000_000),
            "handles": _range(one.handles for one in warm),
            "threads": _range(one.threads for one in warm),
            "wal_most_kb": max(one.wal_kb for one in self.samples),
        }


def slope(samples: Sequence[Sample]) -> float:
    """Fit a line through the memory: KB a scan; 0 for fewer than two moments."""
    n = len(samples)
    mean_x = sum(one.scans for one in samples) / n
    mean_y = sum(one.resident_kb for one in samples) / n
    over = sum((one.scans - mean_x) * (one.resident_kb - mean_y) for one in samples)
    under = sum((one.scans - mean_x) ** 2 for one in samples)
    return over / under if under else 0.0


def costs_us(samples: Sequence[Sample]) -> float:
    """Return the processor's time that a scan took between the first and the last sample."""
    first, last = samples[0], samples[-1]
    return (last.processor_s - first.processor_s) * 1e6 / max(1, last.scans - first.scans)


def _range(values: Iterator[int]) -> list[int]:
    found = list(values)
    return [min(found), max(found)]


def look(pid: int, wal: Path, scans: int) -> Sample:
    """Look at a process and its journal's log now."""
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text(encoding="ascii").split()[1])
    ticks = (process / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
    return Sample(
        scans,
        pages * resource.getpagesize() // 1_024,
        len(list((process / "fd").iterdir())),
        len(list((process / "task").iterdir())),
        wal.stat().st_size // 1_024 if wal.exists() else 0,
        sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"),
    )


class Stream:
    """Who comes to the door `front` of a site that is up and knows `MEMBERS` members."""

    def __init__(self, site: Site, people: People) -> None:
        self._site = site
        self._people = people
        self.soaked = Soaked()

    async def run(self, scans: int, told: Callable[[int], None]) -> None:
        """Let so many codes be shown, one after another; in ten there are a leaving and garbage.

        Raises:
            TimeoutError: The light beside the reader stayed dark.
        """
        wal = self._site.folder / "state" / "journal.db-wal"
        every = max(1, scans // _SAMPLES)
        for n in range(scans):
            if n % every == 0:
                self.soaked.samples.append(look(self._site.daemon.pid, wal, n))
                told(n)
            await self._next(n)
        self.soaked.samples.append(look(self._site.daemon.pid, wal, scans))
        told(scans)

    async def _next(self, n: int) -> None:
        match n % 10:
            case 3:
                self.soaked.garbage += 1
                await self._show("front-in", f"M1:{secrets.token_hex(16).upper()}")
            case 7:
                self.soaked.exits += 1
                await self._show("front-out", self._code(n))
            case _:
                self.soaked.entries += 1
                began_s = time.perf_counter()
                await self._show("front-in", self._code(n))
                self.soaked.took_ms.append((time.perf_counter() - began_s) * 1_000)

    async def _show(self, reader: str, text: str) -> None:
        def lit(seen: Observation) -> bool:
            return {"what": "indicator", "name": reader}.items() <= seen.items()

        before = self._people.last
        await self._people.scan(reader, text)
        await self._people.wait_for(lit, _SEEN_S, after=before)

    def _code(self, n: int) -> str:
        at_s = int(self._site.wall().timestamp())
        handle = member_handle(n % MEMBERS)
        return self._site.issuer.m1(handle, at_s, 30, secrets.randbits(32))


def is_entry(record: dict[str, Any]) -> bool:
    """Tell whether a record of the audit is somebody let in."""
    return {"decision": "ALLOW", "side": "IN"}.items() <= record.items()


def load_average() -> float:
    """Give the machine's load of the last minute: what a figure was taken beside."""
    return round(os.getloadavg()[0], 2)
