"""What a presented code is judged by: the code, the clock, and what the journal knows.

The clock is read before the disk is waited for, the journal inside the transaction that the
decision is part of.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from edged import limits
from edged.clock import Instant
from edged.core import access, counter, seating
from edged.credentials import claims
from edged.credentials.read import Refused
from edged.store.ledger import Ledger
from policy import rooms, seats, staff, usage
from policy.model import (
    BookingStatus,
    Device,
    KeyRole,
    Member,
    Mode,
    Reason,
    Rules,
    Scene,
    Side,
    Staff,
    Usage,
)

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One presented code on its way to a decision.

    `code` is a refusal only where the way out opens for unknown codes too. `late`: an attempt to
    record it in time was given up, and may still succeed as another event. `lockdown` and
    `interlocked`: nobody comes in here, or not now.
    """

    event_id: str
    rules: Rules
    device: Device
    code: claims.Claims | Refused
    began_ms: int
    late: bool = False
    lockdown: bool = False
    interlocked: bool = False

    @property
    def handle(self) -> bytes | None:
        """Whom the code names, None: nobody."""
        return None if isinstance(self.code, Refused) else self.code.handle

    @property
    def role(self) -> KeyRole:
        """Whose codes the key signs; a code that is not ours is nobody's, and no staff's."""
        return KeyRole.MEMBER if isinstance(self.code, Refused) else self.code.role

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


def request(arrival: Arrival, member: Member | None, now: Instant) -> access.Request:
    """Ask for a decision at the time that it is, or that it may be at the earliest and latest.

    Leaving is described at one time only; nothing hangs on it.
    """
    uncertain = now.trusted and arrival.device.side is Side.IN
    latest = now.latest if uncertain else None
    if latest is None or latest <= now.earliest:
        return _at(arrival, member, now.at, trusted=now.trusted)
    first = _at(arrival, member, now.earliest, trusted=True)
    return replace(first, late=_at(arrival, member, latest, trusted=True))


def _at(arrival: Arrival, member: Member | None, at: datetime, *, trusted: bool) -> access.Request:
    rules = arrival.rules
    age_h = max(timedelta(0), at - rules.issued_at) / _HOUR
    scene = Scene(at, clock_trusted=trusted, rules_age_h=age_h, lockdown=arrival.lockdown)
    person = arrival.person
    return access.Request(
        rules,
        arrival.device,
        member,
        _code_fault(arrival, member, person, at),
        scene,
        role=arrival.role,
        person=person,
        interlocked=arrival.interlocked,
    )


def _code_fault(
    arrival: Arrival, member: Member | None, person: Staff | None, at: datetime
) -> Reason | None:
    code, settings = arrival.code, arrival.rules.settings
    match code:
        case claims.MemberCode() | claims.StaffCode():
            ttl_min, skew_s = settings.code_ttl_min, settings.code_skew_s
            wrong = claims.check_time(code, at, ttl_min=ttl_min, skew_s=skew_s)
            return wrong or _elsewhere(arrival, code)
        case claims.FixedCode() if member is not None:
            return claims.check_version(code, member.fixed_code_version)
        case claims.StaffCard() if person is not None:
            return claims.check_version(code, person.version)
        case claims.FixedCode() | claims.StaffCard() | Refused():
            return None


def _elsewhere(arrival: Arrival, code: claims.Shown) -> Reason | None:
    """Say whether a code is for one store, and that is not this one."""
    if isinstance(code, claims.MemberCode) or code.store is None:
        return None
    here = arrival.rules.stores[arrival.device.store].handle == code.store
    return None if here else Reason.STAFF_NOT_HERE


def with_journal(asked: access.Request, arrival: Arrival, ledger: Ledger) -> access.Request:
    """Add what the journal knows of the member and the code."""
    member, device = asked.member, asked.device
    late = None if asked.late is None else with_journal(asked.late, arrival, ledger)
    fault = asked.code_fault
    if fault is None and asked.who is not None and _is_spent(arrival, ledger):
        fault = Reason.CODE_USED
    if member is None:
        return replace(asked, code_fault=fault, late=late)
    store = asked.rules.stores[device.store]
    used = Usage.of(ledger.used(*usage.asked(store, member, asked.scene.at)))
    scene = replace(asked.scene, used=used, visit=ledger.visit(member.id, store.id))
    held = seating.held(member, store.id, ledger.seat_change)
    return replace(
        asked,
        member=_attended(member, ledger),
        scene=with_places(scene, asked.rules, device, member, held),
        code_fault=fault,
        seats=held,
        late=late,
    )


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
    here = [b for b in rules.stores[device.store].room_bookings if b.room == device.room]
    return replace(
        scene,
        seat_refusal=seats.entry_refusal(held, member.id, scene.at),
        room_refusal=rooms.entry_refusal(here, member.id, scene.at, rules.settings),
    )


def spend(arrival: Arrival, ledger: Ledger) -> None:
    """Let a code that works once have worked (spec/rules.md 3.2 E6, and 6, row 23)."""
    code = _single_use(arrival)
    if code is not None:
        until = code.issued_at + limits.SPENT_KEPT
        ledger.spend(_name(code), arrival.event_id, code.issued_at, until)


def _is_spent(arrival: Arrival, ledger: Ledger) -> bool:
    code = _single_use(arrival)
    return code is not None and ledger.spent(_name(code))


def _single_use(arrival: Arrival) -> claims.Shown | None:
    """Return the code if it lets somebody in once only: what is shown on a phone."""
    code, device = arrival.code, arrival.device
    if device.side is Side.OUT or device.mode is Mode.RECORD_ONLY:
        return None
    match code:
        case claims.StaffCode():
            return code
        case claims.MemberCode() if arrival.rules.settings.code_single_use:
            return code
        case _:
            return None


def _name(code: claims.Shown) -> str:
    return f"{code.kind}/{code.handle.hex()}/{int(code.issued_at.timestamp())}/{code.nonce}"
