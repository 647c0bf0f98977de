"""What is particular to WKLY boards, from the other end of their wire."""

from pathlib import Path

import pytest

from drivers.api import DeviceLost, LockerLevel
from drivers.locker_boards import Wkly
from hil.building.wkly import WklyBoard
from tests.drivers.bus_rigs import LOCKS, BusAtTerminal, Cupboard, hurry
from tests.drivers.rigs import running, until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


async def test_what_it_tells_unasked_does_no_harm(tmp_path: Path) -> None:
    locks, seen = Cupboard(), list[LockerLevel]()
    host = BusAtTerminal(tmp_path, [WklyBoard(0, locks, look_ms=30, tells_unasked=True)])
    await host.plug()
    board = Wkly("b", port=host.where, locks=LOCKS)
    async with board, running(board.run(seen.append)):
        await board.pulse(1)  # it opens, and says so before its answer
        await until(lambda: LockerLevel(1, open=True) in seen)
        locks.open[2] = False
        await until(lambda: seen[-1] == LockerLevel(2, open=False))
    assert locks.pulses == [1]
    await host.unplug()


async def test_a_lock_whose_feedback_is_broken_is_never_seen_open(tmp_path: Path) -> None:
    locks, seen = Cupboard(), list[LockerLevel]()
    host = BusAtTerminal(tmp_path, [WklyBoard(0, locks, look_ms=0, broken=frozenset({2}))])
    await host.plug()
    async with Wkly("b", port=host.where, locks=LOCKS) as board, running(board.run(seen.append)):
        await until(lambda: len(seen) == LOCKS)
        with pytest.raises(DeviceLost, match="lock 2 was not seen to open"):
            await board.pulse(2)
    assert [level.open for level in seen] == [False, False], "lock 2 stands open"
    await host.unplug()


async def test_a_board_with_fewer_locks_than_the_settings_say_is_named(
    tmp_path: Path,
) -> None:
    host = BusAtTerminal(tmp_path, [WklyBoard(0, Cupboard())])
    await host.plug()
    async with Wkly("b", port=host.where, locks=3) as board:
        with pytest.raises(DeviceLost, match="it tells of 2 locks only"):
            await board.run(lambda _: None)
    await host.unplug()
