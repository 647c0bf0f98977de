"""The nouns of the rules: values only, built once at the border and never changed.

Names and meanings are those of the glossary (spec/rules.md 1) and the data model
(spec/rules.md 2). Instants are aware UTC datetimes; dates are local to the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum


class Side(StrEnum):
    """Which way a device lets people through (spec/rules.md 2.5)."""

    IN = "IN"
    OUT = "OUT"


class Mode(StrEnum):
    """How a device uses the rules (spec/rules.md 2.5); further modes join here."""

    LOCK_QR = "LOCK_QR"


class CodeKind(StrEnum):
    """The kinds of code a device may accept (spec/credentials.md)."""

    M1 = "M1"
    F1 = "F1"


class KeyRole(StrEnum):
    """What an issuer key may sign (spec/credentials.md); one key, one role."""

    MEMBER = "member"


class HolidayRule(StrEnum):
    """What a holiday does to a day rule (spec/rules.md 2.3)."""

    NONE = "NONE"
    ALL = "ALL"
    WEEKEND_ONLY = "WEEKEND_ONLY"
    WEEKDAY_ONLY = "WEEKDAY_ONLY"
    FOLLOW_WEEKDAY = "FOLLOW_WEEKDAY"


class PlanType(StrEnum):
    """A school plan can't carry entry limits (spec/rules.md 2.2)."""

    NORMAL = "normal"
    SCHOOL = "school"


class BookingStatus(StrEnum):
    """States of a booking; only the first two open anything (spec/rules.md 2.5)."""

    CONFIRMED = "CONFIRMED"
    CHECKED_IN = "CHECKED_IN"
    REQUESTED = "REQUESTED"
    WAITLISTED = "WAITLISTED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    AUTO_CANCELLED = "AUTO_CANCELLED"
    NO_SHOW = "NO_SHOW"
    FINISHED = "FINISHED"


class Overlap(StrEnum):
    """Which of several fitting bands get a key (spec/rules.md 6, row 5)."""

    ONE = "one"
    ALL = "all"


class DedupeScope(StrEnum):
    """Whether one day at two stores is one use (spec/rules.md 6, row 4)."""

    ALL_STORES = "all_stores"
    STORE = "store"


class Relock(StrEnum):
    """When the bolt is thrown again after a passage (spec/hardware.md 9.2)."""

    OPEN = "open"
    CLOSE = "close"


class Verdict(StrEnum):
    """What was decided (spec/rules.md 2.8)."""

    ALLOW = "ALLOW"
    DENY = "DENY"


class Reason(StrEnum):
    """Why it was decided so: the codes of spec/rules.md 3.10. Values are append-only."""

    OK = "OK"
    OK_WITH_WARNING = "OK_WITH_WARNING"
    CODE_UNREADABLE = "CODE_UNREADABLE"
    CODE_KIND_NOT_ACCEPTED = "CODE_KIND_NOT_ACCEPTED"
    CODE_UNKNOWN_KEY = "CODE_UNKNOWN_KEY"
    CODE_BAD_SIGNATURE = "CODE_BAD_SIGNATURE"
    CODE_NOT_YET_VALID = "CODE_NOT_YET_VALID"
    CODE_EXPIRED = "CODE_EXPIRED"
    CODE_REVOKED = "CODE_REVOKED"
    MEMBER_NOT_SYNCED = "MEMBER_NOT_SYNCED"
    DEVICE_DISABLED = "DEVICE_DISABLED"
    NO_RULES = "NO_RULES"
    RECORD_FAILED = "RECORD_FAILED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    MEMBER_WITHDRAWN = "MEMBER_WITHDRAWN"
    MEMBER_SUSPENDED = "MEMBER_SUSPENDED"
    IDENTITY_SUSPENDED = "IDENTITY_SUSPENDED"
    QUOTA_EXHAUSTED = "QUOTA_EXHAUSTED"
    STORE_CLOSED = "STORE_CLOSED"
    HOLIDAY_NOT_ALLOWED = "HOLIDAY_NOT_ALLOWED"
    WEEKDAY_NOT_ALLOWED = "WEEKDAY_NOT_ALLOWED"
    CONTRACT_PAUSED = "CONTRACT_PAUSED"
    CONTRACT_ENDED = "CONTRACT_ENDED"
    CONTRACT_NOT_STARTED = "CONTRACT_NOT_STARTED"
    OUT_OF_BAND = "OUT_OF_BAND"
    TICKET_REQUIRED = "TICKET_REQUIRED"
    PLAN_NO_BANDS = "PLAN_NO_BANDS"
    STORE_NOT_ALLOWED = "STORE_NOT_ALLOWED"
    NO_ENTITLEMENT = "NO_ENTITLEMENT"


