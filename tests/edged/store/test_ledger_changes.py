"""What happens once, what is taken back, and what was done with seats."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edged.core.seating import SeatChange
from edged.store import audit
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from policy.model import Visit
from policy.seats import Io
from tests.edged.store.test_migrations import load

AT = datetime(2026, 11, 4, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
VISIT = Visit("S1", AT, None, "D1", "plan:C1", None)


@pytest.mark.threat("A15")
async def test_a_name_is_new_once(journal: Journal) -> None:
    def story(ledger: Ledger) -> list[bool]:
        asked = [ledger.known("a"), ledger.first_time("a"), ledger.first_time("a")]
        return [*asked, ledger.known("a"), ledger.known("b"), ledger.first_time("b")]

    assert await journal.commit(story) == [False, True, False, True, False, True]


async def test_a_spent_code_is_given_back_with_its_event_only(journal: Journal) -> None:
    def story(ledger: Ledger) -> list[bool]:
        before = ledger.spent("x")
        ledger.spend("x", "e1", AT, AT + DAY)
        ledger.spend("x", "e2", AT, AT + DAY)
        ledger.withdraw("e2")
        used = ledger.spent("x")
        ledger.withdraw("e1")
        return [before, used, ledger.spent("x")]

    assert await journal.commit(story) == [False, True, False]


async def test_spent_codes_are_kept_as_long_as_they_could_live(journal: Journal) -> None:
    def story(ledger: Ledger) -> list[bool]:
        ledger.spend("x", "e1", AT, AT + DAY)
        ledger.spend("y", "e2", AT + DAY, AT + 3 * DAY)
        kept = ledger.spent("x")
        ledger.spend("z", "e3", AT + DAY + timedelta(microseconds=1), AT + 3 * DAY)
        return [kept, ledger.spent("x"), ledger.spent("y"), ledger.spent("z")]

    assert await journal.commit(story) == [True, False, True, True]


async def test_a_visit_ends_with_the_entry_that_made_it(journal: Journal) -> None:
    later = VISIT._replace(since=AT + DAY)

    def story(ledger: Ledger) -> list[Visit | None]:
        ledger.set_visit("M1", VISIT, "e1")
        ledger.set_visit("M1", later, "e2")
        ledger.nobody_came("e1")
        kept = ledger.visit("M1", "S1")
        ledger.nobody_came("e2")
        return [kept, ledger.visit("M1", "S1")]

    assert await journal.commit(story) == [later, None]


async def test_a_booking_is_attended_until_nobody_came(journal: Journal) -> None:
    def story(ledger: Ledger) -> list[frozenset[str]]:
        ledger.check_in("M1", "B1", "e1")
        ledger.check_in("M1", "B1", "e2")
        ledger.check_in("M1", "B2", "e3")
        ledger.check_in("M2", "B1", "e4")
        ledger.nobody_came("e2")
        ledger.withdraw("e3")
        kept = ledger.checked_in("M1")
        ledger.nobody_came("e1")
        return [kept, ledger.checked_in("M1"), ledger.checked_in("M2")]

    found = await journal.commit(story)
    assert found == [frozenset({"B1"}), frozenset(), frozenset({"B1"})]


@pytest.mark.parametrize("io", [Io.IN, Io.OUT, None])
async def test_of_a_seat_the_last_change_is_kept(journal: Journal, io: Io | None) -> None:
    first = SeatChange("S1", "9", "M1", "P1", Io.OUT, AT)
    last = SeatChange("S1", "9", "M2", "P2", io, AT + timedelta(microseconds=1))

    def story(ledger: Ledger) -> list[SeatChange | None]:
        for change in (first, last):
            ledger.change_seat(change)
        return [ledger.seat_change("S1", "9"), ledger.seat_change("S2", "9")]

    assert await journal.commit(story) == [last, None]
    assert audit.read_seat(journal._path, "S1", "9") == last


def test_a_journal_of_before_has_no_seats(tmp_path: Path) -> None:
    load("journal-1.sql", tmp_path / "old.db")
    assert audit.read_seat(tmp_path / "old.db", "S1", "9") is None
