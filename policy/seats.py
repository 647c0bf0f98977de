"""Seats of a study café: the seat's state is the right to come in (spec/rules.md 2.7, 4.2).

Each step takes the seat and the product that it holds, or is to hold, and gives both back.
Instants are aware UTC datetimes. A repeated step changes nothing and tells nobody twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from policy.model import Reason

_MINUTE = timedelta(minutes=1)


class ProductKind(StrEnum):
    """What a member has bought; a LOCKER product gives no seat."""

    SINGLE = "SINGLE"
    TIME = "TIME"
    PERIOD_FREE = "PERIOD_FREE"
    PERIOD_FIXED = "PERIOD_FIXED"
    LOCKER = "LOCKER"


class Io(StrEnum):
    """Whether the holder is checked in. Only a fixed seat is kept while checked out."""

    IN = "IN"
    OUT = "OUT"


class Colour(StrEnum):
    """The colours of the seat map."""

    WHITE = "white"
    GREY = "grey"
    YELLOW = "yellow"
    PURPLE = "purple"
    ORANGE = "orange"
    GREEN = "green"


class Notice(StrEnum):
    """What a parent is told, once for each change of a fixed seat."""

    CHECK_IN = "CHECK_IN"
    CHECK_OUT = "CHECK_OUT"


_COLOURS = {
    ProductKind.SINGLE: Colour.GREY,
    ProductKind.TIME: Colour.YELLOW,
    ProductKind.PERIOD_FREE: Colour.PURPLE,
    ProductKind.PERIOD_FIXED: Colour.ORANGE,
}


@dataclass(frozen=True, slots=True)
class Product:
    """What a member has bought, usable in `[valid_from, valid_to)`; None = no such bound.

    `minutes_left` counts for TIME only. `own_seat`: the seat of a PERIOD_FIXED product, None =
    any. `in_seat`: the seat that it holds now.
    """

    id: str
    member: str
    kind: ProductKind
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    minutes_left: int | None = None
    ended: bool = False
    own_seat: str | None = None
    in_seat: str | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """Who has a seat, by which product, and since when they are in or out."""

    member: str
    product: str
    kind: ProductKind
    io: Io
    since: datetime


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat of a store; `holding` None = free for anyone."""

    id: str
    holding: Holding | None = None
    store: str = ""


@dataclass(frozen=True, slots=True)
class Stepped:
    """What came of a step. `notice` goes to the holder's parent; `opens`: open the door."""

    seat: Seat
    product: Product | None
    result: Reason
    notice: Notice | None = None
    opens: bool = False


def colour(seat: Seat) -> Colour:
    """Return the seat's colour on the map."""
    if seat.holding is None:
        return Colour.WHITE
    return Colour.GREEN if seat.holding.io is Io.OUT else _COLOURS[seat.holding.kind]


def assign(seat: Seat, product: Product | None, member: str, at: datetime) -> Stepped:
    """Give a free seat to a member by a product of theirs, at the kiosk or by staff."""
    if product is None or product.member != member or product.kind is ProductKind.LOCKER:
        return Stepped(seat, product, Reason.NO_PRODUCT)
    refusal = validity_refusal(product, at) or _seating_refusal(seat, product)
    if refusal is not None:
        return Stepped(seat, product, refusal)
    taken = replace(seat, holding=Holding(member, product.id, product.kind, Io.IN, at))
    return Stepped(taken, replace(product, in_seat=seat.id), Reason.OK)


def entry_refusal(
    held: Iterable[tuple[Seat, Product | None]], member: str, at: datetime
) -> Reason | None:
    """Say why none of these seats lets the member in, or None (policy.model.Scene.seat_refusal).

    `held`: the member's seats at the store, each with its product. If all refuse, the first
    one's reason is told. In the order of spec/cases.md 15.
    """
    refusals = [_entry_refusal(seat, product, member, at) for seat, product in held]
    if not refusals:
        return Reason.SEAT_NOT_ASSIGNED
    return None if None in refusals else refusals[0]


def leave(
    seat: Seat, product: Product | None, member: str, at: datetime, *, auto_checkout: bool
) -> Stepped:
    """Answer a scan at the way out: always OK.

    With `auto_checkout` (setting `auto_checkout_on_exit`) it checks the member out as well.
    """
    if not auto_checkout:
        return Stepped(seat, product, Reason.OK)
    return replace(check_out(seat, product, member, at), result=Reason.OK)


