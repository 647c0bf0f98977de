from dataclasses import replace
from pathlib import Path

import pytest
from structlog.typing import EventDict

from drivers.api import DeviceLost, DeviceRefused, Light
from edged import limits
from edged.clock import ClockState
from edged.core.door_words import Door, Phase
from tests.edged.fakes import settle, until
from tests.edged.rig import ISSUER, Rig, running

LOST = DeviceLost("front.lock", "no answer")


def alarms(rig: Rig) -> list[str]:
    return [one["alarm"] for one in rig.alarms.listing()]


async def test_pressing_the_button_releases_and_is_recorded_after(rig: Rig) -> None:
    on_disk: list[int] = []
    rig.lock.on_release = lambda: on_disk.append(len(rig.records()))
    rig.gate.button(pressed=True)
    rig.gate.button(pressed=False)
    await rig.released(1)
    await rig.written()
    assert (rig.lock.releases, on_disk) == ([2_000], [0])
    [pressed] = rig.records()
    assert (pressed["kind"], pressed["door"]) == ("exit_button", "front")
    assert [one["for_ms"] for one in await rig.said("released")] == [2_000]


@pytest.mark.fault("rules-unreadable")
async def test_without_rules_the_button_works(rig: Rig) -> None:
    await rig.rules.close()
    rig.gate.button(pressed=True)
    await rig.released(1)
    assert rig.lock.releases == [3_000]  # the default of 5 s, under the settings' ceiling


@pytest.mark.threat("J3")
async def test_what_came_of_a_release_is_recorded(rig: Rig) -> None:
    rig.gate.contact(is_open=False)
    await rig.enter(rig.code())
    rig.gate.contact(is_open=True)
    await rig.written()
    [outcome] = rig.records("outcome")
    assert (outcome["outcome"], outcome["event_id"]) == ("DOOR_OPENED", "event-1")
    rig.clock.skip(500)
    rig.gate.contact(is_open=False)
    await until(lambda: rig.lock.secured == 1)
    assert await rig.said("secured") == [{"event": "secured", "door": "front"}]
    assert rig.gate.state.phase is Phase.REST


async def test_time_alone_ends_a_release(rig: Rig) -> None:
    rig.lock.on_release = lambda: rig.clock.skip(2_500)
    rig.gate.contact(is_open=False)
    await rig.enter(rig.code())
    await until(lambda: rig.gate.state == Door(sensed=True))
    await rig.written()
    assert [one["outcome"] for one in rig.records("outcome")] == ["DOOR_NOT_OPENED"]
    assert len(rig.used()) == 1  # counted at the scan (spec/rules.md 6, row 14)


@pytest.mark.threat("J3")
async def test_a_forced_door_is_an_alarm_until_it_is_closed(rig: Rig) -> None:
    rig.gate.contact(is_open=False)
    rig.gate.contact(is_open=True)
    await until(lambda: rig.gate.state.phase is Phase.UNASKED)
    rig.clock.skip(200)
    rig.gate.look()
    await until(lambda: alarms(rig) == ["DOOR_FORCED"])
    rig.gate.contact(is_open=False)
    rig.clock.skip(30_000)
    rig.gate.look()
    await until(lambda: alarms(rig) == [])
    await rig.written()
    assert [(one["alarm"], one["raised"]) for one in rig.records("alarm")] == [
        ("DOOR_FORCED", True),
        ("DOOR_FORCED", False),
    ]


@pytest.mark.threat("J3")
async def test_a_door_held_open_is_an_alarm(tmp_path: Path) -> None:
    doors = {"front": {"store": "S1", "held_open_s": 45}}
    async with running(tmp_path, doors=doors) as rig:
        rig.gate.contact(is_open=False)
        await rig.enter(rig.code())
        rig.gate.contact(is_open=True)
        await until(lambda: rig.gate.state.phase is Phase.OPEN)
        rig.clock.skip(35_000)
        rig.gate.look()
        await until(lambda: alarms(rig) == ["DOOR_HELD_SOON"])
        rig.clock.skip(9_999)
        rig.gate.look()
        await settle()
        assert alarms(rig) == ["DOOR_HELD_SOON"]
        rig.clock.skip(1)
        rig.gate.contact(is_open=True)
        await until(lambda: alarms(rig) == ["DOOR_HELD_OPEN"])


