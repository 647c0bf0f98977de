"""The shapes of what the rules file says of seats, products and rooms (spec/rules.md 2.7)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from edged.rulebook.fields import Handle, Id, Instant, Number, Shape, instant
from edged.store import limits
from policy.rooms import RoomBooking, RoomStatus
from policy.seats import Holding, Io, Product, ProductKind, Seat


class ProductShape(Shape):
    """What a member has bought at a study café (spec/rules.md 2.7)."""

    id: Id
    kind: ProductKind
    """A LOCKER product gives no seat."""
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    """The instant from which it is over."""
    minutes_left: Number | None = None
    """What is left of a TIME product, before the stay that goes on."""
    ended: bool = False
    own_seat: Id | None = None
    """The seat of a PERIOD_FIXED product; null: any."""

    def noun(self, member: str, in_seat: str | None) -> Product:
        """Build the product of this member, in the seat that it holds now."""
        return Product(
            self.id,
            member,
            self.kind,
            _instant(self.valid_from),
            _instant(self.valid_to),
            self.minutes_left,
            self.ended,
            self.own_seat,
            in_seat,
        )


class SeatShape(Shape):
    """A seat that a member holds (spec/rules.md 4.2)."""

    id: Id
    store: Id
    product: Id
    """The member's product that pays for it."""
    io: Io
    """Whether the member is checked in."""
    since: Instant
    """Since when; of what is known here and in the cloud, the newer counts."""

    def noun(self, member: str, kind: ProductKind) -> Seat:
        """Build the seat, held by this member with a product of this kind."""
        held = Holding(member, self.product, kind, self.io, instant(self.since))
        return Seat(self.id, held, self.store)


class RoomBookingShape(Shape):
    """One booking of a reservation room, from `start` to `end` (spec/rules.md 4.3)."""

    room: Id
    start: Instant
    end: Instant
    status: RoomStatus
    """Only PAID opens."""
    users: Annotated[tuple[Id, ...], Field(max_length=limits.ENTRIES)] = ()
    """The members who may come in; whoever booked is none of them unless listed."""
    handle: Handle | None = None
    """The 8 bytes by which booking codes name it, in hex."""
    changed_at: Instant | None = None
    """When the cloud last changed it; a booking code that is newer counts more."""

    def noun(self, booking: str) -> RoomBooking:
        """Build the booking with this id; what only the cloud needs of it is left out."""
        return RoomBooking(
            booking,
            self.room,
            instant(self.start),
            instant(self.end),
            self.status,
            "",
            self.users,
            handle=None if self.handle is None else bytes.fromhex(self.handle),
            changed_at=_instant(self.changed_at),
        )


def cafe_nouns(
    member: str, seats: Sequence[SeatShape], products: Sequence[ProductShape]
) -> tuple[tuple[Seat, ...], tuple[Product, ...]]:
    """Build a member's seats and products, each knowing the other.

    A seat whose product is not there gets the kind that gives no seat; `policy.check_cafe`
    finds it.
    """
    kinds = {product.id: product.kind for product in products}
    taken = {seat.product: seat.id for seat in seats}
    return (
        tuple(seat.noun(member, kinds.get(seat.product, ProductKind.LOCKER)) for seat in seats),
        tuple(product.noun(member, taken.get(product.id)) for product in products),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant(text)
