"""What somebody at the guest's keyboard does and sees. Nothing of edged but its programs."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 120.0
"""For whatever has to come; an emulated processor is some seventeen times slower."""


_ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
"""What the guest imports is nothing to what it looks at."""


class Broken(Exception):
    """What came next makes no sense any more."""


def say(text: str) -> None:
    """Tell the outside."""
    print(f"RIG {text}", flush=True)


def check(what: str, held: bool, seen: object = "") -> None:
    """Tell whether something is as it should be."""
    say(f"{'ok     ' if held else 'FAILED '} {what} {seen}".rstrip())


def until(what: str, condition: Callable[[], bool], within_s: float = PATIENCE_S) -> float:
    """Wait for a condition and tell how long that took. Raises Broken."""
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        if condition():
            took = time.monotonic() - began
            say(f"ok      {what}, after {took:.2f} s")
            return took
        time.sleep(0.05)
    raise Broken(f"{what}: not within {within_s:g} s")


def run(*command: str, code: int = 0) -> str:
    """Run a command, and give what it said. Raises Broken: it ended otherwise."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=_ENVIRONMENT,
    )
    if done.returncode != code:
        raise Broken(f"{' '.join(command)} ended with {done.returncode}: {done.stdout[-2000:]}")
    return done.stdout


def timed(what: str, *command: str) -> str:
    """Run a command and tell how long it took."""
    began = time.monotonic()
    said = run(*command)
    say(f"ok      {what}: {time.monotonic() - began:.1f} s")
    return said


def unit(name: str, *properties: str) -> list[str]:
    """What systemd says of a unit."""
    shown = run("systemctl", "show", name, *(f"--property={one}" for one in properties))
    table = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    return [table.get(one, "") for one in properties]


def kill_all(name: str = "edged.service") -> None:
    """Kill every process of a unit. `systemctl kill` also hits what comes after it."""
    for pid in Path("/sys/fs/cgroup/system.slice", name, "cgroup.procs").read_text().split():
        os.kill(int(pid), signal.SIGKILL)


def is_active(name: str = "edged.service") -> bool:
    """Whether a unit is up: for the daemon, it has said so itself."""
    return unit(name, "ActiveState") == ["active"]


def said_by(name: str = "edged.service") -> str:
    """The unit's log."""
    return run("journalctl", "--unit", name, "--output=cat", "--no-pager")
