"""`python -m hil.machine [NAME ...]`: what only a kernel and a systemd show, at one machine."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from hil.machine.device import CommandFailed
from hil.machine.kernel import CASES, Case, device_of
from hil.machine.qemu import Machine
from hil.machine.site import MachineSite, booted, rewire
from hil.people import BuildingGone, Refused
from hil.scenarios.stage import NotSeen, Stage, furnish, staged

Row = dict[str, object]


def main() -> int:
    """Boot, and show one case after the other; 1 if one does not hold."""
    parser = argparse.ArgumentParser(prog="python -m hil.machine", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(c.name for c in CASES))
    parser.add_argument("--json", action="store_true", help="one JSON object at the end")
    parser.add_argument("--work", type=Path, default=Path(".run"), help="kept between runs")
    asked = parser.parse_args()
    known = {case.name: case for case in CASES}
    if strange := [name for name in asked.names if name not in known]:
        parser.error(f"there is no case {strange[0]}")
    chosen = [known[name] for name in asked.names] or CASES
    with (
        booted(asked.work.resolve()) as machine,
        tempfile.TemporaryDirectory(prefix="e-") as folder,
    ):
        rows = asyncio.run(_run(machine, Path(folder), chosen))
    failed = sum(row["failed"] is not None for row in rows)
    if asked.json:
        print(json.dumps({"cases": len(rows), "failed": failed, "rows": rows}))
    return 1 if failed or not rows else 0


async def _run(machine: Machine, folder: Path, cases: Sequence[Case]) -> list[Row]:
    site = MachineSite(folder, machine)
    furnish(site)
    rewire(site)
    async with staged(site) as stage:
        return [row async for row in _rows(stage, cases)]


async def _rows(stage: Stage, cases: Sequence[Case]) -> AsyncIterator[Row]:
    for case in cases:
        began_s = time.monotonic()
        row: Row = {"case": case.name, "says": case.says, "failed": None, "seen": ""}
        try:
            row["seen"] = await case.show(stage, device_of(stage))
        except (NotSeen, CommandFailed, Refused, BuildingGone, TimeoutError, OSError) as error:
            row["failed"] = str(error) or type(error).__name__
        row["took_s"] = round(time.monotonic() - began_s, 1)
        verdict = f"FAILED: {row['failed']}" if row["failed"] else f"ok: {row['seen']}"
        print(f"{case.name:16} {row['took_s']:6} s  {verdict}", file=sys.stderr, flush=True)
        yield row


if __name__ == "__main__":
    sys.exit(main())
