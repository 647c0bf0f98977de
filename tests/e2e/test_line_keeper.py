"""Whatever happens to the daemon or to the keeper, the lines come to rest: seen at the pins.

The pins are simulated ones, which keep their level when their process dies, as on a Raspberry
Pi. Everything else is real: the daemon, its keeper, the signals, and the unit's own command.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from edged.control.client import ask
from edged.control.wire import Verb
from edged.exits import Exit
from edged.store.audit import read_records
from hil.site.processes import Program
from hil.site.site import edged_command
from tests.drivers.header import PinBoard
from tests.drivers.rigs import until
from tests.e2e.scene import SOON_S

UNIT = Path(__file__).parents[2] / "systemd" / "edged.service"
STRIKE, MAGNET, BUTTON, FIRE = 17, 18, 23, 22
MARGIN_S = 4.0
"""What a machine busy with other tests may add to a pulse."""

BLOCKABLE = """
import ctypes, signal, sys
def in_c(*_): ctypes.PyDLL(None).sleep(60)  # which holds the interpreter's lock
def in_the_loop(*_):
    while True: pass
signal.signal(signal.SIGUSR1, in_c)
signal.signal(signal.SIGUSR2, in_the_loop)
from edged.cli import main
main()
"""

SETTINGS = """
device = "S1-FRONT"
allow_simulated = true
state_dir = "{folder}/state"
runtime_dir = "{folder}"
gpio = {{ kind = "sim", file = "{folder}/pins" }}
fire = {{ kind = "gpio", line = 22 }}
[doors.front]
type = "strike"
lock = {{ kind = "gpio", line = 17 }}
exit_button = {{ kind = "gpio", line = 23 }}
readers.front-in = {{ kind = "camera", socket = "{folder}/front.sock", optional = true }}
[doors.back]
type = "magnet"
egress = "mechanical"
lock = {{ kind = "gpio", line = 18 }}
readers.back-in = {{ kind = "camera", socket = "{folder}/back.sock", optional = true }}
"""

pytestmark = pytest.mark.e2e


class House:
    """A daemon at simulated pins, and who stands before them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.board = PinBoard(folder / "pins")
        self.board.drive(BUTTON, level=True)  # nobody presses it
        self.board.drive(FIRE, level=False)  # the loop is closed
        settings = folder / "edged.toml"
        settings.write_text(SETTINGS.format(folder=folder))
        command = (sys.executable, "-P", "-c", BLOCKABLE, "run", "--config", str(settings))
        self.daemon = Program(command, folder / "edged.log")

    async def start(self) -> None:
        notify = self.folder / "notify.sock"
        notify.unlink(missing_ok=True)
        await self.daemon.until_ready(notify)
        if not self.burnt:
            await until(lambda: self.board.level(MAGNET))

    @property
    def burnt(self) -> bool:
        return (self.folder / "state" / "fire-latch").exists()

    @property
    def keeper(self) -> int:
        pid = self.daemon.pid
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(child)

    async def press(self) -> None:
        """Press the exit button, and see the strike released."""
        before = len(self.board.changes(STRIKE))
        self.board.drive(BUTTON, level=False)
        await until(lambda: len(self.board.changes(STRIKE)) > before)
        assert self.board.level(STRIKE)
        self.board.drive(BUTTON, level=True)

    async def lose_the_keeper(self) -> None:
        """Kill it, and see every device at its lines lost and open again."""
        os.kill(self.keeper, signal.SIGKILL)
        over = {(lock, "DEVICE_LOST", False) for lock in ("front.lock", "back.lock")}
        await until(lambda: over <= self.told())

    async def reset_fire(self) -> tuple[int | None, str]:
        """Give staff's command; its exit code and the result."""
        config = str(self.folder / "edged.toml")
        process = await asyncio.create_subprocess_exec(
            *(*edged_command(), "fire", "reset", "--by", "kim", "--json", "--config", config),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        return process.returncode, json.loads(said)["result"]

    def at_rest(self) -> bool:
        return not self.board.level(STRIKE) and not self.board.level(MAGNET)

    def alarms(self) -> set[tuple[str, str]]:
        alarms = ask(self.folder / "control.sock", Verb.STATUS)["alarms"]
        assert isinstance(alarms, list)
        return {(one["source"], one["alarm"]) for one in alarms}

    def told(self) -> set[tuple[str, str, bool]]:
        """Every alarm that began or ended, also one that nobody looked at meanwhile."""
        journal = self.folder / "state" / "journal.db"
        bodies = [json.loads(one.data) for one in read_records(journal, 0, 1_000_000)]
        found = [one for one in bodies if one["kind"] == "alarm"]
        return {(one["source"], one["alarm"], one["raised"]) for one in found}


@pytest.fixture
async def house(folder: Path) -> AsyncIterator[House]:
    house = House(folder)
    yield house
    if house.daemon.code is None:
        with suppress(ProcessLookupError):  # it is dead, and nobody has waited for it yet
            os.kill(house.daemon.pid, signal.SIGCONT)
        house.daemon.kill()
        await house.daemon.wait()


@pytest.mark.threat("D1", "J1")
@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, signal.SIGSTOP, signal.SIGUSR1, signal.SIGUSR2],
    ids=["killed", "stopped", "blocked in C", "blocked in the loop"],
)
async def test_a_daemon_that_is_gone_or_silent_leaves_the_lines_at_rest(
    house: House, number: signal.Signals
) -> None:
    """How soon, tests/line_keeper shows; here a daemon that lives would hold the magnet."""
    await house.start()
    await house.press()
    assert house.board.level(MAGNET)
    os.kill(house.daemon.pid, number)
    await until(house.at_rest)
    assert [level for _, level in house.board.changes(STRIKE)] == [True, False]
    assert [level for _, level in house.board.changes(MAGNET)] == [True, False]


