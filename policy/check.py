"""Everything that is wrong with a set of rules, at once (spec/rules.md 2.1, 2.2).

Rules with any fault are refused whole and the previous ones stay in force, so that each
decision may take for granted what is checked here.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from policy import limits
from policy.model import (
    BandGrant,
    Booking,
    Contract,
    DayRule,
    Device,
    Door,
    Hours,
    IssuerKey,
    KeyRole,
    Member,
    Plan,
    PlanType,
    Qualifier,
    Rules,
    RuleSettings,
    Staff,
    Store,
    Ticket,
    Warn,
)

_NOTICES = frozenset({Warn.PAYMENT_UNPAID, Warn.BANK_UNREGISTERED, Warn.OPEN_NOTE})


class FaultCode(StrEnum):
    """Why rules are refused; the first seven are those of spec/rules.md 3.10."""

    SCHOOL_PLAN_LIMITS = "SCHOOL_PLAN_LIMITS"
    PLAN_AND_TICKET_BOTH = "PLAN_AND_TICKET_BOTH"
    EXEMPT_WITHOUT_RESTRICT = "EXEMPT_WITHOUT_RESTRICT"
    PROGRAM_LIST_WITHOUT_EXEMPT = "PROGRAM_LIST_WITHOUT_EXEMPT"
    TOLERANCE_WITHOUT_RESTRICT = "TOLERANCE_WITHOUT_RESTRICT"
    DUPLICATE_BAND = "DUPLICATE_BAND"
    NEGATIVE_LIMIT = "NEGATIVE_LIMIT"
    BAD_BAND_HOURS = "BAD_BAND_HOURS"
    UNKNOWN_REFERENCE = "UNKNOWN_REFERENCE"
    DOOR_OF_OTHER_STORE = "DOOR_OF_OTHER_STORE"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    BAD_LENGTH = "BAD_LENGTH"
    TOO_MANY = "TOO_MANY"
    DUPLICATE_ID = "DUPLICATE_ID"
    DUPLICATE_HANDLE = "DUPLICATE_HANDLE"
    END_BEFORE_START = "END_BEFORE_START"
    NOT_A_NOTICE = "NOT_A_NOTICE"
    INTERLOCK_STANDS_OPEN = "INTERLOCK_STANDS_OPEN"
    MISSING_CHANGE = "MISSING_CHANGE"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: where (`plans.P1.bands[0].limit`), what, and a sentence for a person.

    `code` is a FaultCode, or the word of whoever read the file for a fault of its shape.
    """

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Names:
    """Ids that the rules file has, but whose entries could not be read.

    They are known to exist, so whatever points at them gets no fault on top.
    """

    stores: frozenset[str] = frozenset()
    plans: frozenset[str] = frozenset()
    doors: frozenset[str] = frozenset()


_NONE_UNREAD = Names()


def check_rules(rules: Rules, unread: Names = _NONE_UNREAD) -> list[Fault]:
    """Return all faults of the rules themselves; members are checked one by one.

    Args:
        rules: What could be read of the rules file.
        unread: The ids of what could not.

    Returns:
        The faults, section by section in the order of the file; empty if the rules are good.
    """
    stores = rules.stores.keys() | unread.stores
    faults = [*_tenant(rules.tenant), *_settings(rules.settings)]
    for name, store in rules.stores.items():
        faults += _store(f"stores.{name}", store)
    for name, plan in rules.plans.items():
        faults += _plan(f"plans.{name}", plan, stores)
    for name, door in rules.doors.items():
        faults += _door(f"doors.{name}", door, stores)
    for name, device in rules.devices.items():
        faults += _device(f"devices.{name}", device, rules, unread)
    for kid, key in rules.keys.items():
        faults += _key(f"keys.{kid}", key)
    for person in rules.staff.values():
        faults += check_staff(rules, person, unread)
    faults += _own_handles("stores", rules.stores)
    faults += _own_handles("staff", rules.staff)
    return faults


