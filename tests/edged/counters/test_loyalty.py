"""What a counter may report of loyalty at the control socket."""

import json

import pytest

from edged.control.client import ControlRefused
from edged.counters.loyalty import LoyaltyDesk
from edged.exits import Exit
from tests.edged.rig import Rig


async def ask(rig: Rig, **order: object) -> object:
    return (await LoyaltyDesk(rig.ports).order({"order": order}))["result"]


async def test_an_earning_and_its_cancel_are_queued_once_each(rig: Rig) -> None:
    earn = {"do": "earn", "id": "L1", "member": "aiko", "amount": 4_500}
    cancel = {"do": "earn_cancel", "id": "L1"}
    assert await ask(rig, **cancel) == "NOT_CANCELLABLE"
    assert [await ask(rig, **earn) for _ in range(2)] == ["OK", "DUPLICATE"]
    assert [await ask(rig, **cancel) for _ in range(2)] == ["OK", "DUPLICATE"]
    assert await ask(rig, **earn) == "DUPLICATE"
    assert await ask(rig, **{**earn, "id": "L2"}) == "OK"
    assert [(one["kind"], one["operation"]) for one in rig.records()] == [
        ("loyalty_earn", "L1"),
        ("loyalty_earn_cancel", "L1"),
        ("loyalty_earn", "L2"),
    ]
    assert rig.records("loyalty_earn")[0]["amount"] == 4_500


async def test_a_member_may_be_unknown_here(rig: Rig) -> None:
    assert await ask(rig, do="earn", id="L1", member="new", amount=0) == "OK"


@pytest.mark.parametrize(
    "order",
    [
        {"do": "use", "id": "L1", "member": "aiko", "points": 5},
        {"do": "earn", "id": "L1", "member": "aiko"},
        {"do": "earn", "id": "L1", "member": "aiko", "amount": -1},
        {"do": "earn", "id": "L1", "member": "aiko", "amount": True},
        {"do": "earn", "id": "L1", "member": "aiko", "amount": 10**13},
        {"do": "earn", "id": "a b", "member": "aiko", "amount": 1},
        {"do": "earn_cancel", "id": "L1", "amount": 1},
        {},
    ],
    ids=json.dumps,
)
async def test_what_is_no_earning_is_refused(rig: Rig, order: dict[str, object]) -> None:
    with pytest.raises(ControlRefused) as refused:
        await ask(rig, **order)
    assert refused.value.code == Exit.USAGE
    assert refused.value.errors[0].startswith("order")
    assert rig.records() == []
