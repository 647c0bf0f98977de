"""The cloud at real brokers with TLS, and devices that speak the contract."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import aiomqtt
import pytest

from hil.chain.device import Device
from hil.chain.line import PATIENCE_S, connected, now
from tests.hil.cloud.test_rules import written
from tests.hil.cloud.world import TENANT, World

COME = {"kind": "passage", "decision": "ALLOW", "usage_keys": ["C1/DAY/2026-11-01"]}


def fill(device: Device, count: int) -> None:
    for number in range(count):
        device.journal.write({"kind": "exit_button", "event_id": f"e{number}"})


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if await asyncio.to_thread(true):
                return
            await asyncio.sleep(0.02)


async def test_a_batch_is_durable_before_it_is_acknowledged(world: World) -> None:
    device = world.device("d1")
    fill(device, 1_000)
    async with connected(device, world.place) as line:
        await line.say(device.batches(now()))
        await line.until(lambda: device.journal.acked == 1_000)
        assert line.refused == []
    (copy,) = world.office.run("audit", "verify")
    assert (copy["seq"], copy["head"]) == (1_000, device.journal.heads[-1].hex())


async def test_a_device_is_seen_and_then_gone(world: World) -> None:
    device = world.device("d1")
    assert world.office.listed("d1")["alarms"] == ["ABSENT"]
    with suppress(aiomqtt.MqttError):
        async with connected(device, world.place) as line:
            await line.say([device.ask_pulse()])
            await line.until(lambda: device.pulse)
            assert world.office.listed("d1")["alarms"] == []
            cut = line.client._client.socket()
            assert isinstance(cut, socket.socket)
            cut.shutdown(socket.SHUT_RDWR)
    await until(lambda: world.office.listed("d1")["link"] == "gone")
    assert world.office.listed("d1")["alarms"] == ["ABSENT"]


async def test_a_command_is_answered(world: World) -> None:
    device = world.device("d1")
    async with connected(device, world.place) as line:
        words = ("command", "d1", "door_open", "door=front")
        (result,) = await asyncio.to_thread(world.office.run, *words)
        assert result["result"] == "DONE"
        assert device.done[0]["args"] == {"door": "front"}
        assert line.refused == []


async def test_what_is_used_here_is_known_there_a_moment_later(world: World) -> None:
    here, there = world.device("d1"), world.device("d2")
    async with connected(here, world.place) as line, connected(there, world.place) as other:
        await other.say([there.ask_pulse()])
        await other.until(lambda: there.pulse)
        here.journal.write({**COME, "event_id": "e1"})
        await line.say(here.batches(now()))
        await other.until(lambda: there.position == 1)
        assert there.entries == {("C1", "2026-11-01", "DAY", "", "e1")}


async def test_new_rules_and_keys_come_by_themselves(world: World, tmp_path: Path) -> None:
    device = world.device("d1")
    async with connected(device, world.place) as line:
        await line.say([device.ask_pulse()])
        await line.until(lambda: device.pulse)
        folder = str(written(tmp_path / "rules"))
        await asyncio.to_thread(world.office.run, "keys", "rotate", "rules")
        await asyncio.to_thread(world.office.run, "rules", "publish", folder)
        await line.until(lambda: device.manifest)
        await line.until(lambda: len(device.parts) == 2)
        assert device.tenant.document["version"] == 2
        assert set(device.rules()["members"]) == {"M1", "M2", "M3", "M4"}


@pytest.mark.parametrize("topic", ["d2/down/+", "+/down/+", "+/up/+", "#"])
async def test_a_device_hears_what_is_for_it_only(world: World, topic: str) -> None:
    curious, other = world.device("d1"), world.device("d2")
    fill(other, 10)
    with suppress(aiomqtt.MqttError):
        async with connected(curious, world.place) as line:
            await line.client.subscribe(f"edged/v1/{TENANT}/{topic}", qos=1)
            async with connected(other, world.place) as second:
                await second.say(other.batches(now()))
                await second.until(lambda: other.journal.acked == 10)
            await line.say([curious.ask_pulse()])
            await line.until(lambda: curious.pulse)
            assert line.refused == []


async def test_a_device_speaks_for_itself_only(world: World) -> None:
    liar, other = world.device("d1"), world.device("d2")
    with suppress(aiomqtt.MqttError):
        async with connected(liar, world.place) as line:
            for kind, data in (other.report(now()), other.ask_pulse()):
                await line.client.publish(f"edged/v1/{TENANT}/d2/up/{kind}", data, qos=1)
    async with connected(liar, world.place) as line:
        await line.say([liar.ask_pulse()])
        await line.until(lambda: liar.pulse)
    assert world.office.listed("d2")["report"] is None


async def test_several_workers_share_the_work(tmp_path: Path) -> None:
    async with World(tmp_path, workers=2) as world:
        await _shared(world)
        assert await world.stop() == 0


async def _shared(world: World) -> None:
    device = world.device("d1")
    fill(device, 2_000)
    async with connected(device, world.place) as line:
        await line.say(device.batches(now()))
        await line.until(lambda: device.journal.acked == 2_000)
    (copy,) = world.office.run("audit", "verify")
    assert (copy["first"], copy["seq"], copy["fault"]) == (1, 2_000, None)
    assert "FORK" not in world.office.listed("d1")["alarms"]


async def test_a_killed_cloud_loses_nothing(world: World) -> None:
    device = world.device("d1")
    fill(device, 3_000)
    async with connected(device, world.place) as line:
        await line.say(device.batches(now()))
        await line.until(lambda: device.journal.acked >= 400)
        assert world.serving is not None
        world.serving.send_signal(signal.SIGKILL)
        await world.serving.wait()
        await world.serve()
        device.sent = device.journal.acked
        await line.say(device.batches(now()))
        await line.until(lambda: device.journal.acked == 3_000)
    (copy,) = world.office.run("audit", "verify")
    assert (copy["first"], copy["seq"], copy["fault"]) == (1, 3_000, None)
    assert copy["head"] == device.journal.heads[-1].hex()


async def test_a_refusal_at_a_door_is_a_line_in_a_file(world: World) -> None:
    device = world.device("d1")
    device.journal.write({**COME, "event_id": "e1", "decision": "DENY", "door": "front"})
    async with connected(device, world.place) as line:
        await line.say(device.batches(now()))
        await line.until(lambda: device.journal.acked == 1)
        file = world.office.folder / "denials.jsonl"
        await until(lambda: file.exists() and file.read_text("utf-8").endswith("\n"))
    told = json.loads(file.read_text("utf-8"))
    assert (told["device"], told["event"], told["door"]) == ("d1", "e1", "front")


async def test_it_ends_in_peace(world: World) -> None:
    assert await world.stop() == 0
