"""What is particular to the simulated devices: the building's wire (hil/building/README.md)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers import limits
from drivers.api import (
    DeviceLost,
    DeviceMissing,
    DeviceRefused,
    Light,
    LockerLevel,
    Scan,
    Signal,
    Tone,
)
from drivers.building import SimIndicator, SimInput, SimLock, SimLockers, SimReader
from tests.drivers.rigs import Bolt, LittleBuilding, running, until


@pytest.fixture
async def building(tmp_path: Path) -> AsyncIterator[LittleBuilding]:
    building = LittleBuilding(tmp_path / "building.sock")
    await building.plug()
    yield building
    await building.unplug()


def lock(building: LittleBuilding, door: str = "front") -> SimLock:
    return SimLock("front.lock", socket=str(building.socket), door=door)


def reader(building: LittleBuilding) -> SimReader:
    return SimReader("front.reader", socket=str(building.socket), reader="front-in")


async def test_a_magnet_is_held_by_orders_that_run_out(building: LittleBuilding) -> None:
    bolt = building.bolt = Bolt("magnet")
    async with lock(building) as front:
        assert not bolt.energised
        async with running(front.run()):
            await until(lambda: len(bolt.holds) >= 3)
        assert set(bolt.holds) == {limits.HOLD_MS}
        assert limits.HOLD_EVERY_MS < limits.HOLD_MS
        assert bolt.energised
    await until(lambda: not bolt.energised)


async def test_a_strike_is_never_held(building: LittleBuilding) -> None:
    async with lock(building) as front, running(front.run()):
        await front.release(100)
        await until(lambda: not building.bolt.energised)
    assert building.bolt.holds == []


async def test_a_device_that_the_building_does_not_know_is_missing(
    building: LittleBuilding,
) -> None:
    with pytest.raises(DeviceMissing, match="no such device"):
        await lock(building, door="nobody").__aenter__()


@pytest.mark.parametrize(
    "garbage",
    [
        b"x" * (limits.LINE_BYTES + 1),
        b"x" * (limits.LINE_BYTES + 1) + b"\n",
        b"no json\n",
        b"[1]\n",
        b"[" * 10_000 + b"\n",
        b"\xff\n",
        b'{"scan": 1}\n',
        b'{"active": true}\n',
    ],
    ids=lambda garbage: repr(garbage[:12]),
)
async def test_what_is_not_on_the_wire_ends_the_connection(
    building: LittleBuilding, garbage: bytes
) -> None:
    scans: list[Scan] = []
    async with reader(building) as front, running(front.run(scans.append)) as run:
        building.raw(garbage)
        with pytest.raises(DeviceLost):
            await run
    assert scans == []


async def test_a_report_without_a_level_is_no_closed_door(building: LittleBuilding) -> None:
    levels: list[bool] = []
    contact = SimInput("c", socket=str(building.socket), door="front", line="contact")
    async with contact, running(contact.run(levels.append)) as run:
        await until(lambda: levels)
        building.report({"active": None})
        with pytest.raises(DeviceLost, match="no level"):
            await run
    assert levels == [False]


@pytest.mark.parametrize("report", [{"channel": "1", "open": True}, {"channel": 1}, {"open": 1}])
async def test_a_report_without_a_locker_opens_none(
    building: LittleBuilding, report: dict[str, object]
) -> None:
    building.lockers = {}
    levels: list[LockerLevel] = []
    board = SimLockers("b", socket=str(building.socket), bank="hall")
    async with board, running(board.run(levels.append)) as run:
        building.report(report)
        with pytest.raises(DeviceLost, match="no locker"):
            await run
    assert levels == []


async def test_answers_find_their_askers(building: LittleBuilding) -> None:
    async with lock(building) as front:
        building.report({"id": 99, "ok": True})  # nobody asked
        async with asyncio.TaskGroup() as group:
            for for_ms in range(1_000, 1_020):
                group.create_task(front.release(for_ms))
        assert sorted(building.bolt.orders) == list(range(1_000, 1_020))


async def test_a_late_answer_is_nobodys(building: LittleBuilding) -> None:
    async with lock(building) as front:
        building.mute = True
        async with running(front.release(1_000)):
            await asyncio.sleep(0)
        building.mute = False
        building.report({"id": 1, "ok": False, "error": "late"})
        await front.release(1_000)


async def test_more_reports_than_there_is_room_for_wait(building: LittleBuilding) -> None:
    count = 20 * limits.REPORTS
    scans: list[Scan] = []
    async with reader(building) as front:
        for n in range(count):
            building.report({"scan": f"{n:0500}"})
        await until(lambda: not front._wire._transport.is_reading())
        assert len(front._wire._reports) == limits.REPORTS
        async with running(front.run(scans.append)):
            await until(lambda: len(scans) >= count)
    assert [int(scan.text) for scan in scans] == list(range(count))


async def test_a_line_that_is_too_long_is_not_sent(building: LittleBuilding) -> None:
    novel = Signal(Light.RED, Tone.NONE, 0, 100, lines=("x" * limits.LINE_BYTES,))
    indicator = SimIndicator("light", socket=str(building.socket), indicator="front-in")
    async with indicator:
        with pytest.raises(DeviceRefused, match="too long"):
            await indicator.show(novel)
    assert building.shown == []
