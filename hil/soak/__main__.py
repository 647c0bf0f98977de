"""`python -m hil.soak --scans N`: a long stream of people at one door (README.md)."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edged.store.audit import Verified, read_records, verify
from hil.kills.campaign import crowd
from hil.site.site import Site
from hil.soak.stream import MEMBERS, Stream, is_entry, load_average


async def soak(folder: Path, scans: int) -> dict[str, Any]:
    """Put a site up, let the stream through, and give the figures with what the audit says."""
    site = Site(folder)
    crowd(site, MEMBERS)
    began_s = time.monotonic()
    async with site, site.people() as people:
        stream = Stream(site, people)
        await stream.run(scans, lambda n: _progress(n, scans))
    journal = folder / "state" / "journal.db"
    verdict, records = verify(journal), read_records(journal, 0, 10 * scans + 100)
    return {
        **stream.soaked.summary(),
        "let_in": sum(is_entry(json.loads(one.data)) for one in records),
        "took_s": round(time.monotonic() - began_s),
        "load": load_average(),
        "audit_records": verdict.count if isinstance(verdict, Verified) else str(verdict),
        "journal_kb": journal.stat().st_size // 1_024,
    }


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} scans", end="\n" if done == of else "", file=sys.stderr)


def main() -> int:
    """Run it; 1 if an entry is missing, or the audit does not verify."""
    parser = argparse.ArgumentParser(prog="python -m hil.soak", description=__doc__)
    parser.add_argument("--scans", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: a new one)")
    asked = parser.parse_args()
    if asked.scans < 20:
        parser.error("at least 20 scans: a tenth has to hold an entry")
    with tempfile.TemporaryDirectory(prefix="edged-", dir=asked.folder) as folder:
        found = asyncio.run(soak(Path(folder), asked.scans))
    print(json.dumps(found))
    whole = isinstance(found["audit_records"], int) and found["let_in"] == found["entries"]
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
