"""The link at a real broker, over TLS, with all that happens to brokers and networks."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloud_link import limits
from tests.cloud_link.brokers import LEAVES_SOCKETS, CloudAtBroker, Network, broker_and_cloud
from tests.cloud_link.worlds import World
from tests.drivers.rigs import until

pytestmark = LEAVES_SOCKETS

SET = {"base": b'{"stores":[]}', "members/0": b'{"aiko":{"plan":"day"}}'}


@pytest.fixture
async def world(tmp_path: Path) -> World:
    (tmp_path / "parts").mkdir()
    return World(tmp_path / "parts")


@pytest.fixture
async def there(tmp_path: Path, world: World) -> AsyncIterator[CloudAtBroker]:
    async with broker_and_cloud(tmp_path, world.cloud) as there:
        yield there


async def test_all_that_goes_up_and_down_does(world: World, there: CloudAtBroker) -> None:
    world.journal.write(1_001)
    async with world.running(there.broker.for_device()):
        await until(lambda: world.journal.cosigned == 1_001)
        await there.tell(*world.cloud.publish(SET, confirm_s=600))
        await there.tell(*world.cloud.use("aiko", "2026-11-28", "day", "shibuya", "e1"))
        await there.tell(*world.cloud.command("door_open", {"door": "front"}))
        await until(lambda: world.house.confirmations == [1])
        await until(lambda: world.house.position == 1)
        await until(lambda: world.cloud.results)
    await until(lambda: world.cloud.states[-1]["link"] == "stopped")
    assert len(world.cloud.records) == 1_001
    assert world.house.activated == [(1, SET)]
    assert len(world.house.done) == 1


@pytest.mark.fault("broker-gone")
async def test_a_killed_broker_that_lost_everything_loses_no_record(
    world: World, there: CloudAtBroker
) -> None:
    async with world.running(there.broker.for_device()):
        for _ in range(3):
            world.journal.write(700)
            await asyncio.sleep(0)
            await there.broker.stop(signal.SIGKILL)
            there.broker.forget()
            world.journal.write(300)
            await there.broker.start()
        await until(lambda: world.journal.cosigned == 3_000)
    held = [world.cloud.records[world.journal.epoch, seq] for seq in range(1, 3_001)]
    assert held == world.journal.written
    assert world.cloud.alarms == []


async def test_a_broker_that_went_in_peace_is_found_again(
    world: World, there: CloudAtBroker
) -> None:
    async with world.running(there.broker.for_device()) as link:
        await until(lambda: world.house.hours)
        await there.broker.stop()
        await until(lambda: not link.status().connected)
        world.journal.write(10)
        await there.broker.start()
        await until(lambda: world.journal.cosigned == 10)


async def test_who_is_cut_off_is_gone_and_comes_back(world: World, there: CloudAtBroker) -> None:
    async with Network(there.broker.port) as network:
        async with world.running(there.broker.for_device(network.port)):
            await until(lambda: world.house.hours)
            network.cut()
            await until(lambda: any(state["link"] == "gone" for state in world.cloud.states))
            world.journal.write(5)
            await until(lambda: world.journal.cosigned == 5)
        await until(lambda: world.cloud.states[-1]["link"] == "stopped")
    assert network.connections == 2


async def test_a_network_that_swallows_everything_is_noticed(
    world: World, there: CloudAtBroker
) -> None:
    async with (
        Network(there.broker.port) as network,
        world.running(there.broker.for_device(network.port)) as link,
    ):
        await until(lambda: world.house.hours)
        network.swallows = True
        seen = len(world.house.hours)
        world.clock.jump(limits.HALF_OPEN_MS)
        await until(lambda: not link.status().connected)
        network.swallows = False
        network.cut()
        world.clock.jump(limits.BACKOFF_MOST_MS)
        await until(lambda: len(world.house.hours) > seen)
        assert network.connections >= 2


@pytest.mark.fault("broker-gone")
async def test_a_slow_network_is_slow_and_nothing_else(world: World, there: CloudAtBroker) -> None:
    world.journal.write(2_000)
    async with Network(there.broker.port) as network:
        network.delay_s = 0.05
        async with world.running(there.broker.for_device(network.port)):
            await until(lambda: world.journal.cosigned == 2_000)
        assert network.connections == 1


async def test_what_waited_at_the_broker_comes_after_a_restart(
    world: World, there: CloudAtBroker
) -> None:
    async with world.running(there.broker.for_device()):
        await until(lambda: world.house.hours)
    await there.tell(*world.cloud.command("lockdown", {"on": True}, life_s=1))
    release = world.cloud.command("door_open", {"door": "front"})
    await there.tell(*release)
    world.clock.jump(60_000)
    async with world.running(there.broker.for_device()):
        await until(lambda: len(world.cloud.results) == 2)
    assert [command.verb for command, _ in world.house.done] == ["lockdown"]
    assert world.house.refusals == {"EXPIRED": 1}


async def test_a_retained_command_is_never_carried_out(world: World, there: CloudAtBroker) -> None:
    kind, message = world.cloud.command("door_open", {"door": "front"})
    await there.tell(kind, message, retain=True)
    async with world.running(there.broker.for_device()):
        await until(lambda: world.house.hours)
    assert world.house.done == []


async def test_answers_are_not_held_back_for_company(there: CloudAtBroker) -> None:
    """Small writes that wait for delayed acknowledgements take 40 ms and more, each."""
    async with there.broker.for_device().connect(b"will") as connection:
        wire = vars(connection)["_client"]._client.socket()
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
