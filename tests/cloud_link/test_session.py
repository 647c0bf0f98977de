"""A connection's life, on a wire in memory."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cloud_link import limits
from cloud_link.session import Link
from cloud_link.trust import Distrusted
from cloud_link.verify import Why
from hil.byzantine.pki import named
from hil.byzantine.tenant import Tenant, opened, seal, spelt
from tests.cloud_link.worlds import DEVICE, DEVICE_KEY, Wire, World
from tests.drivers.rigs import until


def links(world: World) -> list[str]:
    return [state["link"] for state in world.cloud.states]


async def test_all_that_waits_is_acknowledged(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.journal.write(1_001)
    wire = Wire(world.cloud)
    async with world.running(wire):
        await until(lambda: world.journal.cosigned == 1_001)
        world.journal.write()
        await until(lambda: world.journal.cosigned == 1_002)
    held = [world.cloud.records[world.journal.epoch, seq] for seq in range(1, 1_003)]
    assert held == world.journal.written
    assert all(
        opened(envelope, world.cloud.tenant.by_role["acks"])[1]["seq"] == seq
        for seq, envelope in world.journal.envelopes.items()
    )


async def test_nobody_mistakes_gone_for_open(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire) as link:
        await until(lambda: links(world) == ["up"])
        assert link.status().connected
        wire.cut()
        await until(lambda: wire.connections > 1)
        assert not link.status().connected
        assert link.status().why == "no network"
        wire.is_up = True
        await until(lambda: links(world) == ["up", "up"])
    assert links(world) == ["up", "up", "stopped"]
    gone = [opened(will, DEVICE_KEY)[1] for will in wire.wills]
    assert [will["link"] for will in gone] == ["gone", "gone"]
    sessions = [state["session"] for state in world.cloud.states]
    assert sessions[0] < sessions[1]
    assert [will["session"] for will in gone] == sessions[:2]
    assert len({state["boot"] for state in world.cloud.states}) == 1


async def test_who_stops_it_as_the_connection_is_lost_stops_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    task = asyncio.create_task(world.link(wire).run())
    await until(lambda: world.house.hours)
    pulses = next(one for one in asyncio.all_tasks() if one.get_name() == "link pulses")
    pulses.add_done_callback(lambda _: task.cancel())
    wire.is_up = False
    world.clock.jump(limits.PULSE_MS)
    done, _ = await asyncio.wait([task], timeout=60)
    task.cancel()
    await asyncio.wait([task])
    assert done


async def test_a_report_tells_what_changed(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        await until(lambda: world.cloud.reports)
        first = world.cloud.reports[0]
        assert first["boot"] == "0000000000000001"
        assert (first["trust"], first["rules"]["version"], first["seq"]) == (1, 0, 0)
        seen = len(world.cloud.reports)
        world.house.alarmed = ["door_held"]
        await until(lambda: len(world.cloud.reports) > seen)
        assert world.cloud.reports[-1]["alarms"] == ["door_held"]
        world.journal.write(3)
        seen = len(world.cloud.reports)
        world.clock.jump(limits.REPORT_MS)
        await until(lambda: len(world.cloud.reports) > seen)
        assert world.cloud.reports[-1]["seq"] == 3
    numbers = [report["n"] for report in world.cloud.reports]
    assert numbers == sorted(set(numbers))


async def test_the_clouds_time_is_heard_to_within_the_round_trip(tmp_path: Path) -> None:
    world = World(tmp_path, speed=1)
    wire = Wire(world.cloud)
    async with world.running(wire):
        await until(lambda: world.house.hours)
        at, error_ms, true = world.house.hours[0]
    assert 0 < error_ms < 5_000
    assert abs(true - at) <= timedelta(milliseconds=error_ms)


async def test_a_connection_that_leads_nowhere_is_made_anew(tmp_path: Path) -> None:
    world = World(tmp_path, speed=100)
    wire = Wire(world.cloud)
    async with world.running(wire) as link:
        await until(lambda: world.house.hours)
        before = wire.connections
        wire.up = lambda *_: []
        world.clock.jump(limits.HALF_OPEN_MS)
        await until(lambda: wire.connections > before)
        wire.up = lambda kind, data: [(kind, data)]
        seen = len(world.house.hours)
        await until(lambda: len(world.house.hours) > seen)
        fresh_ms = link.status().fresh_ms
        assert fresh_ms is not None
        assert fresh_ms < limits.PULSE_MS


async def test_waits_grow_and_end_with_a_pulse(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    wire.is_up = False
    bounds: list[int] = []

    class Noted:
        def nonce(self) -> str:
            return "0" * 32

        def below_ms(self, bound_ms: int) -> int:
            bounds.append(bound_ms)
            return 0

    task = asyncio.create_task(world.link(wire, Noted()).run())
    await until(lambda: len(bounds) >= 9)
    wire.is_up = True
    await until(lambda: world.house.hours)
    wire.cut()
    grown = len(bounds)
    await until(lambda: len(bounds) > grown + 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert bounds[:8] == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
    assert bounds[grown : grown + 2] == [1_000, 2_000]


@pytest.mark.parametrize(
    ("why", "topic", "retained"),
    [
        (Why.RETAINED, f"edged/v1/acme/{DEVICE}/down/command", True),
        (Why.TOPIC, "edged/v1/acme/gate-2/down/command", False),
        (Why.TOPIC, f"edged/v1/acme/{DEVICE}/up/command", False),
        (Why.TOPIC, f"edged/v1/acme/{DEVICE}/down/door", False),
        (Why.TOPIC, f"edged/v1/acme/{DEVICE}/down/command/x", False),
        (Why.TOPIC, "x" * 65_535, False),
    ],
)
async def test_what_comes_by_another_way_is_rejected(
    tmp_path: Path, why: Why, topic: str, retained: bool
) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        _, message = world.cloud.command("door_open", {"door": "front"})
        wire.deliver(topic, message, retained=retained)
        await until(lambda: world.house.rejects)
    assert world.house.rejects == {why: 1}
    assert world.house.done == []
    assert world.house.refusals == {}


@pytest.mark.threat("D9")
async def test_the_topic_says_nothing_about_what_a_message_means(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        _, message = world.cloud.command("door_open", {"door": "front"})
        wire.tell("pulse", message)
        await until(lambda: world.cloud.results)
    assert len(world.house.done) == 1


@pytest.mark.fault("flood")
@pytest.mark.threat("D9")
async def test_a_flood_of_forgeries_is_one_record_a_second(tmp_path: Path) -> None:
    world = World(tmp_path, speed=50)
    wire = Wire(world.cloud)
    stranger = Tenant("acme strangers")
    begun_ms = world.clock.monotonic_ms()
    async with world.running(wire):
        for _ in range(500):
            wire.tell("command", stranger.said("command", DEVICE))
        wire.tell("command", b"{")
        wire.tell("rules", seal("unheard-of", b"{}", stranger.roots[0]))
        wire.dropped = 7
        wire.tell(*world.cloud.command("lockdown", {"on": True}, life_s=60))
        await until(lambda: world.house.done)
        await until(lambda: world.house.rejects.total() == 509)
    assert world.house.rejects[Why.SIGNATURE] == 500
    assert world.house.rejects[Why.MALFORMED] == 1
    assert world.house.rejects[Why.UNKNOWN_TYPE] == 1
    assert world.house.rejects[Why.OVERFLOW] == 7
    assert world.house.records <= (world.clock.monotonic_ms() - begun_ms) / 1_000 + len(Why)


@pytest.mark.threat("G6")
async def test_a_revoked_key_says_no_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    tenant = world.cloud.tenant
    async with world.running(wire):
        kind, message = world.cloud.command("lockdown", {"on": True}, life_s=60)
        old = tenant.by_role["commands"]
        tenant.by_role["commands"] = Tenant("acme again").by_role["commands"]
        wire.tell(*world.cloud.rotate(tenant.trust(2, world.clock.true())))
        await until(lambda: len(world.house.trusts) == 2)
        wire.tell(kind, message)
        await until(lambda: world.house.rejects[Why.SIGNATURE])
        wire.tell(*world.cloud.command("lockdown", {"on": True}, life_s=60))
        await until(lambda: world.house.done)
        await until(lambda: world.cloud.reports[-1]["trust"] == 2)
    assert len(world.house.done) == 1
    assert old is not tenant.by_role["commands"]


async def test_missing_trust_comes_by_the_next_report_and_outlives_a_restart(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    tenant, at = world.cloud.tenant, world.clock.true()
    new = Tenant("acme 2").roots
    signers = [*tenant.roots[:2], *new[:2]]
    world.cloud.rotate(tenant.trust(2, at, roots=new, signers=signers))
    world.cloud.rotate(tenant.trust(3, at, roots=new))
    async with world.running(wire):
        await until(lambda: len(world.house.trusts) == 3)
    async with world.running(wire):
        await until(lambda: world.cloud.reports[-1]["boot"] == "0000000000000002")
        assert world.cloud.reports[-1]["trust"] == 3


async def test_a_trust_document_of_anybody_but_the_roots_is_rejected(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    strangers = Tenant("acme strangers")
    strangers.name = "acme"
    lure, at = [named("strangers")], world.clock.true()
    by_roles = list(Tenant("acme").by_role.values())  # all that the cloud has online
    async with world.running(wire):
        wire.tell("trust", strangers.trust(2, at))
        wire.tell("trust", strangers.trust(2, at, authorities=lure))
        wire.tell("trust", Tenant("acme").trust(2, at, authorities=lure, signers=by_roles))
        await until(lambda: world.house.rejects[Why.TRUST] == 3)
    assert len(world.house.trusts) == 1


async def test_without_trust_there_is_no_link(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.house.trusts = [Tenant("other").trust(1, world.clock.true())]
    with pytest.raises(Distrusted, match="another tenant"):
        world.link(Wire(world.cloud))


async def test_a_fault_of_the_house_ends_the_link(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    world.journal.broken = True
    link: Link = world.link(wire)
    with pytest.raises(BaseExceptionGroup) as raised:
        await link.run()
    assert raised.group_contains(OSError, match="disk")


@pytest.mark.threat("D9")
async def test_nothing_of_a_message_is_logged(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    with capture_logs() as lines:
        async with world.running(wire):
            wire.tell(*world.cloud.command("lockdown", {"on": True, "note": "canary"}))
            wire.tell("command", seal("command", spelt({"note": "canary"}), DEVICE_KEY))
            await until(lambda: world.house.done and world.house.rejects)
    assert lines
    assert "canary" not in json.dumps(lines, default=str)
