"""What the cloud fills in: other stores' use, and who held what before the disk was new."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_link.wire import Restore, Usage
from edged.cloud.memory import Memory
from edged.cloud.outbox import JournalOutbox
from edged.store import audit
from edged.store.ledger import Ledger
from edged.store.migrations import JOURNAL, migrate
from policy.locker_model import Locker, LockerState
from policy.model import UsageKey
from policy.seats import Io
from tests.edged.fakes import until
from tests.edged.lockers.cabinet import Hall, hall
from tests.edged.rig import Rig, running

DAY = "2026-11-04"
AS_OF = "2026-11-04T03:00:00.000Z"


class Known:
    """A journal that the cloud fills in."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.outbox = JournalOutbox(rig.ports, rig.path)
        self.told = 0
        self.memory = Memory(rig.ports, self.outbox, frozenset({"L1", "L2", "L3"}), self.tell)

    def tell(self) -> None:
        self.told += 1

    def used(self, owner: str = "C1") -> int:
        month = date(2026, 11, 1), date(2026, 11, 30)
        return len(audit.read_used(self.rig.path, [owner], *month))


def page(begin: int, to: int, *, more: bool = False, **said: Any) -> Usage:
    entries = {"add": [], "withdraw": [], **said}
    whole = {"tenant": "acme", "device": "S1", "from": begin, "to": to, "as_of": AS_OF}
    return Usage.model_validate(whole | {"more": more} | entries)


def use(event: str, band: str = "DAY", day: str = DAY, store: str = "") -> list[str]:
    return ["C1", day, band, store, event]


@pytest.fixture
async def known(tmp_path: Path) -> AsyncIterator[Known]:
    async with running(tmp_path) as rig:
        made = Known(rig)
        yield made
        await made.outbox.close()


async def test_a_page_moves_the_position_and_says_how_old_it_is(known: Known) -> None:
    assert await known.memory.position() == (0, None)
    assert await known.memory.usage(page(0, 2, add=[use("e1"), use("e2", "NIGHT")])) == 2
    assert known.used() == 2
    assert await known.memory.position() == (2, datetime(2026, 11, 4, 3, tzinfo=UTC))


async def test_a_page_that_leaves_a_hole_or_is_old_changes_nothing(known: Known) -> None:
    await known.memory.usage(page(0, 2, add=[use("e1")]))
    assert await known.memory.usage(page(3, 5, add=[use("e3", "NIGHT")])) == 2
    assert await known.memory.usage(page(0, 1, add=[use("e9", "NIGHT")])) == 2
    assert known.used() == 1


async def test_while_more_follows_nobody_says_that_it_is_new(known: Known) -> None:
    await known.memory.usage(page(0, 2, more=True, add=[use("e1")]))
    assert await known.memory.position() == (2, None)


async def test_what_is_withdrawn_before_it_was_added_never_counts(known: Known) -> None:
    await known.memory.usage(page(0, 1, withdraw=["e1"]))
    await known.memory.usage(page(1, 2, add=[use("e1")]))
    assert known.used() == 0
    await known.memory.usage(page(2, 3, add=[use("e2")]))  # somebody else holds the key too
    assert known.used() == 1


async def test_an_entry_that_can_not_be_read_holds_up_no_other(known: Known) -> None:
    bad = use("e1", day="2026-99-99")
    assert await known.memory.usage(page(0, 2, add=[bad, use("e2")])) == 2
    assert known.used() == 1


