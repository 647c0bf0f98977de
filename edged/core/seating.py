"""Seats as they are known here: the cloud's copy, and what was changed here since. Pure.

Source: spec/rules.md 2.7, 4.2, 4.7.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from policy import seats
from policy.model import Member, Reason
from policy.seats import Holding, Io, Product, ProductKind, Seat, Stepped

Held = tuple[tuple[Seat, Product | None], ...]
"""The seats of a member at one store, each with the product that pays for it."""


@dataclass(frozen=True, slots=True)
class SeatChange:
    """What was done here with a seat that a member held: in, out, or (None) given back."""

    store: str
    seat: str
    member: str
    product: str
    io: Io | None
    since: datetime


def held(member: Member, store: str, change_of: Callable[[str, str], SeatChange | None]) -> Held:
    """Return the member's seats at a store as they are known here.

    `change_of`: the last change that was made here, by store and seat.
    """
    own = [seat for seat in member.seats if seat.store == store]
    known = [as_known(seat, change_of(store, seat.id)) for seat in own]
    products = {product.id: product for product in member.products}
    return tuple(
        (seat, None if seat.holding is None else products.get(seat.holding.product))
        for seat in known
    )


def as_known(seat: Seat, change: SeatChange | None) -> Seat:
    """Return a seat of the cloud's copy with what was changed here later.

    Only of the holding that the cloud still knows: a seat that it gave to somebody else, or took
    away, is as it says.
    """
    holding = seat.holding
    if holding is None or change is None or change.since <= holding.since:
        return seat
    if (change.member, change.product) != (holding.member, holding.product):
        return seat
    if change.io is None:
        return replace(seat, holding=None)
    return replace(seat, holding=replace(holding, io=change.io, since=change.since))


def toggle(own: Held, member: str, at: datetime) -> tuple[SeatChange, Stepped] | Reason:
    """Check the member in to the first fixed seat, or out of it, whichever is possible."""
    for seat, product in own:
        holding = seat.holding
        if holding is not None and holding.kind is ProductKind.PERIOD_FIXED:
            step = seats.check_out if holding.io is Io.IN else seats.check_in
            stepped = step(seat, product, member, _after(holding, at))
            if stepped.result is not Reason.OK:
                return stepped.result
            return _change(seat, holding, stepped, at), stepped
    return Reason.SEAT_NOT_ASSIGNED


def leave(
    own: Held, member: str, at: datetime, *, auto_checkout: bool
) -> list[tuple[SeatChange, Stepped]]:
    """Check the member out of every seat at the way out, if the rules say so."""
    done = []
    for seat, product in own:
        holding = seat.holding
        if holding is not None and holding.io is Io.IN:
            then = _after(holding, at)
            stepped = seats.leave(seat, product, member, then, auto_checkout=auto_checkout)
            if stepped.seat != seat:
                done.append((_change(seat, holding, stepped, at), stepped))
    return done


def _after(holding: Holding, at: datetime) -> datetime:
    """Return `at`, or a later instant than what it changes: our clock may be behind."""
    return max(at, holding.since + datetime.resolution)


def _change(seat: Seat, before: Holding, stepped: Stepped, at: datetime) -> SeatChange:
    io = None if stepped.seat.holding is None else stepped.seat.holding.io
    since = _after(before, at)
    return SeatChange(seat.store, seat.id, before.member, before.product, io, since)
