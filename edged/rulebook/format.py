"""The shapes of the rules file, format edged-rules/1, and the nouns that they spell.

The descriptions here are those of `config/rules.schema.json`. Shapes, ids and sizes are judged
here; what the values mean, and their ranges, are the business of `policy.check`.
"""

from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from edged.rulebook.cafe import RoomBookingShape
from edged.rulebook.fields import (
    Day,
    Handle,
    Id,
    Instant,
    Kid,
    Kind,
    Number,
    Shape,
    Some,
    Text,
    check_hours,
    check_zone,
    hours,
    instant,
    public_hex,
    ticked,
)
from edged.rulebook.people import MemberShape, StaffShape
from edged.store import limits
from policy.codes import PROVEN, Pattern
from policy.model import (
    AntiPassback,
    BandGrant,
    ClockPolicy,
    CodeKind,
    ConsumeOn,
    DayRule,
    DedupeScope,
    Device,
    DiskFailurePolicy,
    Door,
    EntitlementOrder,
    ExemptScope,
    ExitButton,
    Gender,
    GrantTiming,
    HolidayRule,
    IssuerKey,
    KeyRole,
    Mode,
    OpenWhenExpired,
    Overlap,
    Plan,
    PlanType,
    Qualifier,
    Relock,
    Rules,
    RuleSettings,
    Side,
    StalePolicy,
    Store,
    TicketDedupe,
)
from policy.words import Alphabet

FORMAT: Final = "edged-rules/1"
_NONE: Final[Any] = Field(default_factory=dict)


class KeyShape(Shape):
    """A key of the tenant (spec/credentials.md)."""

    role: KeyRole
    """What the key may sign; one key, one role."""
    public: (
        Annotated[
            str, Field(pattern=r"^([0-9A-Fa-f]{64}|[A-Za-z0-9_-]{43})$"), AfterValidator(public_hex)
        ]
        | None
    ) = None
    """The Ed25519 public key, 32 bytes, in hex or in base64url without padding; rotating: null."""

    def noun(self, kid: str) -> IssuerKey:
        """Build the key with this kid."""
        public = None if self.public is None else bytes.fromhex(self.public)
        return IssuerKey(int(kid), self.role, public)


class PatternShape(Shape):
    """How a plain code is spelled (spec/credentials.md, plain kinds)."""

    min_chars: Number
    max_chars: Number
    alphabet: Alphabet = Alphabet.DIGITS

    def noun(self) -> Pattern:
        """Build the pattern."""
        return Pattern(**vars(self))


class SettingsShape(Shape):
    """What holds for the whole tenant (spec/rules.md 6)."""

    dedupe_scope: DedupeScope = DedupeScope.ALL_STORES
    """Whether one day at two stores is one use."""
    overlap: Overlap = Overlap.ONE
    """Which of several fitting bands is counted."""
    exempt_scope: ExemptScope = ExemptScope.WINDOW
    """When a booking exempts: in its window, on its day, or in its booking band."""
    recount_on_cancel: bool = False
    """Whether an exempt entry counts after its booking was cancelled."""
    ticket_dedupe: TicketDedupe = TicketDedupe.BAND
    """What one use of a ticket covers."""
    entitlement_order: EntitlementOrder = EntitlementOrder.PLAN_FIRST
    """What is used when a plan and a ticket both fit."""
    paid_booking_opens: bool = False
    """Whether a paid booking opens for a member with a limited plan."""
    consume_on: ConsumeOn = ConsumeOn.GRANT
    """Whether an entry counts at the scan or when the door opens."""
    month_anchor_day: Number = 1
    """The day on which a counted month begins."""
    day_cutoff_hour: Number = 0
    """The hour at which the date of an entry without a band changes."""
    carry_usage_on_plan_change: bool = False
    """Whether a new contract takes over the count of the one before."""
    paused_blocks_all: bool = False
    """Whether a pause stops tickets and bookings too."""
    exit_unlock_unknown: bool = False
    """Whether an unreadable code opens on the way out."""
    anti_passback: AntiPassback = AntiPassback.OFF
    """What a second entry without an exit gets."""
    passback_timeout_min: Number = 720
    """Minutes after which an entry is forgotten for that; 0: never."""
    code_single_use: bool = False
    """Whether a shown code works once."""
    code_ttl_min: Number = 30
    """Minutes that a shown code may be valid at most."""
    code_skew_s: Number = 60
    """Seconds that a phone's clock may be ahead."""
    rules_max_age_h: Number = 72
    """Hours after which rules are old."""
    stale_policy: StalePolicy = StalePolicy.NORMAL
    """How to decide by old rules."""
    clock_policy: ClockPolicy = ClockPolicy.MEMBERS
    """Who gets in while the clock can't tell the time."""
    disk_failure_policy: DiskFailurePolicy = DiskFailurePolicy.DENY
    """Who gets in while an entry can't be recorded."""
    closed_days_block_bookings: bool = True
    """Whether a booking on a closed day opens nothing."""
    locker_open_when_expired: OpenWhenExpired = OpenWhenExpired.OFF
    """Whether the owner may open a locker past its end."""
    auto_checkout_on_exit: bool = False
    """Whether leaving checks the seat out."""
    room_early_min: Number = 15
    """Minutes before a room's booking in which its door opens."""
    room_unpaid_cancel_min: Number = 15
    """Minutes after its start at which an unpaid room booking is cancelled."""
    debounce_s: Number = 5
    """Seconds after a decision in which the same code is ignored."""
    presentation_gap_ms: Number = 1_500
    """Milliseconds without a read after which a code is presented anew."""
    visit_max_h: Number = 24
    """Hours after which an open visit is forgotten."""
    release_seen_s: Number = 10
    """Seconds in which a released locker must be seen open."""
    force_end_needs_check: bool = False
    """Whether a locker is ended from afar only with its contents checked."""

    def noun(self) -> RuleSettings:
        """Build the settings."""
        return RuleSettings(**vars(self))


