"""What looking a member up in the rules costs, by the number of members.

`python -m hil.perf.lookup [--json] [--rounds N] [--folder FOLDER]`. The rules are built by the
store's own code and kept in FOLDER for the next run, 270 MB in all. Each look-up is one await of
`RulesStore.member`, as the daemon does it, of a member that nobody asked for just before. The files
are read once before: it is about finding a member, and not about the disk below.
"""

import argparse
import asyncio
import hashlib
import json
import os
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic, perf_counter_ns

from edged.rulebook.file import RuleSet, rules_of
from edged.store.migrations import RULES
from edged.store.record import Json, canonical
from edged.store.rules import ACTIVE, RulesStore, activate, build
from hil.perf.plot import Bar, bars, keep
from hil.perf.stopwatch import Laps, race

SIZES = (1_000, 100_000, 1_000_000)
"""Members; the last is five times what a rules file may hold, to see where the cost goes."""
LOOKUPS = 2_000
"""A round's look-ups in each file."""
STEPS = 50
"""Steps of the progress bar."""

_BASE = canonical(
    {
        "format": "edged-rules/1",
        "tenant": "acme",
        "version": 1,
        "issued_at": "2026-11-25T00:00:00Z",
        "stores": {"S1": {"tz": "Asia/Tokyo", "bands": {"DAY": "9:00-17:00"}}},
        "plans": {"P1": {"bands": [{"kind": "DAY", "limit": 8}]}},
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """Look-ups among this many members; `ratio`: how many times as long as among the fewest.

    `build_s` and `build_mb` (the most memory of the building process) are None for a file that
    an earlier run left.
    """

    members: int
    p50_us: float
    p99_us: float
    ratio: float
    file_mb: float
    build_s: float | None
    build_mb: float | None


def handle(n: int) -> bytes:
    """Give the n-th member's handle: spread over all values, as opaque handles are."""
    return hashlib.blake2b(n.to_bytes(8, "big"), digest_size=8).digest()


def record(n: int) -> bytes:
    """Write the n-th member's document: a contract, and a booking for every fourth."""
    booking: Json = {
        "id": f"B{n}",
        "store": "S1",
        "program": "YOGA",
        "start": "2026-11-25T01:00:00Z",
        "end": "2026-11-25T02:00:00Z",
        "status": "CONFIRMED",
        "paid": True,
    }
    return canonical(
        {
            "handle": handle(n).hex(),
            "contracts": [{"id": f"C{n}", "plan": "P1", "start": "2026-01-01"}],
            "bookings": [] if n % 4 else [booking],
        }
    )


class _Records(Mapping[str, bytes]):
    """The members' documents, each written when it is asked for; shows how far that has come."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._given = 0

    def __getitem__(self, member: str) -> bytes:
        self._given += 1
        if sys.stderr.isatty() and self._given % max(self._size // STEPS, 1) == 0:
            done = self._given * STEPS // self._size
            bar = f"[{'#' * done:{STEPS}}]"
            print(f"\rbuilding {self._size:,} {bar}", end="", file=sys.stderr, flush=True)
            if self._given == self._size:
                print(file=sys.stderr)
        return record(int(member.removeprefix("M")))

    def __iter__(self) -> Iterator[str]:
        return (f"M{n}" for n in range(self._size))

    def __len__(self) -> int:
        return self._size


def fingerprint(size: int) -> str:
    """Tell the content of such a file; another release's content or schema differs."""
    return hashlib.sha256(_BASE + record(0) + f"{size} {len(RULES)}".encode()).hexdigest()


def built(size: int, folder: Path) -> tuple[float, float]:
    """Build the file and make it active; return the seconds, and the process's megabytes.

    The documents are never in memory together. All handles and ids are: the store sorts them.
    """
    start = monotonic()
    handles = {handle(n): f"M{n}" for n in range(size)}
    rule_set = RuleSet(rules_of(_BASE), _BASE, _Records(size), handles, fingerprint(size))
    activate(folder, build(rule_set, folder))
    most_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(monotonic() - start, 1), round(most_kb / 1024)


def prepared(size: int, folder: Path) -> tuple[float | None, float | None]:
    """See to it that the file is there; return what `built` does, if it was not."""
    if (folder / ACTIVE).exists():
        return None, None
    folder.mkdir(parents=True, exist_ok=True)
    # In a process of its own, as the daemon does it, and so that its memory can be told.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(built, size, folder).result()


async def timed(store: RulesStore, size: int, pick: Random) -> list[int]:
    """Look members up at random; return the nanoseconds of each."""
    spent = []
    for wanted in [handle(pick.randrange(size)) for _ in range(LOOKUPS)]:
        start = perf_counter_ns()
        member = await store.member(wanted)
        spent.append(perf_counter_ns() - start)
        if member is None or member.handle != wanted:
            raise LookupError(f"{wanted.hex()} of {size} members: {member}")
    return spent


def table(sizes: Sequence[int], rounds: int, folder: Path) -> list[Row]:
    """Build what is missing, then look members up in all the files in turn."""
    homes = {size: folder / f"{size}-{fingerprint(size)[:8]}" for size in sizes}
    costs = {size: prepared(size, home) for size, home in homes.items()}
    pick = Random(3)
    with asyncio.Runner() as runner:

        def laps(size: int) -> Laps:
            return lambda: runner.run(timed(stores[size], size, pick))

        for home in homes.values():
            (home / ACTIVE).read_bytes()  # and it stays in the kernel's memory
        stores = {size: runner.run(RulesStore.open(home)) for size, home in homes.items()}
        try:
            times = race({str(size): laps(size) for size in sizes}, rounds)
        finally:
            for store in stores.values():
                runner.run(store.close())
    fewest = times[str(min(sizes))]
    return [
        Row(
            size,
            round(median(own.p50), 1),
            round(median(own.p99), 1),
            round(own.ratio(fewest), 3),
            round((homes[size] / ACTIVE).stat().st_size / 1e6, 1),
            *costs[size],
        )
        for size in sizes
        for own in [times[str(size)]]
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s")
    home = Path(tempfile.gettempdir(), "edged-perf-lookup")
    parser.add_argument("--folder", type=Path, default=home, help="default: %(default)s")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it too, as SVG")
    asked = parser.parse_args()
    rows = table(SIZES, asked.rounds, asked.folder)
    if asked.plot:
        shown = [Bar(f"{row.members:,} members", row.p50_us, f"{row.ratio:.2f} x") for row in rows]
        keep(asked.plot, bars("A member looked up on the disk (p50)", "us", shown))
    if asked.json:
        for row in rows:
            print(json.dumps(asdict(row)))
        return
    print(f"{'members':>9} {'p50 us':>8} {'p99 us':>8} {'ratio':>6} {'file MB':>8}  build")
    for row in rows:
        built_now = f"{row.build_s} s, {row.build_mb} MB"
        cost = "by an earlier run" if row.build_s is None else built_now
        print(
            f"{row.members:9} {row.p50_us:8.1f} {row.p99_us:8.1f} {row.ratio:6.2f}"
            f" {row.file_mb:8.1f}  {cost}"
        )
    print(f"\n{asked.rounds} rounds, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
