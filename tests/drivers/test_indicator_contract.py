"""What every indicator promises (drivers.api.Indicator), from the other end of its wire."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from drivers.api import DeviceLost, DeviceMissing, DeviceRefused, Indicator, Light, Signal, Tone
from drivers.building import SimIndicator
from tests.drivers.rigs import LittleBuilding, running

WELCOME = Signal(Light.GREEN, Tone.HIGH, blinks=0, for_ms=1_500, lines=("ようこそ",))


class IndicatorRig(Protocol):
    """An indicator and who looks at it."""

    where: Path

    def indicator(self) -> Indicator: ...
    @property
    def shown(self) -> list[dict[str, object]]: ...
    def refuse(self) -> None: ...
    async def plug(self) -> None: ...
    async def unplug(self) -> None: ...


class SimRig:
    def __init__(self, folder: Path) -> None:
        self.where = folder / "building.sock"
        self.building = LittleBuilding(self.where)
        self.plug = self.building.plug
        self.unplug = self.building.unplug

    def indicator(self) -> Indicator:
        return SimIndicator("front.light", socket=str(self.where), indicator="front-in")

    @property
    def shown(self) -> list[dict[str, object]]:
        return self.building.shown

    def refuse(self) -> None:
        self.building.refusal = "range"


INDICATORS: dict[str, Callable[[Path], IndicatorRig]] = {"sim": SimRig}


@pytest.fixture(params=INDICATORS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[IndicatorRig]:
    rig = INDICATORS[request.param](tmp_path)
    await rig.plug()
    yield rig
    await rig.unplug()


async def test_a_signal_is_shown_as_given(rig: IndicatorRig) -> None:
    async with rig.indicator() as indicator:
        await indicator.show(WELCOME)
        await indicator.show(Signal(Light.RED, Tone.LOW, blinks=3, for_ms=100))
    assert rig.shown == [
        {"light": "green", "tone": "high", "blinks": 0, "for_ms": 1_500, "lines": ["ようこそ"]},
        {"light": "red", "tone": "low", "blinks": 3, "for_ms": 100, "lines": []},
    ]


@pytest.mark.parametrize("for_ms", [99, 10_001])
async def test_a_signal_has_a_bound(rig: IndicatorRig, for_ms: int) -> None:
    async with rig.indicator() as indicator:
        with pytest.raises(ValueError, match=r"for_ms must be 100\.\.10000"):
            await indicator.show(Signal(Light.RED, Tone.LOW, 0, for_ms))
    assert rig.shown == []


async def test_a_refusal_is_told(rig: IndicatorRig) -> None:
    async with rig.indicator() as indicator:
        rig.refuse()
        with pytest.raises(DeviceRefused, match="range"):
            await indicator.show(WELCOME)


async def test_an_unplugged_indicator_is_lost_and_works_again_after_opening(
    rig: IndicatorRig,
) -> None:
    indicator = rig.indicator()
    assert indicator.name == "front.light"
    async with indicator, running(indicator.run()) as run:
        await rig.unplug()
        with pytest.raises(DeviceLost) as caught:
            await run
        assert caught.value.device == "front.light"
        with pytest.raises(DeviceLost):
            await indicator.show(WELCOME)
    await rig.plug()
    async with indicator:
        await indicator.show(WELCOME)
    assert len(rig.shown) == 1


async def test_what_is_not_there_is_missing_and_named(rig: IndicatorRig) -> None:
    await rig.unplug()
    with pytest.raises(DeviceMissing, match=str(rig.where)):
        await rig.indicator().__aenter__()
