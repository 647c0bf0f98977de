"""What is wrong with what codes name and are checked by, beside the keys (spec/credentials.md).

Beside `policy.check`, in its terms.
"""

from collections.abc import Iterator

from policy import limits
from policy.check import Fault, FaultCode, Names
from policy.codes import PLAIN, Pattern
from policy.model import Booking, CodeKind, Device, KeyRole, Member, Rules, Store
from policy.rooms import RoomBooking


def check_codes(rules: Rules) -> list[Fault]:
    """Return all faults of the stores' numbers and rooms, and of the plain kinds."""
    faults: list[Fault] = []
    numbers: dict[int, str] = {}
    for store in rules.stores.values():
        faults += _store(f"stores.{store.id}", store, numbers)
    for kind, pattern in rules.plain.items():
        faults += _pattern(f"plain.{kind}", kind, pattern)
    for device in rules.devices.values():
        faults += _device(f"devices.{device.id}", device, rules)
    return faults


def check_member_codes(rules: Rules, member: Member, unread: Names) -> list[Fault]:
    """Return all faults of a member's keys and of the handles of the member's bookings."""
    path = f"members.{member.id}"
    faults: list[Fault] = []
    for n, booking in enumerate(member.bookings):
        faults += _booking(f"{path}.bookings[{n}]", booking)
    for one in member.rotating:
        where = f"{path}.rotating.{one.kid}"
        key, store = rules.keys.get(one.kid), rules.stores.get(one.store)
        if key is None or key.role is not KeyRole.ROTATING:
            text = f"the rules have no key {one.kid} of rotating codes"
            faults.append(Fault(where, FaultCode.UNKNOWN_REFERENCE, text))
        if store is None and one.store not in unread.stores:
            text = f"the rules have no store {one.store!r}"
            faults.append(Fault(f"{where}.{one.store}", FaultCode.UNKNOWN_REFERENCE, text))
        elif store is not None and store.number is None:
            text = "the store has no number, by which such codes name it"
            faults.append(Fault(f"{where}.{one.store}", FaultCode.UNKNOWN_REFERENCE, text))
    return faults


def _store(path: str, store: Store, numbers: dict[int, str]) -> Iterator[Fault]:
    if store.number is not None:
        if store.number not in limits.STORE_NUMBER:
            text = f"{store.number} is not in {limits.STORE_NUMBER}: {limits.STORE_NUMBER.reason}"
            yield Fault(f"{path}.number", FaultCode.OUT_OF_RANGE, text)
        holder = numbers.setdefault(store.number, store.id)
        if holder != store.id:
            yield Fault(f"{path}.number", FaultCode.DUPLICATE_ID, f"{holder} has it already")
    holders: dict[bytes, str] = {}
    for room, handle in store.rooms.items():
        holder = holders.setdefault(handle, room)
        if holder != room:
            where = f"{path}.rooms.{room}"
            yield Fault(where, FaultCode.DUPLICATE_HANDLE, f"{holder} has it already")
    for booking in store.room_bookings:
        yield from _booking(f"{path}.room_bookings.{booking.id}", booking)


def _booking(path: str, booking: Booking | RoomBooking) -> Iterator[Fault]:
    """A code of a booking counts for what it says only until the booking has changed."""
    if booking.handle is not None and booking.changed_at is None:
        text = "a booking with a handle says when it was last changed"
        yield Fault(f"{path}.changed_at", FaultCode.MISSING_CHANGE, text)


def _pattern(path: str, kind: CodeKind, pattern: Pattern) -> Iterator[Fault]:
    if kind not in PLAIN:
        text = "a code with a proof has no pattern of its own"
        yield Fault(path, FaultCode.UNKNOWN_REFERENCE, text)
    for name, chars in (("min_chars", pattern.min_chars), ("max_chars", pattern.max_chars)):
        if chars not in limits.PLAIN_CHARS:
            text = f"{chars} is not in {limits.PLAIN_CHARS}: {limits.PLAIN_CHARS.reason}"
            yield Fault(f"{path}.{name}", FaultCode.OUT_OF_RANGE, text)
    if pattern.max_chars < pattern.min_chars:
        text = f"{pattern.max_chars} is less than min_chars, {pattern.min_chars}"
        yield Fault(f"{path}.max_chars", FaultCode.OUT_OF_RANGE, text)


def _device(path: str, device: Device, rules: Rules) -> Iterator[Fault]:
    for kind in sorted((device.codes & PLAIN) - rules.plain.keys()):
        text = f"the rules have no pattern of {kind}"
        yield Fault(f"{path}.codes", FaultCode.UNKNOWN_REFERENCE, text)
