"""The simulated lock boards, held against frames in print and another Modbus library."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.api import DeviceRefused
from drivers.locker_boards import WaveshareLockers
from drivers.waveshare_relay import RelayLock
from hil.building.board_8a import Board8A
from hil.building.bus import Board, collide
from hil.building.kerong import KerongBoard
from hil.building.kerong_6x import Kerong6xBoard
from hil.building.waveshare import WaveshareBoard
from hil.building.winnsen import WinnsenBoard
from hil.building.wkly import WklyBoard
from tests.drivers.bus_rigs import BusAtTerminal, Cupboard, waveshare
from tests.drivers.vectors import BCC8A, KERONG, KERONG_6X, WINNSEN, WKLY, Frame


class Row(Cupboard):
    """Sixteen locks or more, of which those named are open."""

    def __init__(self, *are_open: int, count: int = 16) -> None:
        super().__init__(count)
        self.open = {lock: lock in are_open for lock in range(1, count + 1)}


def kerong(frame: Frame) -> KerongBoard:
    named = frame.name
    shut = KerongBoard(0, Row())
    return {
        "status board0, lock1 hook 0": KerongBoard(0, Row(1)),
        "status board1": KerongBoard(1, Row(), items=frozenset({1, 16})),
    }.get(named, shut)


def winnsen(frame: Frame) -> WinnsenBoard:
    row = Row(*({1, 9} if frame.name == "poll st1 doors 1 and 9 open" else ()))
    row.jammed = "failed" in frame.name
    return WinnsenBoard(frame.sent[3], row, other_codes="alt response" in frame.name, look_ms=0)


def board_8a(frame: Frame) -> Board8A:
    row = Row(*({1} if frame.name == "read b1 l1: 00" else ()), count=24)
    row.jammed = "failed" in frame.name
    return Board8A(1, row, look_ms=0)


def kerong_6x(frame: Frame) -> Kerong6xBoard:
    del frame
    return Kerong6xBoard(0, Row())


def wkly(frame: Frame) -> WklyBoard:
    row = Row(count=12)
    row.jammed = "failed" in frame.name
    return WklyBoard(0, row, look_ms=0)


SAID: list[tuple[Frame, Callable[[Frame], Board]]] = [
    *((frame, kerong) for frame in KERONG.values()),
    *((frame, winnsen) for frame in WINNSEN.values()),
    *((frame, board_8a) for frame in BCC8A.values()),
    *((frame, kerong_6x) for frame in KERONG_6X.values()),
    *((frame, wkly) for frame in WKLY.values() if frame.sent),
]


@pytest.mark.parametrize(("frame", "build"), SAID, ids=[frame.name for frame, _ in SAID])
def test_it_answers_as_in_print(frame: Frame, build: Callable[[Frame], Board]) -> None:
    answers = build(frame).feed(frame.sent, 0)
    if frame.back:
        assert answers == list(frame.back)


@pytest.mark.parametrize(
    ("board", "sent", "pulses"),
    [
        pytest.param(lambda row: KerongBoard(0, row), KERONG["unlock b0 lock16"], [16], id="k"),
        pytest.param(
            lambda row: KerongBoard(0, row), KERONG["unlock all b0"], [*range(1, 17)], id="k all"
        ),
        pytest.param(lambda row: KerongBoard(0, row), KERONG["unlock b1 lock3"], [], id="k other"),
        pytest.param(
            lambda row: WinnsenBoard(3, row), WINNSEN["open st3 lock7 ok"], [7], id="winnsen"
        ),
        pytest.param(lambda row: Board8A(1, row), BCC8A["open b1 l2"], [2], id="8A"),
        pytest.param(
            lambda row: Board8A(1, row), BCC8A["open all b1"], [*range(1, 17)], id="8A all"
        ),
        pytest.param(lambda row: Board8A(1, row), BCC8A["open all b2"], [], id="8A other"),
        pytest.param(lambda row: Board8A(1, row), BCC8A["open b1 l1 for 3 s"], [1], id="8A 3 s"),
        pytest.param(lambda row: Kerong6xBoard(0, row), KERONG_6X["open lock 1"], [1], id="6x"),
        pytest.param(lambda row: Kerong6xBoard(1, row), KERONG_6X["open lock 1"], [], id="6x oth"),
        pytest.param(lambda row: WklyBoard(0, row), WKLY["open ch1 b0 ok, open"], [1], id="wkly"),
        pytest.param(
            lambda row: WklyBoard(1, row), WKLY["open ch1 b0 ok, open"], [], id="wkly other"
        ),
        pytest.param(
            lambda row: WklyBoard(0, row), WKLY["open all"], [*range(1, 17)], id="wkly all"
        ),
    ],
)
def test_its_coils_are_pulsed(
    board: Callable[[Cupboard], Board], sent: Frame, pulses: list[object]
) -> None:
    row = Row()
    board(row).feed(sent.sent, 0)
    assert row.pulses == pulses


def test_it_finds_requests_in_noise_and_in_pieces() -> None:
    for build, frame in (
        (kerong, KERONG["unlock b0 lock1"]),
        (board_8a, BCC8A["open b1 l2"]),
        (kerong_6x, KERONG_6X["open lock 1"]),
        (wkly, WKLY["open ch1 b0 ok, open"]),
    ):
        board = build(frame)
        stream = b"\x02\x00\x8a\x90\x06\x01\x02WKLY\x03WKL" + frame.sent
        for byte in stream:
            board.feed(bytes([byte]), 0)
        assert isinstance(board.locks, Row)
        assert len(board.locks.pulses) == 1


def test_half_a_request_is_forgotten_after_silence() -> None:
    row, sent = Row(), KERONG["unlock b0 lock1"].sent
    board = KerongBoard(0, row)
    board.feed(sent[:3], 0)
    board.feed(sent[3:], 10_000)
    assert row.pulses == []


def test_it_looks_at_the_lock_when_the_pulse_is_over() -> None:
    frame = WINNSEN["open st1 lock5 ok"]
    board = WinnsenBoard(1, Row(), look_ms=300)
    assert board.feed(frame.sent, 1_000) == []
    assert board.due_ms() == 1_300
    assert board.tick(1_299) == []
    assert board.tick(1_300) == list(frame.back)
    assert board.due_ms() is None


def test_a_busy_board_hears_nothing() -> None:
    board = KerongBoard(0, Row(), busy_ms=300)
    board.feed(KERONG["unlock b0 lock1"].sent, 0)
    assert board.feed(KERONG["status board0, all hooks 1, IR 0"].sent, 299) == []
    assert len(board.feed(KERONG["status board0, all hooks 1, IR 0"].sent, 500)) == 1


def test_it_tells_unasked_of_a_door_that_moved() -> None:
    row = Row()
    board = WklyBoard(0, row, look_ms=0, tells_unasked=True)
    board.feed(WKLY["query all, 12 closed"].sent, 1_000)
    assert board.tick(1_020) == []
    row.open[3] = True
    due_ms = board.due_ms()
    assert due_ms == 1_040
    assert board.tick(due_ms) == list(WKLY["unsolicited ch3 opened"].back)
    assert board.tick(1_060) == []


def test_it_opens_those_that_are_named() -> None:
    """Printed nowhere: made by the rule that does reproduce what is printed."""
    row = Row()
    board = WklyBoard(0, row)
    asked = bytes.fromhex("57 4B 4C 59 0B 00 80 02 03 05 86")
    assert board.feed(asked, 0) == [bytes.fromhex("57 4B 4C 59 09 00 80 00 80")]
    assert row.pulses == [3, 5]


def test_what_two_boards_say_at_once_is_what_neither_said() -> None:
    for back in KERONG["status board1"].back:
        assert collide(back, back) != back


async def test_another_library_works_the_relay_board_beside_other_makes(tmp_path: Path) -> None:
    locks, others = Cupboard(), Row()
    boards: list[Board] = [waveshare(locks, 9), KerongBoard(0, others), WinnsenBoard(1, others)]
    host = BusAtTerminal(tmp_path, boards)
    await host.plug()
    client = AsyncModbusSerialClient(host.where, framer=FramerType.RTU, retries=0)
    assert await client.connect()
    assert not (await client.write_coil(1, value=True, device_id=9)).isError()
    assert (await client.read_coils(0, count=8, device_id=9)).bits == [False, True] + [False] * 6
    client.close()
    async with WaveshareLockers("b", port=host.where, address=9) as ours:
        await ours.pulse(1)
    assert (locks.pulses, others.pulses) == ([2, 1], [])
    await host.unplug()


async def test_another_librarys_board_and_ours_say_the_same_to_our_drivers() -> None:
    """It takes no timed pulse, and says so; all else is answered byte for byte alike."""
    said: list[tuple[bool, bytes]] = []

    def note(sending: bool, data: bytes) -> bytes:
        if data:
            said.append((sending, data))
        return data

    none = [SimData(0, values=[0], datatype=DataType.REGISTERS)]
    coils = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    server: Any = ModbusTcpServer(
        SimDevice(1, simdata=(coils, coils, none, none)),
        framer=FramerType.RTU,
        address=("127.0.0.1", 0),
        trace_packet=note,
    )
    assert await server.listen()
    where = f"tcp://127.0.0.1:{server.transport.sockets[0].getsockname()[1]}"
    async with RelayLock("d", port=where) as lock:
        with pytest.raises(DeviceRefused, match="code 2"):
            await lock.release(1_000)
    async with WaveshareLockers("b", port=where) as lockers:
        with pytest.raises(DeviceRefused, match="code 2"):
            await lockers.pulse(8)
    await server.shutdown()
    ours = WaveshareBoard()
    asked = [data for sending, data in said if not sending]
    told = [data for sending, data in said if sending]
    timed = [request for request in asked if request[2:3] == b"\x02"]
    assert len(timed) == 2
    for request, answer in zip(asked, told, strict=True):
        if request not in timed:
            assert ours.feed(request, 0) == [answer]
