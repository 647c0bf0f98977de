from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.core import seating
from edged.core.seating import SeatChange
from policy import seats
from policy.model import Member, Reason
from policy.seats import Holding, Io, Notice, Product, ProductKind, Seat

AT = datetime(2026, 11, 4, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FIXED = ProductKind.PERIOD_FIXED


def seat(
    io: Io = Io.IN, kind: ProductKind = FIXED, since: datetime = AT, name: str = "9"
) -> tuple[Seat, Product]:
    held = Holding("M1", f"P{name}", kind, io, since)
    return Seat(name, held, "S1"), Product(f"P{name}", "M1", kind, minutes_left=60, in_seat=name)


def change(io: Io | None, since: datetime, **other: str) -> SeatChange:
    said = {"store": "S1", "seat": "9", "member": "M1", "product": "P9", **other}
    return SeatChange(**said, io=io, since=since)


@pytest.mark.parametrize("later", [-1, 0, 1])
@pytest.mark.parametrize("io", [Io.IN, Io.OUT, None])
def test_of_two_states_the_newer_counts(io: Io | None, later: int) -> None:
    cloud, _ = seat(Io.IN)
    since = AT + later * SECOND
    known = seating.as_known(cloud, change(io, since))
    if later <= 0:
        assert known == cloud
    elif io is None:
        assert known == Seat("9", None, "S1")
    else:
        assert known == seat(io, since=since)[0]


@pytest.mark.parametrize("other", [{"member": "M2"}, {"product": "P2"}])
def test_what_was_done_with_another_holding_changes_nothing(other: dict[str, str]) -> None:
    cloud, _ = seat(Io.OUT)
    assert seating.as_known(cloud, change(Io.IN, AT + SECOND, **other)) == cloud
    assert seating.as_known(Seat("9"), change(Io.IN, AT + SECOND)) == Seat("9")
    assert seating.as_known(cloud, None) == cloud


def test_only_seats_of_the_store_are_held_there() -> None:
    here, product = seat()
    member = Member("M1", bytes(8), products=(product,), seats=(here, replace(here, store="S2")))
    assert seating.held(member, "S1", lambda _store, _seat: None) == ((here, product),)
    given_back = change(None, AT + SECOND)
    free = replace(here, holding=None)
    assert seating.held(member, "S1", lambda _store, _seat: given_back) == ((free, None),)


def test_a_toggle_goes_out_and_in_with_one_notice_each() -> None:
    own = (seat(kind=ProductKind.PERIOD_FREE, name="1"), seat())
    done = seating.toggle(own, "M1", AT + SECOND)
    assert isinstance(done, tuple)
    out, stepped = done
    assert (out, stepped.notice) == (change(Io.OUT, AT + SECOND), Notice.CHECK_OUT)
    done = seating.toggle(((stepped.seat, stepped.product),), "M1", AT + 2 * SECOND)
    assert isinstance(done, tuple)
    back, stepped = done
    assert (back, stepped.notice) == (change(Io.IN, AT + 2 * SECOND), Notice.CHECK_IN)


def test_who_has_no_fixed_seat_or_a_product_that_is_over_is_told() -> None:
    assert seating.toggle((), "M1", AT) is Reason.SEAT_NOT_ASSIGNED
    free = seat(kind=ProductKind.SINGLE)
    given_back = (Seat("9", None, "S1"), None)
    assert seating.toggle((given_back, free), "M1", AT) is Reason.SEAT_NOT_ASSIGNED
    out, product = seat(Io.OUT)
    over = replace(product, valid_to=AT)
    assert seating.toggle(((out, over),), "M1", AT) is Reason.PRODUCT_EXPIRED


@given(
    behind=st.timedeltas(timedelta(0), timedelta(days=1)),
    kind=st.sampled_from([kind for kind in ProductKind if kind is not ProductKind.LOCKER]),
)
def test_what_is_changed_here_counts_over_what_it_changed(
    behind: timedelta, kind: ProductKind
) -> None:
    cloud, product = seat(kind=kind)
    own = ((cloud, product), (Seat("8", None, "S1"), None), seat(Io.OUT, name="7"))
    [(left, stepped)] = seating.leave(own, "M1", AT - behind, auto_checkout=True)
    assert seating.as_known(cloud, left) == stepped.seat
    assert seats.entry_refusal([(stepped.seat, stepped.product)], "M1", AT) is not None
    assert seating.leave(own, "M1", AT - behind, auto_checkout=False) == []
