"""The shapes of the rules file, format edged-rules/1, and the nouns that they spell.

The descriptions here are those of `config/rules.schema.json`. Shapes, ids and sizes are judged
here; what the values mean, and their ranges, are the business of `policy.check`.
"""

import base64
import re
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edged.store import limits
from policy.model import (
    BandGrant,
    Booking,
    BookingStatus,
    CodeKind,
    Contract,
    DayRule,
    DedupeScope,
    Device,
    Door,
    HolidayRule,
    Hours,
    IssuerKey,
    KeyRole,
    Member,
    Mode,
    Overlap,
    Plan,
    PlanType,
    Relock,
    Rules,
    RuleSettings,
    Side,
    Store,
    Warn,
)

FORMAT: Final = "edged-rules/1"
ID_PATTERN: Final = "^[A-Za-z0-9_-]{1,64}$"
_HOURS: Final = re.compile(r"([0-9]{1,2}):([0-5][0-9])-([0-9]{1,2}):([0-5][0-9])")
_DAY_MIN: Final = 24 * 60
_FIRST, _LAST = date(2000, 1, 1), date(2199, 12, 31)


def hours(text: str) -> Hours:
    """Read band hours: `10:00-17:00`, and over midnight `22:00-02:00` or `22:00-26:00`.

    Raises:
        ValueError: It is spelled otherwise, starts at 24:00 or later, or is empty: `0:00-0:00`
            could be all day or nothing (spec/rules.md 2.1).
    """
    spelled = _HOURS.fullmatch(text)
    if spelled is None:
        raise ValueError("write hours as 10:00-17:00")
    from_h, from_min, to_h, to_min = map(int, spelled.groups())
    start, end = from_h * 60 + from_min, to_h * 60 + to_min
    if start >= _DAY_MIN:
        raise ValueError("hours start before 24:00")
    if start == end:
        raise ValueError("hours that end where they start are unclear; all day is 0:00-24:00")
    if end < start:
        end += _DAY_MIN
    if end > start + _DAY_MIN:
        raise ValueError("hours last at most a day")
    return Hours(start, end)


def _check_hours(text: str) -> str:
    hours(text)
    return text


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone such as Asia/Tokyo") from None
    return name


def _check_instant(text: str) -> str:
    _instant(text)
    return text


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if not _FIRST.year <= at.year <= _LAST.year:
        raise ValueError(f"the year is not in {_FIRST.year}..{_LAST.year}")
    return at.astimezone(UTC)


def _public_hex(text: str) -> str:
    """Read 32 bytes from hex or base64url, in their one spelling."""
    if len(text) == 64:  # noqa: PLR2004 - two hex digits a byte
        return text.lower()
    raw = base64.urlsafe_b64decode(text + "=")
    if base64.urlsafe_b64encode(raw).decode() != text + "=":
        raise ValueError("not the base64url of 32 bytes")
    return raw.hex()


Id: TypeAlias = Annotated[str, Field(pattern=ID_PATTERN)]
Kid: TypeAlias = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,2})$")]
Text: TypeAlias = Annotated[
    str, Field(max_length=limits.TEXT_CHARS, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Kind: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=limits.TEXT_CHARS, pattern=r"^[^\x00-\x1f\x7f/]+$")
]
"""A band kind is free text (spec/rules.md 2.1); a slash would make the spelling of keys unclear."""
Number: TypeAlias = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
Day: TypeAlias = Annotated[date, Field(ge=_FIRST, le=_LAST)]
Instant: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}"
        r"(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
    ),
    AfterValidator(_check_instant),
]
Some = Field(max_length=limits.ENTRIES)


