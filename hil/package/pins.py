"""Inside the virtual machine: the package at the pins and the limits of a real kernel.

What a container can't show: who may open the header, that nothing else can be opened, and that
the kernel sees the lines come to rest after everything was killed.
"""

import stat
from pathlib import Path

from hil.gpio.guest import BUTTON, MAGNET, STRIKE, Header
from hil.package.guest import DROP_IN, SETTINGS, package
from hil.package.hands import check, is_active, kill_all, run, said_by, say, timed, unit, until

CGROUP = Path("/sys/fs/cgroup/system.slice/edged.service")
CPUINFO = Path("/run/cpuinfo")
A_PI = "Revision\t: c03115\nModel\t\t: Raspberry Pi 4 Model B Rev 1.5\n"
"""A Pi has it in its device tree too, where the unit lets the daemon read it."""
WIRED = f"""
device = "S1"
[doors.front]
type = "strike"
lock = {{ kind = "gpio", line = {STRIKE}, active_low = true }}
exit_button = {{ kind = "gpio", line = {BUTTON}, pull = "none" }}
[doors.front.readers.front-in]
kind = "camera"
socket = "/run/edged-eye-front/eye.sock"
optional = true
[doors.back]
type = "magnet"
egress = "mechanical"
lock = {{ kind = "gpio", line = {MAGNET} }}
[doors.back.readers.back-in]
kind = "camera"
socket = "/run/edged-eye-back/eye.sock"
optional = true
"""


def main() -> None:
    """Install it, start it, press the button, and kill all of it."""
    header = Header()
    header.pull(BUTTON, level=True)
    timed("dpkg -i", "dpkg", "-i", package("old"))
    CPUINFO.write_text(A_PI)
    DROP_IN.parent.mkdir()
    DROP_IN.write_text(f"[Service]\nProcSubset=all\nBindReadOnlyPaths={CPUINFO}:/proc/cpuinfo\n")
    run("systemctl", "daemon-reload")
    (SETTINGS / "edged.toml").write_text(WIRED)
    timed("systemctl start edged", "systemctl", "start", "edged")
    _show_limits()
    until("the magnet is held", lambda: header.level(MAGNET))
    header.pull(BUTTON, level=False)
    until("the exit button releases the strike", lambda: not header.level(STRIKE))
    header.pull(BUTTON, level=True)
    (restarts,) = unit("edged.service", "NRestarts")
    mark = len(header.driven(STRIKE)), len(header.driven(MAGNET))
    kill_all()
    until(
        "all is killed: the strike is driven to rest", lambda: _first(header, STRIKE, mark[0], "1")
    )
    until("and the magnet", lambda: _first(header, MAGNET, mark[1], "0"))
    until(
        "a new daemon is up",
        lambda: unit("edged.service", "NRestarts") != [restarts] and is_active(),
    )
    until("and holds the magnet", lambda: header.level(MAGNET))
    say("DONE")


def _first(header: Header, line: int, mark: int, level: str) -> bool:
    """Whether a line was first driven to `level` since then."""
    return header.driven(line)[mark : mark + 1] == [level]


def _show_limits() -> None:
    chip = Path("/dev/gpiochip0")
    found = (chip.group(), stat.S_IMODE(chip.stat().st_mode))
    check("the header is the group's", found == ("gpio", 0o660), found)
    check("memory has an end", (CGROUP / "memory.max").read_text() == f"{512 * 2**20}\n")
    join = f"echo $$ >{CGROUP}/cgroup.procs; exec dd count=1 of=/dev/null if="
    said = run("sh", "-c", f"{join}/dev/vda", code=1)
    check("whoever is in its place can't open the disk", "not permitted" in said, said.strip())
    run("sh", "-c", f"{join}/dev/zero")


if __name__ == "__main__":
    try:
        main()
    finally:
        for told in said_by().splitlines()[-20:]:
            print(told[:300])
