"""What only a kernel and a systemd show of a device: each a case, at one machine."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from hil.machine.device import CommandFailed, Device
from hil.machine.image import DEAFEN, MUTE
from hil.machine.qemu import KEYBOARD_PATH, serial_path
from hil.machine.site import LINES
from hil.scenarios.stage import NotSeen, Stage

STRIKE: Final = LINES["front"]["lock"]
MAGNET: Final = LINES["yard"]["lock"]
_GROUP: Final = "/sys/fs/cgroup/system.slice/edged.service/cgroup.procs"
_MEMORY_MB: Final = 512
_RESTART_S: Final = 180.0
"""A start of the daemon and its keeper, times the pace: 100 s and more on a busy computer."""
_LOOK_S: Final = 12.0
"""Times the pace: a minute for whatever comes of something else."""
_PRESS_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """Something that must be so. `show`: raises NotSeen, CommandFailed.

    `boots`: it is about what comes of switching on, so a boot comes before it.
    """

    name: str
    says: str
    show: Callable[[Stage, Device], Awaitable[str]]
    boots: bool


CASES: Final[list[Case]] = []


def _case(
    name: str, says: str, *, boots: bool = False
) -> Callable[[Callable[[Stage, Device], Awaitable[str]]], None]:
    def add(show: Callable[[Stage, Device], Awaitable[str]]) -> None:
        CASES.append(Case(name, says, show, boots))

    return add


@_case(
    "first-word",
    "An active-low strike's line is high by its first word from the kernel",
    boots=True,
)
async def _first_word(_: Stage, device: Device) -> str:
    levels = await device.driven(STRIKE)
    if not levels or not all(levels):
        raise NotSeen(f"it was driven {levels}")
    return f"driven {len(levels)} times, always high"


@_case(
    "owners",
    "Header, adapters and keyboard are their groups', and nobody else may open them",
)
async def _owners(_: Stage, device: Device) -> str:
    wanted = {
        "/dev/gpiochip0": "gpio 660",
        serial_path("front-in"): "dialout 660",
        KEYBOARD_PATH: "input 660",
    }
    for path, owner in wanted.items():
        found = (await device.run("stat", "--dereference", "--format=%G %a", path)).strip()
        if found != owner:
            raise NotSeen(f"{path} is {found}")
        await _refused(device, f"runuser -u nobody -- head --bytes=0 {path}", "Permission denied")
    return f"{len(wanted)} devices"


@_case("other-devices", "Whoever is in the daemon's place can't open the disk, though it be root")
async def _other_devices(_: Stage, device: Device) -> str:
    await _refused(device, _in_its_place("head --bytes=0 /dev/vda"), "not permitted")
    await device.run("sh", "-c", _in_its_place("head --bytes=0 /dev/zero"))
    return "EPERM"


@_case("plugs", "Two scanners that change their plugs are still the scanners of their sides")
async def _plugs(stage: Stage, device: Device) -> str:
    names = ("front-in", "front-out")
    before = [await _node(device, name) for name in names]
    stage.begin()
    for name in names:
        await stage.people.unplug(name)
        await stage.hears(_LOOK_S, event="alarm", alarm="DEVICE_LOST", source=name, raised=True)
    for name in reversed(names):
        await stage.people.plug(name)
        await stage.hears(_RESTART_S, event="alarm", alarm="DEVICE_LOST", source=name, raised=False)
    after = [await _node(device, name) for name in names]
    if after != before[::-1]:
        raise NotSeen(f"they did not change: {before}, {after}")
    stage.begin()
    await stage.people.scan("front-in", stage.site.code("goro"))
    await stage.bolt("front", _LOOK_S, released=True)
    await stage.bolt("front", _LOOK_S, released=False)
    return " and ".join(before)


@_case("deaf", "When lgpio's thread has died the inputs are deaf, and that is seen and mended")
async def _deaf(stage: Stage, device: Device) -> str:
    await _fault(stage, device, DEAFEN)
    stage.begin()
    await stage.people.tamper("front", opened=True)

    async def noticed() -> bool:
        return any(one["alarm"] == "TAMPER" for one in await stage.staff.alarms())

    await stage.until(noticed, _RESTART_S, "alarm TAMPER")
    await stage.people.tamper("front", opened=False)
    said = await device.run("journalctl", "--unit=edged", "--output=cat", "--no-pager")
    if "is deaf" not in said:
        raise NotSeen("nobody said that a line was deaf")

    await _gets_out(stage)
    return "DEVICE_LOST, opened again"


@_case("mute", "When lgpio tells of no edge any more the inputs are looked at")
async def _mute(stage: Stage, device: Device) -> str:
    await _fault(stage, device, MUTE)
    stage.begin()
    for opened in (True, False):
        await stage.people.tamper("front", opened=opened)
        await stage.hears(_LOOK_S, alarm="TAMPER", source="front", raised=opened)
    await _gets_out(stage)
    return "TAMPER comes and goes, the button opens"


@_case("keeper-killed", "The line keeper is killed in a release: the strike rests, a new one comes")
async def _keeper_killed(stage: Stage, device: Device) -> str:
    await _release(stage)
    find = f"grep --files-with-matches drivers.line_keeper $(sed 's#.*#/proc/&/cmdline#' {_GROUP})"
    await device.run("sh", "-c", f"kill -9 $({find} | cut -d/ -f3)")
    await stage.bolt("front", _LOOK_S, released=False)
    await stage.bolt("yard", _LOOK_S, released=True)
    await stage.bolt("yard", _RESTART_S, released=False)
    await _works(stage)
    return "the magnet let go and is held again"


@_case("all-killed", "All of it is killed in a release: driven to rest, and it is up again")
async def _all_killed(stage: Stage, device: Device) -> str:
    restarts = await _restarts(device)
    await _release(stage)
    mark = len(await device.driven(STRIKE))
    await device.run("sh", "-c", f"kill -9 $(cat {_GROUP})")
    await stage.bolt("front", _LOOK_S, released=False)
    await stage.bolt("yard", _LOOK_S, released=True)
    await _again(stage, device, restarts)
    driven = (await device.driven(STRIKE))[mark:]
    if not driven[0]:
        raise NotSeen(f"the strike was driven {driven}")
    return "strike driven to rest by its first word"


@_case("watchdog", "The daemon is frozen: its keeper rests all lines, and systemd starts it anew")
async def _watchdog(stage: Stage, device: Device) -> str:
    restarts = await _restarts(device)
    await _release(stage)
    pid = (await device.run("systemctl", "show", "--value", "--property=MainPID", "edged")).strip()
    await device.run("sh", "-c", f"kill -STOP {pid}")
    await stage.bolt("yard", _LOOK_S, released=True)
    await stage.bolt("front", _LOOK_S, released=False)
    await _again(stage, device, restarts)
    said = await device.run("journalctl", "--unit=edged", "--no-pager")
    if "Watchdog timeout" not in said:
        raise NotSeen("it was not the watchdog")
    return "Watchdog timeout"


@_case("memory", "Whoever eats more than its place may have is killed, and the door works after it")
async def _memory(stage: Stage, device: Device) -> str:
    restarts = await _restarts(device)
    eat = shlex.join(["python3", "-c", f"b'x' * {_MEMORY_MB + 128} * 2**20"])
    await _refused(device, _in_its_place(eat), "")
    said = await device.run("journalctl", "--dmesg", "--no-pager")
    if "Memory cgroup out of memory" not in said:
        raise NotSeen("it was not the limit")
    await _again(stage, device, restarts)
    return f"{_MEMORY_MB} MB"


async def _fault(stage: Stage, device: Device, file: str) -> None:
    """Ask for a fault in the daemon, and wait until it is there."""
    await device.run("touch", file)

    async def taken() -> bool:
        return not (await device.run("sh", "-c", f"ls {file} || true")).startswith(file + "\n")

    await stage.until(taken, _LOOK_S, f"fault {file}")


async def _gets_out(stage: Stage) -> None:
    async def heard() -> bool:
        await stage.people.press("front")  # the button's own look may still be to come
        await asyncio.sleep(_PRESS_S)
        return bool((await stage.people.state())["doors"]["front"]["released"])

    stage.begin()
    await stage.until(heard, _LOOK_S, "exit by the button")
    await stage.bolt("front", _LOOK_S, released=False)


def _in_its_place(command: str) -> str:
    return f"echo $$ >{_GROUP} && exec {command}"


async def _refused(device: Device, command: str, said: str) -> None:
    try:
        await device.run("sh", "-c", command)
    except CommandFailed as error:
        if said not in str(error):
            raise
        return
    raise NotSeen(f"it was not refused: {command}")


async def _node(device: Device, scanner: str) -> str:
    return (await device.run("readlink", "--canonicalize", serial_path(scanner))).strip()


async def _restarts(device: Device) -> str:
    return (await device.run("systemctl", "show", "--property=NRestarts", "edged")).strip()


async def _again(stage: Stage, device: Device, restarts: str) -> None:
    """Wait until the daemon was started again, and see that the door works."""

    async def back() -> bool:
        up = await device.run("systemctl", "show", "--property=ActiveState", "edged")
        return "=active" in up and await _restarts(device) != restarts

    await stage.until(back, _RESTART_S, "new start of the daemon")
    await stage.listen()
    await stage.at_rest()
    await _works(stage)


async def _release(stage: Stage) -> None:
    stage.begin()
    await stage.people.press("front")
    await stage.bolt("front", _LOOK_S, released=True)


async def _works(stage: Stage) -> None:
    await _release(stage)
    await stage.bolt("front", _LOOK_S, released=False)
