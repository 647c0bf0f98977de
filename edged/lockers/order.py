"""What a locker bank is asked, what it answers, and how both stand in the journal."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from edged import limits
from edged.clock import Clock
from edged.core import events
from edged.store.ledger import Ledger
from edged.store.lockers import TakenCommand
from policy.locker_model import (
    Answer,
    Command,
    Effects,
    Locker,
    Log,
    Move,
    Open,
    Pulse,
    ResetPin,
    Restarted,
    StaffOpen,
    Stepped,
)
from policy.model import Reason

EXPIRED: Final = "EXPIRED"
"""What an order is answered that came to its turn too late; nothing moved by it."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command and what it does. `to`: the locker that a Move goes to.

    `until_ms`: when it is too late for its pulse, by the monotonic clock; None: as for everybody.
    """

    command: events.LockerCommand
    event: Command | Move
    to: str | None = None
    until_ms: int | None = None

    @property
    def locker(self) -> str:
        """The locker that it is about."""
        return str(self.command.locker)

    @property
    def lockers(self) -> tuple[str, ...]:
        """Every locker that it changes."""
        return (self.locker,) if self.to is None else (self.locker, self.to)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an order: the word of the rules or EXPIRED, and the locker as it is then.

    `released`: whether the board took the pulse, None: none was asked for.
    """

    result: str
    released: bool | None
    locker: Locker


@dataclass(frozen=True, slots=True)
class Restored:
    """The journal was filled in by the cloud: what the bank knows of it is not all."""


@dataclass(frozen=True, slots=True)
class NotOpened(Restarted):
    """An opening failed in its sync: it may be stored, and gave no pulse."""

    command: events.LockerCommand
    stamp: events.Stamp


@dataclass(slots=True)
class Ask:
    """An order on its way, given at `at_ms` of the monotonic clock; `done` is its answer."""

    order: Order
    at_ms: int
    done: asyncio.Future[Done] = field(default_factory=asyncio.Future)
    result: str | None = None
    released: bool | None = None

    def is_late(self, now_ms: int) -> bool:
        """Whether nobody stands there any more who asked, or its end has come."""
        until_ms = self.order.until_ms
        waited_ms = now_ms - self.at_ms
        return waited_ms > limits.COMMIT_S * 1000 or (until_ms is not None and now_ms >= until_ms)

    def repeat(self, taken: TakenCommand) -> None:
        """Take the answer of the command that was taken under the same id."""
        same = thing(self.order.command) == thing(taken.command)
        before = taken.result or Reason.RECORD_FAILED.value
        self.result = before if same else Reason.STALE_COMMAND.value
        self.released = False if self.result == EXPIRED else None

    def doubted(self, stamp: events.Stamp) -> list[tuple[str, Restarted]]:
        """Name its lockers, with what is to happen there when the disk is well again."""
        opens = isinstance(self.order.event, Open | StaffOpen)
        report = NotOpened(self.order.command, stamp) if opens else Restarted()
        return [(locker, report) for locker in self.order.lockers]

    def expire(self, stamp: events.Stamp) -> Callable[[Ledger], None]:
        """Answer that it is too late; return what keeps that for copies and for the audit."""
        self.result, self.released = EXPIRED, False
        return partial(_unmoved, self.order.command, EXPIRED, stamp)

    def tell(self, locker: Locker) -> None:
        """Answer, if somebody still waits and there is an answer."""
        if self.result is not None and not self.done.done():
            self.done.set_result(Done(self.result, self.released, locker))


def thing(command: events.LockerCommand) -> tuple[str | None, str]:
    """Return what a command asks for; a copy of it asks for the same."""
    return command.locker, command.verb


Write = Callable[[Ledger], TakenCommand | list[events.Body]]


def writing(
    stepped: Sequence[Stepped],
    ask: Ask | None,
    stamp: events.Stamp,
    kept: Collection[str],
    clock: Clock,
) -> Write:
    """Make the one transaction of an event: the lockers, and what the audit says of it.

    `kept`: the lockers whose state is kept, by id. The transaction returns the records, or how
    the command was answered before; so is one that would move something and is too late by now.
    """
    effects = [effect for _, asked in stepped for effect in asked]
    moves = any(isinstance(effect, ResetPin | Pulse) for effect in effects)

    def write(ledger: Ledger) -> TakenCommand | list[events.Body]:
        if ask is not None:
            command = ask.order.command
            taken = ledger.taken_command(command.id)
            if taken is not None:
                return taken
            ledger.take_command(command)
            if moves and ask.is_late(clock.monotonic_ms()):
                _unmoved(command, EXPIRED, stamp, ledger)
                return TakenCommand(command, EXPIRED)
        bodies: list[events.Body] = []
        for locker, effects in stepped:
            if locker.id in kept:
                ledger.put_locker(locker)
            bodies += _bodies(ledger, stamp, locker, effects)
        for body in bodies:
            ledger.append(body)
        return bodies

    return write


def read_anew(report: Restarted) -> Callable[[Ledger], Mapping[str, Locker]]:
    """Return what reads the lockers as they are stored, and answers an opening that did not move.

    So the audit and a copy of that order don't say that somebody got in.
    """

    def read(ledger: Ledger) -> Mapping[str, Locker]:
        if isinstance(report, NotOpened):
            taken, failed = ledger.taken_command(report.command.id), Reason.RECORD_FAILED.value
            if taken is not None and taken.result != failed:
                _unmoved(report.command, failed, report.stamp, ledger)
        return ledger.lockers()

    return read


def _unmoved(
    command: events.LockerCommand, result: str, stamp: events.Stamp, ledger: Ledger
) -> None:
    """Keep why nothing moved, perhaps behind other records: so it says nothing of a holder."""
    ledger.answer_command(command.id, result)
    ledger.append(events.locker_command(stamp, command, None, result))


def _bodies(
    ledger: Ledger, stamp: events.Stamp, locker: Locker, effects: Effects
) -> Iterator[events.Body]:
    for effect in effects:
        match effect:
            case Log():
                yield events.locker(stamp, locker.id, effect)
            case Answer(command, result):
                ledger.answer_command(command, result.value)
                taken = ledger.taken_command(command)
                if taken is not None:
                    yield events.locker_command(
                        stamp, taken.command, locker.occupancy, result.value
                    )
            case _:  # nothing that the audit tells of
                pass
