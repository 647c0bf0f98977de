"""The bench of two Raspberry Pis, as far as it can be shown without them."""

import asyncio
import json
import os
import pty
import sys
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from edged.settings.model import Settings
from hil.machine.device import CommandFailed, Device
from hil.machine.site import at_rest, wires
from hil.rig.bench import BadBench, read_bench
from hil.rig.cable import Crossed
from hil.rig.drawing import POWER_LINE, drawing
from hil.rig.header import Header
from hil.rig.redial import Redial
from hil.rig.site import rig_site
from hil.site.lockers import BUS
from tests.drivers.rigs import until
from tests.hil.process import SOON_S

ROOM = Path(__file__).parents[2] / "hil" / "rig"
EXAMPLE = ROOM / "rig.example.toml"
LOCK, LAMP, CONTACT = 17, 20, 24
REST = {LOCK: True, LAMP: False}


@pytest.fixture
def pins() -> Iterator[Callable[[int], MockPin]]:
    """Give gpiozero's own mock of a header: pin by BCM number."""
    before, gpiozero.Device.pin_factory = gpiozero.Device.pin_factory, MockFactory()
    yield gpiozero.Device.pin_factory.pin
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


def nobody(line: int, level: bool) -> None:
    raise AssertionError((line, level))


async def test_it_tells_what_the_device_drives(pins: Callable[[int], MockPin]) -> None:
    told: list[tuple[int, bool]] = []
    async with Header(REST, POWER_LINE, lambda *change: told.append(change)) as header:
        assert told == []
        header.watch(REST)
        await until(lambda: told == [(LOCK, True), (LAMP, False)])  # pulled to their rest
        pins(LOCK).drive_low()
        await until(lambda: told[2:] == [(LOCK, False)])
        pins(LAMP).drive_high()
        await until(lambda: told[3:] == [(LAMP, True)])


async def test_it_pulls_at_what_the_device_hears(pins: Callable[[int], MockPin]) -> None:
    async with Header(REST, POWER_LINE, nobody) as header:
        header.pull(CONTACT, level=True)
        assert pins(CONTACT).state
        header.pull(CONTACT, level=False)
        assert not pins(CONTACT).state
    assert pins(CONTACT).function == "input"  # let go


async def test_a_device_without_its_supply_is_not_fed_by_its_inputs(
    pins: Callable[[int], MockPin],
) -> None:
    async with Header(REST, POWER_LINE, nobody) as header:
        assert not pins(POWER_LINE).state  # at rest the relay's contact is closed
        header.pull(CONTACT, level=True)
        header.power(on=False)
        assert pins(POWER_LINE).state
        assert not pins(CONTACT).state
        header.pull(CONTACT, level=False)
        header.pull(CONTACT, level=True)
        assert not pins(CONTACT).state
        header.power(on=True)
        assert pins(CONTACT).state
        assert not pins(POWER_LINE).state
    assert pins(POWER_LINE).function == "input"


AGENT = """
import json, sys
print(json.dumps({"hello": "boot"}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("run") == ["die"]:
        print('{"id": 1, "co', end="", flush=True)
        sys.exit()
    if "id" in asked:
        print(json.dumps({"id": asked["id"], "code": 0, "said": "done"}), flush=True)
"""


async def test_whoever_was_cut_off_is_called_again(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(AGENT)
    redial = Redial([sys.executable, str(tmp_path / "agent.py")])
    async with asyncio.timeout(SOON_S), Device(redial.connect, nobody) as device:
        await device.up(SOON_S)
        assert await device.run("anything") == "done"
        for cut in (redial.hang_up, lambda: device.pull(CONTACT, level=True)):
            dying = asyncio.create_task(device.run("die"))
            await asyncio.sleep(0)
            cut()
            device.gone()
            with pytest.raises(CommandFailed, match="power"):
                await dying
            await device.up(SOON_S)
            assert await device.run("anything") == "done"
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
    for wire in wires():
        assert f"GPIO {wire.line}," in drawn if hasattr(wire, "line") else True
