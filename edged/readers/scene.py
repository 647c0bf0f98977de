"""What a presented code is judged by: the code, the clock, and what the journal knows.

The clock is read before the disk is waited for, the journal inside the transaction that the
decision is part of.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

from edged.clock import Instant
from edged.core import access, counter, events, seating
from edged.credentials import claims
from edged.credentials.read import Refused
from edged.records import uses
from edged.store.ledger import Ledger
from policy import by_code, rooms, seats, staff, usage
from policy.decision import value
from policy.locker_model import Locker
from policy.model import (
    BookingStatus,
    Decision,
    Device,
    KeyRole,
    Member,
    Reason,
    Rules,
    Scene,
    Side,
    Staff,
    Usage,
    Visit,
)

_HOUR = timedelta(hours=1)


@value
class Arrival:
    """One presented code on its way to a decision.

    `code` is a refusal only where the way out opens for unknown codes too. `late`: an attempt to
    record it in time was given up, and may still succeed as another event. `lockdown` and
    `interlocked`: nobody comes in here, or not now. `vouched_at`: when the cloud last said that
    the rules are the newest, None: never. `spent`: what the code may be used for is used up, as
    far as memory tells. `lockers`: those of the store that hang here, where some are given.
    """

    event_id: str
    rules: Rules
    device: Device
    code: claims.Claims | Refused
    now: Instant
    began_ms: int
    late: bool = False
    lockdown: bool = False
    interlocked: bool = False
    vouched_at: datetime | None = None
    spent: bool = False
    lockers: tuple[Locker, ...] = ()

    @property
    def handle(self) -> bytes | None:
        """Whom the code names, None: nobody."""
        return None if isinstance(self.code, Refused) else self.code.handle

    @property
    def member_handle(self) -> bytes | None:
        """Which member the code may name, None: none; that of staff is no member's."""
        return None if self.role is KeyRole.STAFF else self.handle

    @property
    def role(self) -> KeyRole:
        """Whose code it is; one that is not ours is nobody's, and no staff's."""
        if isinstance(self.code, Refused | claims.RotatingCode):
            return KeyRole.MEMBER
        return self.code.role

    @property
    def stamp(self) -> events.Stamp:
        """Date a record of it: the time that it is judged at."""
        return events.Stamp(self.now.at, self.now.state.value)

    @property
    def use(self) -> uses.Use | None:
        """What is used up when the code lets somebody in here."""
        return uses.use_of(self.code, self.device, self.rules.settings)

    @property
    def claim(self) -> by_code.Claim | None:
        """What a booking code says, None: it is none."""
        code = self.code
        if not isinstance(code, claims.BookingCode):
            return None
        where = code.booking, code.store, code.room
        return by_code.Claim(*where, code.not_before, code.end, code.issued_at)

    @property
    def person(self) -> Staff | None:
        """Whom a staff code names, None: it is none, or the rules know nobody of its handle."""
        if isinstance(self.code, claims.StaffCode | claims.StaffCard):
            return staff.find(self.rules, self.code.handle)
        return None

    @property
    def at_counter(self) -> bool:
        """Tell whether a counter terminal serves a member here, and no entry is decided."""
        return self.role is KeyRole.MEMBER and counter.is_counter(self.device)

    @property
    def code_kind(self) -> str | None:
        """Which kind of code it is, None: none that we know."""
        return None if self.code.kind is None else self.code.kind.value


def request(arrival: Arrival, member: Member | None) -> access.Request:
    """Ask for a decision at the time that it is, or that it may be at the earliest and latest.

    Leaving is described at one time only; nothing hangs on it.
    """
    return _request(arrival, member, None)


def known(arrival: Arrival, member: Member | None, ledger: Ledger) -> access.Request:
    """Ask with what the journal knows of the member and the code, read once for both times."""
    kept = None if member is None else _kept(arrival, member, ledger)
    asked = _request(arrival, member, kept)
    if isinstance(arrival.code, claims.RotatingCode):
        asked = _judged(asked, _step_fault(arrival.code, ledger, arrival.now))
    use = arrival.use
    if use is not None and (arrival.spent or uses.is_spent(use, ledger)):
        late = None if asked.late is None else used_up(asked.late)
        asked = replace(used_up(asked), late=late)
    return asked


def _request(arrival: Arrival, member: Member | None, kept: "_Kept | None") -> access.Request:
    now = arrival.now
    uncertain = now.trusted and arrival.device.side is Side.IN
    latest = now.latest if uncertain else None
    if latest is None or latest <= now.earliest:
        return _at(now.at, arrival, member, kept)
    return _at(now.earliest, arrival, member, kept, _at(latest, arrival, member, kept))


def _at(
    at: datetime,
    arrival: Arrival,
    member: Member | None,
    kept: "_Kept | None",
    late: access.Request | None = None,
) -> access.Request:
    person = arrival.person
    return access.Request(
        arrival.rules,
        arrival.device,
        member if kept is None else kept.member,
        _code_fault(arrival, member, person, at),
        _scene(at, arrival, kept),
        () if kept is None else kept.held,
        late,
        arrival.role,
        person,
        arrival.claim,
        arrival.interlocked,
        arrival.lockers,
    )


def _scene(at: datetime, arrival: Arrival, kept: "_Kept | None") -> Scene:
    rules, device, trusted = arrival.rules, arrival.device, arrival.now.trusted
    good_at = max(rules.issued_at, arrival.vouched_at or rules.issued_at)
    age_h = max(timedelta(0), at - good_at) / _HOUR
    if kept is None:
        return Scene(at, clock_trusted=trusted, rules_age_h=age_h, lockdown=arrival.lockdown)
    return Scene(
        at,
        kept.used(*usage.asked(rules.stores[device.store], kept.member, at)),
        kept.visit,
        trusted,
        age_h,
        arrival.lockdown,
        *_places(at, rules, device, kept.member, kept.held),
    )