def check_member(rules: Rules, member: Member, unread: Names = _NONE_UNREAD) -> list[Fault]:
    """Return all faults of one member, cross references to the rules included.

    That ids are unique among members too is the reader's check: it alone sees them all.
    """
    path = f"members.{member.id}"
    plans = rules.plans.keys() | unread.plans
    stores = rules.stores.keys() | unread.stores
    faults = [
        *_length(f"{path}.handle", member.handle, limits.HANDLE_BYTES, "bytes"),
        *_range(f"{path}.fixed_code_version", member.fixed_code_version, limits.FIXED_CODE_VERSION),
        *_at_most(f"{path}.contracts", member.contracts, limits.CONTRACTS),
        *_unique(f"{path}.contracts", (contract.id for contract in member.contracts)),
        *_at_most(f"{path}.tickets", member.tickets, limits.TICKETS),
        *_unique(f"{path}.tickets", _owners(member)),
        *_at_most(f"{path}.bookings", member.bookings, limits.BOOKINGS),
        *_unique(f"{path}.bookings", (booking.id for booking in member.bookings)),
    ]
    faults += [
        Fault(f"{path}.notices", FaultCode.NOT_A_NOTICE, f"{warn} is no notice of a member")
        for warn in sorted(member.notices - _NOTICES)
    ]
    for n, contract in enumerate(member.contracts):
        faults += _contract(f"{path}.contracts[{n}]", contract, plans)
    for n, ticket in enumerate(member.tickets):
        faults += _ticket(f"{path}.tickets[{n}]", ticket, stores)
    for n, booking in enumerate(member.bookings):
        faults += _booking(f"{path}.bookings[{n}]", booking, stores)
    return faults


def check_staff(rules: Rules, person: Staff, unread: Names = _NONE_UNREAD) -> list[Fault]:
    """Return all faults of one person of the staff."""
    path = f"staff.{person.id}"
    stores = rules.stores.keys() | unread.stores
    faults = [
        *_length(f"{path}.handle", person.handle, limits.HANDLE_BYTES, "bytes"),
        *_range(f"{path}.version", person.version, limits.FIXED_CODE_VERSION),
        *_in_order(f"{path}.valid_to", person.valid_from, person.valid_to),
    ]
    for store in sorted(person.stores or ()):
        faults += _known(f"{path}.stores", "store", store, stores)
    return faults


def _owners(member: Member) -> Iterator[str]:
    """Yield whose usage keys there can be; a contract that stands twice is told elsewhere."""
    yield from {contract.id for contract in member.contracts}
    yield from (ticket.id for ticket in member.tickets)


def _tenant(tenant: str) -> Iterator[Fault]:
    if not (tenant.isascii() and tenant.isprintable() and 0 < len(tenant) <= limits.TENANT_CHARS):
        wanted = f"1 to {limits.TENANT_CHARS} printable ASCII characters"
        yield Fault("tenant", FaultCode.BAD_LENGTH, f"a tenant's id is {wanted}")


def _settings(settings: RuleSettings) -> Iterator[Fault]:
    for name, value, allowed in (
        ("month_anchor_day", settings.month_anchor_day, limits.MONTH_ANCHOR),
        ("day_cutoff_hour", settings.day_cutoff_hour, limits.DAY_CUTOFF),
        ("passback_timeout_min", settings.passback_timeout_min, limits.PASSBACK_TIMEOUT),
        ("code_ttl_min", settings.code_ttl_min, limits.CODE_TTL),
        ("code_skew_s", settings.code_skew_s, limits.CODE_SKEW),
        ("rules_max_age_h", settings.rules_max_age_h, limits.RULES_MAX_AGE),
        ("room_early_min", settings.room_early_min, limits.BOOKING_MARGIN),
        ("room_unpaid_cancel_min", settings.room_unpaid_cancel_min, limits.BOOKING_MARGIN),
        ("presentation_gap_ms", settings.presentation_gap_ms, limits.PRESENTATION_GAP),
        ("debounce_s", settings.debounce_s, limits.DEBOUNCE),
        ("visit_max_h", settings.visit_max_h, limits.VISIT_MAX),
        ("release_seen_s", settings.release_seen_s, limits.RELEASE_SEEN),
    ):
        yield from _range(f"settings.{name}", value, allowed)


def _store(path: str, store: Store) -> Iterator[Fault]:
    if store.handle is not None:
        yield from _length(f"{path}.handle", store.handle, limits.HANDLE_BYTES, "bytes")
    yield from _at_most(f"{path}.bands", store.bands, limits.STORE_BANDS)
    for kind, hours in store.bands.items():
        if not _good_hours(hours):
            yield Fault(
                f"{path}.bands.{kind}",
                FaultCode.BAD_BAND_HOURS,
                f"{hours.start_min}..{hours.end_min}: a band starts at {limits.BAND_START}"
                f" after midnight and lasts {limits.BAND_LENGTH}",
            )


def _good_hours(hours: Hours) -> bool:
    length = hours.end_min - hours.start_min
    return hours.start_min in limits.BAND_START and length in limits.BAND_LENGTH


