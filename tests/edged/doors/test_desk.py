"""What can be asked of the doors, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.api import DeviceLost
from edged import limits
from edged.control.client import ControlRefused
from edged.core.door_words import Phase
from edged.errors import NotFound
from edged.exits import Exit
from edged.store.errors import StoreFailed
from policy.model import Reason
from tests.edged.doors.house import TRAP, House, two_doors
from tests.edged.fakes import until
from tests.edged.rig import signal


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with two_doors(tmp_path) as house:
        yield house


@pytest.fixture
async def trap(tmp_path: Path) -> AsyncIterator[House]:
    async with two_doors(tmp_path, doors=TRAP) as house:
        yield house


async def test_a_door_opens_when_the_command_is_on_disk(house: House) -> None:
    on_disk: list[int] = []
    house.rig.lock.on_release = lambda: on_disk.append(len(house.rig.records("command")))
    assert await house.ask("open", door="front") == {"command": "c1", "result": "OK"}
    assert (house.rig.lock.releases, on_disk) == ([3_000], [1])
    house.front.contact(is_open=True)
    await house.rig.written()
    [command], [outcome] = house.rig.records("command"), house.rig.records("outcome")
    assert (command["by"], command["target"], command["result"]) == ("kim", "front", "OK")
    assert (outcome["event_id"], outcome["outcome"]) == (command["command"], "DOOR_OPENED")


async def test_a_copy_opens_nothing(house: House) -> None:
    assert (await house.ask("open", door="front"))["result"] == "OK"
    assert (await house.ask("open", door="front"))["result"] == "DUPLICATE"
    assert (await house.ask("open", door="back"))["result"] == "DUPLICATE"
    assert (len(house.rig.lock.releases), house.magnet.releases) == (1, [])


async def test_a_copy_ends_no_newer_lockdown(house: House) -> None:
    assert (await house.ask("lockdown", "off", on=False))["result"] == "OK"
    assert (await house.ask("lockdown", "on", on=True))["result"] == "OK"
    assert (await house.ask("lockdown", "off", on=False))["result"] == "DUPLICATE"
    assert house.front.lockdown


async def test_a_lock_that_fails_is_told(house: House) -> None:
    house.rig.lock.refuses = DeviceLost("front.lock", "no answer")
    assert (await house.ask("open", door="front"))["result"] == "LOCK_FAULT"
    [alarm] = house.rig.alarms.listing()
    assert (alarm["alarm"], alarm["cause"]) == ("LOCK_FAULT", "no answer")


async def test_what_can_not_be_recorded_opens_and_ends_nothing(house: House) -> None:
    house.emergency.fire_input(active=True)
    house.emergency.fire_input(active=False)
    await house.ask("lockdown", "c0", on=True)
    await house.rig.break_journal()
    for order in (
        {"do": "open", "door": "front"},
        {"do": "lockdown", "on": False},
        {"do": "fire_reset"},
        {"do": "passback_clear", "store": "S1"},
    ):
        with pytest.raises(StoreFailed):
            await house.desk.order({"order": {"command": "c1", "by": "kim", **order}})
    assert house.rig.lock.releases == []
    assert (house.front.lockdown, house.front.levels.fire) == (True, True)


async def test_a_lockdown_begins_all_the_same(house: House) -> None:
    await house.rig.break_journal()
    with pytest.raises(StoreFailed):
        await house.ask("lockdown", on=True)
    assert house.front.lockdown


@pytest.mark.fault("disk-slow")
async def test_a_disk_that_is_too_slow_opens_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COMMIT_S", 0.01)
    held = await house.rig.hold_journal()
    with pytest.raises(StoreFailed, match="in time"):
        await house.ask("open", door="front")
    held.let_go.set()
    await house.rig.written()
    assert house.rig.lock.releases == []
    assert [one["outcome"] for one in house.rig.records("outcome")] == ["DOOR_NOT_OPENED"]


async def test_an_order_that_stands_behind_another_beyond_its_end_opens_nothing(
    house: House,
) -> None:
    clock = house.rig.clock
    house.rig.lock.on_release = lambda: clock.skip(3_000)
    ends = {"until_ms": clock.monotonic_ms() + 3_000}
    answers = await asyncio.gather(
        house.ask("open", "c1", door="front"), house.ask("open", "c2", door="front", **ends)
    )
    assert [answer["result"] for answer in answers] == ["OK", "EXPIRED"]
    assert len(house.rig.lock.releases) == 1
    await house.rig.written()
    ended = {one["event_id"]: one["outcome"] for one in house.rig.records("outcome")}
    assert ended["c2"] == "DOOR_NOT_OPENED"


async def test_an_order_whose_end_comes_while_its_lock_waits_for_a_bus_opens_nothing(
    house: House,
) -> None:
    house.rig.lock.turn.clear()
    until_ms = house.rig.clock.monotonic_ms() + 3_000
    asking = asyncio.create_task(house.ask("open", "c1", door="front", until_ms=until_ms))
    await until(lambda: house.front.state.phase is Phase.RELEASED)
    house.rig.clock.skip(3_000)
    house.rig.lock.turn.set()
    assert (await asking)["result"] == "EXPIRED"
    assert (house.rig.lock.releases, house.rig.alarms.listing()) == ([], [])
    await house.rig.written()
    assert [one["outcome"] for one in house.rig.records("outcome")] == ["DOOR_NOT_OPENED"]


async def test_a_fire_waits_for_no_order_that_came_too_late(house: House) -> None:
    lock, clock = house.magnet, house.rig.clock
    lock.answers.clear()
    first = asyncio.create_task(house.ask("open", "c1", door="back"))
    await until(lambda: lock.asked == 1)
    ends = {"until_ms": clock.monotonic_ms() + 3_000}
    second = asyncio.create_task(house.ask("open", "c2", door="back", **ends))
    await until(lambda: house.back._waiting == 1)
    house.emergency.fire_input(active=True)
    lock.turn.clear()
    lock.answers.set()
    await until(lambda: lock.asked == 2)
    clock.skip(3_000)
    lock.turn.set()
    assert [(await order)["result"] for order in (first, second)] == ["OK", "EXPIRED"]
    assert len(lock.releases) == 2  # before the answer, and so before its next renewal


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        ({"do": "open"}, "door: "),
        ({"do": "open", "door": "front", "for_ms": 9}, "for_ms: "),
        ({"do": "lockdown", "on": "yes"}, "on: "),
        ({"do": "unlock"}, ""),
        ({"do": "passback_clear"}, "a member or a store"),
        ({"do": "passback_clear", "member": "aiko", "store": "S1"}, "a member or a store"),
        ({"do": "fire_reset", "by": "a b"}, "by: "),
    ],
)
async def test_what_is_no_command_changes_nothing(
    house: House, order: dict[str, object], fault: str
) -> None:
    with pytest.raises(ControlRefused) as refused:
        await house.desk.order({"order": {"command": "c1", "by": "kim", **order}})
    assert refused.value.code == Exit.USAGE
    assert any(fault in line for line in refused.value.errors)
    assert house.rig.records() == []


@pytest.mark.parametrize(
    "order", [{"do": "open", "door": "cellar"}, {"do": "passback_clear", "store": "S9"}]
)
async def test_what_is_not_there_is_named(house: House, order: dict[str, object]) -> None:
    with pytest.raises(NotFound, match=r"cellar|S9"):
        await house.desk.order({"order": {"command": "c1", "by": "kim", **order}})


@pytest.mark.parametrize("by", [{"member": "aiko"}, {"store": "S1"}], ids=["member", "store"])
async def test_whoever_left_without_a_code_is_let_in_again(
    tmp_path: Path, by: dict[str, str]
) -> None:
    async with two_doors(tmp_path, settings={"anti_passback": "hard"}) as house:
        rig = house.rig
        await rig.enter(rig.code("aiko"))
        await rig.enter(rig.code("eun"))
        assert await rig.enter(rig.code("aiko")) == signal(Reason.ANTI_PASSBACK)
        answer = await house.ask("passback_clear", **by)
        assert (answer["result"], answer["cleared"]) == ("OK", 1 if "member" in by else 2)
        assert (await house.ask("passback_clear", **by))["cleared"] == 0  # a copy
        assert await rig.enter(rig.code("aiko")) == signal(Reason.OK)
        assert house.commands() == [("passback_clear", next(iter(by.values())), "OK")]


# --- interlock


async def test_while_a_partner_is_open_nobody_comes_in(trap: House) -> None:
    trap.back.button(pressed=True)
    await until(lambda: trap.back.state.passable)
    rig = trap.rig
    assert await rig.enter(rig.code()) == signal(Reason.INTERLOCK)
    assert (await trap.ask("open", door="front"))["result"] == "INTERLOCK"
    assert (rig.lock.releases, rig.used()) == ([], frozenset())
    await rig.leave(rig.code())  # nobody is kept from leaving
    await rig.released(1)
    await rig.written()
    assert [one["reason"] for one in rig.records("passage") if one["side"] == "IN"] == ["INTERLOCK"]
    assert trap.commands() == [("open", "front", "INTERLOCK")]


async def test_two_who_come_at_once_are_one(trap: House) -> None:
    asked = [trap.ask("open", "c1", door="front"), trap.ask("open", "c2", door="back")]
    results = sorted([answer["result"] for answer in await asyncio.gather(*asked)])
    assert results == ["INTERLOCK", "OK"]
    assert len(trap.rig.lock.releases) + len(trap.magnet.releases) == 1


async def test_a_partner_that_is_not_seen_may_be_open(trap: House) -> None:
    assert not trap.front.interlocked
    trap.back.contact_lost()
    await until(lambda: trap.front.interlocked)
    trap.emergency.fire_input(active=True)
    assert not trap.front.interlocked


async def test_doors_of_no_interlock_do_not_mind(house: House) -> None:
    house.back.button(pressed=True)
    await until(lambda: house.back.state.passable)
    assert not house.front.interlocked
