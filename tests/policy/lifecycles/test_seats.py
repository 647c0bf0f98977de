"""What each step does to a seat in each state, and what holds in every story (rules.md 4.2)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model import Reason
from policy.seats import (
    Colour,
    Holding,
    Io,
    Notice,
    Product,
    ProductKind,
    Seat,
    Stepped,
    assign,
    check_in,
    check_out,
    colour,
    entry_refusal,
    force_end,
    leave,
)

NINE = datetime(2026, 11, 4, tzinfo=UTC)
LATER = NINE + timedelta(minutes=30, seconds=1)
PRODUCTS = {
    kind: Product(f"{kind}-M", "M", kind, minutes_left=60, in_seat="9") for kind in ProductKind
}
SPARE = Product("spare", "N", ProductKind.SINGLE)
MINE = Product("mine", "M", ProductKind.SINGLE)


def held(kind: ProductKind, io: Io = Io.IN) -> Seat:
    return Seat("9", Holding("M", f"{kind}-M", kind, io, NINE))


SEATS = {
    "FREE": (Seat("9"), None),
    "SINGLE": (held(ProductKind.SINGLE), PRODUCTS[ProductKind.SINGLE]),
    "TIME": (held(ProductKind.TIME), PRODUCTS[ProductKind.TIME]),
    "PERIOD": (held(ProductKind.PERIOD_FREE), PRODUCTS[ProductKind.PERIOD_FREE]),
    "FIXED": (held(ProductKind.PERIOD_FIXED), PRODUCTS[ProductKind.PERIOD_FIXED]),
    "FIXED OUT": (held(ProductKind.PERIOD_FIXED, Io.OUT), PRODUCTS[ProductKind.PERIOD_FIXED]),
}
Step = Callable[[Seat, Product | None], Stepped]


def at_the_door(member: str) -> Step:
    def step(seat: Seat, product: Product | None) -> Stepped:
        refusal = entry_refusal([(seat, product)], member, LATER)
        return Stepped(seat, product, refusal or Reason.OK)

    return step


def ended(seat: Seat, product: Product | None) -> Stepped:
    return force_end(seat, product or MINE, LATER)


# Step, what it does per state ("else": in all others). A cell is the state after, "=" for a seat
# and product that are exactly as before, the result and the notice.
TABLE: dict[str, tuple[Step, dict[str, str]]] = {
    "assign to another": (
        lambda seat, _: assign(seat, SPARE, "N", LATER),
        {"FREE": "SINGLE OK", "else": "= SEAT_OCCUPIED"},
    ),
    "assign again": (
        lambda seat, product: assign(seat, product, "M", LATER),
        {"FREE": "= NO_PRODUCT", "else": "= SEAT_OCCUPIED"},
    ),
    "holder at the door": (
        at_the_door("M"),
        {"FREE": "= SEAT_NOT_ASSIGNED", "FIXED OUT": "= SEAT_CHECKED_OUT", "else": "= OK"},
    ),
    "another at the door": (at_the_door("N"), {"else": "= SEAT_NOT_ASSIGNED"}),
    "holder leaves": (
        lambda seat, product: leave(seat, product, "M", LATER, auto_checkout=False),
        {"else": "= OK"},
    ),
    "holder leaves and is checked out": (
        lambda seat, product: leave(seat, product, "M", LATER, auto_checkout=True),
        {
            "FREE": "= OK",
            "FIXED": "FIXED OUT OK CHECK_OUT",
            "FIXED OUT": "= OK",
            "else": "FREE OK",
        },
    ),
    "holder checks out": (
        lambda seat, product: check_out(seat, product, "M", LATER),
        {
            "FREE": "= SEAT_NOT_ASSIGNED",
            "FIXED": "FIXED OUT OK CHECK_OUT",
            "FIXED OUT": "= ALREADY_OUT",
            "else": "FREE OK",
        },
    ),
    "another checks out": (
        lambda seat, product: check_out(seat, product, "N", LATER),
        {
            "FIXED": "= NOT_YOUR_FIXED_SEAT",
            "FIXED OUT": "= NOT_YOUR_FIXED_SEAT",
            "else": "= SEAT_NOT_ASSIGNED",
        },
    ),
    "holder checks in": (
        lambda seat, product: check_in(seat, product, "M", LATER),
        {
            "FREE": "= SEAT_NOT_ASSIGNED",
            "FIXED OUT": "FIXED OK CHECK_IN",
            "else": "= ALREADY_IN",
        },
    ),
    "another checks in": (
        lambda seat, product: check_in(seat, product, "N", LATER),
        {
            "FIXED": "= NOT_YOUR_FIXED_SEAT",
            "FIXED OUT": "= NOT_YOUR_FIXED_SEAT",
            "else": "= SEAT_NOT_ASSIGNED",
        },
    ),
    "the use ends": (ended, {"FREE": "= SEAT_NOT_ASSIGNED", "else": "FREE OK"}),
    "another use ends": (
        lambda seat, _: force_end(seat, MINE, LATER),
        {"FREE": "= SEAT_NOT_ASSIGNED", "else": "= STALE_COMMAND"},
    ),
    "another product checks in": (
        lambda seat, _: check_in(seat, MINE, "M", LATER),
        {"FREE": "= SEAT_NOT_ASSIGNED", "else": "= NO_PRODUCT"},
    ),
}
PAIRS = [
    pytest.param(state, step, cells.get(state, cells["else"]), id=f"{name} when {state}")
    for name, (step, cells) in TABLE.items()
    for state in SEATS
]


def spell_state(seat: Seat) -> str:
    if seat.holding is None:
        return "FREE"
    kind = {ProductKind.PERIOD_FREE: "PERIOD", ProductKind.PERIOD_FIXED: "FIXED"}
    out = " OUT" if seat.holding.io is Io.OUT else ""
    return kind.get(seat.holding.kind, seat.holding.kind.value) + out


@pytest.mark.parametrize(("state", "step", "cell"), PAIRS)
def test_step(state: str, step: Step, cell: str) -> None:
    seat, product = SEATS[state]
    stepped = step(seat, product)
    notice = f" {stepped.notice.value}" if stepped.notice else ""
    after = "=" if stepped.seat == seat else spell_state(stepped.seat)
    assert f"{after} {stepped.result.value}{notice}" == cell
    assert stepped.opens is (stepped.notice is Notice.CHECK_IN)
    if after == "=" or stepped.notice:
        assert stepped.product in (product, SPARE, MINE)
    if stepped.notice and stepped.seat.holding:
        assert stepped.seat.holding.since == LATER


@pytest.mark.parametrize(
    ("state", "product_after"),
    [
        ("SINGLE", {"ended": True, "in_seat": None}),
        ("TIME", {"minutes_left": 29, "in_seat": None}),
        ("PERIOD", {"in_seat": None}),
        ("FIXED", {"in_seat": None}),
        ("FIXED OUT", {"in_seat": None}),
    ],
)
def test_what_a_use_takes_from_its_product(state: str, product_after: dict[str, Any]) -> None:
    seat, product = SEATS[state]
    assert product is not None
    assert force_end(seat, product, LATER).product == replace(product, **product_after)


@pytest.mark.parametrize(
    ("stay_s", "left"), [(0, 60), (1, 59), (60, 59), (61, 58), (3_600, 0), (7_200, 0), (-1, 60)]
)
def test_a_begun_minute_is_a_whole_one_and_no_more_is_taken_than_is_left(
    stay_s: int, left: int
) -> None:
    seat, product = SEATS["TIME"]
    assert product is not None
    after = force_end(seat, product, NINE + timedelta(seconds=stay_s)).product
    assert after == replace(product, minutes_left=left, in_seat=None)


@pytest.mark.parametrize(
    ("product", "result"),
    [
        (replace(MINE, kind=ProductKind.LOCKER), Reason.NO_PRODUCT),
        (replace(MINE, member="N"), Reason.NO_PRODUCT),
        (replace(MINE, valid_from=NINE + timedelta(seconds=1)), Reason.NO_PRODUCT),
        (replace(MINE, valid_from=NINE), Reason.OK),
        (replace(MINE, valid_to=NINE), Reason.PRODUCT_EXPIRED),
        (replace(MINE, valid_to=NINE + timedelta(seconds=1)), Reason.OK),
        (replace(MINE, ended=True), Reason.PRODUCT_EXPIRED),
        (replace(MINE, kind=ProductKind.TIME, minutes_left=0), Reason.TIME_BALANCE_EMPTY),
        (replace(MINE, kind=ProductKind.TIME, minutes_left=1), Reason.OK),
        (replace(MINE, kind=ProductKind.TIME), Reason.TIME_BALANCE_EMPTY),
        (replace(MINE, own_seat="9"), Reason.OK),
        (replace(MINE, own_seat="8"), Reason.NOT_YOUR_FIXED_SEAT),
        (replace(MINE, in_seat="8"), Reason.ALREADY_IN),
    ],
)
def test_who_gets_a_free_seat(product: Product, result: Reason) -> None:
    stepped = assign(Seat("9"), product, "M", NINE)
    assert stepped.result is result
    assert (stepped.seat == Seat("9")) is (result is not Reason.OK)


def test_one_seat_that_lets_in_is_enough() -> None:
    out, inside = SEATS["FIXED OUT"], SEATS["SINGLE"]
    assert entry_refusal([], "M", LATER) is Reason.SEAT_NOT_ASSIGNED
    assert entry_refusal([out, (Seat("1"), None)], "M", LATER) is Reason.SEAT_CHECKED_OUT
    assert entry_refusal([out, inside], "M", LATER) is None


def test_a_seat_without_its_product_lets_nobody_in() -> None:
    seat, _ = SEATS["SINGLE"]
    assert entry_refusal([(seat, None)], "M", LATER) is Reason.NO_PRODUCT
    assert entry_refusal([(seat, MINE)], "M", LATER) is Reason.NO_PRODUCT


def test_an_expired_product_is_told_before_a_seat_that_is_checked_out() -> None:
    seat, product = SEATS["FIXED OUT"]
    assert product is not None
    expired = replace(product, valid_to=LATER)
    assert entry_refusal([(seat, expired)], "M", LATER) is Reason.PRODUCT_EXPIRED
    assert check_in(seat, expired, "M", LATER) == Stepped(seat, expired, Reason.PRODUCT_EXPIRED)


def test_colours() -> None:
    assert {state: colour(seat) for state, (seat, _) in SEATS.items()} == {
        "FREE": Colour.WHITE,
        "SINGLE": Colour.GREY,
        "TIME": Colour.YELLOW,
        "PERIOD": Colour.PURPLE,
        "FIXED": Colour.ORANGE,
        "FIXED OUT": Colour.GREEN,
    }


acts = st.sampled_from(["assign", "check_in", "check_out", "leave", "force_end"])
who = st.sampled_from([("M", kind) for kind in ProductKind] + [("N", ProductKind.SINGLE)])
stories = st.lists(st.tuples(st.integers(0, 7_200), acts, who), max_size=20)


def do(act: str, seat: Seat, product: Product, member: str, at: datetime) -> Stepped:
    match act:
        case "assign":
            return assign(seat, product, member, at)
        case "check_in":
            return check_in(seat, product, member, at)
        case "check_out":
            return check_out(seat, product, member, at)
        case "leave":
            return leave(seat, product, member, at, auto_checkout=True)
        case _:
            return force_end(seat, product, at)


@given(stories)
def test_every_story_of_a_seat(story: list[tuple[int, str, tuple[str, ProductKind]]]) -> None:
    seat, at = Seat("9"), NINE
    owned = {
        pair: Product(f"{pair[1]}-{pair[0]}", *pair, minutes_left=90)
        for pair in [("N", ProductKind.SINGLE), *(("M", kind) for kind in ProductKind)]
    }
    for gap_s, act, pair in story:
        at += timedelta(seconds=gap_s)
        product = owned[pair]
        stepped = do(act, seat, product, pair[0], at)
        after = stepped.product
        assert after is not None
        again = do(act, stepped.seat, after, pair[0], at)
        assert (again.seat, again.product) == (stepped.seat, after)
        assert again.notice is None
        assert not again.opens

        assert 0 <= (after.minutes_left or 0) <= (product.minutes_left or 0)
        assert after.ended or not product.ended
        was, now = seat.holding, stepped.seat.holding
        if was is not None and now is not None:
            assert (was.member, was.product) == (now.member, now.product)
            assert (stepped.notice is not None) is (was.io is not now.io)
        else:
            assert stepped.notice is None
        assert after.in_seat == ("9" if now and now.product == after.id else None)
        if after.ended:
            assert entry_refusal([(stepped.seat, after)], pair[0], at) is not None
        seat, owned[pair] = stepped.seat, after