def check_out(seat: Seat, product: Product | None, member: str, at: datetime) -> Stepped:
    """Check out: a fixed seat is kept without its door right, any other becomes free."""
    own = _own(seat, product, member)
    if isinstance(own, Reason):
        return Stepped(seat, product, own)
    held, paid_with = own
    if held.io is Io.OUT:
        return Stepped(seat, product, Reason.ALREADY_OUT)
    if held.kind is not ProductKind.PERIOD_FIXED:
        return Stepped(_freed(seat), _used(held, paid_with, at), Reason.OK)
    kept = replace(seat, holding=replace(held, io=Io.OUT, since=at))
    return Stepped(kept, product, Reason.OK, notice=Notice.CHECK_OUT)


def check_in(seat: Seat, product: Product | None, member: str, at: datetime) -> Stepped:
    """Check in again to a fixed seat: the door right comes back and the door opens."""
    own = _own(seat, product, member)
    if isinstance(own, Reason):
        return Stepped(seat, product, own)
    held, paid_with = own
    if held.io is Io.IN:
        return Stepped(seat, product, Reason.ALREADY_IN)
    refusal = validity_refusal(paid_with, at)
    if refusal is not None:
        return Stepped(seat, product, refusal)
    back = replace(seat, holding=replace(held, io=Io.IN, since=at))
    return Stepped(back, product, Reason.OK, notice=Notice.CHECK_IN, opens=True)


def force_end(seat: Seat, product: Product, at: datetime) -> Stepped:
    """End the use of `product` here, by staff or the holder; no notice is sent.

    A late copy that finds the seat held by another product is a STALE_COMMAND.
    """
    if seat.holding is None:
        return Stepped(seat, product, Reason.SEAT_NOT_ASSIGNED)
    if seat.holding.product != product.id:
        return Stepped(seat, product, Reason.STALE_COMMAND)
    return Stepped(_freed(seat), _used(seat.holding, product, at), Reason.OK)


def validity_refusal(product: Product, at: datetime) -> Reason | None:
    """Say why a product can't be used at `at`, or None; its minutes are not looked at."""
    if product.ended or (product.valid_to is not None and at >= product.valid_to):
        return Reason.PRODUCT_EXPIRED
    if product.valid_from is not None and at < product.valid_from:
        return Reason.NO_PRODUCT
    return None


def _seating_refusal(seat: Seat, product: Product) -> Reason | None:
    if product.kind is ProductKind.TIME and _minutes(product) <= 0:
        return Reason.TIME_BALANCE_EMPTY
    if product.own_seat not in (None, seat.id):
        return Reason.NOT_YOUR_FIXED_SEAT
    if seat.holding is not None:
        return Reason.SEAT_OCCUPIED
    return None if product.in_seat is None else Reason.ALREADY_IN  # one product, one seat


def _entry_refusal(seat: Seat, product: Product | None, member: str, at: datetime) -> Reason | None:
    held = seat.holding
    if held is None or held.member != member:
        return Reason.SEAT_NOT_ASSIGNED
    if product is None or product.id != held.product:
        return Reason.NO_PRODUCT
    refusal = validity_refusal(product, at)
    if refusal is not None:
        return refusal
    if held.io is Io.OUT:
        return Reason.SEAT_CHECKED_OUT
    timed = product.kind is ProductKind.TIME
    if timed and at - held.since >= _minutes(product) * _MINUTE:
        return Reason.TIME_BALANCE_EMPTY
    return None


def _own(seat: Seat, product: Product | None, member: str) -> tuple[Holding, Product] | Reason:
    held = seat.holding
    if held is None:
        return Reason.SEAT_NOT_ASSIGNED
    if held.member != member:
        fixed = held.kind is ProductKind.PERIOD_FIXED
        return Reason.NOT_YOUR_FIXED_SEAT if fixed else Reason.SEAT_NOT_ASSIGNED
    if product is None or product.id != held.product:
        return Reason.NO_PRODUCT
    return held, product


def _freed(seat: Seat) -> Seat:
    return replace(seat, holding=None)


def _used(held: Holding, product: Product, at: datetime) -> Product:
    """Return the product after its stay: a single one is over, a timed one has less left."""
    product = replace(product, in_seat=None)
    if held.kind is ProductKind.SINGLE:
        return replace(product, ended=True)
    if held.kind is ProductKind.TIME:
        used = max(0, -((held.since - at) // _MINUTE))  # a begun minute is a whole one
        return replace(product, minutes_left=max(0, _minutes(product) - used))
    return product


def _minutes(product: Product) -> int:
    return product.minutes_left or 0
