"""The daemon's own link against the reference cloud: two that share a text, and no code."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cloud_link.ports import Device, Ports
from cloud_link.session import Link
from cloud_link.transport import Broker, MqttTransport
from hil.byzantine.clock import Dice, Reading
from hil.byzantine.house import House, Journal
from hil.chain.line import connected, now
from tests.hil.cloud.test_rules import written
from tests.hil.cloud.test_serving import until
from tests.hil.cloud.world import TENANT, World


class Clock:
    """The machine's own time, as a device that is sure of it."""

    def monotonic_ms(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)

    def now(self) -> Reading:
        at, margin = now(), timedelta(milliseconds=100)
        return Reading(at, at - margin, at + margin, "SYNCED", trusted=True)

    async def sleep_ms(self, for_ms: int) -> None:
        await asyncio.sleep(for_ms / 1000)


@dataclass
class Daemon:
    """A link with a memory behind it in place of a daemon."""

    journal: Journal
    house: House


@asynccontextmanager
async def linked(world: World, folder: Path, *, fresh: bool = False) -> AsyncIterator[Daemon]:
    """Run the link of device d1."""
    key = world.device("d1").key
    journal = Journal(fresh=fresh)
    trust = (world.office.folder / "trust.json").read_bytes()
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    clock = Clock()
    house = House(journal, trust, folder, now, clock.monotonic_ms)
    pki = world.office.certificates
    broker = Broker("127.0.0.1", world.broker.port, pki / "ca.crt", pki / "d1.crt", pki / "d1.key")
    device = Device(TENANT, "d1", key, "00000000000000b1", "0.1.0")
    transport = MqttTransport(broker, TENANT, "d1")
    link = Link(device, Ports(clock, Dice(), transport, journal, house))
    task = asyncio.create_task(link.run())
    try:
        yield Daemon(journal, house)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_its_audit_comes_whole(world: World, tmp_path: Path) -> None:
    async with linked(world, tmp_path / "d1") as daemon:
        daemon.journal.write(2_500)
        await until(lambda: daemon.journal.cosigned == 2_500)
    (copy,) = world.office.run("audit", "verify")
    assert (copy["seq"], copy["head"]) == (2_500, daemon.journal.head().hex())


async def test_it_takes_rules_keys_use_and_orders(world: World, tmp_path: Path) -> None:
    run, rules = world.office.run, str(written(tmp_path / "rules"))
    async with linked(world, tmp_path / "d1") as daemon:
        await until(lambda: world.office.listed("d1")["link"] == "up")
        await asyncio.to_thread(run, "keys", "rotate", "rules")
        await asyncio.to_thread(run, "rules", "publish", rules, "--confirm-s", "60")
        await until(lambda: daemon.house.confirmations == [1])
        assert len(daemon.house.trusts) == 2
        (told,) = await asyncio.to_thread(run, "usage", "add", "C2", "DAY", "2026-11-30")
        await until(lambda: daemon.house.added)
        assert daemon.house.added == {("C2", "2026-11-30", "DAY", "", told["event"])}
        (result,) = await asyncio.to_thread(run, "command", "d1", "door_open", "door=front")
        assert result["result"] == "DONE"
        assert [command.verb for command, _ in daemon.house.done] == ["door_open"]
        assert not daemon.house.rejects
        await until(lambda: run("rules", "status")[0]["version"] == 1)


async def test_a_new_disk_is_told_who_holds_what(world: World, tmp_path: Path) -> None:
    device = world.device("d1")
    held = {"occupancy": "O1", "member": "M1", "locker": "L1", "end": "2026-12-01T00:00:00.000Z"}
    at = {"occurred_at": "2026-11-28T10:00:00.000Z"}
    device.journal.write({"kind": "locker_command", "verb": "assign", **held, **at})
    async with connected(device, world.place) as line:
        await line.say(device.batches(now()))
        await line.until(lambda: device.journal.acked == 1)
    async with linked(world, tmp_path / "d1", fresh=True) as daemon:
        await until(lambda: daemon.house.restored)
        (locker,) = daemon.house.restored[0].lockers
        assert (locker.id, locker.state) == ("L1", "IN_USE")
