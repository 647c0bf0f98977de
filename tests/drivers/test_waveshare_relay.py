"""What is particular to locks at a relay board: the bus, echoes, and answers that are none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers import bus, limits
from drivers.api import DeviceLost, DeviceMissing
from drivers.channel import PairedChannel, pair
from drivers.codec import modbus
from drivers.waveshare_relay import RelayLock
from hil.building.faults import Faults
from tests.drivers.rigs import BoardAtTerminal, now_ms, running, until

FLASH_1S = modbus.flash_on(1, 1, 10)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[BoardAtTerminal]:
    host = BoardAtTerminal(tmp_path / "panel.tty")
    host.terminal.plug()
    yield host
    host.terminal.unplug()
    assert bus._BUSES == {}  # nobody holds a port that nobody uses


def lock(
    host: BoardAtTerminal, channel: int = 1, *, baud: int = 9600, address: int = 1
) -> RelayLock:
    port = str(host.terminal.link)
    return RelayLock(f"lock{channel}", port=port, baud=baud, address=address, channel=channel)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"baud": 9601}, "baud must be one of"),
        ({"address": 0}, r"address must be 1\.\.247"),
        ({"address": 248}, r"address must be 1\.\.247"),
        ({"channel": 0}, r"channel must be 1\.\.8"),
        ({"channel": 9}, r"channel must be 1\.\.8"),
    ],
)
def test_a_setting_out_of_range_is_named(settings: dict[str, int], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        RelayLock("front.lock", port="/dev/null", **settings)


@pytest.mark.fault("relay-stuck")
async def test_a_relay_that_was_on_is_off_after_opening(host: BoardAtTerminal) -> None:
    host.board.feed(bytes.fromhex("01 05 00 00 FF 00 8C 3A"), now_ms())
    async with lock(host):
        assert not host.board.levels[0]


@pytest.mark.fault("relay-stuck")
async def test_a_welded_relay_is_seen_at_opening(host: BoardAtTerminal) -> None:
    host.board.faults.stuck_on = frozenset({2})
    with pytest.raises(DeviceMissing, match="relay 2 stays on"):
        await lock(host, 2).__aenter__()
    async with lock(host, 1):
        pass


@pytest.mark.threat("J1")
async def test_a_pulse_ends_when_the_host_is_gone(host: BoardAtTerminal) -> None:
    async with lock(host) as front:
        await front.release(300)
        host.terminal.unplug()
    assert host.board.levels[0]
    await until(lambda: not host.board.levels[0])


async def test_another_address_is_asked_by_that_address(host: BoardAtTerminal) -> None:
    host.board.address = 9
    async with lock(host, address=9) as front:
        await front.release(1_000)
        assert host.board.levels[0]
    with pytest.raises(DeviceMissing, match="board 1 does not answer"):
        await lock(host).__aenter__()


@pytest.fixture
def wire() -> tuple[RelayLock, PairedChannel]:
    """A lock that is open at one end of a pipe, and the other end."""
    ours, theirs = pair("port")
    front = RelayLock("front.lock", port="port")
    front._joined = bus.Bus("port", 9600, ours)
    return front, theirs


async def test_what_came_before_an_order_is_not_its_answer(
    wire: tuple[RelayLock, PairedChannel],
) -> None:
    front, theirs = wire
    await theirs.write(FLASH_1S)
    with pytest.raises(DeviceLost, match="does not answer"):
        await front.release(1_000)


async def test_a_board_that_refuses_to_be_read_is_lost(
    wire: tuple[RelayLock, PairedChannel],
) -> None:
    front, theirs = wire
    async with running(front.run()) as watch:
        assert await theirs.read() == modbus.read_relays(1)
        await theirs.write(bytes.fromhex("01 81 01 81 90"))
        with pytest.raises(DeviceLost, match="board 1 can't be read, code 1"):
            await watch


async def test_an_adapter_that_echoes_is_seen_through(host: BoardAtTerminal) -> None:
    host.board.faults.echo = True
    async with lock(host) as front:
        await front.release(60_000)
        assert host.board.levels[0]
        await front.secure()
        assert not host.board.levels[0]


async def test_an_echo_alone_is_no_device(host: BoardAtTerminal) -> None:
    host.board.faults = Faults(echo=True, mute=True)
    with pytest.raises(DeviceMissing, match="adapter echo, no device"):
        await lock(host).__aenter__()


async def test_an_echo_is_no_answer_of_a_board_that_died(host: BoardAtTerminal) -> None:
    host.board.faults.echo = True
    async with lock(host) as front:
        host.board.faults.mute = True
        with pytest.raises(DeviceLost, match="adapter echo, no device"):
            await front.release(1_000)


async def test_noise_around_answers_does_no_harm(host: BoardAtTerminal) -> None:
    host.board.faults = Faults(noise_before=b"\x00\x01\x05\xff", noise_after=b"\x01\x01\x01")
    async with lock(host) as front:
        await front.release(1_000)
        assert host.board.levels[0]


async def test_copies_of_an_answer_do_no_harm(host: BoardAtTerminal) -> None:
    host.board.faults.duplicate = True
    async with lock(host) as front:
        await front.release(1_000)
        host.board.faults.mute = True
        with pytest.raises(DeviceLost):  # the second copy is not believed
            await front.release(1_000)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(wrong_address=True),
        Faults(wrong_checksum=True),
        Faults(cut_bytes=1),
        Faults(deaf_answers=True),
    ],
    ids=str,
)
async def test_an_answer_that_is_none_is_a_loss(host: BoardAtTerminal, faults: Faults) -> None:
    async with lock(host) as front:
        host.board.faults = faults
        with pytest.raises(DeviceLost, match="does not answer"):
            await front.release(1_000)
        host.board.faults = Faults()


async def test_a_late_answer_is_not_taken_for_the_next_orders(host: BoardAtTerminal) -> None:
    async with lock(host) as front:
        host.board.faults.late_ms = limits.REPLY_MS + 200
        with pytest.raises(DeviceLost):
            await front.release(1_000)
        host.board.faults = Faults(mute=True)
        with pytest.raises(DeviceLost):  # the late answer to the same order comes in meanwhile
            await front.release(1_000)
        assert not host.board._late  # it did come in
        host.board.faults = Faults()
        await front.release(1_000)
        assert host.board.levels[0]


async def test_only_reads_are_sent_again(host: BoardAtTerminal) -> None:
    async with lock(host) as front:
        host.heard.clear()
        host.board.faults.mute = True
        with pytest.raises(DeviceLost):
            await front.release(1_000)
        assert host.heard == [FLASH_1S]
        with pytest.raises(DeviceLost):
            await front.release(1_000)
        assert host.heard[1:] == [modbus.read_relays(1)] * limits.READ_TRIES
        host.board.faults.mute = False


async def test_one_lost_read_is_not_a_lost_board(host: BoardAtTerminal) -> None:
    async with lock(host) as front, running(front.run()) as run:
        host.board.faults.mute = True
        host.heard.clear()
        await until(lambda: host.heard)
        host.board.faults.mute = False
        await until(lambda: len(host.heard) >= 3)
        assert not run.done()


async def test_a_board_that_falls_silent_is_noticed(host: BoardAtTerminal) -> None:
    async with lock(host) as front, running(front.run()) as run:
        host.board.faults.mute = True
        with pytest.raises(DeviceLost, match="board 1 does not answer"):
            await run
        host.board.faults.mute = False


async def test_locks_share_a_port_one_request_at_a_time(host: BoardAtTerminal) -> None:
    host.board.faults.late_ms = 10
    async with lock(host, 1) as one, lock(host, 2) as two, lock(host, 8) as eight:
        async with asyncio.TaskGroup() as group:
            for each in (one, two, eight, one, two, eight):
                group.create_task(each.release(60_000))
        assert [n for n, on in enumerate(host.board.levels, start=1) if on] == [1, 2, 8]
        await two.secure()
        assert [n for n, on in enumerate(host.board.levels, start=1) if on] == [1, 8]
    assert host.overlaps == 0
    assert not any(host.board.levels)


async def test_closing_one_lock_leaves_the_others_open(host: BoardAtTerminal) -> None:
    async with lock(host, 1) as one:
        async with lock(host, 2):
            pass
        await one.release(1_000)
        assert host.board.levels[0]


async def test_one_port_has_one_speed(host: BoardAtTerminal) -> None:
    async with lock(host, 1):
        with pytest.raises(DeviceMissing, match="is open at 9600 baud already"):
            await lock(host, 2, baud=19200).__aenter__()


async def test_a_port_of_another_program_is_missing(host: BoardAtTerminal) -> None:
    async with lock(host):
        held = dict(bus._BUSES)
        bus._BUSES.clear()  # as another process sees it
        with pytest.raises(DeviceMissing, match="lock port"):
            await lock(host, 2).__aenter__()
        bus._BUSES.update(held)


async def test_all_locks_of_an_unplugged_port_come_back_one_by_one(host: BoardAtTerminal) -> None:
    one, two = lock(host, 1), lock(host, 2)
    async with two:
        async with one:
            host.terminal.unplug()
            with pytest.raises(DeviceLost) as caught:
                await one.release(1_000)
            assert caught.value.device == "lock1"
        host.terminal.plug()
        async with one:
            await one.release(1_000)
            assert host.board.levels[0]
            with pytest.raises(DeviceLost) as caught:
                await two.release(1_000)
            assert caught.value.device == "lock2"
    async with two:
        await two.release(1_000)
        assert host.board.levels[1]
