"""`python -m hil.gpio`: see the lines of the daemon on a real kernel, from outside.

It builds what the virtual machine boots (the first time some minutes and 210 MB), boots it
without a network, with this computer's files read-only, and shows what the guest saw. It ends
with 0 if every check held.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PATIENCE_S = 900.0
"""The whole guest; its processor is some seventeen times slower than this one."""


def main() -> int:
    """Build, boot, look on."""
    parser = argparse.ArgumentParser(prog="python -m hil.gpio", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".run/gpio"), help="kept between runs")
    work = parser.parse_args().work.resolve()
    subprocess.run(["/bin/bash", HERE / "build.sh", work], check=True)
    began = time.monotonic()
    failed, done = False, False
    with subprocess.Popen(_machine(work), stdout=subprocess.PIPE, text=True) as machine:
        for line in machine.stdout or ():
            if time.monotonic() - began > PATIENCE_S:
                machine.kill()
            failed |= "RIG FAILED" in line
            done |= "RIG DONE" in line
            if "RIG" in line:
                print(f"{time.monotonic() - began:6.1f} s  {line.partition('RIG ')[2]}", end="")
    return 0 if done and not failed else 1


def _machine(work: Path) -> list[str]:
    arguments = f"rig.python={sys.executable} rig.home={HERE.parents[1]}"
    return [
        "/usr/bin/qemu-system-x86_64",
        *("-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2", "-m", "1024"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"),
        *("-kernel", str(work / "vmlinuz"), "-initrd", str(work / "initrd.gz")),
        *("-append", f"console=ttyS0 quiet panic=-1 mitigations=off audit=0 {arguments}"),
        *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"),
    ]


if __name__ == "__main__":
    sys.exit(main())
