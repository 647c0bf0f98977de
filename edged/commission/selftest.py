"""`edged selftest`: the hardware under the daemon, unattended; with moves, each door once.

The looks are the doctor's, so that both never disagree: those at the computer and at what is
plugged into it. What only a person can see is the walk's (`edged commission`).
"""

import getpass
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edged.commission import doctor, limits
from edged.commission.findings import Finding, Grade
from edged.control import client
from edged.control.client import ControlRefused, DaemonUnreachable
from edged.control.wire import Verb
from edged.exits import explain
from edged.settings.file import load
from edged.settings.model import Settings

LOOKS: Final = (
    *("header", "memory", "throttled", "power", "disk", "clock"),
    *("devices", "line_keeper", "alarms", "broker"),
)
"""Of the doctor's looks, those at hardware and at what it is connected to."""
_RELEASED, _REST = "RELEASED", "REST"

Status = Mapping[str, object]


def examine(
    config: Path,
    root: Path = Path("/"),
    *,
    moves: bool,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Finding]:
    """Look at the hardware, and give what was found as it is found.

    `moves`: then release the lock of each door for its pulse, one after the other, and see it
    end. Whoever stands there gets in. `root`: where the computer's own files are. `pause`: lets
    so many seconds pass.
    """
    yield from doctor.examine(config, root, LOOKS)
    settings = load(config)
    if moves and isinstance(settings, Settings):
        for door in settings.doors:
            try:
                yield _moved(Looks(settings.control_socket, pause), door)
            except (DaemonUnreachable, ControlRefused) as error:
                said = "; ".join(explain(error)[1])
                yield Finding("moves", Grade.FAIL, f"{door}: {said}", "systemctl status edged")


@dataclass(frozen=True, slots=True)
class Looks:
    """The daemon's word, again and again, with a pause between."""

    socket: Path
    pause: Callable[[float], None]

    def until(self, holds: Callable[[Status], bool], for_s: float) -> tuple[Status, float]:
        """Give the first status that fits or the last one in time, and how many seconds passed."""
        for n in range(round(for_s / limits.LOOK_S)):
            if holds(status := client.ask(self.socket, Verb.STATUS)):
                return status, n * limits.LOOK_S
            self.pause(limits.LOOK_S)
        return client.ask(self.socket, Verb.STATUS), for_s


def _moved(looks: Looks, door: str) -> Finding:
    order = {"command": str(uuid.uuid4()), "by": getpass.getuser(), "do": "open", "door": door}
    result = client.ask(looks.socket, Verb.DOOR, order=order)["result"]
    if result != "OK":
        todo = "edged status says how the door is, edged rules show what it may"
        return Finding("moves", Grade.FAIL, f"{door} was not released: {result}", todo)

    def ends(status: Status) -> bool:
        return not _phase(status, door).startswith(_RELEASED)

    ended, took_s = looks.until(ends, limits.MOVE_S)
    if not (phase := _phase(ended, door)).startswith(_REST):
        todo = "shut the door; look at its contact"
        return Finding("moves", Grade.FAIL, f"{door} is {phase} after {took_s:.0f} s", todo)
    status, _ = looks.until(lambda seen: bool(_faults(seen, door)), limits.BOND_S)
    if faults := _faults(status, door):
        todo = "edged commission --anew goes to the lock with you"
        return Finding("moves", Grade.FAIL, f"{door}: {', '.join(faults)} after its pulse", todo)
    return Finding("moves", Grade.OK, f"{door} is at rest again after {took_s:.1f} s")


def _phase(status: Status, door: str) -> str:
    doors = status["doors"]
    return str(doors[door]) if isinstance(doors, Mapping) else ""


def _faults(status: Status, door: str) -> list[str]:
    alarms = status["alarms"]
    up = [one for one in alarms if isinstance(one, Mapping)] if isinstance(alarms, list) else []
    return [str(one["alarm"]) for one in up if str(one["source"]).split(".")[0] == door]