@pytest.mark.threat("A17")
@given(
    order=st.permutations(range(6)),
    copies=st.lists(st.integers(0, 5), max_size=6),
)
def test_a_count_is_the_union_whatever_comes_twice_or_late(
    order: list[int], copies: list[int]
) -> None:
    """Pages of the journal's own tables: the position decides only what is asked for again."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrate(db, Path("memory"), JOURNAL)
    ledger = Ledger(db)
    for n in [*order, *copies]:
        if n < 4:
            ledger.add_key(UsageKey("C1", "DAY", date(2026, 11, 1 + n // 2)), f"e{n}")
        else:
            ledger.withdraw(f"e{n - 4}")
    found = ledger.used(["C1"], date(2026, 11, 1), date(2026, 11, 30))
    assert {key.service_date.day for key in found} == {2}
    db.close()


# --- a new disk


def restore(lockers: list[dict[str, Any]], seats: list[dict[str, Any]] | None = None) -> Restore:
    said = {"tenant": "acme", "device": "S1", "nonce": "0" * 32, "as_of": AS_OF}
    rest = {"lockers": lockers, "seats": seats or [], "unknown": ["the last hour"]}
    return Restore.model_validate(said | rest)


def held(locker: str, state: str = "IN_USE", use: str | None = "O1") -> dict[str, Any]:
    occupancy = {"id": use, "member": "aiko", "start": AS_OF, "end": AS_OF, "product": "P"}
    return {"id": locker, "state": state, "occupancy": None if use is None else occupancy}


async def lockers(known: Known) -> dict[str, Locker]:
    return await known.rig.journal.commit(lambda ledger: ledger.lockers())


async def test_a_new_journal_is_told_once_who_holds_what(known: Known) -> None:
    seat = {"store": "S1", "seat": "9", "member": "aiko", "product": "P", "io": "OUT"}
    seat["since"] = AS_OF
    told = restore([held("L1"), held("L2", "FREE", None), held("L7")], [seat])
    await known.memory.restore(told)
    await known.memory.restore(restore([held("L3")]))
    found = await lockers(known)
    assert set(found) == {"L1", "L2"}  # L7 is none of ours, and L3 came when it was over
    assert found["L1"].state is LockerState.IN_USE
    assert found["L1"].occupancy is not None
    assert (found["L1"].occupancy.member, found["L1"].occupancy.pin_hash) == ("aiko", None)
    change = audit.read_seat(known.rig.path, "S1", "9")
    assert change is not None
    assert change.io is Io.OUT
    await known.rig.written()
    (record,) = known.rig.records("restored")
    assert record["counts"] == {"lockers": 2, "seats": 1}
    assert record["unknown"] == ["PINs of lockers", "the last hour"]
    assert not (await known.outbox.standing()).fresh
    since = await known.rig.journal.commit(lambda ledger: ledger.get("commands_since"))
    assert since == AS_OF  # what was asked before it may have been done
    assert known.told == 1


async def test_what_is_known_here_is_not_overwritten(known: Known) -> None:
    mine = Locker("L1", LockerState.OUT_OF_ORDER)
    await known.rig.journal.commit(lambda ledger: ledger.put_locker(mine))
    await known.memory.restore(restore([held("L1")]))
    assert (await lockers(known))["L1"] == mine


@pytest.mark.parametrize(
    ("state", "use"),
    [("RELEASING", "O1"), ("FREE", "O1"), ("IN_USE", None), ("MELTED", None)],
)
async def test_a_locker_of_which_nobody_is_sure_is_looked_into_first(
    known: Known, state: str, use: str | None
) -> None:
    await known.memory.restore(restore([held("L1", state, use)]))
    assert (await lockers(known))["L1"].state is LockerState.OUT_OF_ORDER


async def test_the_bank_takes_up_what_was_restored(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        bank: Hall
        async with hall(rig) as bank:
            await rig.journal.commit(lambda ledger: ledger._db.execute("DELETE FROM locker"))
            await bank.begin()
            assert bank.bank.new == {"L1", "L2"}
            outbox = JournalOutbox(rig.ports, rig.path)
            await rig.journal.commit(lambda ledger: ledger.put("fresh", value=True))
            memory = Memory(rig.ports, outbox, frozenset(bank.bank.channels), bank.bank.restored)
            await memory.restore(restore([held("L1")]))
            await until(lambda: bank.bank.new == {"L2"})
            assert bank.bank.lockers["L1"].state is LockerState.IN_USE
            assert bank.bank.lockers["L2"].state is LockerState.OUT_OF_ORDER
            await outbox.close()
