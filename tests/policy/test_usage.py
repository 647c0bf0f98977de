"""Usage keys and their counts (spec/rules.md 2.6)."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from policy import usage
from policy.model import DedupeScope, UsageKey
from tests.policy.worlds import STORE, TODAY, at, used_on


def test_a_key_names_its_store_only_if_stores_count_apart() -> None:
    key = usage.usage_key(DedupeScope.ALL_STORES, STORE, "C1", "DAY", TODAY)
    assert str(key) == "C1/DAY/2026-11-04"
    key = usage.usage_key(DedupeScope.STORE, STORE, "C1", "DAY", TODAY)
    assert str(key) == "C1/DAY/2026-11-04/S1"


def test_a_count_is_of_one_contract_band_and_calendar_month() -> None:
    used = used_on([1, 2, 30]) | used_on([3], band="NIGHT") | used_on([3], owner="C2")
    used |= {UsageKey("C1", "DAY", date(2026, 10, 31)), UsageKey("C1", "DAY", date(2025, 11, 1))}
    assert usage.count(used, "C1", "DAY", TODAY) == 3
    assert usage.count(used, "C1", "DAY", date(2026, 10, 1)) == 1
    assert usage.count(used, "C1", "DAY", date(2026, 12, 1)) == 0


def test_keys_of_two_stores_on_one_day_are_one_use_again_when_all_stores_count_together() -> None:
    here, there = (replace(key, store=s) for key in used_on([4]) for s in ("S1", "S2"))
    assert usage.in_scope(DedupeScope.STORE, {here, there}) == {here, there}
    assert usage.in_scope(DedupeScope.ALL_STORES, {here, there}) == used_on([4])


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        pytest.param(at(12), date(2026, 11, 1), date(2026, 11, 30), id="inside a month"),
        pytest.param(at(12, day=2), date(2026, 10, 1), date(2026, 11, 30), id="its beginning"),
        pytest.param(at(12, day=28), date(2026, 11, 1), date(2026, 11, 30), id="near its end"),
        pytest.param(at(12, day=29), date(2026, 11, 1), date(2026, 12, 31), id="its end"),
        pytest.param(at(33 * 24, day=29), date(2026, 12, 1), date(2027, 1, 31), id="a new year"),
        pytest.param(at(90 * 24, day=28), date(2027, 2, 1), date(2027, 2, 28), id="February"),
        pytest.param(at(24, day=28), date(2026, 11, 1), date(2026, 12, 31), id="local, not UTC"),
    ],
)
def test_whole_months_are_looked_at(now: datetime, first: date, last: date) -> None:
    assert usage.dates_looked_at(STORE, now) == (first, last)
