"""The shapes of what the rules file says of one person (spec/rules.md 2.4, 2.5)."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from edged.rulebook.cafe import ProductShape, SeatShape, cafe_nouns
from edged.rulebook.fields import (
    Day,
    Handle,
    Hash,
    Id,
    Instant,
    Kid,
    Kind,
    Number,
    Shape,
    Some,
    Text,
    instant,
    ticked,
)
from policy.codes import RotatingKey
from policy.model import (
    Booking,
    BookingStatus,
    CodeKind,
    Contract,
    DayRule,
    Gender,
    HolidayRule,
    Member,
    Staff,
    StaffRole,
    Ticket,
    TicketType,
    Warn,
)

_NONE: Final[Any] = Field(default_factory=dict)


class ContractShape(Shape):
    """A member's plan with its dates, all of them inclusive (spec/rules.md 2.4)."""

    id: Id
    plan: Id
    start: Day
    end: Day | None = None
    paused: Annotated[tuple[tuple[Day, Day], ...], Some] = ()
    """Pauses, each with its first and last date."""
    main: bool = False

    def noun(self) -> Contract:
        """Build the contract."""
        return Contract(**vars(self))


class TicketShape(Shape):
    """A number of uses (spec/rules.md 2.5)."""

    id: Id
    type: TicketType
    """Only ENTRY opens a door by itself."""
    remaining: Number
    """Uses that are left."""
    counted_to: Day | None = None
    """The last service date whose uses are taken off that number; null: none is."""
    valid_from: Day
    valid_to: Day | None = None
    bands: Annotated[frozenset[Kind], Some] | None = None
    """Band kinds in which it is good; null: any time."""
    weekdays: Annotated[str, Field(pattern="^[01]{7}$")] = "1111111"
    """Ticked weekdays, Monday first."""
    holiday: HolidayRule = HolidayRule.ALL
    """What a holiday does to the weekdays."""
    stores: Annotated[frozenset[Id], Some] | None = None
    """The stores that it opens; null: all."""

    def noun(self) -> Ticket:
        """Build the ticket."""
        said = dict(vars(self))
        days = DayRule(ticked(said.pop("weekdays")), said.pop("holiday"))
        return Ticket(days=days, **said)


class BookingShape(Shape):
    """A booked program or room (spec/rules.md 2.5)."""

    id: Id
    store: Id
    program: Id
    start: Instant
    end: Instant
    status: BookingStatus
    paid: bool
    room: Id | None = None
    handle: Handle | None = None
    """The 8 bytes by which booking codes name it, in hex."""
    changed_at: Instant | None = None
    """When the cloud last changed it; a booking code that is newer counts more."""

    def noun(self) -> Booking:
        """Build the booking."""
        said = {
            "start": instant(self.start),
            "end": instant(self.end),
            "handle": None if self.handle is None else bytes.fromhex(self.handle),
            "changed_at": None if self.changed_at is None else instant(self.changed_at),
        }
        return Booking(**{**vars(self), **said})


class MemberShape(Shape):
    """A person by handle: no name, no number (spec/rules.md 2.4)."""

    handle: Handle
    """The 8 bytes that the member's codes hold, in hex."""
    contracts: Annotated[tuple[ContractShape, ...], Some] = ()
    tickets: Annotated[tuple[TicketShape, ...], Some] = ()
    bookings: Annotated[tuple[BookingShape, ...], Some] = ()
    products: Annotated[tuple[ProductShape, ...], Some] = ()
    seats: Annotated[tuple[SeatShape, ...], Some] = ()
    """The seats that the member holds by these products."""
    gender: Gender | None = None
    extended_time: bool = False
    """Whether doors stay open longer for this member."""
    suspended: bool = False
    id_suspended: bool = False
    """Stopped by the identity check."""
    withdrawn: bool = False
    notices: frozenset[Literal["PAYMENT_UNPAID", "BANK_UNREGISTERED", "OPEN_NOTE"]] = frozenset()
    """What staff should know; no notice keeps anyone out."""
    fixed_code_version: Number = 1
    """The version of the printed code that is valid; older ones are revoked."""
    label: Text | None = None
    """What staff may see instead of a name, masked."""
    rotating: Annotated[dict[Kid, Annotated[dict[Id, Hash], Some]], Some] = _NONE
    """The secrets of the member's rotating codes, 32 bytes in hex, by epoch and by store."""
    plain: Annotated[dict[CodeKind, Annotated[tuple[Hash, ...], Some]], Some] = _NONE
    """The HMAC-SHA256 of the member's plain codes with the store's pepper, in hex, by kind."""

    def noun(self, member: str) -> Member:
        """Build the member with this id; the plain codes lead to it and are no part of it."""
        seats, products = cafe_nouns(member, self.seats, self.products)
        said = dict(vars(self))
        del said["plain"]
        keys = [
            RotatingKey(int(kid), store, bytes.fromhex(key))
            for kid, stores in self.rotating.items()
            for store, key in stores.items()
        ]
        return Member(
            id=member,
            **{
                **said,
                "rotating": tuple(keys),
                "handle": bytes.fromhex(self.handle),
                "contracts": tuple(contract.noun() for contract in self.contracts),
                "tickets": tuple(ticket.noun() for ticket in self.tickets),
                "bookings": tuple(booking.noun() for booking in self.bookings),
                "products": products,
                "seats": seats,
                "notices": frozenset(Warn(f"WARN_{notice}") for notice in self.notices),
            },
        )


class StaffShape(Shape):
    """A person who works here, by handle (spec/rules.md 2.4)."""

    handle: Handle
    """The 8 bytes that this person's codes hold, in hex."""
    roles: frozenset[StaffRole]
    """What this person may do."""
    stores: Annotated[frozenset[Id], Some] | None = None
    """Where; null: at all stores."""
    active: bool = True
    version: Number = 1
    """The version of the fixed card that is valid; older ones are revoked."""
    pin_hash: Hash | None = None
    """The HMAC-SHA256 of the PIN beside the card, in hex; null: there is none."""
    valid_from: Day | None = None
    valid_to: Day | None = None
    """The last date, in UTC; null: until further notice."""

    def noun(self, person: str) -> Staff:
        """Build the person with this id."""
        pin_hash = None if self.pin_hash is None else bytes.fromhex(self.pin_hash)
        said = {**vars(self), "handle": bytes.fromhex(self.handle), "pin_hash": pin_hash}
        return Staff(id=person, **said)