class StoreShape(Shape):
    """A place with its own hours, zone and holidays (spec/rules.md 2.1)."""

    tz: Annotated[Text, AfterValidator(check_zone)]
    """The IANA name of its time zone, such as Asia/Tokyo."""
    name: Text = ""
    """For people; nothing depends on it."""
    handle: Handle | None = None
    """The 8 bytes by which codes for this store alone name it, in hex; null: there are none."""
    number: Number | None = None
    """0 to 65535, by which rotating codes name it; null: there are none."""
    rooms: Annotated[dict[Id, Handle], Some] = _NONE
    """The 8 bytes by which booking codes name each room, in hex."""
    bands: Annotated[dict[Kind, Annotated[Text, AfterValidator(check_hours)]], Some] = _NONE
    """Hours of each band kind here: 10:00-17:00, 22:00-02:00, 22:00-26:00."""
    holidays: Annotated[dict[Day, Text], Some] = _NONE
    """Holidays with their names."""
    closed: Annotated[frozenset[Day], Some] = frozenset()
    """Dates on which nothing opens but for staff."""
    room_bookings: Annotated[dict[Id, RoomBookingShape], Field(max_length=limits.RECORDS)] = _NONE
    """Bookings of reservation rooms here, whose users come in by them."""

    def noun(self, store: str) -> Store:
        """Build the store with this id."""
        return Store(
            id=store,
            tz=ZoneInfo(self.tz),
            bands={kind: hours(text) for kind, text in self.bands.items()},
            holidays=frozenset(self.holidays),
            closed=self.closed,
            name=self.name,
            handle=None if self.handle is None else bytes.fromhex(self.handle),
            number=self.number,
            rooms={room: bytes.fromhex(handle) for room, handle in self.rooms.items()},
            room_bookings=tuple(b.noun(name) for name, b in self.room_bookings.items()),
        )


class BandShape(Shape):
    """One ticked band of a plan (spec/rules.md 2.2, 2.3)."""

    kind: Kind
    """The band kind; its hours are the store's."""
    limit: Number | None = None
    """Uses a calendar month; null: no limit, 0: never."""
    weekdays: Annotated[str, Field(pattern="^[01]{7}$")] = "1111111"
    """Ticked weekdays, Monday first."""
    holiday: HolidayRule = HolidayRule.ALL
    """What a holiday does to the weekdays."""

    def noun(self) -> BandGrant:
        """Build the band."""
        return BandGrant(self.kind, self.limit, DayRule(ticked(self.weekdays), self.holiday))


class PlanShape(Shape):
    """What a contract lets a member do (spec/rules.md 2.2)."""

    type: PlanType = PlanType.NORMAL
    restrict: bool = True
    """Whether bands, weekdays and counts are looked at."""
    ticket_required: bool = False
    """Whether the plan alone opens nothing."""
    bands: Annotated[tuple[BandShape, ...], Some] = ()
    exempt: bool = False
    """Whether a live booking opens without being counted."""
    exempt_programs: Annotated[frozenset[Id], Some] = frozenset()
    """The programs whose bookings do; empty: all."""
    early_min: Number = 0
    """Minutes before a band in which entering is allowed."""
    late_min: Number = 0
    """Minutes after a band in which leaving raises no warning."""
    stores: Annotated[frozenset[Id], Some] | None = None
    """The stores that the plan opens; null: all."""
    booking_bands: Annotated[tuple[BandShape, ...], Some] = ()
    """Bands in which it may book; they matter to key-schedule devices only, without limits."""
    priority: Number = 0
    """Between equal contracts the lower number goes first."""

    def noun(self, plan: str) -> Plan:
        """Build the plan with this id."""
        bands = {
            "bands": tuple(band.noun() for band in self.bands),
            "booking_bands": tuple(band.noun() for band in self.booking_bands),
        }
        return Plan(id=plan, **{**vars(self), **bands})


