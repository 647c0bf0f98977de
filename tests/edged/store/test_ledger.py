from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.store.connection import open_database
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from edged.store.migrations import JOURNAL
from policy.model import UsageKey, Visit

KEY = UsageKey("C1", "DAY", date(2026, 11, 4))
AT_S2 = UsageKey("C1", "DAY", date(2026, 11, 4), "S2")
MONTH = (date(2026, 11, 1), date(2026, 11, 30))
SINCE = datetime(2026, 11, 4, 1, 0, tzinfo=UTC)


async def test_a_key_counts_while_one_of_its_events_is_not_withdrawn(journal: Journal) -> None:
    steps: list[Callable[[Ledger], None]] = [
        lambda ledger: ledger.add_key(KEY, "e1"),
        lambda ledger: ledger.add_key(KEY, "e1"),
        lambda ledger: ledger.add_key(KEY, "e2"),
        lambda ledger: ledger.withdraw("e1"),
        lambda ledger: ledger.withdraw("e2"),
        lambda ledger: ledger.add_key(KEY, "e1"),
        lambda ledger: ledger.add_key(KEY, "e3"),
    ]

    def story(ledger: Ledger) -> list[int]:
        counts = []
        for step in steps:
            step(ledger)
            counts.append(len(ledger.used(["C1"], *MONTH)))
        return counts

    assert await journal.commit(story) == [1, 1, 1, 1, 0, 0, 1]


async def test_an_event_withdrawn_before_it_came_supports_nothing(journal: Journal) -> None:
    def story(ledger: Ledger) -> frozenset[UsageKey]:
        ledger.withdraw("late")
        ledger.add_key(KEY, "late")
        return ledger.used(["C1"], *MONTH)

    assert await journal.commit(story) == frozenset()


async def test_only_the_asked_owners_and_dates_are_given(journal: Journal) -> None:
    kept = {
        UsageKey("C1", "DAY", MONTH[0]),
        UsageKey("C1", "NIGHT", MONTH[1]),
        UsageKey("T1", "*", MONTH[1]),
        AT_S2,
    }
    others = {
        UsageKey("C2", "DAY", MONTH[0]),
        UsageKey("C1", "DAY", MONTH[0] - timedelta(days=1)),
        UsageKey("C1", "DAY", MONTH[1] + timedelta(days=1)),
    }

    def story(ledger: Ledger) -> frozenset[UsageKey]:
        for number, key in enumerate(kept | others):
            ledger.add_key(key, f"e{number}")
        return ledger.used(["C1", "T1"], *MONTH)

    assert await journal.commit(story) == kept


@pytest.mark.threat("A17")
@given(
    st.permutations(
        [("add", KEY, "a"), ("add", KEY, "b"), ("add", AT_S2, "a"), ("off", KEY, "a")] * 2
    )
)
def test_order_and_repetition_change_no_count(story: list[tuple[str, UsageKey, str]]) -> None:
    db = open_database(Path(":memory:"), JOURNAL)
    ledger = Ledger(db)
    for what, key, event in story:
        if what == "add":
            ledger.add_key(key, event)
        else:
            ledger.withdraw(event)
    assert ledger.used(["C1"], *MONTH) == {KEY}
    db.close()


@pytest.mark.parametrize("until", [None, SINCE + timedelta(hours=2, microseconds=1)])
@pytest.mark.parametrize("band", [None, "DAY"])
async def test_a_visit_comes_back_as_it_was_set(
    journal: Journal, until: datetime | None, band: str | None
) -> None:
    visit = Visit("S1", SINCE, until, "D1", "plan:C1", band)
    await journal.commit(lambda ledger: ledger.set_visit("M1", visit))
    assert await journal.commit(lambda ledger: ledger.visit("M1", "S1")) == visit


async def test_one_visit_a_member_and_store(journal: Journal) -> None:
    first = Visit("S1", SINCE, None, "D1", "plan:C1", None)
    second = Visit("S1", SINCE + timedelta(hours=1), None, "D2", "plan:C1", None)
    elsewhere = Visit("S2", SINCE, None, "D3", "plan:C1", None)

    def story(ledger: Ledger) -> list[Visit | None]:
        for visit in (first, second, elsewhere):
            ledger.set_visit("M1", visit)
        replaced = ledger.visit("M1", "S1")
        ledger.close_visit("M1", "S1")
        ledger.close_visit("M1", "S1")
        return [
            replaced,
            *(ledger.visit(*who) for who in (("M1", "S1"), ("M1", "S2"), ("M2", "S2"))),
        ]

    assert await journal.commit(story) == [second, None, elsewhere, None]


async def test_small_values_are_kept_by_name(journal: Journal) -> None:
    def story(ledger: Ledger) -> list[object]:
        before = ledger.get("boot")
        ledger.put("boot", 1)
        ledger.put("boot", {"count": 2, "at": [None, True, "x"]})
        return [before, ledger.get("boot")]

    assert await journal.commit(story) == [None, {"count": 2, "at": [None, True, "x"]}]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"seq": 1}, ValueError),
        ({"prev": ""}, ValueError),
        ({"text": "x" * 20_000}, ValueError),
        ({"what": object()}, TypeError),
        ({"at": SINCE}, TypeError),
    ],
)
async def test_a_body_that_is_no_record_is_refused(
    journal: Journal, body: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await journal.commit(lambda ledger: ledger.append(body))
    assert await journal.commit(lambda ledger: ledger.append({})) == 1


async def test_a_part_of_the_newest_batch_is_written_once(journal: Journal) -> None:
    parts = [("a", 0), ("a", 1), ("a", 0), ("b", 0), ("b", 1), ("b", 1), ("a", 1)]

    def story(ledger: Ledger) -> list[bool]:
        return [ledger.first_in(batch, number) for batch, number in parts]

    assert await journal.commit(story) == [True, True, False, True, True, False, True]
