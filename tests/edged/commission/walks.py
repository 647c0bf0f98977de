"""A world in which everything is wired right, and what is asked of it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from edged.commission import scripts
from edged.commission.findings import Finding, Grade
from edged.commission.words import (
    Ask,
    Boots,
    Examine,
    Look,
    OrderLocker,
    Outcome,
    Release,
    Reply,
    Request,
    ResetFire,
    Seen,
    Signal,
    Step,
    Watch,
)
from edged.settings.file import require
from edged.settings.model import Settings

SETTINGS = """
device = "S1-FRONT"
fire = {{ kind = "gpio", line = 22 }}
state_dir = "{folder}/state"
runtime_dir = "{folder}"
allow_simulated = true
[doors.front]
type = "strike"
lock = {{ kind = "sim", socket = "/run/b.sock", door = "front" }}
contact = {{ kind = "sim", socket = "/run/b.sock", door = "front", line = "contact" }}
exit_button = {{ kind = "sim", socket = "/run/b.sock", door = "front", line = "button" }}
[doors.front.readers.front-in]
kind = "sim"
socket = "/run/b.sock"
reader = "front-in"
[doors.yard]
type = "magnet"
egress = "wired_button"
lock = {{ kind = "waveshare_relay", port = "/dev/relay", channel = 1 }}
[doors.yard.readers.yard-in]
kind = "serial_line"
port = "/dev/scanner"
[lockers.hall]
store = "S1"
numbers = {{ L3 = 3, L4 = 17 }}
board = {{ {board} }}
more_boards = [
  {{ kind = "winnsen", port = "/dev/bus", locks = 16 }},
  {{ kind = "winnsen", port = "/dev/bus", address = 2, locks = 16 }},  # no locker yet
]
[counters.desk]
kind = "serial_line"
port = "/dev/desk"
"""

World = Callable[[Request], Reply]
TURNED_ON = Finding("journal", Grade.OK, "7 records follow each other, 0 cosigned")


KERONG = 'kind = "kerong", port = "/dev/bus", baud = 9600, locks = 16, hook_closed_bit = 1'


def settings(folder: Path, board: str = KERONG) -> Settings:
    path = folder / "edged.toml"
    path.write_text(SETTINGS.format(folder=folder, board=board))
    return require(path)


def well(*, free: bool = False) -> Callable[[Request], Reply]:
    """Make a world in which all is right; `free`: its lockers are, else they are new."""
    lockers = {name: Seen(free, held=False, open=False) for name in ("L3", "L4")}
    return partial(_answer, lockers)


def _answer(lockers: dict[str, Seen], request: Request) -> Reply:
    """Answer as a device does at which all is right, and its installer."""
    match request:
        case Ask(key):
            return Reply(said=_said(key))
        case Watch(key, _, signal):
            by_hand = {Signal.CONTACT, Signal.BUTTON, Signal.CODE, Signal.AT_REST}
            return Reply(heard=(key.split("/")[1] if signal in by_hand else "daemon",))
        case Release() | ResetFire():
            return Reply(said="OK")
        case Look():
            return Reply(open={"front": False}, lockers=dict(lockers))
        case OrderLocker(name, do):
            assert not lockers[name].held
            is_open = do == "staff_open"
            lockers[name] = Seen(do == "confirm_empty", held=False, open=is_open)
            return Reply(said="OK")
        case Examine():
            return Reply(findings=(TURNED_ON,))
        case Boots():
            return Reply(said="other")
        case _:
            return Reply()


def _said(key: str) -> str:
    _, subject, what = key.split("/")
    lockers = {"hall.board": "L3", "hall.board2": "L4"}
    return {"begin": "go", "which": lockers.get(subject, subject)}.get(what, "yes")


def play(step: Step, given: Settings, world: World) -> tuple[Outcome, list[Request]]:
    """Play a step in a world; give how it ended and what it asked of it."""
    script = scripts.begin(step, given)
    asked: list[Request] = []
    try:
        request = next(script)
        while len(asked) < 50:
            asked.append(request)
            request = script.send(world(request))
    except StopIteration as ended:
        return ended.value, asked
    raise AssertionError("it does not end")
