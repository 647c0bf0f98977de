"""The bench of two Raspberry Pis, as far as it can be shown without them."""

import asyncio
import json
import os
import pty
import sys
import tty
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from edged.settings.model import Settings
from hil.machine.device import CommandFailed, Device
from hil.machine.site import at_rest
from hil.rig.bench import BadBench, read_bench
from hil.rig.cable import Crossed
from hil.rig.drawing import POWER_LINE, drawing
from hil.rig.header import Header
from hil.rig.redial import Redial
from hil.rig.site import rig_site
from hil.scenarios.play import play, scenarios
from hil.site.lockers import BUS
from tests.drivers.rigs import until
from tests.hil.process import SOON_S

ROOM = Path(__file__).parents[2] / "hil" / "rig"
EXAMPLE = ROOM / "rig.example.toml"
LOCK, LAMP, CONTACT = 17, 20, 24
REST = {LOCK: True, LAMP: False}


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    """Give gpiozero's own mock of a header."""
    factory = MockFactory()
    yield factory
    factory.close()


def nobody(line: int, level: bool) -> None:
    raise AssertionError((line, level))


async def test_it_tells_what_the_device_drives(pins: MockFactory) -> None:
    told: list[tuple[int, bool]] = []

    def tell(line: int, level: bool) -> None:
        told.append((line, level))

    async with Header(REST, POWER_LINE, tell, lambda: pins) as header:
        assert told == []
        header.watch(REST)
        await until(lambda: told == [(LOCK, True), (LAMP, False)])  # pulled to their rest
        pins.pin(LOCK).drive_low()
        await until(lambda: told[2:] == [(LOCK, False)])
        pins.pin(LAMP).drive_high()
        await until(lambda: told[3:] == [(LAMP, True)])


async def test_it_pulls_at_what_the_device_hears(pins: MockFactory) -> None:
    async with Header(REST, POWER_LINE, nobody, lambda: pins) as header:
        header.pull(CONTACT, level=True)
        assert pins.pin(CONTACT).state
        header.pull(CONTACT, level=False)
        assert not pins.pin(CONTACT).state
    assert pins.pin(CONTACT).function == "input"  # let go


async def test_a_device_without_its_supply_is_not_fed_by_its_inputs(
    pins: MockFactory,
) -> None:
    async with Header(REST, POWER_LINE, nobody, lambda: pins) as header:
        assert not pins.pin(POWER_LINE).state  # at rest the relay's contact is closed
        header.pull(CONTACT, level=True)
        header.power(on=False)
        assert pins.pin(POWER_LINE).state
        assert not pins.pin(CONTACT).state
        header.pull(CONTACT, level=False)
        header.pull(CONTACT, level=True)
        assert not pins.pin(CONTACT).state
        header.power(on=True)
        assert pins.pin(CONTACT).state
        assert not pins.pin(POWER_LINE).state
    assert pins.pin(POWER_LINE).function == "input"


AGENT = Path(__file__).parents[2] / "hil" / "machine" / "agent.py"


async def test_whoever_was_cut_off_is_called_again(tmp_path: Path) -> None:
    redial = Redial([sys.executable, "-SE", str(AGENT), "here"])
    asleep = ("sleep", "5")
    async with Device(redial.connect, nobody) as device:
        for cut in (redial.hang_up, redial.hang_up):
            await device.up(SOON_S)
            await device.put(str(tmp_path / "file"), "text")
            assert await device.run("cat", str(tmp_path / "file")) == "text"
            waiting = asyncio.create_task(device.run(*asleep))
            await asyncio.sleep(0)
            cut()
            device.gone()
            with pytest.raises(CommandFailed, match="power"):
                await waiting
        await device.up(SOON_S)
        with pytest.raises(CommandFailed, match="exit 3: 3"):
            await device.run("sh", "-c", "exit 3")
    await redial.close()


async def test_a_cable_carries_both_ways() -> None:
    (scanner, building), (device, rig) = pty.openpty(), pty.openpty()
    for end in (building, rig, scanner, device):
        tty.setraw(end)
    cable = Crossed(Path(os.ttyname(building)), os.ttyname(rig), 9_600)
    for _ in range(2):
        await cable.plug()
        async with asyncio.timeout(SOON_S):
            os.write(scanner, b"code\r")
            assert await asyncio.to_thread(os.read, device, 5) == b"code\r"
            os.write(device, b"order\n")
            assert await asyncio.to_thread(os.read, scanner, 6) == b"order\n"
        await cable.unplug()
    for end in (scanner, building, device, rig):
        os.close(end)


def test_the_example_is_a_bench_for_every_scenario() -> None:
    bench = read_bench(EXAMPLE)
    assert set(bench.cables) == {"front-in", "front-out", "hall-in", BUS}
    assert bench.power_line == POWER_LINE
    assert bench.power_line not in at_rest()


@pytest.mark.parametrize(
    ("was", "now", "named"),
    [
        ("power_line = 4", "power_line = 40", "power_line"),
        ("off_s = 5.0", "off_s = 0", "off_s"),
        ("agent = [", "agents = [", "agents"),
        ("[cables.hall-in]\nrig =", "[cables.hall-in]\nrug =", "cables.hall-in.rig"),
        ("power_line = 4", "power_line =", "line"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, was: str, now: str, named: str) -> None:
    text = EXAMPLE.read_text("utf-8")
    assert was in text
    (tmp_path / "rig.toml").write_text(text.replace(was, now), "utf-8")
    with pytest.raises(BadBench, match=named):
        read_bench(tmp_path / "rig.toml")


def test_the_device_is_given_its_own_ends_of_the_cables(tmp_path: Path) -> None:
    bench = read_bench(EXAMPLE)
    site = rig_site(tmp_path, bench)
    text = json.dumps(site.settings)
    for cable in bench.cables.values():
        assert cable.device in text
        assert cable.rig not in text
    assert Settings.model_validate(site.settings).doors["front"].lock.kind == "gpio"


def test_the_drawing_is_that_of_the_wires() -> None:
    drawn = drawing()
    assert drawn == (ROOM / "wiring.svg").read_text("utf-8")
    for line in at_rest():
        assert drawn.count(f"GPIO {line}, pin ") == 2, line  # at the rig and at the device


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="this computer has a header")
def test_a_computer_without_a_header_is_told_so() -> None:
    (member_enters,) = [each for each in scenarios() if each.name == "member-enters"]
    played = play(member_enters, "rig", away=partial(rig_site, bench=read_bench(EXAMPLE)))
    assert played.failed is not None
    assert "no GPIO header" in played.failed
