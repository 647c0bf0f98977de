"""What the machine boots: a Debian with the package installed, and the bench's agent in it."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from hil.machine.qemu import Disks
from hil.package.packages import HERE
from hil.package.roots import unpack

_CPUINFO: Final = "Revision\t: c03115\nModel\t\t: Raspberry Pi 4 Model B Rev 1.5\n"
"""A Pi has it in its device tree too, where the unit lets the daemon read it."""
_DROP_IN: Final = """[Service]
# The processor is emulated, and others may want the real one.
TimeoutStartSec=900
ProcSubset=all
BindReadOnlyPaths=/etc/bench/cpuinfo:/proc/cpuinfo
Environment=PYTHONPATH=/opt/bench/fault
"""
DEAFEN: Final = "/run/edged/deafen"
"""A file that appears, and the daemon's lgpio loses its thread at the next edge."""
MUTE: Final = "/run/edged/mute"
"""And this one: it tells the daemon of no edge any more."""
_UNIT: Final = """[Unit]
DefaultDependencies=no
StartLimitIntervalSec=0
After=systemd-udevd.service systemd-remount-fs.service dev-virtio\\x2dports-edged.bench.device
Wants=dev-virtio\\x2dports-edged.bench.device
Before=edged.service
[Service]
Environment=PYTHONUNBUFFERED=1
ExecStartPre=/usr/bin/python3 -SE /opt/bench/agent.py chip
ExecStart=/usr/bin/python3 -SE /opt/bench/agent.py
# It ends when whoever listens hangs up, and says hello to the next.
Restart=always
RestartSec=100ms
[Install]
WantedBy=multi-user.target
"""
_MADE_OF: Final = (
    *("edged", "drivers", "policy", "cloud_link", "systemd", "config"),
    *("pyproject.toml", "requirements.txt", "CHANGELOG.md"),
    *("hil/machine/image.py", "hil/machine/agent.py", "hil/machine/fault.py"),
    *("hil/package/roots.py", "hil/package/machine.sh", "hil/gpio/build.sh"),
)
"""What goes into the package, and what else decides what is in an image."""
_NOT_WANTED: Final = (
    "getty@tty1.service",
    "apt-daily.timer",
    "fstrim.timer",
    "dpkg-db-backup.timer",
)


def make_image(work: Path, lines: Mapping[int, bool]) -> Disks:
    """Make what is missing or old.

    Args:
        work: Where all of it is kept.
        lines: The levels of the header's inputs while nothing happens.
    """
    kernel, place = work / "gpio", work / "machine"
    place.mkdir(parents=True, exist_ok=True)
    _do("/bin/bash", HERE / "hil/gpio/build.sh", kernel)
    made = Disks(kernel / "vmlinuz", place / "initrd.gz", place / "disk.raw")
    key, kept = fingerprint(_parts(), lines), place / "made-of"
    if kept.is_file() and kept.read_text() == key:
        return made
    kept.unlink(missing_ok=True)
    _do("/usr/bin/make", "-C", HERE, "deb", "RELEASE=12")
    (package,) = (HERE / "dist").glob("edged_*deb12_amd64.deb")
    root = unpack(place, "12")
    shutil.copy(package, root / "edged.deb")
    _do("/usr/sbin/chroot", root, "dpkg", "--install", "/edged.deb")
    (root / "edged.deb").unlink()
    _furnish(root, lines)
    _do("/bin/bash", HERE / "hil/package/machine.sh", root, kernel, made.disk, made.initrd)
    shutil.rmtree(root)
    kept.write_text(key)
    return made


def _do(*command: str | Path) -> None:
    """Run a step; what it says goes to standard error, as a progress bar would."""
    subprocess.run(command, check=True, stdout=sys.stderr)


def _parts() -> list[Path]:
    found = list[Path]()
    for name in _MADE_OF:
        path = HERE / name
        found += [path] if path.is_file() else path.rglob("*")
    return sorted(one for one in found if one.is_file() and one.parent.name != "__pycache__")


def fingerprint(parts: Iterable[Path], lines: Mapping[int, bool]) -> str:
    """Tell an image from one that is made of other files, or for other lines."""
    told = hashlib.sha256(json.dumps(lines).encode())
    for part in parts:
        told.update(str(part).encode() + hashlib.sha256(part.read_bytes()).digest())
    return told.hexdigest()


def _furnish(root: Path, lines: Mapping[int, bool]) -> None:
    bench, units = root / "etc/bench", root / "etc/systemd/system"
    (root / "opt/bench").mkdir(parents=True)
    shutil.copy(HERE / "hil/machine/agent.py", root / "opt/bench")
    fault = root / "opt/bench/fault/sitecustomize.py"
    fault.parent.mkdir()
    shutil.copy(HERE / "hil/machine/fault.py", fault)
    bench.mkdir()
    (bench / "lines.json").write_text(json.dumps(lines))
    (bench / "cpuinfo").write_text(_CPUINFO)
    (units / "bench.service").write_text(_UNIT)
    (units / "multi-user.target.wants").mkdir(exist_ok=True)
    (units / "multi-user.target.wants/bench.service").symlink_to("../bench.service")
    (units / "edged.service.d").mkdir(exist_ok=True)
    (units / "edged.service.d/bench.conf").write_text(_DROP_IN)
    for name in _NOT_WANTED:
        (units / name).symlink_to("/dev/null")