def _code_fault(
    arrival: Arrival, member: Member | None, person: Staff | None, at: datetime
) -> Reason | None:
    code, now, settings = arrival.code, arrival.now, arrival.rules.settings
    match code:
        case claims.MemberCode() | claims.StaffCode():
            ttl_min, skew_s = settings.code_ttl_min, settings.code_skew_s
            wrong = claims.check_time(code, at, ttl_min=ttl_min, skew_s=skew_s)
            return wrong or _elsewhere(arrival, code)
        case claims.BookingCode():
            return claims.check_window(code, at)
        case claims.RotatingCode():
            return claims.check_step(code, now.earliest, now.latest)
        case claims.FixedCode() if member is not None:
            return claims.check_version(code, member.fixed_code_version)
        case claims.StaffCard() if person is not None:
            return claims.check_version(code, person.version)
        case claims.FixedCode() | claims.StaffCard() | claims.PlainCode() | Refused():
            return None


def _elsewhere(arrival: Arrival, code: claims.Shown) -> Reason | None:
    """Say whether a code is for one store, and that is not this one."""
    if isinstance(code, claims.MemberCode) or code.store is None:
        return None
    here = arrival.rules.stores[arrival.device.store].handle == code.store
    return None if here else Reason.STAFF_NOT_HERE


def _judged(asked: access.Request, fault: Reason | None) -> access.Request:
    """Put what is known of the member's phone in place of what its code alone says."""
    late = None if asked.late is None else replace(asked.late, code_fault=fault)
    return replace(asked, code_fault=fault, late=late)


@value
class _Kept:
    """What the journal knows of a member. `used`: of the owners and dates of `usage.asked`."""

    member: Member
    held: seating.Held
    visit: Visit | None
    used: Callable[[tuple[str, ...], date, date], Usage]


def _kept(arrival: Arrival, member: Member, ledger: Ledger) -> _Kept:
    store = arrival.rules.stores[arrival.device.store].id

    seen: dict[object, Usage] = {}  # the earliest and the latest time mostly lie on one date

    def used(owners: tuple[str, ...], first: date, last: date) -> Usage:
        asked = owners, first, last
        if asked not in seen:
            seen[asked] = Usage.of(ledger.used(owners, first, last))
        return seen[asked]

    held = seating.held(member, store, ledger.seat_change)
    return _Kept(_attended(member, ledger), held, ledger.visit(member.id, store), used)


def _step_fault(code: claims.RotatingCode, ledger: Ledger, now: Instant) -> Reason | None:
    """Judge a step by what is known of the member's phone."""
    granted = ledger.granted_step(code.handle.hex())
    offset = 0 if granted is None else granted.offset
    return claims.check_step(code, now.earliest, now.latest, offset=offset)


def used_up(asked: access.Request) -> access.Request:
    """Ask for a code that is used up; what else is wrong with it is told before."""
    if asked.claim is not None:
        return replace(asked, claim=replace(asked.claim, used_up=True))
    if asked.code_fault is not None or asked.who is None:
        return asked
    return replace(asked, code_fault=Reason.CODE_USED)


def record(
    ledger: Ledger,
    stamp: events.Stamp,
    arrival: Arrival,
    asked: access.Request,
    decision: Decision,
    *,
    gap: bool = False,
) -> int:
    """Write what was decided; return its seq. `gap`: it could not be written in time."""
    handle = None if arrival.handle is None else arrival.handle.hex()
    who = handle if asked.who is None else asked.who.id
    member, person = (None, who) if asked.role is KeyRole.STAFF else (who, None)
    presented = events.Presented(arrival.event_id, arrival.code_kind, member, person, gap=gap)
    return ledger.append(events.passage(stamp, arrival.rules, arrival.device, presented, decision))


def spend(arrival: Arrival, ledger: Ledger) -> None:
    """Let the code have let somebody in (spec/rules.md 3.2 E6; 6, row 23)."""
    use, code, offset = arrival.use, arrival.code, None
    if isinstance(code, claims.RotatingCode) and arrival.now.trusted:
        offset = claims.offset_of(code, arrival.now.at)
    if use is not None:
        uses.spend(use, ledger, arrival.event_id, offset)


def _attended(member: Member, ledger: Ledger) -> Member:
    """Return the member with the bookings checked in that were marked as attended here."""
    if not member.bookings:
        return member
    done = ledger.checked_in(member.id)
    return replace(
        member,
        bookings=tuple(
            replace(booking, status=BookingStatus.CHECKED_IN)
            if booking.id in done and booking.status is BookingStatus.CONFIRMED
            else booking
            for booking in member.bookings
        ),
    )


def with_places(
    scene: Scene, rules: Rules, device: Device, member: Member, held: seating.Held
) -> Scene:
    """Add what the member's seats and the device's room say (spec/rules.md 4.2, 4.3)."""
    seat, room = _places(scene.at, rules, device, member, held)
    return replace(scene, seat_refusal=seat, room_refusal=room)


def _places(
    at: datetime, rules: Rules, device: Device, member: Member, held: seating.Held
) -> tuple[Reason | None, Reason | None]:
    here = [b for b in rules.stores[device.store].room_bookings if b.room == device.room]
    if not held and not here:  # as for most
        return Reason.SEAT_NOT_ASSIGNED, Reason.NOT_A_REGISTERED_USER
    return (
        seats.entry_refusal(held, member.id, at),
        rooms.entry_refusal(here, member.id, at, rules.settings),
    )
