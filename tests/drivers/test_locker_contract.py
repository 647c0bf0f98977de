"""What every locker board promises (drivers.api.LockerBoard), from the other end of its wire."""

import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from drivers import bus
from drivers.api import (
    DeviceLost,
    DeviceMissing,
    DeviceRefused,
    DriverError,
    LockerBoard,
    LockerLevel,
    NotWanted,
)
from drivers.building import SimLockers
from tests.drivers.bus_rigs import MAKES, BusAtTerminal, BusOverTcp, Cupboard, hurry
from tests.drivers.rigs import LittleBuilding, running, until


class BoardRig(Protocol):
    """A board and its lockers: 1 is shut and 2 is open.

    `refusal` is what an order ends with that the board did not carry out.
    """

    refusal: type[DriverError]

    @property
    def where(self) -> str: ...
    def board(self) -> LockerBoard: ...
    @property
    def pulses(self) -> list[object]: ...
    def swing(self, channel: int, is_open: bool) -> None: ...
    def refuse(self) -> None: ...
    def mute(self) -> None: ...
    def blind(self) -> None: ...
    async def plug(self) -> None: ...
    async def unplug(self) -> None: ...


class SimRig:
    refusal: type[DriverError] = DeviceRefused

    def __init__(self, folder: Path) -> None:
        self.where = str(folder / "building.sock")
        self.building = LittleBuilding(folder / "building.sock")
        self.plug = self.building.plug
        self.unplug = self.building.unplug

    def board(self) -> LockerBoard:
        return SimLockers("hall.board", socket=self.where, bank="hall")

    @property
    def pulses(self) -> list[object]:
        return self.building.pulses

    def swing(self, channel: int, is_open: bool) -> None:
        self.building.report({"channel": channel, "open": is_open})

    def refuse(self) -> None:
        self.building.refusal = "channel"

    def mute(self) -> None:
        self.building.mute = True

    def blind(self) -> None:
        self.building.reports_doors = False


class BusRig:
    """A board at a bus. One that takes an order and whose lock jams says so as it can."""

    def __init__(self, make: str, at: type[BusAtTerminal | BusOverTcp], folder: Path) -> None:
        build, self._drive = MAKES[make]
        self.refusal: type[DriverError] = DeviceRefused
        if make.startswith("kerong") or make == "8A":  # its answer, if any, proves nothing
            self.refusal = DeviceLost
        self.locks = Cupboard()
        self.host = at(folder, [build(self.locks)])
        self.plug = self.host.plug
        self.unplug = self.host.unplug

    @property
    def where(self) -> str:
        return self.host.where

    def board(self) -> LockerBoard:
        return self._drive("hall.board", port=self.where)

    @property
    def pulses(self) -> list[object]:
        return self.locks.pulses

    def swing(self, channel: int, is_open: bool) -> None:
        self.locks.open[channel] = is_open

    def refuse(self) -> None:
        self.host.wire.boards[0].faults.refuse = 2

    def mute(self) -> None:
        self.host.wire.boards[0].faults.mute = True

    def blind(self) -> None:
        pass  # it is so, or never


BOARDS: dict[str, Callable[[Path], BoardRig]] = {
    "sim": SimRig,
    **{make: partial(BusRig, make, BusAtTerminal) for make in MAKES},
    **{f"{make}, TCP": partial(BusRig, make, BusOverTcp) for make in MAKES},
}
BLIND = [name for name in BOARDS if name.startswith(("sim", "waveshare"))]
TELLING = [name for name in BOARDS if not name.startswith("waveshare")]
telling = pytest.mark.parametrize("rig", TELLING, indirect=True)
blind = pytest.mark.parametrize("rig", BLIND, indirect=True)


@pytest.fixture(params=BOARDS)
async def rig(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BoardRig]:
    hurry(monkeypatch)
    rig = BOARDS[request.param](tmp_path)
    await rig.plug()
    yield rig
    await rig.unplug()
    assert bus._BUSES == {}  # nobody holds a port that nobody uses