@pytest.mark.fault("contact-lost")
async def test_a_contact_that_is_lost_claims_nothing_more(rig: Rig) -> None:
    rig.gate.contact(is_open=False)
    rig.gate.contact_lost()
    rig.gate.contact(is_open=True)
    await until(lambda: rig.gate.state.phase is Phase.OPEN)
    assert alarms(rig) == []


@pytest.mark.parametrize(
    "problem", [LOST, DeviceRefused("front.lock", "no"), ArithmeticError("a bug")], ids=repr
)
async def test_a_lock_that_fails_is_the_newest_grants_fault(
    rig: Rig, problem: Exception, logged: list[EventDict]
) -> None:
    rig.gate.contact(is_open=False)
    await rig.enter(rig.code("eun"))
    rig.lock.refuses = problem
    await rig.enter(rig.code("aiko"))
    await rig.written()
    [fault] = rig.records("outcome")
    assert (fault["outcome"], fault["event_id"]) == ("LOCK_FAULT", "event-2")
    assert rig.used() == frozenset()  # taken back (spec/rules.md 3.3)
    assert alarms(rig) == ["LOCK_FAULT"]
    assert [line["event"] for line in logged].count("lock_failed") == 1
    rig.lock.refuses = None
    await rig.enter(rig.code("chen"))
    assert alarms(rig) == []
    rig.gate.contact(is_open=True)
    await rig.written()
    outcomes = {one["event_id"]: one["outcome"] for one in rig.records("outcome")}
    assert outcomes == {
        "event-1": "DOOR_OPENED",
        "event-2": "LOCK_FAULT",
        "event-3": "DOOR_OPENED",
    }
    assert len(rig.used("C-chen")) == 1


@pytest.mark.fault("lock-refuses")
async def test_a_lock_that_fails_the_button_is_an_alarm(rig: Rig) -> None:
    rig.lock.refuses = LOST
    rig.gate.button(pressed=True)
    await until(lambda: alarms(rig) == ["LOCK_FAULT"])
    await rig.written()
    assert [one["kind"] for one in rig.records()] == ["exit_button", "alarm", "outcome"]


@pytest.mark.parametrize("problem", [LOST, ArithmeticError("a bug")], ids=repr)
async def test_a_bolt_that_is_not_thrown_early_falls_later(rig: Rig, problem: Exception) -> None:
    rig.gate.contact(is_open=False)
    await rig.enter(rig.code())
    rig.gate.contact(is_open=True)
    await until(lambda: rig.gate.state.phase is Phase.OPEN)
    rig.lock.refuses = problem
    rig.clock.skip(500)
    rig.gate.contact(is_open=False)
    await until(lambda: rig.gate.state.phase is Phase.REST)
    assert (await rig.said("secured"), rig.lock.secured) == ([], 0)
    rig.lock.refuses = None
    rig.gate.button(pressed=True)
    await rig.released(2)


async def test_presses_that_a_stuck_door_has_no_room_for_are_a_gap(rig: Rig) -> None:
    rig.lock.answers.clear()
    for _ in range(1 + limits.GATE_MAILBOX + 3):
        rig.gate.button(pressed=True)
        await settle()
    await rig.written()
    assert sum(one["lost"] for one in rig.records("gap")) == 3
    rig.lock.answers.set()
    await rig.released(1 + limits.GATE_MAILBOX)
    await rig.written()
    rig.gate.sum_up()
    rig.gate.sum_up()
    await rig.written()
    assert len(rig.records("exit_button")) == limits.TALLY_BURST
    [summed] = rig.records("summed")
    assert (summed["what"], summed["count"]) == (
        "exit_button",
        1 + limits.GATE_MAILBOX + 3 - limits.TALLY_BURST,
    )


