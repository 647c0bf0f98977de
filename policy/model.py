"""The nouns of the rules: values, built once at the border, never changed (spec/rules.md 1, 2).

Instants are aware UTC datetimes; dates are local to the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING

from policy.codes import PROVEN, Pattern, RotatingKey
from policy.codes import (
    IssuerKey as IssuerKey,
)
from policy.decision import (
    Check as Check,
)
from policy.decision import (
    Decision as Decision,
)
from policy.decision import (
    Scene as Scene,
)
from policy.decision import (
    Visit as Visit,
)
from policy.decision import value
from policy.usage_keys import (
    Usage as Usage,
)
from policy.usage_keys import (
    UsageKey as UsageKey,
)
from policy.words import (
    AntiPassback as AntiPassback,
)
from policy.words import (
    BookingStatus as BookingStatus,
)
from policy.words import (
    ClockPolicy as ClockPolicy,
)
from policy.words import (
    CodeKind as CodeKind,
)
from policy.words import (
    ConsumeOn as ConsumeOn,
)
from policy.words import (
    DedupeScope as DedupeScope,
)
from policy.words import (
    DiskFailurePolicy as DiskFailurePolicy,
)
from policy.words import (
    EntitlementOrder as EntitlementOrder,
)
from policy.words import (
    ExemptScope as ExemptScope,
)
from policy.words import (
    ExitButton as ExitButton,
)
from policy.words import (
    Gender as Gender,
)
from policy.words import (
    GrantTiming as GrantTiming,
)
from policy.words import (
    HolidayRule as HolidayRule,
)
from policy.words import (
    KeyRole as KeyRole,
)
from policy.words import (
    Mode as Mode,
)
from policy.words import (
    OpenWhenExpired as OpenWhenExpired,
)
from policy.words import (
    Overlap as Overlap,
)
from policy.words import (
    PlanType as PlanType,
)
from policy.words import (
    Qualifier as Qualifier,
)
from policy.words import (
    Reason as Reason,
)
from policy.words import (
    Relock as Relock,
)
from policy.words import (
    Side as Side,
)
from policy.words import (
    StaffRole as StaffRole,
)
from policy.words import (
    StalePolicy as StalePolicy,
)
from policy.words import (
    TicketDedupe as TicketDedupe,
)
from policy.words import (
    TicketType as TicketType,
)
from policy.words import (
    Verdict as Verdict,
)
from policy.words import (
    Warn as Warn,
)

if TYPE_CHECKING:
    from policy.rooms import RoomBooking
    from policy.seats import Product, Seat
    from policy.timetable import Offers


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
    """A place with its own hours, zone and holidays (spec/rules.md 2.1).

    By `handle`, 8 bytes, and by `number`, 0..65_535, codes for this store name it, rotating ones
    by the number; by those of `rooms` they name its rooms. None: no code does.
    """

    id: str
    tz: tzinfo
    bands: Mapping[str, Hours]
    holidays: frozenset[date] = frozenset()
    closed: frozenset[date] = frozenset()
    name: str = ""
    room_bookings: "tuple[RoomBooking, ...]" = ()
    handle: bytes | None = None
    number: int | None = None
    rooms: Mapping[str, bytes] = field(default_factory=dict)


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
    booking_bands: tuple[BandGrant, ...] = ()
    priority: int = 0


@value
class Contract:
    """A member's plan with its dates, all inclusive service dates (spec/rules.md 2.4)."""

    id: str
    plan: str
    start: date
    end: date | None = None
    paused: tuple[tuple[date, date], ...] = ()
    main: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """A number of uses (spec/rules.md 2.5); `bands` None = none asked for, `stores` None = all.

    `remaining` is what the cloud said, with every use up to the service date `counted_to` taken
    off (None: no use at all). Every usage key of a later date takes one more off, wherever it
    was made, and may take it below 0. So each use is taken off once: by the number or by its key.
    """

    id: str
    type: TicketType
    remaining: int
    valid_from: date
    valid_to: date | None = None
    bands: frozenset[str] | None = None
    days: DayRule = DayRule()
    stores: frozenset[str] | None = None
    counted_to: date | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """A booked program or room, in UTC (2.5); `handle`: 8 bytes, by which its codes name it."""

    id: str
    store: str
    program: str
    start: datetime
    end: datetime
    status: BookingStatus
    paid: bool
    room: str | None = None
    handle: bytes | None = None
    changed_at: datetime | None = None


