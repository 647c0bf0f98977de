"""A locker bank on the real journal: nobody gets a locker that may hold somebody's things."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from drivers.api import DeviceLost, DeviceRefused
from edged.clock import ClockState
from edged.errors import NotFound
from edged.lockers.reader import turn_of
from policy import locker_model as model
from policy.model import OpenWhenExpired, RuleSettings
from tests.edged.fakes import NOON, until
from tests.edged.lockers.cabinet import HOUR, Cut, Hall, hall
from tests.edged.rig import Rig, running


@pytest.fixture
async def bank(rig: Rig) -> AsyncIterator[Hall]:
    async with hall(rig) as made:
        yield made


def settings(rig: Rig, changed: RuleSettings) -> None:
    rules = rig.rules.rules
    assert rules is not None
    rig.put_rules(replace(rules, settings=changed))


async def test_a_member_opens_what_was_assigned_and_nobody_else_does(bank: Hall) -> None:
    assert (await bank.assign()).result == "OK"
    opened = await bank.open()
    assert (opened.result, opened.released, bank.state()) == ("OK", True, "IN_USE")
    assert (await bank.open("boram")).result == "LOCKER_NOT_YOURS"
    assert (await bank.assign(member="boram")).result == "LOCKER_OCCUPIED"
    assert bank.board.pulses == [1]
    assert bank.words() == [
        "Assign OK",
        "Open OK",
        "Open LOCKER_NOT_YOURS",
        "Assign LOCKER_OCCUPIED",
    ]


async def test_what_is_not_there_is_named(bank: Hall) -> None:
    with pytest.raises(NotFound, match="locker L9"):
        await bank.assign("L9")


async def test_the_record_is_on_the_disk_before_the_pulse(bank: Hall) -> None:
    await bank.assign()
    before: list[list[str]] = []
    bank.board.on_pulse = lambda _: before.append(bank.words())
    await bank.open()
    assert before == [["Assign OK", "Open OK"]]


async def test_a_copy_of_a_command_has_no_second_effect(bank: Hall) -> None:
    await bank.assign()
    again = model.Open("c7", model.Claim(member="aiko"))
    assert [(await bank.do(again)).result for _ in range(3)] == ["OK"] * 3
    await bank.begin()
    assert (await bank.do(again)).result == "OK"
    assert bank.board.pulses == [1]
    assert bank.words().count("Open OK") == 1


async def test_an_id_that_was_given_to_something_else_moves_nothing(bank: Hall) -> None:
    await bank.assign()
    await bank.do(model.StaffOpen("c7", "S9", "O1"))
    assert (await bank.do(model.Open("c7", model.Claim(member="aiko")))).result == "STALE_COMMAND"
    assert bank.board.pulses == [1]


async def test_time_frees_no_locker(bank: Hall) -> None:
    await bank.assign()
    bank.rig.clock.skip(3_600_000 - 1)
    await bank.assign("L2", id="O2")
    assert bank.state() == "IN_USE"
    bank.rig.clock.skip(1)
    await bank.open("boram", "L2")  # whatever happens stands for the time as well
    await bank.stands("WAITING")
    assert (await bank.open()).result == "LOCKER_EXPIRED"
    bank.rig.clock.skip(10 * 365 * 24 * 3_600_000)
    assert (await bank.assign(member="boram")).result == "LOCKER_OCCUPIED"
    assert bank.board.pulses == []


async def test_the_end_comes_by_itself(rig: Rig) -> None:
    async with hall(rig) as bank:
        await bank.assign(end=NOON + HOUR)
        rig.clock.skip(3_600_000)
        await bank.begin()  # what was asleep in the fake time wakes up
        await bank.stands("WAITING")
        assert bank.words()[-1] == "expired"


async def test_a_clock_in_doubt_takes_no_locker_away(bank: Hall) -> None:
    bank.rig.clock.observe(NOON)
    await bank.assign()
    bank.rig.clock.state = ClockState.SUSPECT
    bank.rig.clock.step_wall(2 * HOUR)
    assert (await bank.open()).result == "OK"
    bank.rig.clock.state = ClockState.SYNCED
    assert (await bank.open()).result == "LOCKER_EXPIRED"


@pytest.mark.parametrize(
    ("setting", "results"),
    [
        (OpenWhenExpired.OFF, ["LOCKER_EXPIRED", "LOCKER_EXPIRED"]),
        (OpenWhenExpired.ONCE, ["OK", "LOCKER_EXPIRED"]),
        (OpenWhenExpired.ON, ["OK", "OK"]),
    ],
)
async def test_the_rules_say_who_opens_a_waiting_locker(
    bank: Hall, setting: OpenWhenExpired, results: list[str]
) -> None:
    settings(bank.rig, RuleSettings(locker_open_when_expired=setting))
    await bank.assign(end=NOON)
    assert [(await bank.open()).result for _ in range(2)] == results


async def test_an_ending_resets_the_pin_pulses_once_and_frees_when_seen_open(bank: Hall) -> None:
    await bank.assign(pin_hash=b"hash")
    ended = await bank.force_end()
    assert (ended.result, ended.released) == ("OK", True)
    assert bank.state() == "RELEASING/PULSING"
    held = bank.bank.lockers["L1"].occupancy
    assert held is not None
    assert held.pin_hash is None
    assert (await bank.assign(member="boram")).result == "LOCKER_OCCUPIED"
    bank.swing()
    await bank.stands("FREE")
    assert bank.board.pulses == [1]
    assert bank.words()[1:] == [
        "release_pulse",
        "ForceEnd OK",
        "Assign LOCKER_OCCUPIED",
        "forced_end",
    ]


async def test_a_door_that_stands_open_is_seen_open(bank: Hall) -> None:
    await bank.assign()
    bank.swing()
    await bank.force_end()
    assert bank.state() == "FREE"


async def test_a_door_that_was_open_before_the_pulse_is_not(bank: Hall) -> None:
    await bank.assign()
    bank.swing()
    bank.swing(is_open=False)
    await bank.force_end()
    assert bank.state() == "RELEASING/PULSING"


@pytest.mark.fault("locker-board-lost")
async def test_what_a_lost_board_said_is_forgotten(bank: Hall) -> None:
    await bank.assign()
    bank.swing()
    bank.bank.lost(1)
    await bank.force_end()
    assert bank.state() == "RELEASING/PULSING"


@pytest.mark.fault("locker-jammed")
async def test_a_locker_that_is_not_seen_open_is_stuck_until_staff_say_so(bank: Hall) -> None:
    await bank.assign()
    await bank.force_end()
    bank.rig.clock.skip(9_999)
    await bank.open("nobody", "L2")
    assert bank.state() == "RELEASING/PULSING"
    bank.rig.clock.skip(1)
    await bank.open("nobody", "L2")
    await bank.stands("RELEASING/STUCK")
    assert bank.alarms() == {"LOCKER_STUCK"}
    bank.swing()  # too late to be believed
    await bank.open("nobody", "L2")
    assert (await bank.assign(member="boram")).result == "LOCKER_OCCUPIED"
    await bank.do(model.ConfirmEmpty(bank.new(), "S9", "O1"))
    assert (bank.state(), bank.alarms()) == ("FREE", set())
    assert bank.board.pulses == [1]


async def test_the_time_to_be_seen_open_passes_by_itself(bank: Hall) -> None:
    settings(bank.rig, RuleSettings(release_seen_s=0))
    await bank.assign()
    await bank.force_end()
    await bank.stands("RELEASING/STUCK")


async def test_a_board_that_cannot_tell_frees_after_the_pulse(rig: Rig) -> None:
    async with hall(rig, reports_doors=False) as bank:
        await bank.assign()
        await bank.force_end()
        assert bank.state() == "FREE"


@pytest.mark.parametrize("reports_doors", [True, False])
@pytest.mark.parametrize("error", [DeviceRefused, DeviceLost, ZeroDivisionError])
async def test_a_pulse_that_nobody_took_frees_nothing(
    rig: Rig, error: type[Exception], reports_doors: bool
) -> None:
    async with hall(rig, reports_doors=reports_doors) as bank:
        await bank.assign()
        bank.board.refuses = error("hall.board", "no")
        assert (await bank.open()).released is False
        assert bank.alarms() == {"LOCK_FAULT"}
        assert (await bank.force_end()).released is False
        assert bank.state() == "RELEASING/STUCK"
        assert bank.alarms() == {"LOCK_FAULT", "LOCKER_STUCK"}
        bank.board.refuses = None
        await bank.do(model.StaffOpen(bank.new(), "S9", "O1"))
        assert bank.alarms() == {"LOCKER_STUCK"}


async def _disk(bank: Hall, *, works: bool) -> None:
    off = "PRAGMA query_only = 0" if works else "PRAGMA query_only = 1"
    await bank.rig._raw(lambda db: db.execute(off))


async def test_without_a_disk_nothing_moves_and_nothing_is_forgotten(bank: Hall) -> None:
    await bank.assign()
    await _disk(bank, works=False)
    assert (await bank.open()).result == "RECORD_FAILED"
    assert (await bank.force_end()).result == "RECORD_FAILED"
    assert (bank.board.pulses, bank.state()) == ([], "IN_USE")
    await _disk(bank, works=True)
    assert (await bank.open()).result == "OK"


async def test_a_disk_that_fails_during_an_ending_keeps_the_use_as_it_was(bank: Hall) -> None:
    await bank.assign(pin_hash=b"hash")
    commit, commits = bank.rig.journal.commit, []

    async def failing(write: object) -> object:
        commits.append(write)
        if len(commits) == 2:  # the one that forgets the PIN
            await _disk(bank, works=False)
        return await commit(write)  # type: ignore[arg-type] # as it came

    bank.rig.journal.commit = failing  # type: ignore[method-assign,assignment] # the disk fails
    assert (await bank.force_end()).result == "PIN_RESET_FAILED"
    assert bank.state() == "RELEASING/RESETTING"
    assert (await bank.open()).result == "RECORD_FAILED"
    await _disk(bank, works=True)
    await bank.stands("IN_USE")
    assert bank.board.pulses == []
    assert bank.words()[-1] == "ForceEnd PIN_RESET_FAILED"
    assert bank.alarms() >= {"PIN_RESET_FAILED"}
    held = bank.bank.lockers["L1"].occupancy
    assert held is not None
    assert held.pin_hash == b"hash"


async def test_a_move_changes_both_lockers_and_ends_the_old_one(bank: Hall) -> None:
    await bank.assign()
    bank.board.on_pulse = bank.swing
    moved = await bank.do(model.Move(bank.new(), "O1", b"new"), "L1", to="L2")
    assert moved.result == "OK"
    assert (bank.state("L1"), bank.state("L2")) == ("FREE", "IN_USE")
    await bank.begin()
    held = bank.bank.lockers["L2"].occupancy
    assert held is not None
    assert (held.id, held.moved_from, held.pin_hash) == ("O1", "L1", b"new")


async def test_a_command_for_a_use_that_is_over_moves_nothing(bank: Hall) -> None:
    await bank.assign()
    for event in (
        model.ForceEnd("c90", "O0"),
        model.Extend("c91", "O0", NOON + 2 * HOUR),
        model.StaffOpen("c92", "S9", None),
        model.Return("c93", model.Claim(member="aiko", occupancy="O0")),
    ):
        assert (await bank.do(event)).result == "STALE_COMMAND"
    assert bank.board.pulses == []


async def test_what_is_held_outlives_a_restart(bank: Hall) -> None:
    await bank.assign(product="P1", pin_hash=b"hash", end=NOON + 2 * HOUR)
    before = bank.bank.lockers
    await bank.begin()
    assert bank.bank.lockers == before
    assert (await bank.open()).result == "OK"


async def test_several_lockers_open_in_turn(bank: Hall) -> None:
    await bank.assign("L1")
    await bank.assign("L2", id="O2")
    turns = []
    for _ in range(4):
        bank.rig.clock.skip(1_000)
        locker = turn_of(bank.bank, "aiko")
        assert locker is not None
        turns.append(locker)
        await bank.open(locker=locker)
    assert turns == ["L1", "L2", "L1", "L2"]
    assert turn_of(bank.bank, "boram") is None


async def test_a_locker_in_its_time_opens_before_one_that_is_over(bank: Hall) -> None:
    await bank.assign("L1", end=NOON)
    await bank.assign("L2", id="O2", start=NOON + HOUR)
    assert turn_of(bank.bank, "aiko") == "L1"
    bank.rig.clock.skip(3_600_000)
    await bank.assign("L2", id="O2", end=NOON + 2 * HOUR)
    assert turn_of(bank.bank, "aiko") == "L1"


async def _end_until_killed(bank: Hall, waits: int) -> bool:
    """End a use and kill the bank after so many waits; True: the ending was over before."""

    async def live() -> None:
        await Cut(bank.bank.run(), waits)

    async def story() -> None:
        await bank.force_end()
        await until(lambda: bank.state() == "FREE")

    def pulsed(_: int) -> None:
        asyncio.get_running_loop().call_soon(bank.swing)

    bank.board.on_pulse = pulsed
    lives = [asyncio.create_task(live()), asyncio.create_task(story())]
    await asyncio.wait(lives, return_when=asyncio.FIRST_COMPLETED)
    over = not lives[0].done()
    for task in lives:
        task.cancel()
    await asyncio.gather(*lives, return_exceptions=True)
    await bank.rig.journal.commit(lambda _: None)  # what was handed over before is on the disk
    return over


async def _killed(folder: Path, waits: int) -> tuple[bool, str]:
    async with running(folder) as rig, hall(rig) as bank:
        await bank.assign(pin_hash=b"hash")
        await bank.end()
        bank.renew()
        over = await _end_until_killed(bank, waits)
        kept = (await rig.journal.commit(lambda ledger: ledger.lockers()))["L1"]
        pulses = len(bank.board.pulses)
        await bank.begin()
        assert len(bank.board.pulses) == pulses <= 1, "pulsed again by itself"
        if kept.release is not None and kept.release.progress is model.Progress.PULSING:
            assert bank.state() == "RELEASING/STUCK"
            assert bank.alarms() == {"LOCKER_STUCK"}
        elif pulses:
            assert bank.state() == "FREE"
            assert "forced_end" in bank.words()
        else:
            assert bank.state() == "IN_USE"
        return over, bank.state()


async def test_a_kill_at_any_wait_pulses_once_at_most_and_frees_nothing_unseen(
    tmp_path: Path,
) -> None:
    found: list[str] = []
    over = False
    while not over:
        with TemporaryDirectory(dir=tmp_path) as folder:
            over, state = await _killed(Path(folder), len(found))
        found.append(state)
    assert set(found) == {"IN_USE", "RELEASING/STUCK", "FREE"}
