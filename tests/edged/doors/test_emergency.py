"""Fire and lockdown, at a strike and a magnet."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import pytest
from structlog.typing import EventDict

from drivers.api import DeviceLost, DeviceRefused, DriverError, Scan
from edged import limits
from edged.core.door_words import Hold, Phase, Tick
from edged.doors.terms import Levels
from edged.store.errors import StoreFailed
from policy.model import Reason
from tests.edged.doors.house import House, two_doors
from tests.edged.fakes import settle, until
from tests.edged.rig import signal


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with two_doors(tmp_path) as house:
        yield house


@pytest.mark.fault("fire")
@pytest.mark.threat("J2")
async def test_a_fire_lets_the_magnet_go_and_is_recorded_after(house: House) -> None:
    on_disk: list[int] = []
    house.magnet.on_release = lambda: on_disk.append(len(house.rig.records()))
    house.emergency.fire_input(active=True)
    await until(lambda: house.magnet.releases == [15_000])
    await house.rig.written()
    assert on_disk == [0]
    assert (house.rig.lock.releases, house.alarms()) == ([], ["FIRE"])
    [held] = house.rig.records("hold")
    assert (held["door"], held["why"], held["began"]) == ("back", "fire", True)


@pytest.mark.fault("fire")
async def test_a_fire_is_latched_over_a_restart_until_it_is_reset(house: House) -> None:
    house.emergency.fire_input(active=True)
    house.emergency.fire_input(active=False)
    await house.rig.written()
    house.again()
    assert not house.back.levels.fire
    await house.emergency.restore()
    assert house.back.levels.fire
    assert (await house.ask("fire_reset"))["result"] == "OK"
    await until(lambda: house.magnet.secured == 1)
    assert house.alarms() == []
    house.again()
    await house.emergency.restore()
    assert not house.back.levels.fire


async def test_what_burns_is_not_reset(house: House) -> None:
    assert (await house.ask("fire_reset", "c1"))["result"] == "NO_FIRE"
    house.emergency.fire_input(active=True)
    assert (await house.ask("fire_reset", "c2"))["result"] == "STILL_BURNING"
    await until(lambda: house.back.state.hold is Hold.FIRE)
    await house.rig.written()
    assert house.commands() == [
        ("fire_reset", None, "NO_FIRE"),
        ("fire_reset", None, "STILL_BURNING"),
    ]


class Panel:
    """A fire panel's contact with a latch of its own; `says` is what it answers to a reset."""

    name = "fire"

    def __init__(self) -> None:
        self.latched = False
        self.says: DriverError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def run(self, report: Callable[[bool], None]) -> None:
        report(self.latched)

    async def latch(self) -> None:
        if self.says is not None:
            raise self.says
        self.latched = True

    async def reset(self) -> None:
        if self.says is not None:
            raise self.says
        self.latched = False


async def test_a_reset_ends_the_panels_own_latch_too(house: House) -> None:
    house.emergency.panel = panel = Panel()
    await panel.latch()
    house.emergency.fire_input(active=True)
    house.emergency.fire_input(active=False)
    assert (await house.ask("fire_reset"))["result"] == "OK"
    assert (panel.latched, house.alarms()) == (False, [])


@pytest.mark.parametrize("kind", [DeviceRefused, DeviceLost])
async def test_a_latch_that_is_not_reset_keeps_the_fire_over_a_restart(
    house: House, kind: type[DriverError]
) -> None:
    house.emergency.panel = panel = Panel()
    panel.says = kind("fire", "no")
    house.emergency.fire_input(active=True)
    house.emergency.fire_input(active=False)
    assert (await house.ask("fire_reset"))["result"] == "STILL_BURNING"
    assert house.alarms() == ["FIRE"]
    await house.rig.written()
    house.again()
    await house.emergency.restore()
    assert house.emergency.levels.fire


@pytest.mark.fault("fire-input-lost")
async def test_a_fire_input_that_is_lost_is_an_alarm_and_no_fire(house: House) -> None:
    house.emergency.fire_lost()
    assert (house.alarms(), house.back.levels.fire) == (["FIRE_UNHEARD"], False)
    house.emergency.fire_input(active=False)
    assert house.alarms() == []


@pytest.mark.fault("fire-input-lost")
async def test_nothing_is_reset_while_nobody_hears_the_fire_input(house: House) -> None:
    house.emergency.fire_input(active=True)
    house.emergency.fire_input(active=False)
    house.emergency.fire_lost()
    assert (await house.ask("fire_reset", "c1"))["result"] == "STILL_BURNING"
    assert house.back.levels.fire
    house.emergency.fire_input(active=False)
    assert (await house.ask("fire_reset", "c2"))["result"] == "OK"


@pytest.mark.parametrize("answers", [True, False])
async def test_a_fire_of_before_a_restart_is_latched_at_the_panel_too(
    house: House, answers: bool
) -> None:
    house.emergency.fire_input(active=True)
    await house.rig.written()
    house.again()
    house.emergency.panel = panel = Panel()
    panel.says = None if answers else DeviceLost("fire", "gone")
    await house.emergency.restore()
    assert (panel.latched, house.emergency.levels.fire) == (answers, True)


@pytest.mark.fault("fire", "disk-fails")
async def test_a_dead_disk_stops_no_fire(house: House) -> None:
    await house.rig.break_journal()
    house.emergency.fire_input(active=True)
    await until(lambda: house.magnet.releases == [15_000])


