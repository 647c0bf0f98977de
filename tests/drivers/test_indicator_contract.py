"""What every indicator promises (drivers.api.Indicator), from the other end of its wire."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

from drivers.api import DeviceLost, DeviceMissing, DeviceRefused, Indicator, Light, Signal, Tone
from drivers.building import SimIndicator
from drivers.gpio_lines import GpioIndicator
from tests.drivers.header import HeaderWorld
from tests.drivers.rigs import LittleBuilding, running

END, SHOW = 4, 6
"""Kinds of messages to the line keeper."""
WELCOME = Signal(Light.GREEN, Tone.HIGH, blinks=0, for_ms=1_500, lines=("ようこそ",))


class IndicatorRig(Protocol):
    """An indicator and who looks at it."""

    where: Path

    def indicator(self) -> Indicator: ...
    @property
    def shown(self) -> list[dict[str, object]]: ...
    def seen(self, signal: Signal) -> dict[str, object]: ...
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

    def seen(self, signal: Signal) -> dict[str, object]:
        """The whole of it, as the building is told."""
        return {
            "light": signal.light.value,
            "tone": signal.tone.value,
            "blinks": signal.blinks,
            "for_ms": signal.for_ms,
            "lines": list(signal.lines),
        }

    def refuse(self) -> None:
        self.building.refusal = "STALE"


class GpioRig(HeaderWorld):
    """Two lamps and a buzzer: what they were told, read off the keeper's wire."""

    RED, GREEN, BUZZER = 5, 6, 13
    PARTS: ClassVar = {
        "off": set[int](),
        "green": {GREEN},
        "amber": {RED, GREEN},
        "red": {RED},
    }

    def indicator(self) -> Indicator:
        return GpioIndicator(
            "front.light", red=self.RED, green=self.GREEN, buzzer=self.BUZZER, header=self.header
        )

    @property
    def shown(self) -> list[dict[str, object]]:
        told = [order[:4] for order in self.tap.told() if order[0] in {END, SHOW}]
        signals = [told[n : n + 3] for n in range(0, len(told), 3)]
        return [
            {str(line): (for_ms, blinks) for kind, line, for_ms, blinks in signal if kind == SHOW}
            for signal in signals
        ]

    def seen(self, signal: Signal) -> dict[str, object]:
        sounding = set() if signal.tone is Tone.NONE else {self.BUZZER}
        told = (signal.for_ms, signal.blinks)
        return {str(line): told for line in self.PARTS[signal.light] | sounding}

    def refuse(self) -> None:
        self.tap.late = True


INDICATORS: dict[str, Callable[[Path], IndicatorRig]] = {"sim": SimRig, "gpio": GpioRig}


@pytest.fixture(params=INDICATORS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[IndicatorRig]:
    rig = INDICATORS[request.param](tmp_path)
    await rig.plug()
    yield rig
    await rig.unplug()


async def test_a_signal_is_shown_as_given(rig: IndicatorRig) -> None:
    refused = Signal(Light.RED, Tone.LOW, blinks=3, for_ms=100)
    async with rig.indicator() as indicator:
        await indicator.show(WELCOME)
        await indicator.show(refused)
    assert rig.shown == [rig.seen(WELCOME), rig.seen(refused)]


@pytest.mark.parametrize("for_ms", [99, 10_001])
async def test_a_signal_has_a_bound(rig: IndicatorRig, for_ms: int) -> None:
    async with rig.indicator() as indicator:
        with pytest.raises(ValueError, match=r"for_ms must be 100\.\.10000"):
            await indicator.show(Signal(Light.RED, Tone.LOW, 0, for_ms))
    assert rig.shown == []


async def test_a_refusal_is_told(rig: IndicatorRig) -> None:
    async with rig.indicator() as indicator:
        rig.refuse()
        with pytest.raises(DeviceRefused, match="STALE"):
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
