from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from edged.core.access import Request
from edged.core.counter import Paid, Served, is_counter, serve
from policy.locker_model import Locker, LockerState, Occupancy
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
LOCKERS = replace(POINTS, loyalty=False, lockers=True)
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

HOUR = timedelta(hours=1)
PAID = Product("P2", "M1", ProductKind.LOCKER, AT - HOUR, AT + HOUR)
BY_P2 = Paid("P2", AT + HOUR)
FREE = (Locker("L1", LockerState.OUT_OF_ORDER), Locker("L2"), Locker("L3"))


def kept(product: str | None, state: LockerState = LockerState.IN_USE, who: str = "M1") -> Locker:
    return Locker("L1", state, Occupancy("O1", who, AT - HOUR, AT + HOUR, product))


def at_lockers(*products: Product, lockers: tuple[Locker, ...] = FREE, **device: Any) -> Request:
    member = Member("M1", bytes(8), products=products)
    return replace(REQUEST, device=replace(LOCKERS, **device), member=member, lockers=lockers)


@pytest.mark.parametrize(
    ("device", "serves"),
    [
        (POINTS, True),
        (SEATS, True),
        (replace(SEATS, loyalty=False), True),
        (LOCKERS, True),
        (replace(LOCKERS, door="front"), False),
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


# --- lockers


def test_who_has_paid_is_given_the_first_free_locker() -> None:
    served = serve(at_lockers(PAID))
    assert (served.decision.verdict, served.decision.via) == (Verdict.ALLOW, "locker")
    assert served.locker == (FREE[1], BY_P2)


@pytest.mark.parametrize("paid_with", ["P2", None])
@pytest.mark.parametrize(
    "state", [LockerState.IN_USE, LockerState.RELEASING, LockerState.OUT_OF_ORDER]
)
def test_one_product_pays_for_one_locker(paid_with: str | None, state: LockerState) -> None:
    own = kept(paid_with, state)
    served = serve(at_lockers(PAID, lockers=(*FREE, own)))
    assert (served.decision.reason, served.locker) == (Reason.OK, (own, None))


def test_two_products_pay_for_two() -> None:
    more, by_p3 = replace(PAID, id="P3"), Paid("P3", AT + HOUR)
    assert serve(at_lockers(PAID, more, lockers=(kept("P2"), *FREE))).locker == (FREE[1], by_p3)
    assert serve(at_lockers(PAID, more, lockers=(kept(None), *FREE))).locker == (FREE[1], by_p3)


def test_what_others_hold_is_nobody_elses() -> None:
    served = serve(at_lockers(lockers=(kept("P2", who="M2"),)))
    assert served.decision.reason is Reason.LOCKER_NOT_ASSIGNED


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        pytest.param(at_lockers(), Reason.LOCKER_NOT_ASSIGNED, id="nothing bought"),
        pytest.param(
            at_lockers(replace(PAID, kind=ProductKind.PERIOD_FREE)),
            Reason.LOCKER_NOT_ASSIGNED,
            id="a seat's product",
        ),
        pytest.param(at_lockers(replace(PAID, ended=True)), Reason.LOCKER_NOT_ASSIGNED, id="ended"),
        pytest.param(
            at_lockers(replace(PAID, valid_to=AT)), Reason.LOCKER_NOT_ASSIGNED, id="run out"
        ),
        pytest.param(
            at_lockers(replace(PAID, valid_from=AT + HOUR)),
            Reason.LOCKER_NOT_ASSIGNED,
            id="not begun",
        ),
        pytest.param(
            at_lockers(replace(PAID, valid_to=None)), Reason.LOCKER_NOT_ASSIGNED, id="no end"
        ),
        pytest.param(at_lockers(PAID, lockers=FREE[:1]), Reason.LOCKER_OCCUPIED, id="none free"),
        pytest.param(
            at_lockers(PAID, lockers=(kept("P1", LockerState.WAITING), *FREE)),
            Reason.LOCKER_EXPIRED,
            id="things left beyond the end",
        ),
        pytest.param(
            replace(at_lockers(PAID), scene=Scene(AT, clock_trusted=False)),
            Reason.CLOCK_UNTRUSTED,
            id="no time",
        ),
    ],
)
def test_a_refused_locker_is_given_to_nobody(asked: Request, reason: Reason) -> None:
    served = serve(asked)
    assert served == Served(served.decision)
    assert (served.decision.verdict, served.decision.reason) == (Verdict.DENY, reason)


BOTH = frozenset({Qualifier.SEAT})


def test_a_seat_and_a_locker_are_served_at_once() -> None:
    served = serve(at_lockers(PAID, qualify=BOTH))
    assert (served.decision.via, served.locker) == ("seat", (FREE[1], BY_P2))
    assert served.seat is not None


@pytest.mark.parametrize(
    ("asked", "reason", "via"),
    [
        pytest.param(at_lockers(qualify=BOTH), Reason.OK, "seat", id="no locker"),
        pytest.param(
            replace(at_lockers(PAID, qualify=BOTH), seats=()), Reason.OK, "locker", id="no seat"
        ),
        pytest.param(
            replace(at_lockers(qualify=BOTH), seats=()),
            Reason.SEAT_NOT_ASSIGNED,
            None,
            id="neither",
        ),
        pytest.param(
            replace(at_lockers(PAID, qualify=BOTH, lockers=()), seats=()),
            Reason.LOCKER_OCCUPIED,
            None,
            id="no seat, none free",
        ),
        pytest.param(at_lockers(loyalty=True), Reason.OK, "loyalty", id="a visit"),
        pytest.param(
            at_lockers(PAID, loyalty=True, lockers=()), Reason.LOCKER_OCCUPIED, None, id="none free"
        ),
    ],
)
def test_it_refuses_only_if_nothing_could_be_done(
    asked: Request, reason: Reason, via: str | None
) -> None:
    decision = serve(asked).decision
    assert (decision.reason, decision.via) == (reason, via)
