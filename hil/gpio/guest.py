"""Inside the virtual machine: the hands and eyes at gpio-sim's lines, and the daemon at them.

gpio-sim's files are the world: `pull` moves an input, `value` shows a line, and the kernel's own
tracepoints show every change of every line, however short.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CONFIG = Path("/sys/kernel/config/gpio-sim/pi")
TRACE = Path("/sys/kernel/tracing")
FOLDER = Path("/run/edged")
STRIKE, MAGNET, BUTTON, CONTACT, FIRE = 17, 18, 23, 24, 22
PATIENCE_S = 120.0
SETTINGS = f"""
device = "S1"
state_dir = "{FOLDER}/state"
runtime_dir = "{FOLDER}"
fire = {{ kind = "gpio", line = {FIRE}, pull = "none" }}
[doors.front]
type = "strike"
lock = {{ kind = "gpio", line = {STRIKE}, active_low = true }}
exit_button = {{ kind = "gpio", line = {BUTTON}, pull = "none" }}
contact = {{ kind = "gpio", line = {CONTACT}, pull = "none" }}
readers.front-in = {{ kind = "camera", socket = "{FOLDER}/front.sock", optional = true }}
[doors.back]
type = "magnet"
egress = "mechanical"
lock = {{ kind = "gpio", line = {MAGNET} }}
readers.back-in = {{ kind = "camera", socket = "{FOLDER}/back.sock", optional = true }}
"""


class Header:
    """One simulated chip with a Raspberry Pi 4's label."""

    def __init__(self) -> None:
        bank = CONFIG / "bank0"
        bank.mkdir(parents=True)
        (bank / "num_lines").write_text("54")
        (bank / "label").write_text("pinctrl-bcm2711")
        (CONFIG / "live").write_text("1")
        device = (CONFIG / "dev_name").read_text().strip()
        chip = (bank / "chip_name").read_text().strip()
        self._lines = Path("/sys/devices/platform", device, chip)
        labels = Path("/sys/class/gpio").glob("gpiochip*/label")
        (label,) = [one for one in labels if one.read_text().strip() == "pinctrl-bcm2711"]
        self._first = int(label.with_name("base").read_text())
        (TRACE / "events/gpio/enable").write_text("1")

    def pull(self, line: int, level: bool) -> None:
        """Be the world at a line: what it is at while nobody drives it."""
        (self._lines / f"sim_gpio{line}/pull").write_text("pull-up" if level else "pull-down")

    def level(self, line: int) -> bool:
        """Look at a line."""
        return (self._lines / f"sim_gpio{line}/value").read_text().strip() == "1"

    def driven(self, line: int) -> list[str]:
        """Every level that the kernel was told to drive a line to, since the start."""
        begin = f"gpio_value: {self._first + line} set "
        rows = (TRACE / "trace").read_text().splitlines()
        return [row.partition(begin)[2] for row in rows if begin in row]


def say(text: str) -> None:
    """Tell the outside."""
    print(f"RIG {text}", flush=True)


def until(what: str, condition: Callable[[], bool]) -> float:
    """Wait for a condition, and tell how long that took, or that it never came."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        if condition():
            took = time.monotonic() - began
            say(f"{took:6.2f} s  {what}")
            return took
        time.sleep(0.01)
    say(f"FAILED  {what}")
    raise SystemExit(1)


def check(what: str, held: bool, seen: object = "") -> None:
    """Tell whether something is as it should be."""
    say(f"{'ok     ' if held else 'FAILED '}  {what} {seen}")


def start() -> subprocess.Popen[bytes]:
    """Start the daemon."""
    log = (FOLDER / "log").open("ab")
    program = "from edged.cli import main; main()"
    command = [sys.executable, "-P", "-c", program, "run", "--config", str(FOLDER / "edged.toml")]
    return subprocess.Popen(command, stdout=log, stderr=log)


def keeper(daemon: int) -> int:
    """Give the line keeper's process id."""
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    return int(children[-1])


def main() -> None:
    """Show it all."""
    header = Header()
    FOLDER.mkdir()
    (FOLDER / "edged.toml").write_text(SETTINGS)
    for line, level in {BUTTON: True, CONTACT: False, FIRE: False, STRIKE: False}.items():
        header.pull(line, level)
    try:
        _show(header)
    except BaseException:
        say("--- the daemon said")
        for said in (FOLDER / "log").read_text().splitlines()[-30:]:
            say(said[:300])
        raise
    say("DONE")


def _show(header: Header) -> None:
    def released() -> bool:
        return not header.level(STRIKE)

    daemon = start()
    until("the magnet is held: daemon and keeper are up", lambda: header.level(MAGNET))
    check("the active-low strike was never low", not released())
    first = header.driven(STRIKE)
    check("and its line was high in one step", first == ["1"], first)

    header.pull(BUTTON, level=False)
    until("the exit button releases the strike", released)
    header.pull(BUTTON, level=True)
    until("the pulse of 5 s ends", lambda: not released())

    header.pull(BUTTON, level=False)
    until("the exit button again", released)
    header.pull(BUTTON, level=True)
    os.kill(daemon.pid, signal.SIGSTOP)
    until("the daemon is stopped: the strike rests", lambda: not released())
    until("and the magnet", lambda: not header.level(MAGNET))
    os.kill(daemon.pid, signal.SIGCONT)
    until("it goes on: the magnet is held", lambda: header.level(MAGNET))

    header.pull(BUTTON, level=False)
    until("the exit button again", released)
    header.pull(BUTTON, level=True)
    os.kill(keeper(daemon.pid), signal.SIGKILL)
    until("the keeper is killed: the strike rests", lambda: not released())
    until("a new keeper holds the magnet", lambda: header.level(MAGNET))
    _show_fire(header, daemon)


def _show_fire(header: Header, daemon: subprocess.Popen[bytes]) -> None:
    """The rest of it: a fire, and the death of the daemon in the middle of it."""

    def released() -> bool:
        return not header.level(STRIKE)

    header.pull(FIRE, level=True)
    until("the fire loop is cut: the magnet lets go", lambda: not header.level(MAGNET))
    header.pull(FIRE, level=False)

    header.pull(BUTTON, level=False)
    until("the exit button works during a fire", released)
    header.pull(BUTTON, level=True)
    mark = len(header.driven(STRIKE))
    daemon.kill()
    daemon.wait()
    until(
        "the daemon is killed: the keeper drove the strike to rest",
        lambda: header.driven(STRIKE)[mark:] == ["1"],
    )
    mark = len(header.driven(STRIKE))
    daemon = start()
    until("a new daemon claims it at rest", lambda: header.driven(STRIKE)[mark:] == ["1"])
    header.pull(BUTTON, level=False)
    until("and takes the exit button", lambda: header.driven(STRIKE)[mark:] == ["1", "0"])
    check("the fire latch outlived them: no magnet is held", not header.level(MAGNET))
    daemon.terminate()
    check("it ends when asked", daemon.wait(PATIENCE_S) == 0)


if __name__ == "__main__":
    main()