async def test_who_has_more_time_has_it_coming_in_and_going_out(tmp_path: Path) -> None:
    slow = {"handle": "6169636f2e2e2e2e", "extended_time": True}
    code = ISSUER.f1(b"aico....", 1).encode()
    contracts = [{"id": "C", "plan": "FREE", "start": "2025-01-01"}]
    members = {"aico": {**slow, "contracts": contracts}}
    async with running(tmp_path, members=members) as rig:
        rig.gate.fitted = replace(rig.gate.fitted, max_pulse_ms=20_000)
        assert (await rig.enter(code)).light is Light.GREEN
        assert rig.lock.releases == [17_000]
        rig.clock.skip(60_000)
        await rig.leave(code)  # first like anybody, and longer when it is known who it is
        await rig.released(3)
        assert rig.lock.releases[1:] == [2_000, 17_000]


async def test_the_hours_open_the_door_and_close_it(tmp_path: Path) -> None:
    doors = {"front": {"store": "S1", "open_bands": [{"kind": "NOW"}]}}
    async with running(tmp_path, doors=doors) as rig:
        rig.gate.fitted = replace(rig.gate.fitted, continuous=True)
        rig.gate.contact(is_open=False)
        await until(lambda: rig.lock.releases == [15_000])
        rig.clock.skip(5_000)
        rig.gate.look()
        await rig.released(2)
        rig.clock.state = ClockState.SUSPECT  # then nobody knows what time it is
        rig.gate.look()
        await until(lambda: rig.lock.secured == 1)
        await rig.written()
        assert [(one["why"], one["began"]) for one in rig.records("hold")] == [
            ("schedule", True),
            ("schedule", False),
        ]
        assert await rig.said("released") == []  # nobody was let through


async def test_a_lock_that_misses_a_renewal_is_nobodys_fault(tmp_path: Path) -> None:
    doors = {"front": {"store": "S1", "open_bands": [{"kind": "NOW"}]}}
    async with running(tmp_path, doors=doors) as rig:
        rig.gate.fitted = replace(rig.gate.fitted, continuous=True)
        rig.lock.refuses = LOST
        rig.gate.contact(is_open=False)
        await until(lambda: alarms(rig) == ["LOCK_FAULT"])
        rig.lock.refuses = None
        rig.clock.skip(5_000)
        rig.gate.look()
        await until(lambda: alarms(rig) == [])
        await rig.written()
        assert rig.records("outcome") == []


@pytest.mark.threat("J6")
async def test_tamper_and_bond_are_alarms_of_the_door(rig: Rig) -> None:
    rig.gate.contact(is_open=False)
    rig.gate.tamper(opened=True)
    rig.gate.bond(secured=False)
    await until(lambda: rig.gate.state.bond is False)
    rig.clock.skip(2_000)
    rig.gate.look()
    await until(lambda: alarms(rig) == ["TAMPER", "LOCK_NOT_SECURED"])
    rig.gate.tamper(opened=False)
    rig.gate.bond_lost()
    rig.gate.bond(secured=True)
    await until(lambda: alarms(rig) == [])


async def test_what_nobody_can_see_is_not_called_closed(rig: Rig) -> None:
    assert rig.gate.shown == "REST, not seen: the contact says nothing"
    rig.gate.contact(is_open=False)
    await until(lambda: rig.gate.shown == "REST")
    rig.gate.contact_lost()
    rig.gate.fitted = replace(rig.gate.fitted, has_contact=False)
    await until(lambda: rig.gate.shown == "REST, not seen: no contact")


@pytest.mark.fault("contact-lost")
async def test_a_contact_that_flaps_fills_no_journal(rig: Rig) -> None:
    rig.gate.contact(is_open=False)
    for _ in range(200):
        for is_open in (True, False):
            rig.gate.contact(is_open)
            await settle()
            rig.clock.skip(250)
            rig.gate.look()
            await settle()
    await rig.written()
    assert alarms(rig) == ["DOOR_FORCED"]
    assert [one["raised"] for one in rig.records()] == [True]
