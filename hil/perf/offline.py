"""A long time without a line: what starting and entering cost after it, and whether all arrives.

`python -m hil.perf.offline [--json] [--records N] [--days N] [--members N] [--scans N]`. A store
works for itself for 30 days: a million entries are in its journal and the cloud has none of them.
Its daemon starts, members come, the line is plugged in again. Beside it, in the same run, the same
daemon with a new journal. At the end the cloud's copy has to end with the device's own last record:
each names the hash of the one before, so then they all are the same.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from hil.perf import backlog
from hil.perf.linked import linked, rss_mb
from hil.perf.memory import come
from hil.site.rules import STORE
from hil.site.site import Site
from hil.stores.stores import Stores

_LOOK_S: Final = 1.0  # to be asked costs the daemon something too


@dataclass(frozen=True, slots=True)
class Sitting:
    """A daemon from its start on: until it is ready, until the first is in, and then the others."""

    ready_s: float
    first_in_s: float
    p50_ms: float
    p99_ms: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Offline:
    """What was measured; `same`: the cloud's copy is the device's audit, and in its place."""

    records: int
    days: int
    members: int
    fresh: Sitting
    after: Sitting
    first_in_ratio: float
    p99_ratio: float
    drain_s: float
    drained_per_s: float
    same: bool


async def measure(
    entries: backlog.Entries, scans: int, tell: Callable[[str], object] = lambda _: None
) -> Offline:
    """Put the store up, let the time pass, plug the line in; `tell` hears how far it is."""
    with tempfile.TemporaryDirectory(prefix="edged-o-") as made:
        async with linked(Path(made), entries.members) as (up, site):
            up.lines[STORE].pull()
            await site.daemon.stop()
            tell("a daemon with a new journal")
            fresh = await _sit(site, entries.members, scans)
            await site.daemon.stop()
            await backlog.write(
                site.folder / "state",
                entries,
                lambda done: tell(f"{done:,} of {entries.count:,} entries are written"),
            )
            tell("the daemon after it")
            after = await _sit(site, entries.members, scans)
            drain_s, records = await _drain(up, site, tell)
            same = await _same(up, site)
    return Offline(
        records,
        entries.days,
        entries.members,
        fresh,
        after,
        round(after.first_in_s / fresh.first_in_s, 2),
        round(after.p99_ms / fresh.p99_ms, 2),
        round(drain_s, 1),
        round(records / drain_s, 1),
        same,
    )


async def _sit(site: Site, members: int, scans: int) -> Sitting:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await site.start_daemon()
    ready = loop.time()
    async with site.people() as people:
        await come(people, site, 1)
        first = loop.time()
        took = [await come(people, site, (n + 2) * 7919 % members) for n in range(scans)]
    return Sitting(
        round(ready - began, 2),
        round(first - began, 2),
        round(median(took) * 1000, 2),
        round(quantiles(took, n=100)[-1] * 1000, 2),
        round(rss_mb(site.daemon.pid), 1),
    )


async def _drain(up: Stores, site: Site, tell: Callable[[str], object]) -> tuple[float, int]:
    """Plug the line in; return the seconds until all is signed for, and how much that was."""
    loop = asyncio.get_running_loop()
    up.lines[STORE].plug()
    began = loop.time()
    while True:
        (link,) = await site.told("link")
        tell(f"the cloud signed for {link['acknowledged']:,} of {link['records']:,} records")
        if link["acknowledged"] == link["records"]:
            return loop.time() - began, int(link["records"])
        await asyncio.sleep(_LOOK_S)


async def _same(up: Stores, site: Site) -> bool:
    """Whether the cloud's copy begins with the first record, is whole and ends as the device's."""
    while True:
        (mine,) = await site.told("audit", "verify")
        (copy,) = await up.cloud.run("audit", "verify", "--device", site.settings["device"])
        if copy["seq"] == mine["records"]:  # or one more was written meanwhile
            whole = copy["first"] == 1 and copy["fault"] is None
            return whole and copy["head"] == mine["head"]


def main() -> int:
    """Measure, and say what was measured."""
    parser = argparse.ArgumentParser(prog="python -m hil.perf.offline", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--scans", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    shown = sys.stderr.isatty()

    def tell(what: str) -> None:
        if shown:
            print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)

    entries = backlog.Entries(asked.records, asked.days, asked.members)
    found = asyncio.run(measure(entries, asked.scans, tell))
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr)
    row = asdict(found)
    print(json.dumps(row) if asked.json else "\n".join(f"{k:15} {v}" for k, v in row.items()))
    return 0 if found.same else 1


if __name__ == "__main__":
    sys.exit(main())
