"""Loyalty: what a counter queues once, and what a ledger never does (rules.md 4.6)."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.loyalty import (
    Answer,
    CancelEarn,
    Counter,
    CounterEvent,
    Earn,
    Ledger,
    Posted,
    Visited,
    cancel,
    direct,
    earn,
    queue,
    use,
)

TODAY = date(2026, 11, 4)


@pytest.mark.parametrize(
    ("events", "answers"),
    [
        ([Earn("e", "M", 100)] * 2, ["OK", "DUPLICATE"]),
        ([CancelEarn("e")], ["NOT_CANCELLABLE"]),
        ([Earn("e", "M", 0), CancelEarn("e"), CancelEarn("e")], ["OK", "OK", "DUPLICATE"]),
        ([Visited("M", TODAY)] * 2, ["OK", "DUPLICATE"]),
        ([Visited("M", TODAY), Visited("N", TODAY)], ["OK", "OK"]),
        ([Visited("M", TODAY), Visited("M", date(2026, 11, 5))], ["OK", "OK"]),
    ],
)
def test_what_a_counter_queues(events: list[CounterEvent], answers: list[str]) -> None:
    counter, told = Counter(), []
    for event in events:
        counter, answer = queue(counter, event)
        told.append(answer.value)
    assert told == answers


@pytest.mark.parametrize(
    ("field", "build"),
    [
        ("amount", lambda: Earn("e", "M", -1)),
        ("amount", lambda: earn(Ledger(10), "e", -1)),
        ("points", lambda: direct(Ledger(10), "d", -1)),
    ],
)
def test_nothing_negative_is_earned(field: str, build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=f"^{field} must be 0 or more, got -1$"):
        build()


@pytest.mark.parametrize(
    ("points", "amount", "answer"),
    [
        (0, 100, Answer.INSUFFICIENT),
        (1, 100, Answer.OK),
        (-1, 100, Answer.INSUFFICIENT),
        (11, 5, Answer.INSUFFICIENT),
        (10, 9, Answer.OVER_AMOUNT),
        (10, 10, Answer.OK),
    ],
)
def test_what_may_be_used(points: int, amount: int, answer: Answer) -> None:
    posted = use(Ledger(10, balance=10), "u", points, amount)
    assert posted.answer is answer
    assert posted.ledger.balance == (10 - points if answer is Answer.OK else 10)


def test_a_use_is_not_repeated_even_when_it_was_taken_back() -> None:
    used = use(Ledger(10, balance=10), "u", 4, 10).ledger
    back = cancel(used, "u").ledger
    assert use(used, "u", 4, 10).answer is Answer.DUPLICATE
    assert use(back, "u", 4, 10) == Posted(back, Answer.DUPLICATE)


def test_what_never_was_is_not_cancelled() -> None:
    assert cancel(Ledger(10), "x") == Posted(Ledger(10), Answer.NOT_CANCELLABLE)


def post(ledger: Ledger, act: str, name: str, number: int) -> Posted:
    match act:
        case "earn":
            return earn(ledger, name, number)
        case "direct":
            return direct(ledger, name, number)
        case "use":
            return use(ledger, name, number, 500)
        case _:
            return cancel(ledger, name)


acts = st.tuples(
    st.sampled_from(["earn", "direct", "use", "cancel"]),
    st.sampled_from("abcdef"),
    st.integers(0, 1_000),
)


@given(st.integers(0, 1_000), st.lists(acts, max_size=30))
def test_every_story_of_a_ledger(rate: int, story: list[tuple[str, str, int]]) -> None:
    ledger = Ledger(rate)
    cancelled: set[str] = set()
    for act, name, number in story:
        posted = post(ledger, act, name, number)
        if posted.answer is not Answer.OK:
            assert posted == Posted(ledger, posted.answer)
        elif act == "cancel":
            assert name not in cancelled
            cancelled.add(name)
        ledger = posted.ledger
        assert post(ledger, act, name, number).ledger == ledger
        live = [op.points for op in ledger.operations.values() if not op.cancelled]
        assert ledger.balance == sum(live) >= 0
