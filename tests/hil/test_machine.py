"""The wires between the building and a device's header, and who is at the device."""

import asyncio
import json
import os
import pty
import tty
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest

from edged.settings.file import load
from edged.settings.model import Settings
from hil.machine.device import CommandFailed, Device, connected
from hil.machine.harness import Cable, Coil, Contact, Harness, Lamps, Wire
from hil.machine.image import fingerprint
from hil.machine.qemu import Disks, Machine
from hil.machine.site import MachineSite, at_rest, machine_site, wires
from hil.people import Observation, People
from hil.scenarios.staff import Staff
from hil.scenarios.stage import Stage
from hil.site.site import Site
from tests.hil.process import SOON_S, Process

STRIKE = Coil("front", 17, active_low=True)
MAGNET = Coil("hall", 18)
CONTACT = Contact("contact", 24, "front")
BUTTON = Contact("button", 23, "front", closed=False)
LAMPS = Lamps("front-in", 20, 21)


class Header:
    """Lines that are pulled, and who waits for one."""

    def __init__(self) -> None:
        self._levels: dict[int, bool] = {}
        self._moved = asyncio.Event()

    def pull(self, line: int, *, level: bool) -> None:
        self._levels[line] = level
        self._moved.set()

    async def until(self, line: int, *, level: bool) -> None:
        async with asyncio.timeout(SOON_S):
            while self._levels.get(line) is not level:
                self._moved.clear()
                await self._moved.wait()


@asynccontextmanager
async def harness(building: Process, *wires: Wire) -> AsyncIterator[tuple[Harness, Header]]:
    header = Header()
    async with Harness(building.socket, wires, header) as harness:
        yield harness, header


async def bolt(people: People, *, released: bool, after: int = 0) -> Observation:
    return await people.wait_for(
        lambda seen: seen["what"] == "bolt" and seen["released"] is released, SOON_S, after=after
    )


async def test_an_active_low_line_feeds_the_coil_while_it_is_low(
    building: Process, people: People
) -> None:
    async with harness(building, STRIKE) as (wired, _):
        wired.dark()
        wired.drive(17, level=False)
        released = await bolt(people, released=True)
        wired.drive(17, level=True)
        locked = await bolt(people, released=False, after=released["n"])
        wired.drive(17, level=False)
        again = await bolt(people, released=True, after=locked["n"])
        wired.dark()
        await bolt(people, released=False, after=again["n"])


async def test_a_line_that_nobody_wired_moves_nothing(building: Process, people: People) -> None:
    async with harness(building, STRIKE) as (wired, _):
        wired.drive(4, level=True)
        wired.dark()
        assert not (await people.state())["doors"]["front"]["released"]
    assert not [seen for seen in people.seen if seen["what"] == "bolt"]


class Ready(Staff):
    """Who is told that every device is open."""

    async def devices(self) -> Sequence[str]:
        return ["open"]


async def test_a_stage_is_at_rest_when_every_magnet_is_held(
    tmp_path: Path, building: Process, people: People
) -> None:
    stage = Stage(Site(tmp_path), people)
    stage.staff = Ready(tmp_path, [])
    async with harness(building, MAGNET) as (wired, _):
        resting = asyncio.create_task(stage.at_rest())
        assert (await people.state())["doors"]["hall"]["released"]
        assert not resting.done()
        wired.drive(18, level=True)
        async with asyncio.timeout(SOON_S):
            await resting
        assert not (await people.state())["doors"]["hall"]["released"]


async def test_contacts_pull_their_lines(building: Process, people: People) -> None:
    async with harness(building, CONTACT, BUTTON) as (_, header):
        await header.until(24, level=False)  # closed to ground, as the door is shut
        await header.until(23, level=True)
        await people.force("front")
        await header.until(24, level=True)
        await people.press("front", for_ms=60_000)
        await header.until(23, level=False)


@pytest.mark.parametrize(
    ("red", "green", "colour"),
    [(True, False, "red"), (False, True, "green"), (True, True, "amber")],
)
async def test_two_lamps_make_a_colour(
    building: Process, people: People, *, red: bool, green: bool, colour: str
) -> None:
    async with harness(building, LAMPS) as (wired, _):
        wired.drive(20, level=red)
        wired.drive(21, level=green)
        await people.wait_for(lambda seen: seen.get("light") == colour, SOON_S)
        wired.dark()
        await people.wait_for(lambda seen: seen.get("light") == "off", SOON_S)


