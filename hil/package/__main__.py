"""`python -m hil.package [--release 12|13]`: see the package under a systemd of its own.

It makes three packages (this release, the next, and one with a schema of the future), a Debian
from its archive, boots that in a container with everything else read-only, and shows what the
guest saw. It ends with 0 if every check held.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hil.package.packages import make_packages
from hil.package.roots import make_root

PATIENCE_S = 900.0


def main() -> int:
    """Build, boot, look on."""
    parser = argparse.ArgumentParser(prog="python -m hil.package", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".run/package"), help="kept between runs")
    parser.add_argument("--release", choices=("12", "13"), default="12", help="of Debian")
    arguments = parser.parse_args()
    work = arguments.work.resolve() / arguments.release
    work.mkdir(parents=True, exist_ok=True)
    make_packages(work, arguments.release)
    root = make_root(work, arguments.release, "hil.package.guest", "append:/var/log/rig")
    began = time.monotonic()
    failed, done = False, False
    try:
        for line in _boot(root, work):
            failed |= line.startswith("RIG FAILED")
            done |= line == "RIG DONE\n"
            print(
                f"{time.monotonic() - began:6.1f} s  {line.removeprefix('RIG ')}",
                end="",
                flush=True,
            )
    finally:
        shutil.rmtree(root)
    return 0 if done and not failed else 1


def _boot(root: Path, work: Path) -> Iterator[str]:
    """Boot the container, and give what it says, a line each, until it is down."""
    command = [
        *("/usr/bin/timeout", str(PATIENCE_S), "/usr/bin/systemd-nspawn", "--quiet"),
        *("--directory", str(root), "--register=no", "--keep-unit", "--private-network"),
        *("--bind-ro", f"{work / 'rig'}:/opt/rig", "--boot"),
    ]
    environment = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    said = root / "var/log/rig"
    said.touch()
    with said.open() as heard, (work / "boot.log").open("w") as log:
        guest = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        while guest.poll() is None:
            yield from heard
            time.sleep(0.1)
        yield from heard


if __name__ == "__main__":
    sys.exit(main())
