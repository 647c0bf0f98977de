"""What every input promises (drivers.api.Input), from the other end of its wire."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from drivers.api import DeviceLost, DeviceMissing, Input
from drivers.building import SimInput
from drivers.gpio_inputs import GpioInput
from tests.drivers.header import HeaderWorld, MockHeader
from tests.drivers.rigs import LittleBuilding, running, until


class InputRig(Protocol):
    """An input and what drives its line."""

    where: Path

    def input(self) -> Input: ...
    def drive(self, active: bool) -> None: ...
    async def plug(self) -> None: ...
    async def unplug(self) -> None: ...


class SimRig:
    def __init__(self, folder: Path, line: str, door: str | None = "front") -> None:
        self.where = folder / "building.sock"
        self.line, self.door = line, door
        self.building = LittleBuilding(self.where)
        self.plug = self.building.plug
        self.unplug = self.building.unplug

    def input(self) -> Input:
        return SimInput("front.input", socket=str(self.where), line=self.line, door=self.door)

    def drive(self, active: bool) -> None:
        self.building.level = active
        self.building.report({"active": active})


class SimHeaderRig(HeaderWorld):
    """A contact at simulated pins, closed to ground when it is not active."""

    def input(self) -> Input:
        return GpioInput(
            "front.input",
            line=23,
            normally="closed",
            pull="none",
            debounce_ms=0,
            header=self.header,
        )

    def drive(self, active: bool) -> None:
        self.level(23, active)


class MockHeaderRig(MockHeader):
    """The same at gpiozero, which finds the level that the outside gives the pin."""

    def input(self) -> Input:
        return GpioInput(
            "front.input",
            line=23,
            normally="closed",
            pull="none",
            debounce_ms=0,
            header=self.header,
        )

    def drive(self, active: bool) -> None:
        self.level(23, active)


INPUTS: dict[str, Callable[[Path], InputRig]] = {
    "sim contact": lambda folder: SimRig(folder, "contact"),
    "sim button": lambda folder: SimRig(folder, "button"),
    "sim fire": lambda folder: SimRig(folder, "fire", None),
    "gpio, simulated pins": SimHeaderRig,
    "gpio, mock of gpiozero": MockHeaderRig,
}


@pytest.fixture(params=INPUTS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[InputRig]:
    rig = INPUTS[request.param](tmp_path)
    await rig.plug()
    yield rig
    await rig.unplug()


@pytest.mark.threat("J3")
@pytest.mark.parametrize("level", [False, True])
async def test_the_level_is_reported_at_once_and_then_each_change(
    rig: InputRig, level: bool
) -> None:
    rig.drive(level)
    levels: list[bool] = []
    async with rig.input() as line, running(line.run(levels.append)):
        await until(lambda: levels)
        rig.drive(not level)
        rig.drive(level)
        await until(lambda: len(levels) >= 3)
    assert levels == [level, not level, level]


async def test_an_unplugged_input_is_lost_and_works_again_after_opening(rig: InputRig) -> None:
    levels: list[bool] = []
    line = rig.input()
    assert line.name == "front.input"
    async with line, running(line.run(levels.append)) as run:
        await until(lambda: levels)
        await rig.unplug()
        with pytest.raises(DeviceLost) as caught:
            await run
        assert caught.value.device == "front.input"
    rig.drive(active=True)  # while nobody looked
    await rig.plug()
    async with line, running(line.run(levels.append)):
        await until(lambda: len(levels) >= 2)
    assert levels == [False, True]


async def test_what_is_not_there_is_missing_and_named(rig: InputRig) -> None:
    await rig.unplug()
    with pytest.raises(DeviceMissing, match=str(rig.where)):
        await rig.input().__aenter__()


async def test_an_input_that_is_not_open_is_lost(rig: InputRig) -> None:
    with pytest.raises(DeviceLost, match="not open"):
        await rig.input().run(lambda _: None)
