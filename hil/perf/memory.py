"""What the daemon holds in memory, and what each of its imports costs.

`python -m hil.perf.memory [--json] [--members N] [--scans N] [--home-assistant HASS]`. The daemon
is a process with a cloud, a broker and a building beside it, and no camera. Imports are added one
after the other to one process, so each costs what those before it have not brought. HASS is the
program of a Home Assistant, which then does the same job (hil/perf/home_assistant.py).
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from hil.chain.line import now
from hil.people import People
from hil.perf.home_assistant import held_mb
from hil.perf.linked import handle, linked, rss_mb
from hil.site.site import Site

IMPORTS: Final = (
    "asyncio",
    "sqlite3",
    "aiosqlite",
    "zoneinfo",
    "structlog",
    "pydantic",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "typer",
    "edged.cli",
    "edged.settings.model",
    "edged.rulebook.file",
    "edged.runtime",
    "zstandard",
    "aiomqtt",
    "edged.cloud.service",
)
_PROBE: Final = """
import importlib, json, sys
def held():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS:"))
rows, last = [["python", held()]], held()
for name in sys.argv[1:]:
    importlib.import_module(name)
    rows.append([name, held() - last])
    last = held()
print(json.dumps(rows))
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """MB held: by the daemon once it decides by the rules, and after the scans; by each import.

    By Home Assistant with as many members, and with one, if it was asked for.
    """

    members: int
    scans: int
    idle_mb: float
    after_scans_mb: float
    imports_mb: dict[str, float]
    home_assistant_mb: float | None = None
    home_assistant_bare_mb: float | None = None


async def measure(members: int, scans: int) -> Measured:
    """Put the daemon up and let members come."""
    with tempfile.TemporaryDirectory(prefix="edged-mb-") as made:
        async with linked(Path(made), members) as (_, site), site.people() as people:
            idle_mb = rss_mb(site.daemon.pid)
            for n in range(scans):
                await come(people, site, n * 7919 % members)
            after_mb = rss_mb(site.daemon.pid)
    return Measured(members, scans, round(idle_mb, 1), round(after_mb, 1), imports())


async def come(people: People, site: Site, number: int) -> float:
    """Let a member come to the front door; return the seconds until the light says so.

    Raises:
        TimeoutError: It said nothing.
        ValueError: The member was not let in.
    """
    loop, before = asyncio.get_running_loop(), people.last
    code = site.issuer.m1(handle(number), int(now().timestamp()), 30, number & 0xFFFF_FFFF)
    began = loop.time()
    await people.scan("front-in", code)
    shown = await people.wait_for(
        lambda seen: seen["what"] == "indicator" and seen["name"] == "front-in", 10, after=before
    )
    if shown["light"] != "green":
        raise ValueError(f"member {number} was not let in: {shown}")
    return loop.time() - began


def imports() -> dict[str, float]:
    """Import one after the other in a process of its own; MB that each added."""
    probe = [sys.executable, "-c", _PROBE, *IMPORTS]
    said = subprocess.run(probe, check=True, capture_output=True).stdout
    return {name: round(mb, 1) for name, mb in json.loads(said)}


def main() -> None:
    """Measure, and say what was measured."""
    parser = argparse.ArgumentParser(prog="python -m hil.perf.memory", description=__doc__)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--scans", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--home-assistant", type=Path, metavar="HASS")
    asked = parser.parse_args()
    found = asyncio.run(measure(asked.members, asked.scans))
    if asked.home_assistant:
        whole = asyncio.run(held_mb(asked.home_assistant, asked.members))
        bare = asyncio.run(held_mb(asked.home_assistant, 1))
        found = replace(found, home_assistant_mb=whole, home_assistant_bare_mb=bare)
    if asked.json:
        print(json.dumps(asdict(found)))
        return
    print(f"{found.members} members, with the link, without a camera: {found.idle_mb} MB")
    print(f"after {found.scans} scans: {found.after_scans_mb} MB")
    if found.home_assistant_mb:
        print(f"Home Assistant with as many: {found.home_assistant_mb} MB")
        print(f"Home Assistant with one: {found.home_assistant_bare_mb} MB")
    for name, mb in found.imports_mb.items():
        print(f"  {name}: {mb}")


if __name__ == "__main__":
    main()
