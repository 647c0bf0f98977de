"""What every lock promises (drivers.api.Lock), checked at the other end of its wire."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from drivers import limits
from drivers.api import DeviceLost, DeviceMissing, DeviceRefused, Lock, NotWanted
from drivers.building import SimLock
from drivers.gpio_lines import GpioLock
from drivers.waveshare_relay import RelayLock
from tests.drivers.header import HeaderWorld
from tests.drivers.rigs import BoardAtTerminal, Bolt, LittleBuilding, running, until


class LockRig(Protocol):
    """A lock and what it moves."""

    where: Path

    def lock(self) -> Lock: ...
    @property
    def energised(self) -> bool: ...
    @property
    def released(self) -> bool: ...
    @property
    def orders(self) -> list[int]: ...
    async def plug(self) -> None: ...
    async def unplug(self) -> None: ...
    def mute(self, on: bool) -> None: ...
    def refuse(self, on: bool) -> None: ...


class SimRig:
    def __init__(self, folder: Path, kind: str) -> None:
        self.where = folder / "building.sock"
        self.building = LittleBuilding(self.where, Bolt(kind))
        self.plug = self.building.plug
        self.unplug = self.building.unplug

    def lock(self) -> Lock:
        return SimLock("front.lock", socket=str(self.where), door="front")

    @property
    def energised(self) -> bool:
        return self.building.bolt.energised

    @property
    def released(self) -> bool:
        return self.energised == (self.building.bolt.kind == "strike")

    @property
    def orders(self) -> list[int]:
        return self.building.bolt.orders

    def mute(self, on: bool) -> None:
        self.building.mute = on

    def refuse(self, on: bool) -> None:
        self.building.refusal = "range" if on else ""


class RelayRig:
    def __init__(self, folder: Path) -> None:
        self.where = folder / "panel.tty"
        self.host = BoardAtTerminal(self.where)

    def lock(self) -> Lock:
        return RelayLock("front.lock", port=str(self.where), channel=3)

    @property
    def energised(self) -> bool:
        return self.host.board.levels[2]

    @property
    def released(self) -> bool:
        return self.energised

    @property
    def orders(self) -> list[int]:
        """What the board was told, read off its wire: flash on relay 3, in 100 ms."""
        head = bytes.fromhex("01 05 02 02")
        told = [data for data in self.host.heard if data.startswith(head)]
        return [int.from_bytes(data[4:6], "big") * 100 for data in told]

    async def plug(self) -> None:
        self.host.terminal.plug()

    async def unplug(self) -> None:
        self.host.terminal.unplug()

    def mute(self, on: bool) -> None:
        self.host.board.faults.mute = on

    def refuse(self, on: bool) -> None:
        self.host.board.faults.refuse = 3 if on else 0


class GpioRig(HeaderWorld):
    def __init__(self, folder: Path, *, magnet: bool, active_low: bool) -> None:
        super().__init__(folder)
        self.magnet = magnet
        self.active_low = active_low

    def lock(self) -> Lock:
        return GpioLock(
            "front.lock",
            line=17,
            active_low=self.active_low,
            magnet=self.magnet,
            header=self.header,
        )

    @property
    def energised(self) -> bool:
        return self.board.level(17) != self.active_low

    @property
    def released(self) -> bool:
        return self.energised != self.magnet

    @property
    def orders(self) -> list[int]:
        """What the keeper was told, read off its wire: kind 3 is a pulse."""
        return [for_ms for kind, _, for_ms, _ in self.tap.told() if kind == 3]

    def refuse(self, on: bool) -> None:
        self.tap.late = on


LOCKS: dict[str, Callable[[Path], LockRig]] = {
    "sim strike": lambda folder: SimRig(folder, "strike"),
    "sim magnet": lambda folder: SimRig(folder, "magnet"),
    "waveshare_relay": RelayRig,
    "gpio strike": lambda folder: GpioRig(folder, magnet=False, active_low=False),
    "gpio strike, active low": lambda folder: GpioRig(folder, magnet=False, active_low=True),
    "gpio magnet": lambda folder: GpioRig(folder, magnet=True, active_low=False),
}


@pytest.fixture(params=LOCKS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LockRig]:
    rig = LOCKS[request.param](tmp_path)
    await rig.plug()
    yield rig
    await rig.unplug()


async def test_opens_and_closes_de_energised(rig: LockRig) -> None:
    async with rig.lock() as lock:
        assert not rig.energised
        async with running(lock.run()):
            await until(lambda: not rig.released)
            await lock.release(60_000)
            await until(lambda: rig.released)
    await until(lambda: not rig.energised)


@pytest.mark.threat("J1")
async def test_a_release_ends_by_itself(rig: LockRig) -> None:
    async with rig.lock() as lock, running(lock.run()):
        await until(lambda: not rig.released)
        await lock.release(2_000)
        assert rig.released
        await until(lambda: not rig.released)


@pytest.mark.parametrize("for_ms", [1, 99, 100, 101, 5_000, 59_901, 60_000])
async def test_a_release_is_as_long_as_asked(rig: LockRig, for_ms: int) -> None:
    async with rig.lock() as lock:
        await lock.release(for_ms)
        (ordered_ms,) = rig.orders
        assert for_ms <= ordered_ms < for_ms + limits.PULSE_STEP_MS


@pytest.mark.threat("J1")
@pytest.mark.parametrize("for_ms", [0, -1, 60_001])
async def test_a_release_has_a_bound(rig: LockRig, for_ms: int) -> None:
    async with rig.lock() as lock, running(lock.run()):
        await until(lambda: not rig.released)
        with pytest.raises(ValueError, match=r"for_ms must be 1\.\.60000"):
            await lock.release(for_ms)
        assert not rig.released
        assert rig.orders == []


@pytest.mark.threat("D9")
async def test_what_is_not_wanted_any_more_moves_nothing(rig: LockRig) -> None:
    async with rig.lock() as lock, running(lock.run()):
        await until(lambda: not rig.released)
        with pytest.raises(NotWanted) as caught:
            await lock.release(5_000, lambda: False)
        assert caught.value.device == "front.lock"
        assert not rig.released
        assert rig.orders == []
        await lock.release(60_000, lambda: True)
        assert rig.released


async def test_a_later_release_replaces_the_deadline(rig: LockRig) -> None:
    async with rig.lock() as lock, running(lock.run()):
        await until(lambda: not rig.released)
        await lock.release(60_000)
        await lock.release(100)
        await until(lambda: not rig.released)


async def test_secure_ends_a_release_and_may_be_repeated(rig: LockRig) -> None:
    async with rig.lock() as lock, running(lock.run()):
        await until(lambda: not rig.released)
        await lock.release(60_000)
        for _ in range(2):
            await lock.secure()
            assert not rig.released


async def test_what_is_not_there_is_missing_and_named(rig: LockRig) -> None:
    await rig.unplug()
    with pytest.raises(DeviceMissing, match=str(rig.where)) as caught:
        await rig.lock().__aenter__()
    assert caught.value.device == "front.lock"


async def test_what_says_nothing_is_missing(rig: LockRig) -> None:
    rig.mute(on=True)
    with pytest.raises(DeviceMissing):
        await rig.lock().__aenter__()
    rig.mute(on=False)
    async with rig.lock():
        assert not rig.energised


async def test_a_refusal_moves_nothing(rig: LockRig) -> None:
    async with rig.lock() as lock:
        before = rig.released
        rig.refuse(on=True)
        with pytest.raises(DeviceRefused):
            await lock.release(5_000)
        assert rig.released == before
        rig.refuse(on=False)
        await lock.release(5_000)
        assert rig.released


async def test_silence_is_a_loss(rig: LockRig) -> None:
    async with rig.lock() as lock:
        rig.mute(on=True)
        with pytest.raises(DeviceLost):
            await lock.release(5_000)
        rig.mute(on=False)
    async with rig.lock() as lock:
        await lock.release(5_000)
        assert rig.released


async def test_an_unplugged_lock_is_lost_and_works_again_after_opening(rig: LockRig) -> None:
    lock = rig.lock()
    async with lock:
        async with running(lock.run()) as run:
            await until(lambda: not rig.released)
            await rig.unplug()
            with pytest.raises(DeviceLost) as caught:
                async with asyncio.timeout(60):
                    await run
            assert caught.value.device == "front.lock"
        for call in (lock.release(100), lock.secure()):
            with pytest.raises(DeviceLost):
                await call
    await rig.plug()
    async with lock, running(lock.run()):
        await until(lambda: not rig.released)
        await lock.release(60_000)
        assert rig.released


async def test_an_order_that_is_out_when_the_lock_goes_is_lost(rig: LockRig) -> None:
    async with rig.lock() as lock:
        rig.mute(on=True)
        async with running(lock.release(5_000)) as release:
            await asyncio.sleep(0)
            await rig.unplug()
            with pytest.raises(DeviceLost):
                await release


async def test_a_cancelled_release_leaves_the_lock_in_working_order(rig: LockRig) -> None:
    async with rig.lock() as lock:
        rig.mute(on=True)
        for _ in range(3):
            async with running(lock.release(60_000)):
                await asyncio.sleep(0)  # it is out, or about to be
        rig.mute(on=False)
        await lock.release(5_000)
        assert rig.orders[-1] == 5_000
        assert rig.released


async def test_a_lock_that_is_not_open_is_lost(rig: LockRig) -> None:
    lock = rig.lock()
    assert lock.name == "front.lock"
    for call in (lock.release(100), lock.secure()):
        with pytest.raises(DeviceLost, match="not open"):
            await call
    await lock.__aexit__(None, None, None)