@value
class Member:
    """A person by handle, 8 bytes as in the codes; no name, no number (spec/rules.md 2.4).

    `products` and `seats`: what was bought at a study café, and the seats held by it (2.7).
    """

    id: str
    handle: bytes
    contracts: tuple[Contract, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    bookings: tuple[Booking, ...] = ()
    suspended: bool = False
    id_suspended: bool = False
    withdrawn: bool = False
    gender: Gender | None = None
    extended_time: bool = False
    notices: frozenset[Warn] = frozenset()
    fixed_code_version: int = 1
    label: str | None = None
    products: "tuple[Product, ...]" = ()
    seats: "tuple[Seat, ...]" = ()
    rotating: tuple[RotatingKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Staff:
    """A person of the staff (spec/rules.md 2.4); `stores` None = all, dates inclusive, local.

    `version` is that of the fixed card. `pin_hash`: of the PIN beside it, None = there is none.
    """

    id: str
    handle: bytes
    roles: frozenset[StaffRole]
    stores: frozenset[str] | None = None
    active: bool = True
    version: int = 1
    pin_hash: bytes | None = field(default=None, repr=False)
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """How a door behaves; what it is wired to is the settings' business.

    `pulse_ms` 500..60_000 (spec/rules.md 6, row 38), `held_open_s` 1..3_600. `relock` None: on
    open for a strike, on close for a magnet. `pre_alarm_s` before the held-open alarm, 0: none.
    `open_bands`: bands without limits in which the door stands open, once the first person has
    come in where `first_in`. `interlock`: the set of doors of which one at a time may be open.

    Source: spec/hardware.md 9.2, 9.3.
    """

    id: str
    store: str
    pulse_ms: int = 5_000
    extended_s: int = 15
    held_open_s: int = 30
    pre_alarm_s: int = 10
    forced_min_s: int = 30
    relock: Relock | None = None
    relock_delay_ms: int = 500
    exit_button: ExitButton = ExitButton.RELEASE
    open_bands: tuple[BandGrant, ...] = ()
    first_in: bool = False
    interlock: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A reader at a door, or a terminal without one (spec/rules.md 2.5).

    `loyalty`: a terminal without a door notes that members were here (4.6). `lockers`: it gives
    those who have paid for one a locker (4.1). `card_pin`: a staff card needs the person's PIN.
    """

    id: str
    store: str
    side: Side
    door: str | None = None
    room: str | None = None
    mode: Mode = Mode.LOCK_QR
    qualify: frozenset[Qualifier] = frozenset({Qualifier.ANY_MEMBER})
    qualify_plans: frozenset[str] = frozenset()
    gender: Gender | None = None
    grant_timing: GrantTiming = GrantTiming.CONTRACT_AND_BOOKING
    check_stores: bool = True
    auto_check_in: bool = False
    codes: frozenset[CodeKind] = PROVEN
    card_pin: bool = False
    counts: bool = True
    booking_early_min: int = 15
    booking_exit_late_min: int = 15
    enabled: bool = True
    loyalty: bool = False
    lockers: bool = False


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """The settings of spec/rules.md 6, with their defaults; the row is that of its table."""

    dedupe_scope: DedupeScope = DedupeScope.ALL_STORES  # 4
    overlap: Overlap = Overlap.ONE  # 5
    exempt_scope: ExemptScope = ExemptScope.WINDOW  # 7
    recount_on_cancel: bool = False  # 10
    ticket_dedupe: TicketDedupe = TicketDedupe.BAND  # 11
    entitlement_order: EntitlementOrder = EntitlementOrder.PLAN_FIRST  # 12
    paid_booking_opens: bool = False  # 13
    consume_on: ConsumeOn = ConsumeOn.GRANT  # 14
    month_anchor_day: int = 1  # 15
    day_cutoff_hour: int = 0  # 16
    carry_usage_on_plan_change: bool = False  # 17
    paused_blocks_all: bool = False  # 20a
    exit_unlock_unknown: bool = False  # 21
    anti_passback: AntiPassback = AntiPassback.OFF  # 22
    passback_timeout_min: int = 720
    code_single_use: bool = False  # 23
    code_ttl_min: int = 30  # 24
    code_skew_s: int = 60
    rules_max_age_h: int = 72  # 25
    stale_policy: StalePolicy = StalePolicy.NORMAL
    clock_policy: ClockPolicy = ClockPolicy.MEMBERS
    disk_failure_policy: DiskFailurePolicy = DiskFailurePolicy.DENY
    closed_days_block_bookings: bool = True  # 26
    locker_open_when_expired: OpenWhenExpired = OpenWhenExpired.OFF  # 28
    auto_checkout_on_exit: bool = False  # 31
    room_early_min: int = 15  # 8
    room_unpaid_cancel_min: int = 15  # 32
    debounce_s: int = 5  # 39
    presentation_gap_ms: int = 1_500  # spec/credentials.md, one presentation
    visit_max_h: int = 24  # 2.4
    release_seen_s: int = 10  # 4.1
    force_end_needs_check: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything of one rule set but the members, who are looked up one by one.

    `timetables` is worked out from the rest when it is needed, and belongs to this value only.
    """

    tenant: str
    version: int
    issued_at: datetime
    settings: RuleSettings
    stores: Mapping[str, Store]
    plans: Mapping[str, Plan]
    doors: Mapping[str, Door]
    devices: Mapping[str, Device]
    keys: Mapping[int, IssuerKey]
    staff: Mapping[str, Staff] = field(default_factory=dict)
    plain: Mapping[CodeKind, Pattern] = field(default_factory=dict)
    timetables: "dict[tuple[str, int], Offers]" = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
