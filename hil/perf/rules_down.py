"""What it costs to take a rule set of the cloud: whole, and when one member changed.

    python -m hil.perf.rules_down [--members 100000] [--parts 256]

Each is done in a process of its own, as the daemon does; its memory is the peak of that process.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from edged.cloud.rules_down import build
from edged.store import rules
from hil.byzantine.cloud import fingerprint, packed
from hil.byzantine.tenant import instant, spelt
from hil.site.rules import new_issuer, sample_rules

DOORS = {"front": {"front-in": "IN", "front-out": "OUT"}}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and say what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--parts", type=int, default=256)
    asked = parser.parse_args(arguments)
    at = datetime.fromtimestamp(time.time(), UTC)
    base = dict(sample_rules(new_issuer(), at, DOORS))
    del base["members"]
    members = {f"M{n:06}": _member(n) for n in range(asked.members)}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        whole = _put(folder, {**base, "version": 1}, members, asked.parts)
        _say("whole", *_build(folder, whole))
        members["M000001"]["suspended"] = True
        changed = _put(folder, {**base, "version": 2}, members, asked.parts)
        _say("one member changed", *_build(folder, changed))


def _member(number: int) -> dict[str, Any]:
    """Write a member with three contracts, old and new: 230 bytes."""
    contracts = [
        {"id": f"C{number:06}-{n}", "plan": "DAY8", "start": f"202{n + 3}-01-01"} for n in range(3)
    ]
    return {"handle": f"{number:016x}", "contracts": contracts}


def _put(folder: Path, base: Mapping[str, Any], members: Mapping[str, Any], count: int) -> bytes:
    """Put a set's parts where the fetched ones are kept; return its manifest."""
    shares: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, member in members.items():
        bits = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
        shares[bits * count >> 256][name] = member
    parts = {"base": spelt(base)} | {f"members/{n}": spelt(one) for n, one in enumerate(shares)}
    entries = []
    (folder / "parts").mkdir(exist_ok=True)
    for name, plain in parts.items():
        digest, frame = hashlib.sha256(plain).hexdigest(), packed(plain)
        (folder / "parts" / f"{digest}.zst").write_bytes(frame)
        entries.append({"name": name, "sha256": digest, "bytes": len(plain), "packed": len(frame)})
    said = {"tenant": "acme", "device": "S1", "version": base["version"], "confirm_s": 0}
    said |= {"fingerprint": fingerprint(parts), "parts": entries}
    said |= {"issued_at": instant(datetime.fromtimestamp(time.time(), UTC))}
    return spelt({"v": 1, **said})


def _build(folder: Path, manifest: bytes) -> tuple[float, float, float]:
    """Build elsewhere and activate; seconds with and without the start, and megabytes."""
    began = time.monotonic()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker:
        path, took_s, peak_mb = worker.submit(_measured, manifest, folder).result()
    rules.activate(folder, path)
    return time.monotonic() - began, took_s, peak_mb


def _measured(manifest: bytes, folder: Path) -> tuple[Path, float, float]:
    began = time.monotonic()
    found = build(manifest, folder)
    if isinstance(found, str):
        raise SystemExit(found)
    return found, time.monotonic() - began, _peak_mb()


def _peak_mb() -> float:
    """Read this process's own peak: what getrusage tells begins with that of its parent."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def _say(what: str, whole_s: float, took_s: float, peak_mb: float) -> None:
    print(f"{what}: {whole_s:.2f} s, {took_s:.2f} s of it at work, peak {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
