"""`python -m hil.machine [NAME ...]`: what only a kernel and a systemd show, at a machine each."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from hil.machine.device import CommandFailed
from hil.machine.kernel import CASES, Case
from hil.machine.qemu import Disks
from hil.machine.site import MachineSite, machine_site, make, started
from hil.people import BuildingGone, Refused
from hil.scenarios.staff import OrderRefused
from hil.scenarios.stage import NotSeen, staged
from hil.site.processes import DidNotStart

Row = dict[str, object]


def main() -> int:
    """Show one case after the other; 1 if one does not hold."""
    parser = argparse.ArgumentParser(prog="python -m hil.machine", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(c.name for c in CASES))
    parser.add_argument("--json", action="store_true", help="one JSON object a case")
    parser.add_argument("--boot", action="store_true", help="boot for each, use no snapshot")
    parser.add_argument("--work", type=Path, default=Path(".run"), help="kept between runs")
    asked = parser.parse_args()
    known = {case.name: case for case in CASES}
    if strange := [name for name in asked.names if name not in known]:
        parser.error(f"there is no case {strange[0]}")
    disks = make(asked.work.resolve(), afresh=asked.boot)
    rows = list[Row]()
    for case in [known[name] for name in asked.names] or CASES:
        rows.append(_row(case, disks))
        if asked.json:
            print(json.dumps(rows[-1]), flush=True)
    return 1 if not rows or any(row["failed"] is not None for row in rows) else 0


def _row(case: Case, disks: Disks) -> Row:
    """Show a case at a machine of its own."""
    saved = disks.state is not None and not case.boots
    row: Row = {"case": case.name, "says": case.says, "from_snapshot": saved, "failed": None}
    row |= {"seen": "", "load": round(os.getloadavg()[0], 1)}
    try:
        with started(disks) as machine, tempfile.TemporaryDirectory(prefix="e-") as folder:
            asyncio.run(_show(case, machine_site(Path(folder), machine), row))
    except (
        *(NotSeen, CommandFailed, Refused, BuildingGone, DidNotStart, OrderRefused),
        *(TimeoutError, OSError),
    ) as error:
        row["failed"] = str(error) or type(error).__name__
    verdict = f"FAILED: {row['failed']}" if row["failed"] else f"ok: {row['seen']}"
    times = " ".join(f"{row.get(key, '-'):>6}" for key in ("up_s", "ready_s", "took_s"))
    began = "snapshot" if saved else "boot"
    print(f"{case.name:16} {began:8} {times} s  {verdict}", file=sys.stderr, flush=True)
    return row


async def _show(case: Case, site: MachineSite, row: Row) -> None:
    """Show it; in the row: until the machine was up, the daemon was ready, and it was shown."""
    began_s = time.monotonic()
    async with staged(site) as stage:
        row["up_s"] = round(site.up_at_s - began_s, 1)
        if case.boots:
            await stage.power_off()
            await stage.power_on()
            await stage.at_rest()
        ready_s = time.monotonic()
        row["starts"] = site.starts
        row["ready_s"] = round(ready_s - began_s, 1)
        try:
            row["seen"] = await case.show(stage, site.device)
        finally:
            row["took_s"] = round(time.monotonic() - ready_s, 1)


if __name__ == "__main__":
    sys.exit(main())