def _plan(path: str, plan: Plan, stores: AbstractSet[str]) -> Iterator[Fault]:
    if plan.type is PlanType.SCHOOL and plan.restrict:
        yield Fault(
            f"{path}.restrict", FaultCode.SCHOOL_PLAN_LIMITS, "a school plan has no entry limits"
        )
    if plan.restrict and plan.ticket_required:
        yield Fault(
            f"{path}.ticket_required",
            FaultCode.PLAN_AND_TICKET_BOTH,
            "a plan has entry limits or needs a ticket, not both",
        )
    if plan.exempt and not plan.restrict:
        yield Fault(
            f"{path}.exempt",
            FaultCode.EXEMPT_WITHOUT_RESTRICT,
            "a plan without entry limits has nothing to exempt from",
        )
    if plan.exempt_programs and not plan.exempt:
        yield Fault(
            f"{path}.exempt_programs",
            FaultCode.PROGRAM_LIST_WITHOUT_EXEMPT,
            "programs are listed, but the exemption is off",
        )
    for name, minutes in (("early_min", plan.early_min), ("late_min", plan.late_min)):
        yield from _range(f"{path}.{name}", minutes, limits.TOLERANCE)
        if minutes and not plan.restrict:
            yield Fault(
                f"{path}.{name}",
                FaultCode.TOLERANCE_WITHOUT_RESTRICT,
                "a plan without entry limits has no hours to tolerate",
            )
    for store in sorted(plan.stores or ()):
        yield from _known(f"{path}.stores", "store", store, stores)
    yield from _bands(f"{path}.bands", plan.bands)
    yield from _bands(f"{path}.booking_bands", plan.booking_bands)
    yield from _unlimited(f"{path}.booking_bands", plan.booking_bands)


def _bands(path: str, bands: Sequence[BandGrant]) -> Iterator[Fault]:
    yield from _at_most(path, bands, limits.PLAN_BANDS)
    seen = set[str]()
    for n, grant in enumerate(bands):
        if grant.kind in seen:
            yield Fault(
                f"{path}[{n}].kind", FaultCode.DUPLICATE_BAND, f"{grant.kind} is ticked twice"
            )
        seen.add(grant.kind)
        if grant.limit is not None and grant.limit < 0:
            yield Fault(
                f"{path}[{n}].limit",
                FaultCode.NEGATIVE_LIMIT,
                f"{grant.limit}: a limit is 0 or more; leave it out for none",
            )
        yield from _weekdays(f"{path}[{n}].weekdays", grant.days)


def _unlimited(path: str, bands: Sequence[BandGrant]) -> Iterator[Fault]:
    for n, grant in enumerate(bands):
        if grant.limit is not None:
            where = f"{path}[{n}].limit"
            yield Fault(where, FaultCode.OUT_OF_RANGE, "here a band has no limit")


def _weekdays(path: str, days: DayRule) -> Iterator[Fault]:
    for day in sorted(days.weekdays):
        yield from _range(path, day, limits.WEEKDAY)


def _door(path: str, door: Door, stores: AbstractSet[str]) -> Iterator[Fault]:
    yield from _known(f"{path}.store", "store", door.store, stores)
    yield from _range(f"{path}.pulse_ms", door.pulse_ms, limits.PULSE)
    yield from _range(f"{path}.extended_s", door.extended_s, limits.EXTENDED)
    yield from _range(f"{path}.held_open_s", door.held_open_s, limits.HELD_OPEN)
    yield from _range(f"{path}.pre_alarm_s", door.pre_alarm_s, limits.PRE_ALARM)
    yield from _range(f"{path}.forced_min_s", door.forced_min_s, limits.FORCED_MIN)
    yield from _range(f"{path}.relock_delay_ms", door.relock_delay_ms, limits.RELOCK_DELAY)
    yield from _bands(f"{path}.open_bands", door.open_bands)
    yield from _unlimited(f"{path}.open_bands", door.open_bands)
    if door.interlock is not None and door.open_bands:
        text = "a door of an interlock can't stand open: its partners would never open"
        yield Fault(f"{path}.open_bands", FaultCode.INTERLOCK_STANDS_OPEN, text)


