"""The relay board's simulator, held against frames in print and another Modbus library."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient

from hil.building.waveshare import WaveshareBoard
from tests.drivers.rigs import BoardAtTerminal
from tests.drivers.vectors import WAVESHARE, Frame

FLASH_700 = WAVESHARE["flash on relay1 700 ms"].sent
OFF = WAVESHARE["relay1 off"].sent
ANSWERED = {name: frame for name, frame in WAVESHARE.items() if frame.back}


@pytest.mark.parametrize("frame", ANSWERED.values(), ids=ANSWERED)
def test_it_answers_as_in_print(frame: Frame) -> None:
    board = WaveshareBoard()
    if frame.name == "read 8 relays, relay1":
        board.feed(WAVESHARE["relay1 on"].sent, 0)
    assert board.feed(frame.sent, 0) == list(frame.back)


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("relay1 on", (True, *[False] * 7)),
        ("relay1 toggle", (True, *[False] * 7)),
        ("all on", (True,) * 8),
        ("write all on", (True,) * 8),
        ("illegal address", (False,) * 8),
    ],
)
def test_its_relays_move(name: str, levels: tuple[bool, ...]) -> None:
    board = WaveshareBoard()
    board.feed(WAVESHARE[name].sent, 0)
    assert board.levels == levels
    board.feed(WAVESHARE["all off"].sent, 0)
    assert board.levels == (False,) * 8


def test_it_ends_a_pulse_by_itself() -> None:
    moves: list[tuple[int, bool]] = []
    board = WaveshareBoard(on_relay=lambda relay, closed: moves.append((relay, closed)))
    board.feed(FLASH_700, 1_000)
    assert board.due_ms() == 1_700
    board.tick(1_699)
    assert moves == [(1, True)]
    board.tick(1_700)
    assert moves == [(1, True), (1, False)]
    assert board.due_ms() is None


def test_a_new_pulse_replaces_the_old_one_and_off_ends_it() -> None:
    board = WaveshareBoard()
    board.feed(FLASH_700, 0)
    board.feed(FLASH_700, 500)
    board.tick(1_100)
    assert board.levels[0]
    board.feed(OFF, 1_150)
    assert not board.levels[0]
    assert board.due_ms() is None


def test_a_pulse_off_turns_on_again() -> None:
    board = WaveshareBoard()
    board.feed(WAVESHARE["all on"].sent, 0)
    board.feed(WAVESHARE["flash off relay1 800 ms"].sent, 0)
    assert not board.levels[0]
    board.tick(800)
    assert board.levels == (True,) * 8


def test_it_finds_requests_in_noise_and_in_pieces() -> None:
    board = WaveshareBoard()
    stream = b"\x01\x05\x00" + FLASH_700 + b"\xff" + OFF
    back = [answer for byte in stream for answer in board.feed(bytes([byte]), 0)]
    assert back == [FLASH_700, OFF]


def test_half_a_request_is_forgotten_after_silence() -> None:
    board = WaveshareBoard()
    board.feed(FLASH_700[:4], 0)
    assert board.feed(FLASH_700[4:], 10_000) == []
    assert not board.levels[0]


def test_another_board_is_not_its_business() -> None:
    board = WaveshareBoard(address=2)
    assert board.feed(FLASH_700, 0) == []
    assert not board.levels[0]


@pytest.mark.parametrize("wrong", ["01 05 00 00 12 34", "01 05 02 00 00 00", "01 05 02 00 80 00"])
def test_a_wrong_value_is_refused(wrong: str) -> None:
    body = bytes.fromhex(wrong)
    board = WaveshareBoard()
    whole = body + pymodbus_checksum(body)
    assert board.feed(whole, 0) == [bytes.fromhex("01 85 03 02 91")]
    assert not any(board.levels)


def pymodbus_checksum(body: bytes) -> bytes:
    from pymodbus.framer import FramerRTU  # noqa: PLC0415 - a second opinion for one test

    return FramerRTU.compute_CRC(body).to_bytes(2, "big")


def test_its_faults() -> None:
    board = WaveshareBoard()
    faults = board.faults
    faults.echo = True
    assert board.feed(OFF, 0) == [OFF, OFF]
    faults.mute = True
    assert board.feed(OFF, 0) == [OFF]
    faults.echo = faults.mute = False
    faults.late_ms, faults.duplicate, faults.noise_before = 50, True, b"\x00"
    assert board.feed(FLASH_700, 0) == []
    assert board.due_ms() == 50
    assert board.tick(50) == [b"\x00" + FLASH_700 + FLASH_700]
    assert board.levels[0]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[tuple[AsyncModbusSerialClient, WaveshareBoard]]:
    host = BoardAtTerminal(tmp_path / "panel.tty")
    host.terminal.plug()
    client = AsyncModbusSerialClient(str(host.terminal.link), framer=FramerType.RTU, retries=0)
    assert await client.connect()
    yield client, host.board
    client.close()
    await asyncio.sleep(0)
    host.terminal.unplug()


async def test_another_library_works_it(
    client: tuple[AsyncModbusSerialClient, WaveshareBoard],
) -> None:
    modbus, board = client
    assert not (await modbus.write_coil(3, value=True)).isError()
    assert board.levels[3]
    assert (await modbus.read_coils(0, count=8)).bits == [False] * 3 + [True] + [False] * 4
    assert not (await modbus.write_coils(0, [True, False] * 4)).isError()
    assert board.levels == (True, False) * 4
    assert (await modbus.read_coils(0x100, count=8)).exception_code == 2
    assert (await modbus.write_coil(0x100, value=True)).exception_code == 2
