"""What is particular to boards at a bus: echoes, answers that are none, and their neighbours."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from drivers import bus, limits
from drivers.api import (
    DeviceLost,
    DeviceMissing,
    DeviceRefused,
    LockerBoard,
    LockerLevel,
    NotWanted,
)
from drivers.channel import pair
from drivers.codec import winnsen
from drivers.locker_boards import Board8A, Kerong, Kerong6x, WaveshareLockers, Winnsen, Wkly
from hil.building.board_8a import Board8A as SimBoard8A
from hil.building.faults import Faults
from hil.building.kerong import KerongBoard
from hil.building.winnsen import WinnsenBoard
from tests.drivers.bus_rigs import (
    LOCKS,
    MAKES,
    REPORTING,
    BusAtTerminal,
    BusOverTcp,
    Cupboard,
    hurry,
)
from tests.drivers.rigs import running, until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


class Rig:
    """One make at a bus of its own."""

    def __init__(self, make: str, folder: Path) -> None:
        build, self._drive = MAKES[make]
        self.locks = Cupboard()
        self.host = BusAtTerminal(folder, [build(self.locks)])

    @property
    def faults(self) -> Faults:
        return self.host.wire.boards[0].faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.host.wire.boards[0].faults = faults

    def board(self) -> LockerBoard:
        return self._drive("hall.board", port=self.host.where)


@pytest.fixture(params=MAKES)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(request.param, tmp_path)
    await rig.host.plug()
    yield rig
    await rig.host.unplug()


reporting = pytest.mark.parametrize("rig", REPORTING, indirect=True)


@pytest.mark.parametrize(
    ("drive", "problem"),
    [
        (lambda: Kerong("b", port="/x", baud=9601, hook_closed_bit=1), "baud must be one of"),
        (lambda: Kerong("b", port="/x", address=10, hook_closed_bit=1), r"board must be 0\.\.9"),
        (lambda: Kerong("b", port="/x", locks=17, hook_closed_bit=1), r"locks must be 1\.\.16"),
        (lambda: Kerong("b", port="/x", hook_closed_bit=2), r"hook_closed_bit must be 0\.\.1"),
        (lambda: Winnsen("b", port="/x", address=256), r"station must be 0\.\.255"),
        (lambda: Winnsen("b", port="/x", locks=0), r"locks must be 1\.\.16"),
        (lambda: Board8A("b", port="/x", address=0, hook_closed_bit=1), r"board must be 1\.\.99"),
        (lambda: Board8A("b", port="/x", locks=33, hook_closed_bit=1), r"locks must be 1\.\.32"),
        (lambda: Board8A("b", port="/x", hook_closed_bit=-1), r"hook_closed_bit must be 0\.\.1"),
        (lambda: Kerong6x("b", port="/x", locks=49, hook_closed_bit=1), r"locks must be 1\.\.48"),
        (lambda: Kerong6x("b", port="/x", address=10, hook_closed_bit=1), r"board must be 0\.\.9"),
        (lambda: Kerong6x("b", port="/x", hook_closed_bit=2), r"hook_closed_bit must be 0\.\.1"),
        (lambda: Wkly("b", port="/x", locks=25), r"locks must be 1\.\.24"),
        (lambda: Wkly("b", port="/x", address=32), r"board must be 0\.\.31"),
        (lambda: WaveshareLockers("b", port="/x", address=248), r"board must be 1\.\.247"),
        (lambda: WaveshareLockers("b", port="/x", locks=9), r"locks must be 1\.\.8"),
        (lambda: WaveshareLockers("b", port="/x", pulse_ms=99), r"pulse_ms must be 100\.\.3000"),
    ],
)
def test_a_setting_out_of_range_is_named(drive: Callable[[], LockerBoard], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        drive()


async def test_an_adapter_that_echoes_is_seen_through(rig: Rig) -> None:
    rig.host.wire.echo = True
    async with rig.board() as board:
        await board.pulse(1)
    assert rig.locks.pulses == [1]


async def test_an_echo_alone_is_no_device(rig: Rig) -> None:
    rig.host.wire.echo = True
    rig.faults.mute = True
    with pytest.raises(DeviceMissing, match="adapter echo, no device"):
        await rig.board().__aenter__()


async def test_an_echo_is_no_answer_of_a_board_that_died(rig: Rig) -> None:
    rig.host.wire.echo = True
    async with rig.board() as board:
        rig.faults.mute = True
        with pytest.raises(DeviceLost):
            await board.pulse(1)
    assert rig.locks.pulses == []


async def test_an_adapter_that_begins_to_echo_opens_nothing(rig: Rig) -> None:
    """It was not seen to echo, the board is dead, and the echo says what its answer would say."""
    if rig.board().reports_doors:
        async with rig.board() as board:
            rig.host.wire.echo = True
            rig.faults.mute = True
            with pytest.raises(DeviceLost):
                await board.pulse(1)
        assert rig.locks.pulses == []


async def test_noise_around_answers_does_no_harm(rig: Rig) -> None:
    rig.faults = Faults(noise_before=b"\x02\x00\x90\x07\x8a\x80", noise_after=b"\x02\x90\x80\x01")
    async with rig.board() as board:
        await board.pulse(1)
    assert rig.locks.pulses == [1]


async def test_copies_of_an_answer_do_no_harm(rig: Rig) -> None:
    rig.faults.duplicate = True
    async with rig.board() as board:
        await board.pulse(1)
        rig.locks.open[1] = False
        rig.faults.mute = True
        with pytest.raises(DeviceLost):  # the second copy is not believed
            await board.pulse(1)
    assert rig.locks.pulses == [1]


@pytest.mark.parametrize(
    "faults",
    [
        Faults(wrong_address=True),
        Faults(wrong_checksum=True),
        Faults(cut_bytes=1),
        Faults(deaf_answers=True),
        Faults(mute=True),
    ],
    ids=str,
)
async def test_an_answer_that_is_none_is_a_loss_and_no_second_pulse(
    rig: Rig, faults: Faults
) -> None:
    async with rig.board() as board:
        rig.faults = faults
        with pytest.raises(DeviceLost):
            await board.pulse(1)
    assert rig.locks.pulses == ([] if faults.mute else [1])


async def test_a_late_answer_is_not_taken_for_the_next_orders(rig: Rig) -> None:
    async with rig.board() as board:
        rig.faults = Faults(late_ms=limits.LOCK_REPLY_MS + 30)
        with pytest.raises(DeviceLost):
            await board.pulse(1)
        rig.locks.open[1] = False
        rig.faults = Faults(mute=True)
        with pytest.raises(DeviceLost):  # the late answer to the same order comes in meanwhile
            await board.pulse(1)
        rig.locks.open[2] = False
        rig.faults = Faults()
        await board.pulse(2)
    assert rig.locks.pulses == [1, 2]


@reporting
async def test_a_late_read_is_not_taken_for_a_fresh_one(rig: Rig) -> None:
    """Lock 2 was open and is shut now; an answer from before must not say that it is open."""
    seen: list[LockerLevel] = []
    async with rig.board() as board:
        rig.faults = Faults(late_ms=limits.LOCK_REPLY_MS + 30)
        rig.host.heard.clear()
        async with running(board.run(seen.append)):
            await until(lambda: rig.host.heard)
            await until(lambda: rig.host.wire.boards[0].due_ms() is None)
            rig.locks.open[2] = False
            rig.faults = Faults()
            await until(lambda: len(seen) >= LOCKS)
    assert [(level.channel, level.open) for level in seen] == [(1, False), (2, False)]


async def test_a_board_that_falls_silent_is_noticed(rig: Rig) -> None:
    async with rig.board() as board, running(board.run(lambda _: None)) as run:
        rig.faults.mute = True
        with pytest.raises(DeviceLost, match="does not answer within"):
            await run


async def test_one_lost_answer_is_not_a_lost_board(rig: Rig) -> None:
    async with rig.board() as board, running(board.run(lambda _: None)) as run:
        rig.faults.mute = True
        rig.host.heard.clear()
        await until(lambda: rig.host.heard)
        rig.faults.mute = False
        await until(lambda: len(rig.host.heard) >= 3)
        assert not run.done()


async def test_two_boards_of_one_address_are_no_board(tmp_path: Path) -> None:
    host = BusAtTerminal(tmp_path, [KerongBoard(0, Cupboard()), KerongBoard(0, Cupboard())])
    await host.plug()
    with pytest.raises(DeviceMissing, match="KERONG board 0 does not answer"):
        await Kerong("b", port=host.where, hook_closed_bit=1, locks=LOCKS).__aenter__()
    await host.unplug()


@pytest.mark.parametrize(
    "make", ["kerong", "kerong 6x", "8A", "8A, 0 is closed", "winnsen", "wkly"]
)
async def test_a_jammed_lock_is_never_said_to_have_opened(make: str, tmp_path: Path) -> None:
    rig = Rig(make, tmp_path)
    await rig.host.plug()
    rig.locks.jammed = True
    async with rig.board() as board:
        with pytest.raises((DeviceLost, DeviceRefused)):
            await board.pulse(1)
    assert rig.locks.pulses == [1]
    await rig.host.unplug()


async def test_a_board_that_is_busy_with_its_coil_is_asked_again(tmp_path: Path) -> None:
    locks = Cupboard()
    host = BusAtTerminal(tmp_path, [KerongBoard(0, locks, busy_ms=50)])
    await host.plug()
    async with Kerong("b", port=host.where, hook_closed_bit=1, locks=LOCKS) as board:
        await board.pulse(1)
    assert locks.pulses == [1]
    await host.unplug()


async def test_one_winnsen_answer_alone_opens_no_door() -> None:
    """Its frames have no checksum, so one flipped bit makes another whole answer."""
    ours, theirs = pair("port")
    board, seen = Winnsen("b", port="port", locks=1), list[bool]()
    board._joined = bus.Bus("port", 9600, ours)
    async with running(board.run(lambda level: seen.append(level.open))):
        for doors in (0, 0, 1, 0, 0, 0, 1, 1):
            assert await theirs.read() == winnsen.read_doors(1).frame
            await theirs.write(bytes((0x90, 7, 0x82, 1, doors, 0, 3)))
        await until(lambda: len(seen) == 2)
    assert seen == [False, True]


async def test_relays_that_refuse_to_be_read_are_lost() -> None:
    ours, theirs = pair("port")
    board = WaveshareLockers("b", port="port")
    board._joined = bus.Bus("port", 9600, ours)
    async with running(board.run(lambda _: None)) as watch:
        await theirs.read()
        await theirs.write(bytes.fromhex("01 81 01 81 90"))
        with pytest.raises(DeviceLost, match="board 1 can't be read"):
            await watch


async def test_a_wrong_polarity_shows_at_every_door(tmp_path: Path) -> None:
    locks, seen = Cupboard(), list[LockerLevel]()
    host = BusAtTerminal(tmp_path, [KerongBoard(0, locks, hook_closed_bit=0)])
    await host.plug()
    board = Kerong("b", port=host.where, hook_closed_bit=1, locks=LOCKS)
    async with board, running(board.run(seen.append)):
        await until(lambda: len(seen) == LOCKS)
    assert [level.open for level in seen] == [True, False], "lock 1 is shut and 2 is open"
    await host.unplug()


# --- several boards at one bus


class Hall:
    """Boards of three makes at one bus, nine locks in all."""

    def __init__(self, host: BusAtTerminal | BusOverTcp, locks: list[Cupboard]) -> None:
        self.host = host
        self.locks = locks
        at = host.where
        self.boards: list[LockerBoard] = [
            Kerong("k", port=at, locks=3, baud=9600, address=1, hook_closed_bit=1),
            Winnsen("w", port=at, locks=3, address=1),
            Board8A("a", port=at, locks=3, address=1, hook_closed_bit=1),
        ]


@pytest.fixture(params=[BusAtTerminal, BusOverTcp])
async def hall(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Hall]:
    locks = [Cupboard(3) for _ in range(3)]
    sims = [
        KerongBoard(1, locks[0]),
        WinnsenBoard(1, locks[1], look_ms=10),
        SimBoard8A(1, locks[2], look_ms=10),
    ]
    host = request.param(tmp_path, sims)
    await host.plug()
    yield Hall(host, locks)
    await host.unplug()


async def test_boards_of_several_makes_share_a_bus_one_request_at_a_time(hall: Hall) -> None:
    seen: list[list[LockerLevel]] = [[], [], []]
    async with AsyncExitStack() as opened:
        for board, levels in zip(hall.boards, seen, strict=True):
            await opened.enter_async_context(board)
            await opened.enter_async_context(running(board.run(levels.append)))
        await until(lambda: all(len(levels) == 3 for levels in seen))
        async with asyncio.TaskGroup() as group:
            for board in hall.boards:
                for lock in (1, 3):
                    group.create_task(board.pulse(lock))
        await until(lambda: all(len(levels) == 5 for levels in seen))
    for locks, levels in zip(hall.locks, seen, strict=True):
        assert sorted(map(str, locks.pulses)) == ["1", "3"]
        assert {level.channel for level in levels if level.open} == {1, 2, 3}
    if isinstance(hall.host, BusAtTerminal):
        assert hall.host.overlaps == 0


@pytest.mark.threat("D9")
async def test_a_pulse_whose_end_comes_while_another_board_has_the_bus_is_not_given(
    hall: Hall,
) -> None:
    kerong, winnsen, _ = hall.boards
    async with kerong, winnsen:
        hall.host.wire.boards[1].faults.mute = True  # the bus waits for its answer
        hall.host.heard.clear()
        asking = asyncio.create_task(winnsen.pulse(1))
        await until(lambda: hall.host.heard)
        ended = False
        waiting = asyncio.create_task(kerong.pulse(1, lambda: not ended))
        await asyncio.sleep(0)
        ended = True
        with pytest.raises(DeviceLost):
            await asking
        with pytest.raises(NotWanted):
            await waiting
        assert hall.locks[0].pulses == []
        await kerong.pulse(3)  # and the bus is as it was
    assert hall.locks[0].pulses == [3]


async def test_a_dead_board_stops_no_other(hall: Hall) -> None:
    async with AsyncExitStack() as opened:
        runs = []
        for board in hall.boards:
            await opened.enter_async_context(board)
            runs.append(await opened.enter_async_context(running(board.run(lambda _: None))))
        hall.host.wire.boards[0].faults.mute = True
        with pytest.raises(DeviceLost):
            await runs[0]
        for board in hall.boards[1:]:
            await board.pulse(1)
        assert [run.done() for run in runs] == [True, False, False]


@pytest.mark.fault("locker-board-lost")
async def test_an_unplugged_bus_is_lost_by_all_and_comes_back(hall: Hall) -> None:
    async with AsyncExitStack() as opened:
        for board in hall.boards:
            await opened.enter_async_context(board)
        await hall.host.unplug()
        for board in hall.boards:
            with pytest.raises(DeviceLost) as caught:
                await board.pulse(1)
            assert caught.value.device == board.name
    await hall.host.plug()
    for board, locks in zip(hall.boards, hall.locks, strict=True):
        async with board:
            await board.pulse(1)
        assert locks.pulses == [1]


async def test_one_bus_has_one_speed(hall: Hall) -> None:
    async with hall.boards[1]:
        with pytest.raises(DeviceMissing, match="is open at 9600 baud already"):
            await Winnsen("x", port=hall.host.where, baud=19200).__aenter__()
