"""What a counter may report of loyalty: earnings and their cancels, each once (spec/rules.md 4.6).

The audit record is what goes to the cloud, which keeps the balance. That points are used can't
be said here.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edged import limits
from edged.control.client import ControlRefused
from edged.core import events
from edged.exits import Exit
from edged.ports import Ports
from edged.rulebook.fields import Id
from edged.store.ledger import Ledger
from policy.loyalty import Answer, CancelEarn, Counter, Earn, queue


class _Order(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class _Earn(_Order):
    do: Literal["earn"]
    id: Id
    member: Id
    amount: Annotated[int, Field(ge=0, le=limits.AMOUNT)]

    def event(self) -> Earn:
        return Earn(self.id, self.member, self.amount)


class _CancelEarn(_Order):
    do: Literal["earn_cancel"]
    id: Id

    def event(self) -> CancelEarn:
        return CancelEarn(self.id)


_ORDERS: Final[TypeAdapter[_Earn | _CancelEarn]] = TypeAdapter(
    Annotated[_Earn | _CancelEarn, Field(discriminator="do")]
)


class LoyaltyDesk:
    """Takes what a counter reports, while the cloud is there or not."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def order(self, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """Queue an earning, or the cancel of one of this counter's; a copy has no second effect.

        Raises:
            ControlRefused: The order is not one.
            StoreFailed: It could not be recorded.
        """
        try:
            event = _ORDERS.validate_python(arguments["order"]).event()
        except ValidationError as error:
            raise ControlRefused(Exit.USAGE, [_spelled(error)]) from None
        stamp = self._ports.stamp()
        answer = await self._ports.journal.commit(lambda ledger: _queue(ledger, stamp, event))
        return {"result": answer.value}


def _queue(ledger: Ledger, stamp: events.Stamp, event: Earn | CancelEarn) -> Answer:
    """Record the event if it is new; the journal remembers the ids of what was recorded."""
    if isinstance(event, Earn):
        name, body = event.id, events.loyalty_earn(stamp, event)
    else:
        name, body = event.earn, events.loyalty_earn_cancel(stamp, event)
    earned, cancelled = (
        frozenset({name} if ledger.known(f"{kind.value}/{name}") else ())
        for kind in (events.Kind.LOYALTY_EARN, events.Kind.LOYALTY_EARN_CANCEL)
    )
    _, answer = queue(Counter(earned, cancelled), event)
    if answer is Answer.OK:
        ledger.first_time(f"{body['kind']}/{name}")
        ledger.append(body)
    return answer


def _spelled(error: ValidationError) -> str:
    """Say what is wrong with an order, by its first fault."""
    first = error.errors(include_input=False, include_url=False)[0]
    return ": ".join(filter(None, (".".join(map(str, ("order", *first["loc"]))), first["msg"])))
