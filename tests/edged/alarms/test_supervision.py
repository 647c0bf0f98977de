import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from drivers.api import DeviceLost, DeviceMissing
from edged import limits
from edged.alarms.raised import Alarms
from edged.alarms.supervision import Supervised
from edged.control.broadcast import Broadcast
from edged.core.alarm_words import AlarmName
from edged.records.recorder import Recorder
from edged.store.journal import Journal
from tests.edged.fakes import FakeClock, FakeDevice, settle

FIRST_MS, LONGEST_MS = limits.REOPEN_MS


class Ward:
    """Devices under supervision, and their alarms."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        recorder = Recorder(Journal(folder / "journal.db"), self.clock)
        self.alarms = Alarms(self.clock, recorder, Broadcast())
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def up(self) -> list[tuple[str, str]]:
        return [(one["source"], one["alarm"]) for one in self.alarms.listing()]

    async def watch(
        self,
        device: FakeDevice,
        *,
        optional: bool = False,
        on_lost: Callable[[], None] = lambda: None,
    ) -> Supervised:
        supervised = Supervised(device, device.run, optional=optional, on_lost=on_lost)
        await supervised.start()
        self._tasks.append(asyncio.create_task(supervised.run(self.clock, self.alarms)))
        await settle()
        return supervised

    async def end(self) -> None:
        dead = [task for task in self._tasks if task.done()]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert dead == []


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    ward = Ward(tmp_path)
    yield ward
    await ward.end()


@pytest.mark.fault("reader-unplugged")
@pytest.mark.threat("J6")
async def test_a_lost_device_is_an_alarm_until_it_is_back(ward: Ward) -> None:
    device, losses = FakeDevice("front.lock"), list[str]()
    supervised = await ward.watch(device, on_lost=lambda: losses.append("lost"))
    assert (supervised.is_open, ward.up) == (True, [])
    device.unplug()
    await settle()
    assert (supervised.is_open, ward.up) == (False, [("front.lock", AlarmName.DEVICE_LOST)])
    assert (losses, device.closed) == (["lost"], 1)
    device.plug()
    await ward.clock.advance(FIRST_MS)
    assert (supervised.is_open, ward.up, device.opened) == (True, [], 2)
    device.unplug()
    await settle()
    assert losses == ["lost"] * 2


async def test_it_is_tried_again_less_and_less_often(ward: Ward) -> None:
    device = FakeDevice("front.lock")
    await ward.watch(device)
    waits = []
    device.unplug()
    await settle()
    for _ in range(8):
        [wait_ms] = ward.clock.sleeping_ms
        waits.append(wait_ms)
        await ward.clock.advance(wait_ms)
    assert waits == [250, 500, 1_000, 2_000, 4_000, 8_000, LONGEST_MS, LONGEST_MS]
    device.plug()
    await ward.clock.advance(LONGEST_MS)
    device.unplug()
    await settle()
    assert ward.clock.sleeping_ms == [FIRST_MS]


@pytest.mark.parametrize("ends_with", [ArithmeticError("a bug"), None], ids=repr)
async def test_a_drivers_bug_is_its_devices_fault_alone(
    ward: Ward, ends_with: Exception | None
) -> None:
    sick, well = FakeDevice("front.lock"), FakeDevice("back.lock")
    await ward.watch(well)
    supervised = await ward.watch(sick)
    sick.missing = sick.close_fails = ArithmeticError("another bug")
    sick.end(ends_with)
    await settle()
    assert ward.up == [("front.lock", AlarmName.DEVICE_LOST)]
    await ward.clock.advance(FIRST_MS)
    assert ward.up == [("front.lock", AlarmName.DEVICE_LOST)]
    sick.plug()
    await ward.clock.advance(2 * FIRST_MS)
    assert (supervised.is_open, ward.up) == (True, [])
    assert (well.opened, well.closed) == (1, 0)


async def test_a_device_that_is_missing_at_the_start_ends_it(ward: Ward) -> None:
    device = FakeDevice("front.lock")
    device.missing = DeviceMissing("front.lock", "no such device")
    with pytest.raises(DeviceMissing):
        await ward.watch(device)
    assert (device.opened, device.closed) == (0, 0)


async def test_unless_it_is_optional(ward: Ward) -> None:
    device = FakeDevice("front-out")
    device.missing = DeviceMissing("front-out", "no such device")
    supervised = await ward.watch(device, optional=True)
    assert (supervised.is_open, ward.up) == (False, [("front-out", AlarmName.DEVICE_LOST)])
    device.plug()
    await ward.clock.advance(FIRST_MS)
    assert (supervised.is_open, ward.up) == (True, [])
    device.end(DeviceLost("front-out", "gone"))
    await settle()
    assert ward.up == [("front-out", AlarmName.DEVICE_LOST)]


async def test_a_bug_at_the_start_is_not_taken_for_a_missing_device(ward: Ward) -> None:
    device = FakeDevice("front-out")
    device.missing = ArithmeticError("a bug")
    with pytest.raises(ArithmeticError):
        await ward.watch(device, optional=True)


async def test_a_device_is_closed_once() -> None:
    device = FakeDevice("front.lock")
    supervised = Supervised(device, device.run)
    await supervised.close()
    await supervised.start()
    for _ in range(2):
        await supervised.close()
    assert (device.opened, device.closed, supervised.is_open) == (1, 1, False)
