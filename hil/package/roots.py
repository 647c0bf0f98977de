"""A Debian from its archive, in a folder, with one unit more: the guest's."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_NAMES: Final = {"12": "bookworm", "13": "trixie"}
_PACKAGES: Final = "systemd,systemd-sysv,udev,dbus,python3,python3-venv,libzbar0,mosquitto"
_UNIT: Final = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
StandardOutput={said}
StandardError=inherit
Environment=PYTHONPATH=/opt/rig/site:/opt/rig PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/bin/python3 -m {guest}
ExecStopPost=/usr/bin/systemctl poweroff --no-block
[Install]
WantedBy=multi-user.target
"""


def make_root(work: Path, release: str, guest: str, said: str) -> Path:
    """Unpack the system with the guest as a unit in it; give its folder.

    Args:
        work: Where it is kept.
        release: Of Debian.
        guest: The module that runs inside.
        said: Where its output goes, as systemd's StandardOutput=.
    """
    root = unpack(work, release)
    unit = root / "etc/systemd/system/rig.service"
    unit.write_text(_UNIT.format(guest=guest, said=said))
    wanted = unit.parent / "multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / unit.name).symlink_to("/" / unit.relative_to(root))
    return root


def unpack(work: Path, release: str) -> Path:
    """Unpack the system, made the first time from the archive; give its folder."""
    told = hashlib.sha256(_PACKAGES.encode()).hexdigest()[:8]
    tar, root = work / f"root-{told}.tar", work / "root"
    if not tar.exists():
        made = tar.with_suffix(".new.tar")
        what = ("--variant=minbase", f"--include={_PACKAGES}", _NAMES[release])
        subprocess.run(["/usr/bin/mmdebstrap", *what, made], check=True, stdout=sys.stderr)
        made.rename(tar)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    subprocess.run(["/usr/bin/tar", "-xf", tar, "-C", root], check=True)
    return root
