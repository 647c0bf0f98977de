"""What the desks are asked, by the control socket or the cloud: hostile until it was read here."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from edged.control.client import ControlRefused
from edged.exits import Exit

T = TypeVar("T")


class Asked(BaseModel):
    """One kind of order; a desk's orders are told apart by `do`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


def understood(orders: TypeAdapter[T], said: object) -> T:
    """Read an order.

    Raises:
        ControlRefused: It is none, with a line for each field; what it said is not repeated.
    """
    try:
        return orders.validate_python(said)
    except ValidationError as error:
        raise ControlRefused(Exit.USAGE, [_problem(one) for one in error.errors()]) from None


def _problem(error: ErrorDetails) -> str:
    """Say what is wrong with an order; what it said is not repeated, it may be a PIN."""
    if error["type"].startswith("union_tag"):
        return "do: is no order"
    return f"{'.'.join(map(str, error['loc'][1:]))}: {error['msg']}"
