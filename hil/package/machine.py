"""`python -m hil.package.machine`: the package for Debian 12 at the pins of a real kernel.

A virtual machine with an emulated processor, for what a container can't show. It uses what
`python -m hil.package` and `hil/gpio/build.sh` have made, and makes it where it is missing.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from hil.package.packages import HERE, make_packages
from hil.package.roots import make_root

_NO_LOGIN: Final = "systemd.mask=serial-getty@ttyS0.service"
"""It would take the line away from the guest."""
PATIENCE_S: Final = 1_800.0


def main() -> int:
    """Build, boot, look on."""
    parser = argparse.ArgumentParser(prog="python -m hil.package.machine", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".run"), help="kept between runs")
    work = parser.parse_args().work.resolve()
    kernel, place = work / "gpio", work / "package/12"
    subprocess.run(["/bin/bash", HERE / "hil/gpio/build.sh", kernel], check=True)
    if not (place / "rig").exists():
        place.mkdir(parents=True, exist_ok=True)
        make_packages(place, "12")
    root = make_root(place, "12", "hil.package.pins", "file:/dev/ttyS0")
    made = (root, kernel, place / "disk", place / "initrd.gz")
    subprocess.run(["/bin/bash", HERE / "hil/package/machine.sh", *made], check=True)
    began, failed, done = time.monotonic(), False, False
    with subprocess.Popen(_machine(kernel, place), stdout=subprocess.PIPE, text=True) as machine:
        for line in machine.stdout or ():
            failed |= "RIG FAILED" in line
            done |= "RIG DONE" in line
            if line.startswith("RIG ") or "Broken" in line:
                told = line.removeprefix("RIG ")
                print(f"{time.monotonic() - began:6.1f} s  {told}", end="", flush=True)
    return 0 if done and not failed else 1


def _machine(kernel: Path, place: Path) -> list[str]:
    share = f"local,path={place / 'rig'},mount_tag=rig,security_model=none,readonly=on"
    return [
        *("/usr/bin/timeout", str(PATIENCE_S), "/usr/bin/qemu-system-x86_64"),
        *("-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2", "-m", "1024"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"),
        *("-kernel", str(kernel / "vmlinuz"), "-initrd", str(place / "initrd.gz")),
        *(
            "-append",
            f"console=ttyS0 quiet panic=-1 mitigations=off audit=0 {_NO_LOGIN}",
        ),
        *("-drive", f"file={place / 'disk'},if=virtio,format=raw,cache=unsafe"),
        *("-virtfs", share),
    ]


if __name__ == "__main__":
    sys.exit(main())
