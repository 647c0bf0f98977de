"""Reading what the desks are asked (edged/README.md)."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, TypeAdapter

from edged.asked import Asked, understood
from edged.control.client import ControlRefused
from edged.exits import Exit


class _Look(Asked):
    do: Literal["look"]


class _Enter(Asked):
    do: Literal["enter"]
    pin: str = Field(pattern=r"^[0-9]{4}$")


ORDERS: TypeAdapter[_Look | _Enter] = TypeAdapter(
    Annotated[_Look | _Enter, Field(discriminator="do")]
)


def test_an_order_is_read() -> None:
    assert understood(ORDERS, {"do": "enter", "pin": "4711"}) == _Enter(do="enter", pin="4711")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"do": "secret"}, "do: is no order"),
        ({}, "do: is no order"),
        ({"do": "enter"}, "pin: Field required"),
        ({"do": "enter", "pin": "secret"}, "pin: String should match pattern '^[0-9]{4}$'"),
        ({"do": "look", "more": "secret"}, "more: Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(said: object, line: str) -> None:
    with pytest.raises(ControlRefused) as refused:
        understood(ORDERS, said)
    assert (refused.value.code, refused.value.errors) == (Exit.USAGE, (line,))
    assert "secret" not in line
