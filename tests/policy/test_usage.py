"""Usage keys, what supports them and their counts (spec/rules.md 2.6, 3.8, 3.9)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import usage
from policy.model import (
    BandGrant,
    ConsumeOn,
    Contract,
    DedupeScope,
    Plan,
    RuleSettings,
    Ticket,
    TicketType,
    Usage,
    UsageKey,
)
from policy.usage import Events
from tests.policy.worlds import CONTRACT, MEMBER, NEW_YEAR, STORE, TODAY, at, rules_of, used_on

PLAIN = RuleSettings()
BY_STORE = RuleSettings(dedupe_scope=DedupeScope.STORE)


def test_a_key_names_its_store_only_if_stores_count_apart() -> None:
    key = usage.usage_key(DedupeScope.ALL_STORES, STORE, "C1", "DAY", TODAY)
    assert str(key) == "C1/DAY/2026-11-04"
    key = usage.usage_key(DedupeScope.STORE, STORE, "C1", "DAY", TODAY)
    assert str(key) == "C1/DAY/2026-11-04/S1"


def test_a_count_is_of_one_contract_band_and_calendar_month() -> None:
    keys = used_on([1, 2, 30]) | used_on([3], band="NIGHT") | used_on([3], owner="C2")
    keys |= {UsageKey("C1", "DAY", date(2026, 10, 31)), UsageKey("C1", "DAY", date(2025, 11, 1))}
    used = Usage.of(keys)
    for day, times in ((TODAY, 3), (date(2026, 10, 1), 1), (date(2026, 12, 1), 0)):
        assert usage.count(PLAIN, used, ["C1"], "DAY", day) == times
    assert usage.count(PLAIN, used, ["C1", "C2"], "DAY", TODAY) == 4


@pytest.mark.parametrize(
    ("day", "times"),
    [(date(2026, 11, 14), 2), (date(2026, 11, 15), 3), (date(2026, 12, 14), 3)],
)
def test_a_month_may_begin_on_another_day(day: date, times: int) -> None:
    settings = RuleSettings(month_anchor_day=15)
    keys = used_on([1, 14, 15, 30]) | {UsageKey("C1", "DAY", date(2026, 12, 14))}
    assert usage.count(settings, Usage.of(keys), ["C1"], "DAY", day) == times


def test_a_month_that_begins_on_another_day_may_go_over_new_year() -> None:
    settings = RuleSettings(month_anchor_day=15)
    dates = [date(2026, 12, 14), date(2026, 12, 15), date(2027, 1, 14), date(2027, 1, 15)]
    used = Usage.of(UsageKey("C1", "DAY", day) for day in dates)
    for day, times in zip(dates, (1, 2, 2, 1), strict=True):
        assert usage.count(settings, used, ["C1"], "DAY", day) == times


def test_a_day_at_two_stores_is_one_use_or_two() -> None:
    keys = [UsageKey("C1", "DAY", TODAY, store) for store in ("S1", "S2")]
    used = Usage.of(keys)
    assert usage.count(PLAIN, used, ["C1"], "DAY", TODAY) == 1
    assert usage.count(BY_STORE, used, ["C1"], "DAY", TODAY) == 2
    assert usage.present(used, keys[0])
    assert usage.present(used, keys[0]._replace(store=None))
    assert not usage.present(used, keys[0]._replace(store="S3"))
    assert not usage.present(Usage.of(used_on([4])), keys[0])
    for other in (keys[0]._replace(owner="C2"), keys[0]._replace(service_date=date(2026, 12, 4))):
        assert not usage.present(used, other)
        assert not usage.present(used, other._replace(store=None))
    tomorrow = keys[0]._replace(service_date=date(2026, 11, 5), store=None)
    assert not usage.present(used, tomorrow)


def test_a_new_contract_counts_from_0_or_carries_on() -> None:
    old = replace(CONTRACT, id="C0", end=date(2026, 11, 3))
    member = replace(MEMBER, contracts=(old, replace(CONTRACT, start=TODAY)))
    new = member.contracts[1]
    assert usage.predecessors(PLAIN, member, new) == ("C1",)
    carry = RuleSettings(carry_usage_on_plan_change=True)
    assert usage.predecessors(carry, member, new) == ("C1", "C0")
    assert usage.predecessors(carry, member, old) == ("C0",)
    side_by_side = replace(member, contracts=(replace(old, end=TODAY), new))
    assert usage.predecessors(carry, side_by_side, new) == ("C1",)


TICKET = Ticket("T1", TicketType.ENTRY, 3, NEW_YEAR)


@pytest.mark.parametrize(
    ("counted_to", "left"),
    [
        (None, -1),
        (date(2026, 10, 30), -1),
        (date(2026, 10, 31), 0),
        (date(2026, 11, 1), 0),
        (date(2026, 11, 3), 1),
        (TODAY, 2),
        (date(2026, 12, 31), 3),
    ],
)
def test_each_use_of_a_ticket_is_taken_off_once(counted_to: date | None, left: int) -> None:
    keys = used_on([3, 4, 5], band="*", owner="T1")
    keys |= {UsageKey("T1", "*", date(2026, 10, 31)), UsageKey("T2", "*", TODAY)}
    ticket = replace(TICKET, counted_to=counted_to)
    assert usage.tickets_left(Usage.of(keys), ticket) == left


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        pytest.param(at(12), date(2026, 10, 1), date(2026, 12, 31), id="inside a month"),
        pytest.param(at(12, day=2), date(2026, 9, 1), date(2026, 12, 31), id="its beginning"),
        pytest.param(at(12, day=28), date(2026, 10, 1), date(2026, 12, 31), id="near its end"),
        pytest.param(at(12, day=29), date(2026, 10, 1), date(2027, 1, 31), id="its end"),
        pytest.param(at(24, day=28), date(2026, 10, 1), date(2027, 1, 31), id="local, not UTC"),
    ],
)
def test_whole_months_are_asked_for(now: datetime, first: date, last: date) -> None:
    assert usage.asked(STORE, MEMBER, now) == (("C1",), first, last)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2026, 12, 15, tzinfo=UTC), date(2027, 1, 31)),
        (datetime(2027, 1, 15, tzinfo=UTC), date(2027, 2, 28)),
        (datetime(2027, 2, 15, tzinfo=UTC), date(2027, 3, 31)),
    ],
)
def test_the_last_month_is_whole_whatever_its_length(now: datetime, last: date) -> None:
    assert usage.asked(STORE, MEMBER, now)[2] == last


def test_of_tickets_every_use_is_asked_for_that_is_not_in_the_number() -> None:
    counted = replace(TICKET, id="T2", counted_to=date(2026, 6, 30))
    for tickets, first in (((TICKET,), NEW_YEAR), ((counted,), date(2026, 6, 30))):
        owners, asked, _ = usage.asked(STORE, replace(MEMBER, tickets=tickets), at(12))
        assert (owners, asked) == (("C1", tickets[0].id), first)


def test_a_ticket_that_was_counted_on_the_first_of_a_month_is_not_counted_again() -> None:
    ticket = replace(TICKET, counted_to=date(2026, 11, 1))
    used = Usage.of(used_on([1, 2], band="*", owner="T1"))
    assert usage.tickets_left(used, ticket) == 2


def test_only_more_than_the_limit_is_reported() -> None:
    plan = Plan("P1", bands=(BandGrant("DAY", 2), BandGrant("NIGHT", 0), BandGrant("LATE")))
    unknown = Contract("C2", "gone", NEW_YEAR)
    member = replace(MEMBER, contracts=(CONTRACT, unknown))
    for days, lines in (
        ([1, 2], []),
        ([1, 2, 3], [usage.OverLimit("C1", "DAY", 3, 2)]),
    ):
        used = Usage.of(used_on(days) | used_on([1], band="LATE"))
        told = usage.over_limit(rules_of(plan), member, used, TODAY)
        assert told == lines
        assert [line.excess for line in told] == [1] * len(lines)


@pytest.mark.parametrize(
    ("consume_on", "lock_fault", "opened", "taken_back"),
    [
        (ConsumeOn.GRANT, True, False, True),
        (ConsumeOn.GRANT, False, False, False),
        (ConsumeOn.DOOR_OPENED, False, False, True),
        (ConsumeOn.DOOR_OPENED, False, True, False),
    ],
)
def test_an_entry_that_came_to_nothing_is_taken_back(
    consume_on: ConsumeOn, lock_fault: bool, opened: bool, taken_back: bool
) -> None:
    settings = RuleSettings(consume_on=consume_on)
    assert usage.taken_back(settings, lock_fault=lock_fault, opened=opened) is taken_back


KEYS = st.builds(
    UsageKey,
    st.sampled_from(["C1", "C2"]),
    st.sampled_from(["DAY", "NIGHT"]),
    st.dates(date(2026, 10, 28), date(2026, 11, 4)),
    st.sampled_from([None, None, "S1", "S2"]),
)
Story = list[tuple[str, UsageKey, str]]
STORIES = st.lists(
    st.tuples(st.sampled_from(["supported", "withdraw"]), KEYS, st.sampled_from("abcd")),
    max_size=8,
)


def told(story: Story) -> Events:
    events = Events()
    for what, key, event in story:
        if what == "supported":
            events = usage.supported(events, key, event)
        else:
            events = usage.withdraw(events, event)
    return events


def test_a_key_exists_as_long_as_an_event_supports_it() -> None:
    key, other = UsageKey("C1", "DAY", TODAY), UsageKey("C2", "DAY", TODAY)
    events = usage.supported(usage.supported(Events(), key, "a"), key, "b")
    events = usage.supported(events, other, "a")
    assert events.existing() == {key, other}
    events = usage.withdraw(events, "a")
    assert events.existing() == {key}
    assert usage.withdraw(events, "b").existing() == frozenset()


@given(STORIES, st.randoms(use_true_random=True))
def test_messages_may_come_in_any_order_and_twice(story: Story, pick: Random) -> None:
    other = [*story, *story]
    pick.shuffle(other)
    assert told(other) == told(story)


@given(STORIES, STORIES, STORIES)
def test_what_is_merged_is_the_same_in_any_order(one: Story, two: Story, three: Story) -> None:
    merged = [
        usage.merged(usage.merged(told(a), told(b)), told(c))
        for a, b, c in permutations([one, two, three])
    ]
    assert all(events == merged[0] for events in merged)
    assert usage.merged(merged[0], merged[0]) == merged[0]
    assert merged[0] == told([*one, *two, *three])


@given(STORIES, KEYS)
def test_a_withdrawn_event_never_comes_back(story: Story, key: UsageKey) -> None:
    events = usage.withdraw(told(story), "a")
    assert usage.supported(events, key, "a").existing() == events.existing()


@given(st.lists(KEYS, max_size=12))
def test_masks_count_as_sets_of_keys_do(keys: list[UsageKey]) -> None:
    used = Usage.of(keys)
    assert used == Usage.of([*keys, *keys])
    for key in keys:
        assert usage.present(used, key)
        same = {
            other
            for other in keys
            if (other.owner, other.band) == (key.owner, key.band)
            and other.service_date.month == key.service_date.month
        }
        asked = [key.owner], key.band, key.service_date
        assert usage.count(BY_STORE, used, *asked) == len(same)
        assert usage.count(PLAIN, used, *asked) == len({other.service_date for other in same})