class _Shape(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class KeyShape(_Shape):
    """A public key of the tenant (spec/credentials.md)."""

    role: KeyRole
    """What the key may sign; one key, one role."""
    public: Annotated[
        str, Field(pattern=r"^([0-9A-Fa-f]{64}|[A-Za-z0-9_-]{43})$"), AfterValidator(_public_hex)
    ]
    """The Ed25519 public key, 32 bytes, in hex or in base64url without padding."""

    def noun(self, kid: str) -> IssuerKey:
        """Build the key with this kid."""
        return IssuerKey(int(kid), self.role, bytes.fromhex(self.public))


class SettingsShape(_Shape):
    """What holds for the whole tenant (spec/rules.md 6)."""

    overlap: Overlap = Overlap.ONE
    """Which of several fitting bands is counted."""
    dedupe_scope: DedupeScope = DedupeScope.ALL_STORES
    """Whether one day at two stores is one use."""
    code_ttl_min: Number = 30
    """Minutes that a shown code may be valid at most."""
    code_skew_s: Number = 60
    """Seconds that a phone's clock may be ahead."""
    presentation_gap_ms: Number = 1_500
    """Milliseconds without a read after which a code is presented anew."""
    debounce_s: Number = 5
    """Seconds after a decision in which the same code is ignored."""
    visit_max_h: Number = 24
    """Hours after which an open visit is forgotten."""

    def noun(self) -> RuleSettings:
        """Build the settings."""
        return RuleSettings(**dict(self))


class StoreShape(_Shape):
    """A place with its own hours, zone and holidays (spec/rules.md 2.1)."""

    tz: Annotated[Text, AfterValidator(_check_zone)]
    """The IANA name of its time zone, such as Asia/Tokyo."""
    name: Text = ""
    """For people; nothing depends on it."""
    bands: Annotated[dict[Kind, Annotated[Text, AfterValidator(_check_hours)]], Some] = {}
    """Hours of each band kind here: 10:00-17:00, 22:00-02:00, 22:00-26:00."""
    holidays: Annotated[dict[Day, Text], Some] = {}
    """Holidays with their names."""
    closed: Annotated[frozenset[Day], Some] = frozenset()
    """Dates on which nothing opens but for staff."""

    def noun(self, store: str) -> Store:
        """Build the store with this id."""
        return Store(
            id=store,
            tz=ZoneInfo(self.tz),
            bands={kind: hours(text) for kind, text in self.bands.items()},
            holidays=frozenset(self.holidays),
            closed=self.closed,
            name=self.name,
        )


class BandShape(_Shape):
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
        ticked = frozenset(day for day, tick in enumerate(self.weekdays) if tick == "1")
        return BandGrant(self.kind, self.limit, DayRule(ticked, self.holiday))


class PlanShape(_Shape):
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
    priority: Number = 0
    """Between equal contracts the lower number goes first."""

    def noun(self, plan: str) -> Plan:
        """Build the plan with this id."""
        bands = tuple(band.noun() for band in self.bands)
        return Plan(id=plan, **{**dict(self), "bands": bands})


class DoorShape(_Shape):
    """How a door behaves; what it is wired to is in the settings (spec/rules.md 6, row 38)."""

    store: Id
    pulse_ms: Number = 5_000
    """Milliseconds that the lock is released for an entry."""
    held_open_s: Number = 30
    """Seconds after which an open door is an alarm."""
    relock: Relock = Relock.OPEN
    """Whether the bolt is thrown when the door opens or when it closes again."""

    def noun(self, door: str) -> Door:
        """Build the door with this id."""
        return Door(id=door, **dict(self))


class DeviceShape(_Shape):
    """A reader at a door, or a terminal without one (spec/rules.md 2.5)."""

    store: Id
    side: Side
    """Which way it lets people through."""
    door: Id | None = None
    room: Id | None = None
    mode: Mode = Mode.LOCK_QR
    codes: frozenset[CodeKind] = Field(default_factory=lambda: frozenset(CodeKind))
    """The kinds of code that it accepts; left out: all that this release knows."""
    counts: bool | None = None
    """Whether an entry here is counted; null: yes, but not at a room's door."""
    booking_early_min: Number = 15
    """Minutes before a booking in which it opens."""
    booking_exit_late_min: Number = 15
    """Minutes after a booking in which leaving raises no warning."""
    enabled: bool = True

    def noun(self, device: str) -> Device:
        """Build the device with this id."""
        counts = self.room is None if self.counts is None else self.counts
        return Device(id=device, **{**dict(self), "counts": counts})


class ContractShape(_Shape):
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
        return Contract(**dict(self))


class BookingShape(_Shape):
    """A booked program or room (spec/rules.md 2.5)."""

    id: Id
    store: Id
    program: Id
    start: Instant
    end: Instant
    status: BookingStatus
    paid: bool
    room: Id | None = None

    def noun(self) -> Booking:
        """Build the booking."""
        return Booking(**{**dict(self), "start": _instant(self.start), "end": _instant(self.end)})


class MemberShape(_Shape):
    """A person by handle: no name, no number (spec/rules.md 2.4)."""

    handle: Annotated[str, Field(pattern="^[0-9A-Fa-f]{16}$")]
    """The 8 bytes that the member's codes hold, in hex."""
    contracts: Annotated[tuple[ContractShape, ...], Some] = ()
    bookings: Annotated[tuple[BookingShape, ...], Some] = ()
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

    def noun(self, member: str) -> Member:
        """Build the member with this id."""
        return Member(
            id=member,
            **{
                **dict(self),
                "handle": bytes.fromhex(self.handle),
                "contracts": tuple(contract.noun() for contract in self.contracts),
                "bookings": tuple(booking.noun() for booking in self.bookings),
                "notices": frozenset(Warn(f"WARN_{notice}") for notice in self.notices),
            },
        )


class RulesFile(_Shape):
    """All that edged decides by, each record under its id; references are ids of this file."""

    format: Literal["edged-rules/1"]
    tenant: Id
    """The tenant whose codes are accepted; it is part of what they sign."""
    version: Annotated[int, Field(ge=1, le=2**53 - 1)]
    """Counts up; a device never goes back to a lower one."""
    issued_at: Instant
    settings: SettingsShape = SettingsShape()
    keys: Annotated[dict[Kid, KeyShape], Field(max_length=256)] = {}
    stores: Annotated[dict[Id, StoreShape], Field(max_length=limits.RECORDS)] = {}
    plans: Annotated[dict[Id, PlanShape], Field(max_length=limits.RECORDS)] = {}
    doors: Annotated[dict[Id, DoorShape], Field(max_length=limits.RECORDS)] = {}
    devices: Annotated[dict[Id, DeviceShape], Field(max_length=limits.RECORDS)] = {}
    members: Annotated[dict[Id, MemberShape], Field(max_length=limits.MEMBERS)] = {}

    def noun(self) -> Rules:
        """Build the rules: everything but the members."""
        return Rules(
            tenant=self.tenant,
            version=self.version,
            issued_at=_instant(self.issued_at),
            settings=self.settings.noun(),
            stores={name: store.noun(name) for name, store in self.stores.items()},
            plans={name: plan.noun(name) for name, plan in self.plans.items()},
            doors={name: door.noun(name) for name, door in self.doors.items()},
            devices={name: device.noun(name) for name, device in self.devices.items()},
            keys={int(kid): key.noun(kid) for kid, key in self.keys.items()},
        )