async def test_what_a_silent_daemon_had_ordered_is_not_resumed(house: House) -> None:
    await house.start()
    await house.press()
    os.kill(house.daemon.pid, signal.SIGSTOP)
    await until(house.at_rest)
    os.kill(house.daemon.pid, signal.SIGCONT)
    await until(lambda: house.board.level(MAGNET))
    assert [level for _, level in house.board.changes(STRIKE)] == [True, False]
    await house.press()


@pytest.mark.threat("J1")
async def test_a_pulse_ends_by_itself_and_the_daemon_ends_at_rest(house: House) -> None:
    await house.start()
    await house.press()
    await until(lambda: not house.board.level(STRIKE))
    (on, _), (off, _) = house.board.changes(STRIKE)
    assert off - on < 5.0 + MARGIN_S
    assert off - on > 4.0  # it counts from the order, which takes its time
    assert await house.daemon.stop() == 0
    assert house.at_rest()


@pytest.mark.fault("keeper-killed")
@pytest.mark.threat("J1")
async def test_a_killed_keeper_is_replaced_and_the_lines_rest_in_between(house: House) -> None:
    await house.start()
    await house.press()
    await house.lose_the_keeper()
    assert [level for _, level in house.board.changes(STRIKE)] == [True, False]
    await until(lambda: [level for _, level in house.board.changes(MAGNET)] == [True, False, True])
    await house.press()
    assert house.daemon.code is None


@pytest.mark.threat("J1")
async def test_the_units_command_brings_to_rest_what_both_left_behind(house: House) -> None:
    await house.start()
    await house.press()
    keeper = house.keeper
    os.kill(house.daemon.pid, signal.SIGSTOP)
    os.kill(keeper, signal.SIGKILL)
    house.daemon.kill()
    await house.daemon.wait()
    assert house.board.level(STRIKE)
    assert house.board.level(MAGNET)
    (line,) = [line for line in UNIT.read_text().splitlines() if line.startswith("ExecStopPost=")]
    command = line.removeprefix("ExecStopPost=").replace("/run/edged", str(house.folder))
    _, *arguments = command.split()
    rest = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    assert await rest.wait() == 0
    assert house.at_rest()


@pytest.mark.fault("fire")
@pytest.mark.threat("J2")
async def test_the_fire_latch_outlives_keeper_and_daemon(house: House) -> None:
    await house.start()
    house.board.drive(FIRE, level=True)  # the wire is cut
    await until(lambda: not house.board.level(MAGNET))
    await until(lambda: ("device", "FIRE") in house.alarms())
    house.board.drive(FIRE, level=False)
    await house.lose_the_keeper()
    await house.press()
    house.daemon.kill()
    await house.daemon.wait()
    await house.start()
    await house.press()
    assert ("device", "FIRE") in house.alarms()
    await until(lambda: not house.board.level(STRIKE))  # seconds later, many beats
    assert [level for _, level in house.board.changes(MAGNET)] == [True, False]


async def test_a_reset_goes_from_the_command_to_the_keepers_latch(house: House) -> None:
    await house.start()
    assert await house.reset_fire() == (Exit.DOOR_REFUSED, "NO_FIRE")
    house.board.drive(FIRE, level=True)
    await until(lambda: ("device", "FIRE") in house.alarms() and house.burnt)
    assert await house.reset_fire() == (Exit.DOOR_REFUSED, "STILL_BURNING")
    assert not house.board.level(MAGNET)
    house.board.drive(FIRE, level=False)
    async with asyncio.timeout(SOON_S):  # the contact is debounced
        while (done := await house.reset_fire()) != (0, "OK"):
            assert done == (Exit.DOOR_REFUSED, "STILL_BURNING")
            assert house.burnt
    await until(lambda: house.board.level(MAGNET))
    assert not house.burnt
    assert ("device", "FIRE") not in house.alarms()
    house.daemon.kill()
    await house.daemon.wait()
    await house.start()
    assert house.board.level(MAGNET)
    assert ("device", "FIRE") not in house.alarms()


@pytest.mark.fault("fire-input-lost")
async def test_a_lost_fire_input_lets_the_magnets_go_and_no_fire_be_reset(house: House) -> None:
    await house.start()
    house.board.drive(FIRE, level=True)
    await until(lambda: ("device", "FIRE") in house.alarms() and house.burnt)
    os.kill(house.keeper, signal.SIGSTOP)  # it is there, and answers nobody
    await until(lambda: ("device", "FIRE_UNHEARD", True) in house.told())
    assert await house.reset_fire() == (Exit.DOOR_REFUSED, "STILL_BURNING")
    assert house.burnt
    await until(lambda: ("device", "FIRE_UNHEARD", False) in house.told())
    assert not house.board.level(MAGNET)


@pytest.mark.fault("fire")
@pytest.mark.threat("J2")
async def test_fire_needs_no_daemon(house: House) -> None:
    await house.start()
    os.kill(house.daemon.pid, signal.SIGSTOP)
    house.board.drive(FIRE, level=True)
    await until(lambda: house.burnt)
    assert not house.board.level(MAGNET)
