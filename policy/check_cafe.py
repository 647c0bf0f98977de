"""What is wrong with the seats, products and rooms of a set of rules (spec/rules.md 2.7).

Beside `policy.check`, in its terms.
"""

from collections import Counter
from collections.abc import Iterator

from policy.check import Fault, FaultCode, Names
from policy.model import Member, Rules
from policy.seats import ProductKind, Seat


def check_rooms(rules: Rules) -> list[Fault]:
    """Return all faults of the stores' room bookings."""
    return [
        Fault(
            f"stores.{store.id}.room_bookings.{booking.id}.end",
            FaultCode.END_BEFORE_START,
            f"{booking.end} is not after {booking.start}",
        )
        for store in rules.stores.values()
        for booking in store.room_bookings
        if booking.end <= booking.start
    ]


def check_seats(rules: Rules, member: Member, unread: Names) -> list[Fault]:
    """Return all faults of a member's products and seats.

    That nobody else holds a seat is the reader's check: it alone sees all members.
    """
    path = f"members.{member.id}"
    faults = [*_products(f"{path}.products", member)]
    stores = rules.stores.keys() | unread.stores
    for n, seat in enumerate(member.seats):
        where = f"{path}.seats[{n}]"
        if seat.store not in stores:
            text = f"the rules have no store {seat.store!r}"
            faults.append(Fault(f"{where}.store", FaultCode.UNKNOWN_REFERENCE, text))
        faults += _holding(f"{where}.product", member, seat)
    return faults


def _products(path: str, member: Member) -> Iterator[Fault]:
    for name, times in Counter(product.id for product in member.products).items():
        if times > 1:
            yield Fault(path, FaultCode.DUPLICATE_ID, f"{name!r} stands {times} times")
    for n, product in enumerate(member.products):
        first, last = product.valid_from, product.valid_to
        if first is not None and last is not None and last <= first:
            text = f"{last} is not after {first}"
            yield Fault(f"{path}[{n}].valid_to", FaultCode.END_BEFORE_START, text)
        if product.minutes_left is not None and product.minutes_left < 0:
            text = f"{product.minutes_left}: minutes are 0 or more"
            yield Fault(f"{path}[{n}].minutes_left", FaultCode.OUT_OF_RANGE, text)


def _holding(path: str, member: Member, seat: Seat) -> Iterator[Fault]:
    holding = seat.holding
    if holding is None:
        return
    product = next((one for one in member.products if one.id == holding.product), None)
    if product is None:
        text = f"the member has no product {holding.product!r}"
        yield Fault(path, FaultCode.UNKNOWN_REFERENCE, text)
    elif product.kind is ProductKind.LOCKER:
        yield Fault(path, FaultCode.UNKNOWN_REFERENCE, "a LOCKER product gives no seat")
    elif product.in_seat != seat.id:
        yield Fault(path, FaultCode.DUPLICATE_ID, f"it holds the seat {product.in_seat!r} as well")
