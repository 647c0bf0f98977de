"""What the daemon adds between a scan and the bolt, to what no program could save.

`python -m hil.perf.release [--json] [--scans N] [--sync-ms N] [--folder FOLDER]`. Every second
scan takes the floor path in the same process: read the line, write 4 KiB, fdatasync, raise the
pin. `--sync-ms` adds to every sync on both sides, as a slower disk would: a small library that
is compiled for the run stands before the system's.
"""

import argparse
import asyncio
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from time import perf_counter_ns
from typing import Final

from hil.perf.doorways import Doorways, Pin, Terminal

BLOCK: Final = bytes(4_096)
WARM: Final = 20  # scans before the first that counts
LIBRARY: Final = "slow_sync.so"
_SHIM: Final = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int added_to_syncs_ms = %d;
static int later(const char *name, int file) {
    struct timespec wait = {0, added_to_syncs_ms * 1000000L};
    if (added_to_syncs_ms) nanosleep(&wait, 0);
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
}
int fsync(int file) { return later("fsync", file); }
int fdatasync(int file) { return later("fdatasync", file); }
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Microseconds of one stage of a scan: median, 99th of 100, 999th of 1,000."""

    name: str
    p50_us: float
    p99_us: float
    p999_us: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Both paths, the ratios, and what ours is made of."""

    sync_ms: int
    scans: int
    floor: Stage
    ours: Stage
    p50_ratio: float
    p99_ratio: float
    stages: list[Stage]


class Floor:
    """The least there is: a line is read, a block is on the disk, the pin is raised."""

    def __init__(self, folder: Path, terminal: Terminal, pin: Pin) -> None:
        self._pin = pin
        self._from = os.open(terminal.path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        self._to = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(self._to, BLOCK)
        os.fsync(self._to)
        self._line = b""
        asyncio.get_running_loop().add_reader(self._from, self._read)

    def _read(self) -> None:
        self._line += os.read(self._from, 4_096)
        if self._line.endswith(b"\r"):
            self._line = b""
            os.pwrite(self._to, BLOCK, 0)
            os.fdatasync(self._to)
            self._pin.set()

    def close(self) -> None:
        """Let go of both files."""
        asyncio.get_running_loop().remove_reader(self._from)
        os.close(self._from)
        os.close(self._to)


async def scan(terminal: Terminal, text: bytes, pin: Pin) -> int:
    """Show a text; return the nanoseconds until its pin is raised."""
    pin.raised.clear()
    began = perf_counter_ns()
    terminal.scan(text)
    await pin.raised.wait()
    return pin.raised_ns - began


async def measured(folder: Path, scans: int, sync_ms: int) -> Measured:
    """Take both paths by turns."""
    ours, floors, parts = list[int](), list[int](), list[tuple[int, ...]]()
    beside, pin = Terminal(), Pin("floor")
    async with Doorways(folder, 1) as doors:
        terminal = Terminal()
        await doors.plug(terminal)
        floor = Floor(folder, beside, pin)
        for n, text in enumerate(doors.codes(WARM + scans)):
            floors.append(await scan(beside, text, pin))
            began = perf_counter_ns()
            ours.append(await scan(terminal, text, doors.pins[0]))
            times = (
                began,
                doors.scanned_ns,
                doors.journal.asked_ns,
                doors.journal.answered_ns,
                doors.pins[0].raised_ns,
            )
            parts.append(tuple(b - a for a, b in pairwise(times)))
            await doors.journal.commit(lambda _: None)  # all that follows a scan has been done
            _progress(n + 1, WARM + scans)
        floor.close()
    for each in (terminal, beside, pin):
        each.close()
    names = ("read", "verify, look the member up", "decide and commit", "door and pin")
    first, second = _stage("floor", floors[WARM:]), _stage("edged", ours[WARM:])
    return Measured(
        sync_ms,
        scans,
        first,
        second,
        round(second.p50_us / first.p50_us, 3),
        round(second.p99_us / first.p99_us, 3),
        [
            _stage(name, column)
            for name, column in zip(names, zip(*parts[WARM:], strict=True), strict=True)
        ],
    )


def _stage(name: str, spent: "list[int] | tuple[int, ...]") -> Stage:
    cuts = quantiles(spent, n=1_000, method="inclusive")
    return Stage(name, *(round(cuts[at] / 1_000, 1) for at in (499, 989, 998)))


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} scans", end="\n" if done == of else "", file=sys.stderr)


def slower(folder: Path, sync_ms: int) -> dict[str, str]:
    """Compile what makes every sync slower; return the environment that brings it in.

    Raises:
        FileNotFoundError: There is no C compiler.
    """
    library = compiled(_SHIM % sync_ms, folder / LIBRARY)
    before = os.environ.get("LD_PRELOAD", "")
    return {**os.environ, "LD_PRELOAD": f"{library} {before}".strip()}


def compiled(code: str, library: Path) -> Path:
    """Compile C for `LD_PRELOAD`; return the library.

    Raises:
        FileNotFoundError: There is no C compiler.
    """
    source = library.with_suffix(".c")
    source.write_text(code)
    compiler = shutil.which("cc")
    if compiler is None:
        raise FileNotFoundError("cc: a slower disk needs a C compiler (apt-get install gcc)")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=60
    )
    return library


def slow_down(module: str, folder: Path, sync_ms: int) -> None:
    """Begin this program anew where every sync takes so much longer, unless it is there already."""
    if sync_ms and LIBRARY not in os.environ.get("LD_PRELOAD", ""):
        command = [sys.executable, "-m", module, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=slower(folder, sync_ms), check=False).returncode)


def add_to_syncs(sync_ms: int) -> None:
    """Let every sync of a program that was slowed down take so much longer from now on."""
    ctypes.c_int.in_dll(ctypes.CDLL(None), "added_to_syncs_ms").value = sync_ms


def _print(found: Measured) -> None:
    print(f"{found.scans} scans, {found.sync_ms} ms added to every sync")
    print(f"{'':28} {'p50 us':>9} {'p99 us':>9} {'p99.9 us':>9}")
    for row in (found.floor, found.ours, *found.stages):
        name = row.name if row in (found.floor, found.ours) else f"  {row.name}"
        print(f"{name:28} {row.p50_us:9.0f} {row.p99_us:9.0f} {row.p999_us:9.0f}")
    print(f"edged to floor: {found.p50_ratio:.2f} at p50, {found.p99_ratio:.2f} at p99")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--scans", type=int, default=1_000, help="at least 100 (default: 1000)")
    parser.add_argument("--sync-ms", type=int, default=0, help="added to every sync, 0..100")
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: a new one)")
    asked = parser.parse_args()
    if asked.scans < 100 or asked.sync_ms not in range(101):
        parser.error("at least 100 scans, and 0 to 100 ms")
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        slow_down("hil.perf.release", folder, asked.sync_ms)
        found = asyncio.run(measured(folder, asked.scans, asked.sync_ms))
    if asked.json:
        print(json.dumps(asdict(found)))
    else:
        _print(found)


if __name__ == "__main__":
    main()
