"""Commands to the doors: what staff, and later the cloud, can ask of them beside a code.

Each carries an id of its own, so that a copy has no second effect, and is in the audit with its
answer. What lets somebody in is recorded before it moves anything.
"""

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, TypeAdapter, model_validator

from edged import limits
from edged.asked import Asked, understood
from edged.core import events
from edged.core.door_words import DoorOutcome
from edged.doors.emergency import Emergency, keep_lockdown, keep_reset
from edged.doors.gate import Gate
from edged.errors import NotFound
from edged.ports import Ports
from edged.rulebook.fields import Id
from edged.store.errors import FailKind, StoreFailed
from edged.store.ledger import Ledger
from policy.model import Reason


class Result(StrEnum):
    """What a command is answered."""

    OK = "OK"
    DUPLICATE = "DUPLICATE"
    """It was taken before; nothing was done."""
    INTERLOCK = "INTERLOCK"
    """Another door of the interlock is open or unlocked."""
    LOCK_FAULT = "LOCK_FAULT"
    """The lock did not take the order."""
    STILL_BURNING = "STILL_BURNING"
    """The fire input still says fire or is lost, or its latch can't be reset."""
    NO_FIRE = "NO_FIRE"
    """There is no fire to reset."""
    EXPIRED = "EXPIRED"
    """Its end came while it waited; nothing moved."""
    SWITCHED_ON = "SWITCHED_ON"
    """The command's lockdown has ended, but the local switch is on."""


class _Order(Asked):
    """`until_ms`: when a release ends, by the monotonic clock; None: it waits as long as we do."""

    command: Id
    by: Id
    until_ms: int | None = None


class _Open(_Order):
    do: Literal["open"]
    door: Id


class _Lockdown(_Order):
    do: Literal["lockdown"]
    on: bool


class _FireReset(_Order):
    do: Literal["fire_reset"]


class _PassbackClear(_Order):
    do: Literal["passback_clear"]
    member: Id | None = None
    store: Id | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.member is None) is (self.store is None):
            raise ValueError("needs a member or a store")
        return self


_Said: TypeAlias = _Open | _Lockdown | _FireReset | _PassbackClear
_ORDER: Final[TypeAdapter[_Said]] = TypeAdapter(Annotated[_Said, Field(discriminator="do")])


class DoorDesk:
    """Takes commands for every door of the house."""

    def __init__(self, ports: Ports, gates: Mapping[str, Gate], emergency: Emergency) -> None:
        self._ports = ports
        self._gates = gates
        self._emergency = emergency

    async def order(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Carry out a command and give what came of it.

        Raises:
            ControlRefused: It is no command.
            NotFound: There is no such door or store.
            StoreFailed: It could not be recorded in time; no bolt moved, nothing was ended.
        """
        order = understood(_ORDER, said["order"])
        result, more = await self._do(order)
        return {"command": order.command, "result": result.value, **more}

    async def _do(self, order: _Said) -> tuple[Result, Mapping[str, object]]:
        match order:
            case _Open():
                return await self._open(order), {}
            case _Lockdown():
                return await self._lock_down(order), {}
            case _FireReset():
                return await self._reset_fire(order), {}
            case _PassbackClear():
                return await self._clear(order)

    async def _open(self, order: _Open) -> Result:
        gate = self._gates.get(order.door)
        if gate is None:
            raise NotFound(f"door {order.door}: this device has none of that name")
        if gate.interlocked:
            return self._refuse(order, Result.INTERLOCK, order.door)
        if not await self._take(order, order.door, lambda _: None):
            return Result.DUPLICATE
        match await gate.open(order.command, order.until_ms):
            case None:
                return Result.OK
            case Reason.INTERLOCK:  # somebody came in there meanwhile
                return Result.INTERLOCK
            case Reason.STALE_COMMAND:
                return Result.EXPIRED
            case _:
                return Result.LOCK_FAULT

    async def _lock_down(self, order: _Lockdown) -> Result:
        """A lockdown keeps people out: it begins even if it can't be recorded."""
        target = "on" if order.on else "off"
        try:
            new = await self._take(order, target, lambda ledger: keep_lockdown(ledger, on=order.on))
        except StoreFailed:
            if order.on:
                self._emergency.lock_down(on=True)
            raise
        if not new:
            return Result.DUPLICATE
        self._emergency.lock_down(order.on)
        still_on = self._emergency.levels.lockdown and not order.on
        return Result.SWITCHED_ON if still_on else Result.OK

    async def _reset_fire(self, order: _FireReset) -> Result:
        if not self._emergency.levels.fire:
            return self._refuse(order, Result.NO_FIRE)
        if self._emergency.burning:
            return self._refuse(order, Result.STILL_BURNING)
        if not await self._take(order, None, keep_reset):
            return Result.DUPLICATE
        late = order.until_ms is not None and self._ports.clock.monotonic_ms() >= order.until_ms
        if not late and await self._emergency.reset_fire():
            return Result.OK
        self._emergency.keep()
        return Result.EXPIRED if late else Result.STILL_BURNING

    async def _clear(self, order: _PassbackClear) -> tuple[Result, Mapping[str, object]]:
        rules = self._ports.rules.rules
        if order.store is not None and (rules is None or order.store not in rules.stores):
            raise NotFound(f"store {order.store}: the rules have none of that id")
        cleared: list[int] = []

        def clear(ledger: Ledger) -> None:
            cleared.append(ledger.clear_visits(member=order.member, store=order.store))

        new = await self._take(order, order.member or order.store, clear)
        return (Result.OK if new else Result.DUPLICATE), {"cleared": cleared[-1] if new else 0}

    async def _take(
        self, order: _Said, target: str | None, write: Callable[[Ledger], None]
    ) -> bool:
        """Record a command with what it changes; False: it was taken before, nothing is done."""
        body = self._body(order, Result.OK, target)

        def record(ledger: Ledger) -> bool:
            if not ledger.first_time(f"command/{order.command}"):
                return False
            write(ledger)
            ledger.append(body)
            return True

        try:
            async with asyncio.timeout(limits.COMMIT_S):
                new = await self._ports.journal.commit(record)
        except BaseException as failed:  # a cancellation too
            self._leave_undone(order, failed)
            if not isinstance(failed, TimeoutError):
                raise
            raise StoreFailed(FailKind.BUSY, "the disk did not take the command in time") from None
        if new:
            self._ports.witness.publish({"event": "command", **body})
        return new

    def _leave_undone(self, order: _Said, failed: BaseException) -> None:
        """Write behind an order that may still be recorded that nothing came of it."""
        if not isinstance(order, _Open):
            self._emergency.keep()
        elif not isinstance(failed, StoreFailed) or failed.doubtful:
            self._gates[order.door].void(order.command, DoorOutcome.DOOR_NOT_OPENED)

    def _refuse(self, order: _Said, result: Result, target: str | None = None) -> Result:
        body = self._body(order, result, target)
        self._ports.recorder.append(body)
        self._ports.witness.publish({"event": "command", **body})
        return result

    def _body(self, order: _Said, result: Result, target: str | None) -> events.Body:
        asked = events.DoorCommand(order.command, order.do, order.by, target)
        return events.command(self._ports.stamp(), asked, result.value)