@pytest.mark.threat("J4")
async def test_one_order_is_one_pulse_of_one_locker(rig: BoardRig) -> None:
    async with rig.board() as board:
        await board.pulse(2)
        await board.pulse(1)
    assert rig.pulses == [2, 1]


@pytest.mark.threat("D9")
async def test_what_is_not_wanted_any_more_moves_nothing(rig: BoardRig) -> None:
    async with rig.board() as board:
        with pytest.raises(NotWanted) as caught:
            await board.pulse(2, lambda: False)
        assert caught.value.device == "hall.board"
        assert rig.pulses == []
        await board.pulse(1, lambda: True)
    assert rig.pulses == [1]


async def test_opening_and_closing_the_device_moves_nothing(rig: BoardRig) -> None:
    async with rig.board() as board, running(board.run(lambda _: None)):
        pass
    assert rig.pulses == []


@pytest.mark.threat("J4")
@pytest.mark.parametrize("channel", [0, 161, -1])
async def test_a_channel_that_no_board_has_is_refused_here(rig: BoardRig, channel: int) -> None:
    async with rig.board() as board:
        with pytest.raises(ValueError, match=r"channel must be 1\.\."):
            await board.pulse(channel)
    assert rig.pulses == []


@telling
async def test_before_it_is_known_nothing_is_assumed(rig: BoardRig) -> None:
    assert rig.board().reports_doors


@telling
async def test_every_door_is_reported_at_once_and_then_each_change(rig: BoardRig) -> None:
    seen: list[LockerLevel] = []
    async with rig.board() as board, running(board.run(seen.append)):
        assert board.reports_doors
        await until(lambda: len(seen) == 2)
        rig.swing(1, is_open=True)
        await until(lambda: len(seen) == 3)
    assert [(level.channel, level.open) for level in seen] == [(1, False), (2, True), (1, True)]


@blind
async def test_a_board_that_cannot_tell_says_so(rig: BoardRig) -> None:
    board = rig.board()
    rig.blind()
    async with board:
        assert not board.reports_doors
        await board.pulse(1)
    assert rig.pulses == [1]


async def test_a_refusal_is_told(rig: BoardRig) -> None:
    async with rig.board() as board:
        rig.refuse()
        with pytest.raises(rig.refusal):
            await board.pulse(1)
    assert rig.pulses == []


async def test_no_answer_is_a_lost_device_and_no_second_order(
    rig: BoardRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.limits.ANSWER_MS", 50)
    async with rig.board() as board:
        rig.mute()
        with pytest.raises(DeviceLost):
            await board.pulse(1)
    assert rig.pulses == []


@telling
async def test_every_door_is_reported_anew_after_opening(rig: BoardRig) -> None:
    board = rig.board()
    seen: list[LockerLevel] = []
    for times in (1, 2):
        async with board, running(board.run(seen.append)):
            await until(partial(_has, seen, 2 * times))
    assert [(level.channel, level.open) for level in seen] == [(1, False), (2, True)] * 2


def _has(seen: list[LockerLevel], count: int) -> bool:
    return len(seen) == count


async def test_an_unplugged_board_is_lost_and_works_again_after_opening(rig: BoardRig) -> None:
    board = rig.board()
    assert board.name == "hall.board"
    async with board, running(board.run(lambda _: None)) as run:
        await rig.unplug()
        with pytest.raises(DeviceLost) as caught:
            await run
        assert caught.value.device == "hall.board"
        with pytest.raises(DeviceLost):
            await board.pulse(1)
    await rig.plug()
    async with board:
        await board.pulse(1)
    assert rig.pulses == [1]


async def test_what_is_not_there_is_missing_and_named(rig: BoardRig) -> None:
    await rig.unplug()
    with pytest.raises(DeviceMissing, match=re.escape(rig.where)):
        await rig.board().__aenter__()