@pytest.mark.fault("fire", "lockdown", "disk-slow")
async def test_what_the_disk_tells_too_late_is_taken_up_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch, logged: list[EventDict]
) -> None:
    house.emergency.fire_input(active=True)
    assert (await house.ask("lockdown", on=True))["result"] == "OK"
    await house.rig.stop_journal()
    monkeypatch.setattr(limits, "COMMIT_S", 0.01)
    house.again()
    levels = house.emergency.levels
    taking_up = asyncio.create_task(house.emergency.restore())
    await until(lambda: limits.RECORD_RETRY_MS in house.rig.clock.sleeping_ms)
    assert levels.unread
    await house.emergency.restored()
    assert logged[-1]["event"] == "emergency_not_read"
    assert levels == Levels()
    await house.rig.start_journal()
    await house.rig.clock.advance(limits.RECORD_RETRY_MS)
    await taking_up
    await house.emergency.restored()
    assert levels == Levels(fire=True, lockdown=True)
    await until(lambda: house.back.state.hold is Hold.FIRE)


@pytest.mark.fault("lockdown")
@pytest.mark.parametrize("by_switch", [True, False])
async def test_in_a_lockdown_nobody_comes_in_and_everybody_leaves(
    house: House, by_switch: bool
) -> None:
    if by_switch:
        house.emergency.lockdown_switch(active=True)
    else:
        assert (await house.ask("lockdown", on=True))["result"] == "OK"
    rig = house.rig
    assert await rig.enter(rig.code()) == signal(Reason.LOCKDOWN)
    assert rig.lock.releases == []
    await rig.leave(rig.code())
    house.front.button(pressed=True)
    await rig.released(2)
    await rig.written()
    assert [one["reason"] for one in rig.records("passage")] == ["LOCKDOWN", "OK_WITH_WARNING"]
    assert house.alarms() == ["LOCKDOWN"]


async def test_a_lockdown_that_begins_while_an_entry_is_written_lets_nobody_in(
    house: House,
) -> None:
    rig = house.rig
    held = await rig.hold_journal()
    rig.way_in.scanned(Scan(rig.code()))
    await settle()
    house.emergency.lockdown_switch(active=True)
    held.let_go.set()
    await until(lambda: bool(rig.light_in.shown))
    await rig.written()
    assert rig.light_in.shown[0] == signal(Reason.LOCKDOWN)
    assert (rig.lock.releases, rig.used()) == ([], frozenset())
    assert [one["outcome"] for one in rig.records("outcome")] == ["DOOR_NOT_OPENED"]


@pytest.mark.fault("lockdown")
async def test_a_commands_lockdown_outlasts_a_restart(house: House) -> None:
    await house.ask("lockdown", on=True)
    house.again()
    await house.emergency.restore()
    assert house.front.lockdown
    assert (await house.ask("lockdown", "c2", on=False))["result"] == "OK"
    assert (house.front.lockdown, house.alarms()) == (False, [])


async def test_a_switch_that_is_on_keeps_its_lockdown(house: House) -> None:
    house.emergency.lockdown_switch(active=True)
    assert (await house.ask("lockdown", on=False))["result"] == "SWITCHED_ON"
    assert house.front.lockdown
    house.emergency.lockdown_switch(active=False)
    assert not house.front.lockdown


async def test_levels_reach_a_door_that_has_no_room_for_news(house: House) -> None:
    house.magnet.answers.clear()
    house.back.button(pressed=True)
    await settle()
    while house.back._mailbox.offer(Tick()):
        pass
    house.emergency.fire_input(active=True)
    house.magnet.answers.set()
    await until(lambda: house.back.state.hold is Hold.FIRE)
    assert house.back.state.phase is Phase.RELEASED


@pytest.mark.fault("disk-slow")
@pytest.mark.parametrize("order", [{"do": "fire_reset"}, {"do": "lockdown", "on": False}])
async def test_what_a_slow_disk_kept_from_ending_is_not_ended_by_a_restart(
    house: House, monkeypatch: pytest.MonkeyPatch, order: dict[str, Any]
) -> None:
    house.emergency.fire_input(active=True)
    house.emergency.fire_input(active=False)
    await house.ask("lockdown", "c0", on=True)
    await house.rig.written()
    monkeypatch.setattr(limits, "COMMIT_S", 0.01)
    held = await house.rig.hold_journal()
    with pytest.raises(StoreFailed, match="in time"):
        await house.ask(**order)
    held.let_go.set()
    monkeypatch.undo()
    await house.rig.written()
    assert (house.front.levels.fire, house.front.levels.lockdown) == (True, True)
    house.again()
    await house.emergency.restore()
    assert (house.front.levels.fire, house.front.levels.lockdown) == (True, True)


@pytest.mark.fault("disk-full", "lockdown")
async def test_a_lockdown_that_found_no_room_holds_over_a_restart(house: House) -> None:
    await house.rig.fill_journal()
    with pytest.raises(StoreFailed):
        await house.ask("lockdown", on=True)
    await house.rig.empty_journal()
    await house.rig.written()
    house.again()
    await house.emergency.restore()
    assert house.front.levels.lockdown


@pytest.mark.fault("disk-slow", "fire", "lockdown")
async def test_an_order_that_failed_at_the_start_ends_nothing_that_held_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.emergency.fire_input(active=True)
    await house.ask("lockdown", "c0", on=True)
    await house.rig.written()
    house.again()
    monkeypatch.setattr(limits, "COMMIT_S", 0.01)
    held = await house.rig.hold_journal()
    taking_up = asyncio.create_task(house.emergency.restore())
    await settle()
    with pytest.raises(StoreFailed, match="in time"):
        await house.ask("lockdown", "c1", on=False)
    held.let_go.set()
    monkeypatch.undo()
    await taking_up
    await house.rig.written()
    house.again()
    await house.emergency.restore()
    assert (house.front.levels.fire, house.front.lockdown) == (True, True)
