"""A locker bank whose disk failed in a way that nobody knows what is stored."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from edged.lockers.bank import Bank
from edged.store.errors import FailKind, StoreFailed
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from policy import locker_model as model
from tests.edged.fakes import until
from tests.edged.lockers.cabinet import CHANNELS, HOUR, FakeBoard, Hall, hall
from tests.edged.rig import Rig

T = TypeVar("T")


class DoubtfulJournal(Journal):
    """A journal before another one, whose next commit fails in its sync if `fails`.

    `stores`: the disk has that commit all the same.
    """

    def __init__(self, path: Path, behind: Journal) -> None:
        super().__init__(path)
        self.fails = self.stores = False
        self._behind = behind

    async def commit(self, write: Callable[[Ledger], T]) -> T:
        if not self.fails:
            return await self._behind.commit(write)
        self.fails = False
        if self.stores:
            await self._behind.commit(write)
        raise StoreFailed(FailKind.IO, "fsync", doubtful=True)


class DoubtfulHall(Hall):
    """A bank beside a journal in doubt."""

    def renew(self) -> None:
        self.journal = DoubtfulJournal(self.rig.path, self.rig.journal)
        ports = replace(self.rig.ports, journal=self.journal)
        self.bank = Bank("hall", {1: self.board}, ports, CHANNELS)

    def doubt_the_next(self, *, stored: bool) -> None:
        """Let nobody know whether the next commit is stored."""
        self.journal.fails, self.journal.stores = True, stored


@pytest.fixture
async def bank(rig: Rig) -> AsyncIterator[DoubtfulHall]:
    async with hall(rig):  # which says what is in the lockers
        pass
    made = DoubtfulHall(rig, FakeBoard())
    await made.begin()
    yield made
    await made.end()


async def test_a_use_that_was_stored_after_all_is_known_and_its_copy_is_told_so(
    bank: DoubtfulHall,
) -> None:
    use = model.Occupancy("O1", "aiko", bank.bank.now(), bank.bank.now() + HOUR)
    assign = model.Assign("c7", use)
    bank.doubt_the_next(stored=True)
    assert (await bank.do(assign)).result == "RECORD_FAILED"
    await bank.stands("IN_USE")
    assert (await bank.do(assign)).result == "OK"
    assert (await bank.assign(member="boram", id="O2")).result == "LOCKER_OCCUPIED"


async def test_an_ending_that_was_stored_after_all_ends_nothing(bank: DoubtfulHall) -> None:
    await bank.assign(pin_hash=b"hash")
    bank.doubt_the_next(stored=True)
    assert (await bank.force_end()).result == "RECORD_FAILED"
    await until(lambda: bool(bank.alarms()))
    assert bank.words()[-1] == "ForceEnd PIN_RESET_FAILED"
    await bank.begin()
    assert (bank.state(), bank.board.pulses) == ("IN_USE", [])


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize(
    "opening",
    [model.Open("c7", model.Claim(member="aiko")), model.StaffOpen("c7", "S9", "O1")],
    ids=["member", "staff"],
)
async def test_no_copy_is_told_that_it_opened_what_did_not_move(
    bank: DoubtfulHall, opening: model.Open | model.StaffOpen, *, stored: bool
) -> None:
    await bank.assign()
    bank.doubt_the_next(stored=stored)
    assert (await bank.do(opening)).result == "RECORD_FAILED"
    again = await bank.do(opening)
    pulses = 0 if stored else 1  # what is not on the disk is taken anew
    assert (again.result == "OK", len(bank.board.pulses)) == (not stored, pulses)
    assert ((await bank.open()).result, len(bank.board.pulses)) == ("OK", pulses + 1)
    told = [one["result"] for one in bank.rig.records("locker_command") if one["command"] == "c7"]
    assert told == (["OK", "RECORD_FAILED"] if stored else ["OK"])


async def test_what_was_not_stored_leaves_a_locker_as_it_was(bank: DoubtfulHall) -> None:
    await bank.assign()
    bank.doubt_the_next(stored=False)
    assert (await bank.force_end()).result == "RECORD_FAILED"
    assert ((await bank.open()).result, bank.alarms()) == ("OK", set())
