"""A flood of bad codes at a reader, and one good code a second that has to get in.

`python -m hil.perf.flood [--json] [--seconds N] [--hostile N]`. Quiet first, then the flood: both
times one good code a second at the same scanner, a real serial line in line mode. The flood
comes from a process of its own. Every refused code has to be counted.
"""

import argparse
import asyncio
import json
import os
import resource
import secrets
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, sleep
from typing import Final

from edged.store import audit
from hil.perf.doorways import Doorways, Terminal
from hil.perf.release import scan

PATIENCE_S: Final = 60
TICK_S: Final = 0.01
KINDS: Final = ("{}", "M1:{}", "HC1:{}", "' OR 1=1 --{}", "{}" * 12)
"""What the bad codes look like; {} is 16 digits of chance."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds from a good code to the pin; `sent` and `counted` are the bad codes.

    `grown_kb`: what the memory of the process grew by, from a tenth of the flood on.
    """

    seconds: int
    good: int
    let_in: int
    quiet_p50_ms: float
    quiet_p99_ms: float
    flood_p50_ms: float
    flood_p99_ms: float
    p99_ratio: float
    sent: int
    counted: int
    grown_kb: int


def pour(master: int, a_second: int, seconds: int) -> None:
    """Send bad codes, evenly, to the end; runs in a process of its own."""
    began, sent = monotonic(), 0
    while sent < a_second * seconds:
        due = min(a_second * seconds, int((monotonic() - began) * a_second))
        for _ in range(due - sent):
            text = KINDS[sent % len(KINDS)].replace("{}", secrets.token_hex(8).upper())
            os.write(master, text.encode() + b"\r")
            sent += 1
        sleep(TICK_S)


async def one_a_second(
    doors: Doorways, terminal: Terminal, seconds: int, memory: list[int]
) -> list[int]:
    """Show a good code each second; return the nanoseconds that each took, of those let in."""
    took = []
    for second in range(seconds):
        began = monotonic()
        memory.append(_resident_kb())
        try:
            async with asyncio.timeout(PATIENCE_S):
                took.append(await scan(terminal, doors.code(), doors.pins[0]))
        except TimeoutError:
            print(f"the code of second {second} opened nothing", file=sys.stderr)
        _progress(second + 1, seconds)
        await asyncio.sleep(max(0, 1 - (monotonic() - began)))
    return took


async def measured(folder: Path, seconds: int, hostile: int) -> Measured:
    """Take the quiet time and the flood."""
    memory: list[int] = []
    async with Doorways(folder, 1) as doors:
        terminal = Terminal()
        await doors.plug(terminal)
        quiet = await one_a_second(doors, terminal, seconds, [])
        pouring = get_context("fork").Process(target=pour, args=(terminal.master, hostile, seconds))
        pouring.start()
        flood = await one_a_second(doors, terminal, seconds, memory)
        await asyncio.to_thread(pouring.join)
        await _all_counted(doors, folder, hostile * seconds)
        terminal.close()
    return Measured(
        seconds=seconds,
        good=seconds,
        let_in=len(flood),
        quiet_p50_ms=_ms(quiet, 50),
        quiet_p99_ms=_ms(quiet, 99),
        flood_p50_ms=_ms(flood, 50),
        flood_p99_ms=_ms(flood, 99),
        p99_ratio=round(_ms(flood, 99) / _ms(quiet, 99), 2),
        sent=hostile * seconds,
        counted=_counted(folder),
        grown_kb=memory[-1] - memory[len(memory) // 10],
    )


async def _all_counted(doors: Doorways, folder: Path, sent: int) -> None:
    """Let the reader come to the end of what was sent, and write its sums."""
    until = monotonic() + PATIENCE_S
    while _counted(folder) < sent and monotonic() < until:
        doors.passages[0].sum_up()
        await doors.journal.commit(lambda _: None)
        await asyncio.sleep(TICK_S)


def _counted(folder: Path) -> int:
    records = (
        json.loads(one.data) for one in audit.read_records(folder / "journal.db", 0, 100_000)
    )
    return sum(sum(one["counts"].values()) for one in records if one["kind"] == "refused")


def _ms(spent: Sequence[int], percent: int) -> float:
    value = median(spent) if percent == 50 else quantiles(spent, n=100, method="inclusive")[-1]
    return round(value / 1e6, 2)


def _resident_kb() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 1_024


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} s", end="\n" if done == of else "", file=sys.stderr)


def main() -> None:
    """Measure, and print; the exit status is 1 if a good code was kept out or a bad one lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--seconds", type=int, default=60, help="at least 2 (default: 60)")
    parser.add_argument("--hostile", type=int, default=1_000, help="a second (default: 1000)")
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: a new one)")
    asked = parser.parse_args()
    if asked.seconds < 2 or asked.hostile < 1:
        parser.error("at least 2 seconds and a bad code")
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        found = asyncio.run(measured(Path(name), asked.seconds, asked.hostile))
    if asked.json:
        print(json.dumps(asdict(found)))
    else:
        print(f"{found.seconds} s quiet, and as long with {asked.hostile} bad codes a second")
        print(f"  good codes let in       {found.let_in} of {found.good}")
        print(f"  quiet, p50 and p99      {found.quiet_p50_ms} ms, {found.quiet_p99_ms} ms")
        print(f"  flood, p50 and p99      {found.flood_p50_ms} ms, {found.flood_p99_ms} ms")
        print(f"  p99, flood to quiet     {found.p99_ratio}")
        print(f"  bad codes counted       {found.counted} of {found.sent}")
        print(f"  memory grew by          {found.grown_kb} kB")
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    sys.exit(found.let_in != found.good or found.counted != found.sent)


if __name__ == "__main__":
    main()
