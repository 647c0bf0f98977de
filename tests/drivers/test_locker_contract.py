"""What every locker board promises (drivers.api.LockerBoard), from the other end of its wire."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from drivers.api import DeviceLost, DeviceMissing, DeviceRefused, LockerBoard, LockerLevel
from drivers.building import SimLockers
from tests.drivers.rigs import LittleBuilding, running, until


class BoardRig(Protocol):
    """A board and its lockers: 1 is shut and 2 is open."""

    where: Path

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
    def __init__(self, folder: Path) -> None:
        self.where = folder / "building.sock"
        self.building = LittleBuilding(self.where)
        self.plug = self.building.plug
        self.unplug = self.building.unplug

    def board(self) -> LockerBoard:
        return SimLockers("hall.board", socket=str(self.where), bank="hall")

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


BOARDS: dict[str, Callable[[Path], BoardRig]] = {"sim": SimRig}


@pytest.fixture(params=BOARDS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BoardRig]:
    rig = BOARDS[request.param](tmp_path)
    await rig.plug()
    yield rig
    await rig.unplug()


async def test_one_order_is_one_pulse_of_one_locker(rig: BoardRig) -> None:
    async with rig.board() as board:
        await board.pulse(2)
        await board.pulse(1)
    assert rig.pulses == [2, 1]


async def test_opening_and_closing_the_device_moves_nothing(rig: BoardRig) -> None:
    async with rig.board() as board, running(board.run(lambda _: None)):
        pass
    assert rig.pulses == []


@pytest.mark.parametrize("channel", [0, 161, -1])
async def test_a_channel_that_no_board_has_is_refused_here(rig: BoardRig, channel: int) -> None:
    async with rig.board() as board:
        with pytest.raises(ValueError, match=r"channel must be 1\.\."):
            await board.pulse(channel)
    assert rig.pulses == []


async def test_every_door_is_reported_at_once_and_then_each_change(rig: BoardRig) -> None:
    seen: list[LockerLevel] = []
    async with rig.board() as board, running(board.run(seen.append)):
        assert board.reports_doors
        await until(lambda: len(seen) == 2)
        rig.swing(1, is_open=True)
        await until(lambda: len(seen) == 3)
    assert [(level.channel, level.open) for level in seen] == [(1, False), (2, True), (1, True)]


async def test_a_board_that_cannot_tell_says_so(rig: BoardRig) -> None:
    board = rig.board()
    assert board.reports_doors, "before it is known, nothing is assumed"
    rig.blind()
    async with board:
        assert not board.reports_doors
        await board.pulse(1)
    assert rig.pulses == [1]


async def test_a_refusal_is_told(rig: BoardRig) -> None:
    async with rig.board() as board:
        rig.refuse()
        with pytest.raises(DeviceRefused, match="channel"):
            await board.pulse(1)


async def test_no_answer_is_a_lost_device_and_no_second_order(
    rig: BoardRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.limits.ANSWER_MS", 50)
    async with rig.board() as board:
        rig.mute()
        with pytest.raises(DeviceLost):
            await board.pulse(1)
    assert rig.pulses == []


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
    with pytest.raises(DeviceMissing, match=str(rig.where)):
        await rig.board().__aenter__()
