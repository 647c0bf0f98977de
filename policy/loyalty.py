"""Loyalty: what a device may queue, and the ledger that it ends up in (spec/rules.md 4.6).

A device queues earnings, their cancels and visits, each once. That points or coupons are used
without the cloud can't be said here: there is no such event. The ledger is the
rule by which the cloud keeps the balance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import assert_never

_PER_MILLE = 1000


class Answer(StrEnum):
    """What an operation gets."""

    OK = "OK"
    DUPLICATE = "DUPLICATE"
    INSUFFICIENT = "INSUFFICIENT"
    OVER_AMOUNT = "OVER_AMOUNT"
    NOT_CANCELLABLE = "NOT_CANCELLABLE"
    POINTS_ALREADY_USED = "POINTS_ALREADY_USED"


@dataclass(frozen=True, slots=True)
class Earn:
    """Points for a payment of `amount`, from 0, in the currency's smallest unit."""

    id: str
    member: str
    amount: int

    def __post_init__(self) -> None:
        """Refuse a negative amount."""
        _from_0("amount", self.amount)


@dataclass(frozen=True, slots=True)
class CancelEarn:
    """Take back the points of an earning made at this counter."""

    earn: str


@dataclass(frozen=True, slots=True)
class Visited:
    """A member was here on a service date; the cloud may make a stamp of it."""

    member: str
    service_date: date


CounterEvent = Earn | CancelEarn | Visited


@dataclass(frozen=True, slots=True)
class Counter:
    """What a counter has queued, as far as the journal still holds it."""

    earned: frozenset[str] = frozenset()
    cancelled: frozenset[str] = frozenset()
    visited: frozenset[Visited] = frozenset()


def queue(counter: Counter, event: CounterEvent) -> tuple[Counter, Answer]:
    """Say OK if the event is to be sent to the cloud; a repeated one is not."""
    match event:
        case Earn():
            after = replace(counter, earned=counter.earned | {event.id})
        case CancelEarn():
            if event.earn not in counter.earned:
                return counter, Answer.NOT_CANCELLABLE
            after = replace(counter, cancelled=counter.cancelled | {event.earn})
        case Visited():
            after = replace(counter, visited=counter.visited | {event})
        case _:
            assert_never(event)
    return after, Answer.DUPLICATE if after == counter else Answer.OK


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a ledger: what it added to the balance, and whether it was taken back."""

    points: int
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """A member's points. `rate_permille`: points per 1000 of a payment, from 0."""

    rate_permille: int
    balance: int = 0
    operations: Mapping[str, Operation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Posted:
    """The ledger after an operation. `points`: how many it moved; None if refused, or a cancel."""

    ledger: Ledger
    answer: Answer
    points: int | None = None


def earn(ledger: Ledger, name: str, amount: int) -> Posted:
    """Add the points of a payment of `amount`, rounded down.

    Raises:
        ValueError: `amount` is negative.
    """
    _from_0("amount", amount)
    return direct(ledger, name, amount * ledger.rate_permille // _PER_MILLE)


def direct(ledger: Ledger, name: str, points: int) -> Posted:
    """Add points without a purchase.

    Raises:
        ValueError: `points` is negative.
    """
    _from_0("points", points)
    return _post(ledger, name, points)


def use(ledger: Ledger, name: str, points: int, amount: int) -> Posted:
    """Pay `points` of a payment of `amount`: `0 < points <= balance` and `points <= amount`.

    The id of a refused use stays free.
    """
    if name in ledger.operations:
        return Posted(ledger, Answer.DUPLICATE)
    if not 0 < points <= ledger.balance:
        return Posted(ledger, Answer.INSUFFICIENT)
    if points > amount:
        return Posted(ledger, Answer.OVER_AMOUNT)
    return _post(ledger, name, -points)


def cancel(ledger: Ledger, name: str) -> Posted:
    """Take an operation back, once; an earning only while its points are still there."""
    operation = ledger.operations.get(name)
    if operation is None or operation.cancelled:
        return Posted(ledger, Answer.NOT_CANCELLABLE)
    if operation.points > ledger.balance:
        return Posted(ledger, Answer.POINTS_ALREADY_USED)
    undone = {**ledger.operations, name: replace(operation, cancelled=True)}
    balance = ledger.balance - operation.points
    return Posted(replace(ledger, balance=balance, operations=undone), Answer.OK)


def _post(ledger: Ledger, name: str, points: int) -> Posted:
    if name in ledger.operations:
        return Posted(ledger, Answer.DUPLICATE)
    done = {**ledger.operations, name: Operation(points)}
    after = replace(ledger, balance=ledger.balance + points, operations=done)
    return Posted(after, Answer.OK, abs(points))


def _from_0(name: str, value: int) -> None:
    if value < 0:
        raise ValueError(f"{name} must be 0 or more, got {value}")