class DoorShape(Shape):
    """How a door behaves; what it is wired to is in the settings (spec/rules.md 6, row 38)."""

    store: Id
    pulse_ms: Number = 5_000
    """Milliseconds that the lock is released for an entry."""
    extended_s: Number = 15
    """Seconds by which that and held_open_s are longer for members with extended_time."""
    held_open_s: Number = 30
    """Seconds after which an open door is an alarm."""
    pre_alarm_s: Number = 10
    """Seconds before that alarm in which the door warns; 0: it does not."""
    forced_min_s: Number = 30
    """Seconds that the alarm of a forced door lasts, even if it is closed before."""
    relock: Relock | None = None
    """Whether the bolt is thrown when the door opens or closes; null: open, a magnet close."""
    relock_delay_ms: Number = 500
    """Milliseconds from that opening or closing to the bolt's return."""
    exit_button: ExitButton = ExitButton.RELEASE
    """What the exit button does; shunt counts only where the way out is mechanical."""
    open_bands: Annotated[tuple[BandShape, ...], Some] = ()
    """Bands, without limits, in which the door stands open for everybody."""
    first_in: bool = False
    """Whether it stands open only after the first entry in the band."""
    interlock: Id | None = None
    """The set of doors of one device of which one at a time lets somebody in."""

    def noun(self, door: str) -> Door:
        """Build the door with this id."""
        bands = tuple(band.noun() for band in self.open_bands)
        return Door(id=door, **{**vars(self), "open_bands": bands})


class DeviceShape(Shape):
    """A reader at a door, or a terminal without one (spec/rules.md 2.5)."""

    store: Id
    side: Side
    """Which way it lets people through."""
    door: Id | None = None
    room: Id | None = None
    mode: Mode = Mode.LOCK_QR
    """How it uses the rules."""
    qualify: frozenset[Qualifier] = frozenset({Qualifier.ANY_MEMBER})
    """Who may use it: any of these."""
    qualify_plans: Annotated[frozenset[Id], Some] = frozenset()
    """And whoever has a contract with one of these plans."""
    gender: Gender | None = None
    """For whom it is; null: for all."""
    grant_timing: GrantTiming = GrantTiming.CONTRACT_AND_BOOKING
    """When booking bands give keys at a key-schedule device."""
    check_stores: bool = True
    """Whether the plan's stores are looked at."""
    auto_check_in: bool = False
    """Whether an entry checks a paid booking in."""
    codes: frozenset[CodeKind] = PROVEN
    """The kinds of code that it accepts; left out: all that have a proof."""
    card_pin: bool = False
    """Whether a staff card opens only with the person's PIN, typed at the same side."""
    counts: bool | None = None
    """Whether an entry here is counted; null: yes, but not at a room's door."""
    booking_early_min: Number = 15
    """Minutes before a booking in which it opens."""
    booking_exit_late_min: Number = 15
    """Minutes after a booking in which leaving raises no warning."""
    enabled: bool = True
    loyalty: bool = False
    """Whether a counter terminal notes, once a day, that a member was here."""
    lockers: bool = False
    """Whether a counter terminal gives a member with a product of kind LOCKER a free locker."""

    def noun(self, device: str) -> Device:
        """Build the device with this id."""
        counts = self.room is None if self.counts is None else self.counts
        return Device(id=device, **{**vars(self), "counts": counts})


class RulesFile(Shape):
    """All that edged decides by, each record under its id; references are ids of this file."""

    format: Literal["edged-rules/1"]
    tenant: Id
    """The tenant whose codes are accepted; it is part of what they sign."""
    version: Annotated[int, Field(ge=1, le=2**53 - 1)]
    """Counts up; a device never goes back to a lower one."""
    issued_at: Instant
    settings: SettingsShape = SettingsShape()
    keys: Annotated[dict[Kid, KeyShape], Field(max_length=256)] = _NONE
    stores: Annotated[dict[Id, StoreShape], Field(max_length=limits.RECORDS)] = _NONE
    plans: Annotated[dict[Id, PlanShape], Field(max_length=limits.RECORDS)] = _NONE
    doors: Annotated[dict[Id, DoorShape], Field(max_length=limits.RECORDS)] = _NONE
    devices: Annotated[dict[Id, DeviceShape], Field(max_length=limits.RECORDS)] = _NONE
    staff: Annotated[dict[Id, StaffShape], Field(max_length=limits.RECORDS)] = _NONE
    plain: Annotated[dict[CodeKind, PatternShape], Some] = _NONE
    """How each plain kind of code is spelled; a device may accept only those."""
    members: Annotated[dict[Id, MemberShape], Field(max_length=limits.MEMBERS)] = _NONE

    def noun(self) -> Rules:
        """Build the rules: everything but the members."""
        return Rules(
            tenant=self.tenant,
            version=self.version,
            issued_at=instant(self.issued_at),
            settings=self.settings.noun(),
            stores={name: store.noun(name) for name, store in self.stores.items()},
            plans={name: plan.noun(name) for name, plan in self.plans.items()},
            doors={name: door.noun(name) for name, door in self.doors.items()},
            devices={name: device.noun(name) for name, device in self.devices.items()},
            keys={int(kid): key.noun(kid) for kid, key in self.keys.items()},
            staff={name: person.noun(name) for name, person in self.staff.items()},
            plain={kind: pattern.noun() for kind, pattern in self.plain.items()},
        )
