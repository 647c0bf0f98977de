"""Lockers of which the journal holds nothing (edged.lockers.bank, spec/rules.md 4.1)."""

from collections.abc import AsyncIterator

import pytest
from structlog.typing import EventDict

from edged.store.ledger import Ledger
from policy import locker_model as model
from policy.model import Reason
from tests.edged.lockers.cabinet import Hall, hall
from tests.edged.rig import Rig


@pytest.fixture
async def bank(rig: Rig) -> AsyncIterator[Hall]:
    async with hall(rig, new=True) as made:
        yield made


def known(ledger: Ledger) -> set[str]:
    return set(ledger.lockers())


@pytest.mark.threat("J4")
async def test_a_new_locker_is_nobodys_before_staff_have_looked(bank: Hall) -> None:
    assert bank.bank.new == {"L1", "L2"}
    assert (await bank.assign()).result == Reason.LOCKER_OCCUPIED
    assert bank.state() == "OUT_OF_ORDER"
    await bank.do(model.ConfirmEmpty("c91", "S9", None))
    assert (bank.state(), bank.bank.new) == ("FREE", {"L2"})
    assert (await bank.assign()).result == Reason.OK


async def test_it_is_new_until_staff_say_what_is_inside(bank: Hall) -> None:
    await bank.assign()
    await bank.do(model.StaffOpen("c91", "S9", None))
    assert bank.board.pulses == [1]  # they have to see it
    await bank.begin()
    assert bank.bank.new == {"L1", "L2"}
    assert await bank.rig.journal.commit(known) == set()
    assert "staff_opened" in bank.words()


async def test_what_was_said_holds_after_a_start(bank: Hall) -> None:
    await bank.do(model.ConfirmEmpty("c91", "S9", None), "L1")
    await bank.do(model.SetAside("c92", "S9", None), "L2")
    for _ in range(2):
        assert bank.bank.new == set()
        assert (bank.state("L1"), bank.state("L2")) == ("FREE", "OUT_OF_ORDER")
        await bank.begin()


async def test_nothing_moves_to_a_new_locker(bank: Hall) -> None:
    await bank.do(model.ConfirmEmpty("c91", "S9", None), "L1")
    await bank.assign()
    moved = await bank.do(model.Move("c92", "O1", None), "L1", to="L2")
    assert moved.result == Reason.LOCKER_OCCUPIED
    assert bank.bank.new == {"L2"}


async def test_an_installer_is_told(rig: Rig, logged: list[EventDict]) -> None:
    async with hall(rig, new=True) as bank:
        await bank.begin()
    told = [(line["bank"], line["count"]) for line in logged if line["event"] == "lockers_new"]
    assert told == [("hall", 2)] * 2
