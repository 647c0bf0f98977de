"""Orders to a locker bank that come too late to their turn."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from edged import limits
from edged.lockers.order import Done
from policy import locker_model as model
from policy.model import OpenWhenExpired, RuleSettings
from tests.edged.fakes import NOON, settle, until
from tests.edged.lockers.cabinet import Hall, hall
from tests.edged.rig import Rig


@pytest.fixture
async def bank(rig: Rig) -> AsyncIterator[Hall]:
    async with hall(rig) as made:
        yield made


@pytest.mark.parametrize("ask", [Hall.open, Hall.force_end])
async def test_nobody_gets_a_pulse_that_comes_too_late(
    bank: Hall, ask: Callable[[Hall], Coroutine[Any, Any, Done]]
) -> None:
    await bank.assign(pin_hash=b"hash")
    held = await bank.rig.hold_journal()
    asking = asyncio.create_task(ask(bank))
    await settle()
    bank.rig.clock.skip(int(limits.COMMIT_S * 1000) + 1)
    held.let_go.set()
    late = await asking
    assert (late.result, late.released, bank.board.pulses) == ("EXPIRED", False, [])
    assert bank.words()[-1].endswith(" EXPIRED")
    assert (bank.state(), bank.alarms()) == ("IN_USE", set())
    held_on = bank.bank.lockers["L1"].occupancy
    assert held_on is not None
    assert held_on.pin_hash == b"hash"


async def test_a_late_opening_is_not_the_one_that_a_member_has_after_the_end(bank: Hall) -> None:
    rules = bank.rig.rules.rules
    assert rules is not None
    once = RuleSettings(locker_open_when_expired=OpenWhenExpired.ONCE)
    bank.rig.put_rules(replace(rules, settings=once))
    await bank.assign(end=NOON)
    held = await bank.rig.hold_journal()
    asking = asyncio.create_task(bank.open())
    await settle()
    bank.rig.clock.skip(int(limits.COMMIT_S * 1000) + 1)
    held.let_go.set()
    assert (await asking).result == "EXPIRED"
    assert [(await bank.open()).result for _ in range(2)] == ["OK", "LOCKER_EXPIRED"]


async def test_an_ending_that_comes_too_late_at_its_board_is_for_staff(bank: Hall) -> None:
    await bank.assign()
    bank.board.turn.clear()
    asking = asyncio.create_task(bank.force_end())
    await until(lambda: bank.board.asked == 1)
    bank.rig.clock.skip(int(limits.COMMIT_S * 1000) + 1)
    bank.board.turn.set()
    assert ((await asking).result, bank.board.pulses) == ("EXPIRED", [])
    await bank.rig.written()
    assert bank.words()[-1].endswith(" EXPIRED")
    assert bank.state() == "RELEASING/STUCK"  # its PIN is gone; and no lock is called faulty
    assert bank.alarms() == {"LOCKER_STUCK"}


async def test_a_copy_of_what_came_too_late_is_told_so(bank: Hall) -> None:
    await bank.assign()
    ending = model.ForceEnd("c7", "O1")
    held = await bank.rig.hold_journal()
    asking = asyncio.create_task(bank.do(ending))
    await settle()
    bank.rig.clock.skip(int(limits.COMMIT_S * 1000) + 1)
    held.let_go.set()
    for late in (await asking, await bank.do(ending)):
        assert (late.result, late.released) == ("EXPIRED", False)
    assert (bank.state(), bank.board.pulses) == ("IN_USE", [])
