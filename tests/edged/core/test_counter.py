from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from edged.core.access import Request
from edged.core.counter import Served, is_counter, serve
from policy.model import (
    Device,
    Member,
    Mode,
    Qualifier,
    Reason,
    Rules,
    RuleSettings,
    Scene,
    Side,
    Store,
    Verdict,
)
from policy.seats import Holding, Io, Product, ProductKind, Seat

AT = datetime(2026, 11, 4, 3, 0, tzinfo=UTC)
FIXED = ProductKind.PERIOD_FIXED
HELD = (Seat("9", Holding("M1", "P1", FIXED, Io.IN, AT), "S1"), Product("P1", "M1", FIXED))
POINTS = Device("desk", "S1", Side.IN, mode=Mode.APP, loyalty=True)
SEATS = replace(POINTS, qualify=frozenset({Qualifier.SEAT}))
RULES = Rules(
    tenant="acme",
    version=1,
    issued_at=AT,
    settings=RuleSettings(),
    stores={"S1": Store("S1", ZoneInfo("Asia/Tokyo"), {})},
    plans={},
    doors={},
    devices={},
    keys={},
)
REQUEST = Request(RULES, SEATS, Member("M1", bytes(8)), None, Scene(AT), (HELD,))
TODAY = date(2026, 11, 4)


@pytest.mark.parametrize(
    ("device", "serves"),
    [
        (POINTS, True),
        (SEATS, True),
        (replace(SEATS, loyalty=False), True),
        (replace(POINTS, loyalty=False), False),
        (replace(SEATS, mode=Mode.LOCK_QR), False),
        (replace(SEATS, door="front"), False),
        (replace(SEATS, side=Side.OUT), False),
    ],
)
def test_a_counter_has_no_door_and_something_to_do(device: Device, serves: bool) -> None:
    assert is_counter(device) is serves


def test_a_seat_is_toggled_and_the_visit_noted() -> None:
    served = serve(REQUEST)
    assert (served.decision.verdict, served.decision.via) == (Verdict.ALLOW, "seat")
    assert served.seat is not None
    assert served.visited == TODAY
    assert serve(replace(REQUEST, device=replace(SEATS, loyalty=False))).visited is None


def test_where_no_seats_are_served_only_the_visit_is_noted() -> None:
    served = serve(replace(REQUEST, device=POINTS))
    assert (served.decision.via, served.decision.service_date) == ("loyalty", TODAY)
    assert (served.seat, served.visited) == (None, TODAY)


REFUSED = {
    Reason.DEVICE_DISABLED: replace(REQUEST, device=replace(SEATS, enabled=False)),
    Reason.CODE_EXPIRED: replace(REQUEST, code_fault=Reason.CODE_EXPIRED),
    Reason.MEMBER_NOT_SYNCED: replace(REQUEST, member=None),
    Reason.MEMBER_SUSPENDED: replace(REQUEST, member=Member("M1", bytes(8), suspended=True)),
    Reason.CLOCK_UNTRUSTED: replace(REQUEST, scene=Scene(AT, clock_trusted=False)),
    Reason.SEAT_NOT_ASSIGNED: replace(REQUEST, seats=()),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refusal_changes_nothing(reason: Reason) -> None:
    served = serve(REFUSED[reason])
    assert served == Served(served.decision)
    assert (served.decision.verdict, served.decision.reason) == (Verdict.DENY, reason)
    assert not served.decision.trace[-1].passed
