"""What only devices at output lines do: sharing a keeper, fire, a keeper that dies."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from unittest import mock

import pytest

from drivers.api import DeviceLost, DeviceMissing, DeviceRefused, Light, Signal, Tone
from drivers.gpio_inputs import GpioInput
from drivers.gpio_lines import GpioFire, GpioIndicator, GpioLock
from tests.drivers.header import HeaderWorld
from tests.drivers.rigs import running, until


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HeaderWorld]:
    world = HeaderWorld(tmp_path)
    await world.plug()
    yield world
    await world.unplug()


def lock(world: HeaderWorld, line: int, *, magnet: bool) -> GpioLock:
    return GpioLock(f"{line}.lock", line=line, magnet=magnet, header=world.header)


def fire(world: HeaderWorld) -> GpioFire:
    return GpioFire("fire", line=22, pull="none", debounce_ms=0, header=world.header)


async def test_devices_share_a_keeper_from_first_to_last(world: HeaderWorld) -> None:
    strike, magnet = lock(world, 17, magnet=False), lock(world, 18, magnet=True)
    async with strike:
        keeper = world.keeper
        async with magnet:
            assert world.keeper is keeper
            await strike.release(60_000)
        assert world.board.level(17)  # the other one's end is not its own
        assert world.keeper is keeper
    assert not world.board.level(17)
    assert world.keeper is None


async def test_a_lock_that_is_closed_is_at_rest_while_others_go_on(world: HeaderWorld) -> None:
    strike, magnet = lock(world, 17, magnet=False), lock(world, 18, magnet=True)
    async with strike, running(strike.run()):
        async with magnet, running(magnet.run()):
            await until(lambda: world.board.level(18))
        assert not world.board.level(18)


async def test_a_dead_keeper_is_lost_to_all_and_leaves_the_lines_at_rest(
    world: HeaderWorld,
) -> None:
    strike, magnet = lock(world, 17, magnet=False), lock(world, 18, magnet=True)
    async with strike, magnet:
        async with running(strike.run()) as one, running(magnet.run()) as other:
            await until(lambda: world.board.level(18))
            await strike.release(60_000)
            assert world.keeper is not None
            os.kill(world.keeper._process.pid, signal.SIGKILL)
            for run in (one, other):
                with pytest.raises(DeviceLost, match="the line keeper is lost"):
                    await run
        assert world.board.level(17)  # pins remember
        with pytest.raises(DeviceMissing):
            await lock(world, 19, magnet=False).__aenter__()
        await strike.__aexit__(None, None, None)
        assert not world.board.level(17)
        assert not world.board.level(18)
        async with strike:  # a new keeper, while another still has to let go of the old one
            await strike.release(100)
            with pytest.raises(DeviceLost):
                await magnet.secure()


@pytest.mark.fault("keeper-killed")
async def test_a_keeper_that_hangs_is_killed_and_its_lines_rest(world: HeaderWorld) -> None:
    strike = lock(world, 17, magnet=False)
    async with strike:
        await strike.release(60_000)
        assert world.keeper is not None
        process = world.keeper._process
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(DeviceLost, match="no answer within"):
            await strike.release(60_000)
    assert process.returncode == -signal.SIGKILL
    assert not world.board.level(17)


async def test_an_answer_that_came_while_the_loop_was_held_up_counts(world: HeaderWorld) -> None:
    strike = lock(world, 17, magnet=False)
    async with strike:
        async with running(strike.release(60_000)) as release:
            await asyncio.sleep(0)  # it is out
            while not world.board.level(17):
                pass  # this loop is held up, the keeper is not
            loop = asyncio.get_running_loop()
            with mock.patch.object(loop, "time", return_value=time.monotonic() + 2):
                await release
        await strike.secure()


async def test_fire_is_reported_and_latched_until_it_is_reset(world: HeaderWorld) -> None:
    magnet, panel = lock(world, 18, magnet=True), fire(world)
    levels: list[bool] = []
    async with magnet, panel, running(magnet.run()), running(panel.run(levels.append)):
        await until(lambda: levels and world.board.level(18))
        world.level(22, level=True)
        await until(lambda: levels == [False, True])
        assert not world.board.level(18)
        with pytest.raises(DeviceRefused, match="NOT_RESET"):
            await panel.reset()
        world.level(22, level=False)
        await until(lambda: levels == [False, True, False])
        assert not world.board.level(18)
        await panel.reset()
        await until(lambda: world.board.level(18))


async def test_a_fire_that_nobody_heard_of_is_reported_first(world: HeaderWorld) -> None:
    panel = fire(world)
    async with panel:
        await panel.latch()
    levels: list[bool] = []
    async with panel, running(panel.run(levels.append)):
        await until(lambda: levels == [True, False])


async def test_amber_is_both_lamps_and_off_is_none(world: HeaderWorld) -> None:
    lamps = GpioIndicator("light", red=5, green=6, active_low=True, header=world.header)

    def lit() -> list[int]:
        return [line for line in (5, 6) if not world.board.level(line)]

    async with lamps:
        assert lit() == []
        for light, expected in [(Light.AMBER, [5, 6]), (Light.RED, [5]), (Light.OFF, [])]:
            await lamps.show(Signal(light, Tone.HIGH, blinks=0, for_ms=10_000))
            assert lit() == expected


async def test_a_signal_goes_dark_by_itself(world: HeaderWorld) -> None:
    lamps = GpioIndicator("light", red=5, green=6, buzzer=13, header=world.header)
    async with lamps, running(lamps.run()):
        await lamps.show(Signal(Light.GREEN, Tone.LOW, blinks=3, for_ms=300))
        await until(lambda: len(world.board.changes(6)) == len(world.board.changes(13)) == 6)
        for line in (6, 13):
            assert [level for _, level in world.board.changes(line)] == [True, False] * 3


async def test_too_many_blinks_are_refused(world: HeaderWorld) -> None:
    lamps = GpioIndicator("light", red=5, green=6, header=world.header)
    async with lamps:
        with pytest.raises(ValueError, match=r"blinks must be 0\.\.100"):
            await lamps.show(Signal(Light.RED, Tone.LOW, blinks=101, for_ms=100))


@pytest.mark.threat("J3")
async def test_what_bounces_is_not_reported(world: HeaderWorld) -> None:
    contact = GpioInput(
        "contact", line=23, normally="closed", pull="none", debounce_ms=30, header=world.header
    )
    levels: list[bool] = []
    async with contact, running(contact.run(levels.append)):
        await until(lambda: levels == [False])
        for ago_ms in range(1_000, 900, -10):  # ten bounces of 10 ms, and then it stays
            world.board.drive(23, level=ago_ms % 20 == 0, ago_ms=ago_ms)
        world.board.drive(23, level=True, ago_ms=900)
        await until(lambda: levels == [False, True])
        world.board.drive(23, level=False, ago_ms=20)
        world.board.drive(23, level=True, ago_ms=10)
        world.board.drive(23, level=False)
        await until(lambda: levels == [False, True, False])


@pytest.mark.parametrize("line", [-1, 28])
def test_a_line_is_one_of_the_header(world: HeaderWorld, line: int) -> None:
    header = world.header
    for make in (
        lambda: GpioLock("x", line=line, magnet=False, header=header),
        lambda: GpioIndicator("x", red=line, green=6, header=header),
        lambda: GpioFire("x", line=line, header=header),
        lambda: GpioInput("x", line=line, normally="open", debounce_ms=50, header=header),
    ):
        with pytest.raises(ValueError, match=r"line must be 0\.\.27"):
            make()


@pytest.mark.parametrize("debounce_ms", [-1, 2_001])
def test_a_debounce_has_a_bound(world: HeaderWorld, debounce_ms: int) -> None:
    for make in (
        lambda: GpioFire("x", line=22, debounce_ms=debounce_ms, header=world.header),
        lambda: GpioInput(
            "x", line=22, normally="open", debounce_ms=debounce_ms, header=world.header
        ),
    ):
        with pytest.raises(ValueError, match=r"debounce_ms must be 0\.\.2000"):
            make()