class Warn(StrEnum):
    """What staff should know about an allowed passage (spec/rules.md 3.10)."""

    PAYMENT_UNPAID = "WARN_PAYMENT_UNPAID"
    BANK_UNREGISTERED = "WARN_BANK_UNREGISTERED"
    OPEN_NOTE = "WARN_OPEN_NOTE"
    BOOKING_UNPAID = "WARN_BOOKING_UNPAID"
    CLOCK_UNTRUSTED = "WARN_CLOCK_UNTRUSTED"
    EXIT_LATE = "EXIT_LATE"
    EXIT_NO_ENTRY = "EXIT_NO_ENTRY"
    EXIT_NO_ENTITLEMENT = "EXIT_NO_ENTITLEMENT"
    EXIT_SUSPENDED = "EXIT_SUSPENDED"
    EXIT_CODE_EXPIRED = "EXIT_CODE_EXPIRED"
    EXIT_CODE_NOT_YET_VALID = "EXIT_CODE_NOT_YET_VALID"
    EXIT_CODE_REVOKED = "EXIT_CODE_REVOKED"
    EXIT_UNKNOWN_MEMBER = "EXIT_UNKNOWN_MEMBER"


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours of a band kind at a store, minutes after local midnight.

    0 <= start_min <= 1439 and start_min < end_min <= start_min + 1440, so an end past
    1440 lies on the next day (spec/rules.md 2.1).
    """

    start_min: int
    end_min: int


@dataclass(frozen=True, slots=True)
class Store:
    """A place with its own hours, zone and holidays (spec/rules.md 2.1)."""

    id: str
    tz: tzinfo
    bands: Mapping[str, Hours]
    holidays: frozenset[date] = frozenset()
    closed: frozenset[date] = frozenset()
    name: str = ""


@dataclass(frozen=True, slots=True)
class DayRule:
    """Ticked weekdays (0 = Monday .. 6 = Sunday) and the holiday rule (spec/rules.md 2.3)."""

    weekdays: frozenset[int] = frozenset(range(7))
    holiday: HolidayRule = HolidayRule.ALL


@dataclass(frozen=True, slots=True)
class BandGrant:
    """One ticked band of a plan. `limit`: usage keys a month, None = no limit, 0 = never."""

    kind: str
    limit: int | None = None
    days: DayRule = DayRule()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a contract lets a member do (spec/rules.md 2.2). `stores` None = all stores."""

    id: str
    type: PlanType = PlanType.NORMAL
    restrict: bool = True
    ticket_required: bool = False
    bands: tuple[BandGrant, ...] = ()
    exempt: bool = False
    exempt_programs: frozenset[str] = frozenset()
    early_min: int = 0
    late_min: int = 0
    stores: frozenset[str] | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Contract:
    """A member's plan with its dates, all inclusive service dates (spec/rules.md 2.4)."""

    id: str
    plan: str
    start: date
    end: date | None = None
    paused: tuple[tuple[date, date], ...] = ()
    main: bool = False


@dataclass(frozen=True, slots=True)
class Booking:
    """A booked program or room (spec/rules.md 2.5); `start` and `end` are UTC instants."""

    id: str
    store: str
    program: str
    start: datetime
    end: datetime
    status: BookingStatus
    paid: bool
    room: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A person by handle, 8 bytes as in the codes; no name, no number (spec/rules.md 2.4)."""

    id: str
    handle: bytes
    contracts: tuple[Contract, ...] = ()
    bookings: tuple[Booking, ...] = ()
    suspended: bool = False
    id_suspended: bool = False
    withdrawn: bool = False
    notices: frozenset[Warn] = frozenset()
    fixed_code_version: int = 1
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """How a door behaves; what it is wired to is the settings' business.

    `pulse_ms` 500..60_000 (spec/rules.md 6, row 38), `held_open_s` 1..3_600.
    """

    id: str
    store: str
    pulse_ms: int = 5_000
    held_open_s: int = 30
    relock: Relock = Relock.OPEN


@dataclass(frozen=True, slots=True)
class Device:
    """A reader at a door, or a terminal without one (spec/rules.md 2.5)."""

    id: str
    store: str
    side: Side
    door: str | None = None
    room: str | None = None
    mode: Mode = Mode.LOCK_QR
    codes: frozenset[CodeKind] = frozenset(CodeKind)
    counts: bool = True
    booking_early_min: int = 15
    booking_exit_late_min: int = 15
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """An Ed25519 public key (32 bytes) of the tenant, found by `kid` 0..255."""

    kid: int
    role: KeyRole
    public: bytes


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """The settings of spec/rules.md 6 that this release knows, with their defaults."""

    overlap: Overlap = Overlap.ONE
    dedupe_scope: DedupeScope = DedupeScope.ALL_STORES
    code_ttl_min: int = 30
    code_skew_s: int = 60
    presentation_gap_ms: int = 1_500
    debounce_s: int = 5
    visit_max_h: int = 24


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything of one rule set but the members, who are looked up one by one."""

    tenant: str
    version: int
    issued_at: datetime
    settings: RuleSettings
    stores: Mapping[str, Store]
    plans: Mapping[str, Plan]
    doors: Mapping[str, Door]
    devices: Mapping[str, Device]
    keys: Mapping[int, IssuerKey]


@dataclass(frozen=True, slots=True, order=True)
class UsageKey:
    """One counted use (spec/rules.md 2.6). `store` is set with `dedupe_scope=store` only."""

    owner: str
    band: str
    service_date: date
    store: str | None = None

    def __str__(self) -> str:
        """Spell the key as spec/cases.md does: owner/band/date, the store behind if any."""
        text = f"{self.owner}/{self.band}/{self.service_date.isoformat()}"
        return text if self.store is None else f"{text}/{self.store}"


@dataclass(frozen=True, slots=True)
class Visit:
    """A member inside a store: since when, and until when leaving raises no warning.

    `until` None = no end (spec/rules.md 2.4, 3.4).
    """

    store: str
    since: datetime
    until: datetime | None
    device: str
    via: str
    band: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a decision's trace: the check's name, whether it held, the facts it used."""

    name: str
    passed: bool
    facts: Mapping[str, str | int | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request, with all that has to be recorded and done.

    `new_keys`: usage keys to add, none of them present before. `visit`: the visit that an
    allowed entry makes or replaces (None: leave it alone). `via`: plan:ID or booking:ID.
    """

    verdict: Verdict
    reason: Reason
    via: str | None = None
    band: str | None = None
    service_date: date | None = None
    new_keys: tuple[UsageKey, ...] = ()
    warnings: tuple[Warn, ...] = ()
    visit: Visit | None = None
    trace: tuple[Check, ...] = ()
