"""What an installer finds at a bus (drivers.locker_survey), from the other end of its wire."""

from pathlib import Path

import pytest

from drivers import bus
from drivers.api import DeviceLost, DeviceMissing
from drivers.locker_survey import Survey, bench
from hil.building.board_8a import Board8A
from hil.building.bus import Board
from hil.building.kerong import KerongBoard
from hil.building.kerong_6x import Kerong6xBoard
from hil.building.winnsen import WinnsenBoard
from hil.building.wkly import WklyBoard
from tests.drivers.bus_rigs import BusAtTerminal, Cupboard, hurry, waveshare


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    monkeypatch.setattr("drivers.limits.LOCK_STALE_MS", 0)


@pytest.mark.parametrize(
    ("kind", "board", "before", "after"),
    [
        ("kerong", lambda locks: KerongBoard(3, locks), (1, *range(3, 17)), tuple(range(3, 17))),
        ("kerong", lambda locks: KerongBoard(3, locks, hook_closed_bit=0), (2,), (1, 2)),
        ("winnsen", lambda locks: WinnsenBoard(3, locks, look_ms=0), (2,), (1, 2)),
        ("board_8a", lambda locks: Board8A(3, locks, hook_closed_bit=0, look_ms=0), (2,), (1, 2)),
        ("kerong_6x", lambda locks: Kerong6xBoard(3, locks, hook_closed_bit=0), (2,), (1, 2)),
        ("wkly", lambda locks: WklyBoard(3, locks, look_ms=0), (2,), (1, 2)),
        ("waveshare_lockers", lambda locks: waveshare(locks, 3), (), (1,)),
    ],
)
async def test_a_board_is_found_and_one_pulse_shows_what_its_bits_mean(
    tmp_path: Path, kind: str, board: object, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    assert callable(board)
    locks = Cupboard()
    made: Board = board(locks)
    host = BusAtTerminal(tmp_path, [made])
    await host.plug()
    async with bench(kind, host.where) as opened:
        assert [found async for found in opened.find()] == [Survey(3, before)]
        await opened.pulse(3, 1)
        assert await opened.look(3) == Survey(3, after)
        with pytest.raises(ValueError, match="must be"):
            await opened.pulse(3, 99)
    assert locks.pulses == [1]
    await host.unplug()
    assert bus._BUSES == {}


async def test_all_boards_of_a_chain_are_found(tmp_path: Path) -> None:
    boards = [KerongBoard(address, Cupboard()) for address in (0, 4, 9)]
    host = BusAtTerminal(tmp_path, boards)
    await host.plug()
    async with bench("kerong", host.where) as opened:
        assert [found.address async for found in opened.find()] == [0, 4, 9]
    await host.unplug()


async def test_a_port_that_is_gone_ends_the_search(tmp_path: Path) -> None:
    host = BusAtTerminal(tmp_path, [KerongBoard(0, Cupboard())])
    await host.plug()
    async with bench("kerong", host.where) as opened:
        await host.unplug()
        with pytest.raises(DeviceLost):
            _ = [found async for found in opened.find()]
    with pytest.raises(DeviceMissing):
        await bench("kerong", host.where).__aenter__()