def _device(path: str, device: Device, rules: Rules, unread: Names) -> Iterator[Fault]:
    stores = rules.stores.keys() | unread.stores
    plans, doors = rules.plans.keys() | unread.plans, rules.doors.keys() | unread.doors
    yield from _known(f"{path}.store", "store", device.store, stores)
    early, late = device.booking_early_min, device.booking_exit_late_min
    yield from _range(f"{path}.booking_early_min", early, limits.BOOKING_MARGIN)
    yield from _range(f"{path}.booking_exit_late_min", late, limits.BOOKING_MARGIN)
    for plan in sorted(device.qualify_plans):
        yield from _known(f"{path}.qualify_plans", "plan", plan, plans)
    if Qualifier.ROOM in device.qualify and device.room is None:
        text = "the device asks for a booking of its room and names none"
        yield Fault(f"{path}.room", FaultCode.UNKNOWN_REFERENCE, text)
    if device.door is None:
        return
    yield from _known(f"{path}.door", "door", device.door, doors)
    door = rules.doors.get(device.door)
    if door is None or not {door.store, device.store} <= stores:
        return  # told already
    if door.store != device.store:
        yield Fault(
            f"{path}.door",
            FaultCode.DOOR_OF_OTHER_STORE,
            f"door {door.id} is of store {door.store}, the device of store {device.store}",
        )


def _key(path: str, key: IssuerKey) -> Iterator[Fault]:
    yield from _range(path, key.kid, limits.KEY_ID)
    wanted = 0 if key.role is KeyRole.ROTATING else limits.PUBLIC_KEY_BYTES
    yield from _length(f"{path}.public", key.public or b"", wanted, "bytes")


def _contract(path: str, contract: Contract, plans: AbstractSet[str]) -> Iterator[Fault]:
    yield from _known(f"{path}.plan", "plan", contract.plan, plans)
    yield from _in_order(f"{path}.end", contract.start, contract.end)
    yield from _at_most(f"{path}.paused", contract.paused, limits.PAUSES)
    for n, (first, last) in enumerate(contract.paused):
        yield from _in_order(f"{path}.paused[{n}]", first, last)


def _ticket(path: str, ticket: Ticket, stores: AbstractSet[str]) -> Iterator[Fault]:
    yield from _range(f"{path}.remaining", ticket.remaining, limits.TICKET_USES)
    yield from _in_order(f"{path}.valid_to", ticket.valid_from, ticket.valid_to)
    yield from _weekdays(f"{path}.weekdays", ticket.days)
    for store in sorted(ticket.stores or ()):
        yield from _known(f"{path}.stores", "store", store, stores)


def _booking(path: str, booking: Booking, stores: AbstractSet[str]) -> Iterator[Fault]:
    yield from _known(f"{path}.store", "store", booking.store, stores)
    if booking.end <= booking.start:
        yield Fault(
            f"{path}.end",
            FaultCode.END_BEFORE_START,
            f"{booking.end} is not after {booking.start}",
        )


def _own_handles(section: str, named: Mapping[str, Store | Staff]) -> Iterator[Fault]:
    holders: dict[bytes, str] = {}
    for name, one in named.items():
        holder = name if one.handle is None else holders.setdefault(one.handle, name)
        if holder != name:
            path = f"{section}.{name}.handle"
            yield Fault(path, FaultCode.DUPLICATE_HANDLE, f"{holder} has it already")


def _in_order(path: str, first: date | None, last: date | None) -> Iterator[Fault]:
    if first is not None and last is not None and last < first:
        yield Fault(path, FaultCode.END_BEFORE_START, f"{last} is before {first}")


def _known(path: str, noun: str, name: str, names: AbstractSet[str]) -> Iterator[Fault]:
    if name not in names:
        yield Fault(path, FaultCode.UNKNOWN_REFERENCE, f"the rules have no {noun} {name!r}")


def _range(path: str, value: int, allowed: limits.Range) -> Iterator[Fault]:
    if value not in allowed:
        yield Fault(path, FaultCode.OUT_OF_RANGE, f"{value} is not in {allowed}: {allowed.reason}")


def _length(path: str, value: bytes, wanted: int, unit: str) -> Iterator[Fault]:
    if len(value) != wanted:
        yield Fault(path, FaultCode.BAD_LENGTH, f"{len(value)} {unit}, not {wanted}")


def _at_most(path: str, things: Collection[object], most: int) -> Iterator[Fault]:
    if len(things) > most:
        yield Fault(path, FaultCode.TOO_MANY, f"{len(things)}, and {most} is the limit")


def _unique(path: str, ids: Iterable[str]) -> Iterator[Fault]:
    ids = tuple(ids)
    if len(set(ids)) == len(ids):
        return  # as of nearly every member: only what is wrong is counted
    for name, times in Counter(ids).items():
        if times > 1:
            yield Fault(path, FaultCode.DUPLICATE_ID, f"{name!r} stands {times} times")