async def test_a_cable_carries_both_ways_and_can_be_pulled(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    heard = list[bytes]()

    async def port(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(5))
        writer.write(b"order\n")
        heard.append(await reader.read())
        pulled.set()
        writer.close()

    async with await asyncio.start_unix_server(port, tmp_path / "port"):
        cable = Cable(Path(os.ttyname(theirs)), tmp_path / "port")
        for _ in range(2):
            heard.clear()
            pulled = asyncio.Event()
            await cable.plug()
            async with asyncio.timeout(SOON_S):
                os.write(ours, b"code\r")
                assert await asyncio.to_thread(os.read, ours, 6) == b"order\n"
                await cable.unplug()
                await pulled.wait()
            assert heard == [b"code\r", b""]
    os.close(ours)
    os.close(theirs)


class Agent:
    """The far end of a device, by the text of hil/machine/README.md."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def __aenter__(self) -> Self:
        self._connected = asyncio.Event()
        self._server = await asyncio.start_unix_server(self._serve, self._socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._connected.set()

    async def say(self, **message: object) -> None:
        await self._connected.wait()
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def hear(self) -> Any:
        async with asyncio.timeout(SOON_S):
            await self._connected.wait()
            return json.loads(await self._reader.readline())

    async def obey(self, code: int = 0) -> Any:
        """Give a command, after an answer to it with this code."""
        asked = await self.hear()
        await self.say(id=asked["id"], code=code, said="")
        return asked["run"]


@asynccontextmanager
async def agreed(
    folder: Path, changed: Callable[[int, bool], None] = lambda *_: None
) -> AsyncIterator[tuple[Device, Agent]]:
    socket = folder / "agent"
    async with Agent(socket) as agent, Device(partial(connected, socket), changed) as device:
        yield device, agent


async def test_a_device_is_told_its_lines_when_it_is_up_and_again_after_a_power_cut(
    tmp_path: Path,
) -> None:
    changes = list[tuple[int, bool]]()
    async with agreed(tmp_path, lambda *change: changes.append(change)) as (device, agent):
        device.pull(24, level=True)
        device.watch([17])
        assert await agent.hear() == {"hello": True}
        for told in range(1, 3):
            await agent.say(line=17, level=True)  # what is left of the life before
            await agent.say(hello="x")
            await device.up(SOON_S)
            assert await agent.hear() == {"pull": 24, "level": True}
            assert await agent.hear() == {"watch": [17]}
            asked = asyncio.create_task(device.run("true"))
            await agent.say(line=17, level=True)
            await agent.say(id=(await agent.hear())["id"], code=0, said="")
            await asked
            assert changes == [(17, True)] * told
            device.gone()


async def test_a_command_that_fails_or_is_cut_off_says_so(tmp_path: Path) -> None:
    async with agreed(tmp_path) as (device, agent):
        with pytest.raises(CommandFailed, match="not up"):
            await device.run("true")
        assert await agent.hear() == {"hello": True}
        await agent.say(hello="x")
        await device.up(SOON_S)
        assert await agent.hear() == {"watch": []}
        asked = asyncio.create_task(device.run("false"))
        await agent.say(id=(await agent.hear())["id"], code=3, said="no")
        with pytest.raises(CommandFailed, match="false: 3: no"):
            await asked
        cut = asyncio.create_task(device.run("sleep"))
        await agent.hear()
        device.gone()
        with pytest.raises(CommandFailed, match="power"):
            await cut


def a_site(folder: Path) -> MachineSite:
    return machine_site(folder, Machine(Disks(folder, folder, folder), folder, []))


@asynccontextmanager
async def at_a_machine(folder: Path) -> AsyncIterator[tuple[MachineSite, Agent]]:
    site = a_site(folder)
    async with Agent(folder / "agent") as agent, site.device:
        assert await agent.hear() == {"hello": True}
        await agent.say(hello="x")
        assert await agent.hear() == {"watch": []}
        yield site, agent


async def test_a_daemon_that_does_not_start_at_a_machine_is_started_anew(tmp_path: Path) -> None:
    async with at_a_machine(tmp_path) as (site, agent):
        starting = asyncio.create_task(site.start_daemon())
        assert await agent.obey(code=1) == ["systemctl", "start", "edged"]
        assert (await agent.obey())[0] == "journalctl"
        assert await agent.obey() == ["systemctl", "start", "edged"]
        await starting
        assert site.starts == 2


async def test_hours_pass_at_a_machine_for_its_clock_and_for_phones(tmp_path: Path) -> None:
    async with at_a_machine(tmp_path) as (site, agent):
        before = site.wall()
        passing = asyncio.create_task(site.pass_hours(1))
        commands = [await agent.obey() for _ in range(4)]
        await passing
        told = datetime.fromtimestamp(float(commands[0][1].removeprefix("--set=@")), UTC)
        assert before + timedelta(hours=1) <= told <= site.wall()
        assert commands[-1][-1] == "confirmed"


def test_the_daemon_takes_the_settings_and_nothing_in_them_is_simulated(tmp_path: Path) -> None:
    site = a_site(tmp_path)
    site.write()
    settings = load(Path(site.config))
    assert isinstance(settings, Settings), settings
    written = (tmp_path / "edged.toml").read_text()
    assert '"sim"' not in written
    contacts = [wire for wire in wires() if isinstance(wire, Contact)]
    assert written.count('pull = "none"') == len(contacts)  # gpio-sim would take it as ours


def test_every_wire_has_lines_of_its_own_and_a_level_at_rest() -> None:
    lines = Counter[int]()
    for wire in wires():
        lines.update([wire.red, wire.green] if isinstance(wire, Lamps) else [wire.line])
    assert max(lines.values()) == 1
    assert lines.keys() == at_rest().keys()
    assert not at_rest()[22]  # a fire loop is closed
    assert at_rest()[23]  # and a button open


def test_an_image_is_made_anew_when_a_file_or_a_line_of_it_has_changed(tmp_path: Path) -> None:
    parts = [tmp_path / "agent.py", tmp_path / "fault.py"]
    for part in parts:
        part.write_text("x")
    told = {fingerprint(parts, {22: False}), fingerprint(parts, {22: True})}
    parts[0].write_text("y")
    told.add(fingerprint(parts, {22: False}))
    assert len(told) == 3
    assert fingerprint(parts, {22: False}) in told
