"""The words of the rules: closed sets, spelled as spec/rules.md 2 and 3.10 spell them.

What is stored or sent uses these values, so they are append-only.
"""

from enum import StrEnum


class Side(StrEnum):
    """Which way a device lets people through (spec/rules.md 2.5)."""

    IN = "IN"
    OUT = "OUT"


class Mode(StrEnum):
    """How a device uses the rules (spec/rules.md 2.5)."""

    APP = "APP"
    LOCK_QR = "LOCK_QR"
    KEY_SCHEDULE = "KEY_SCHEDULE"
    RECORD_ONLY = "RECORD_ONLY"


class Qualifier(StrEnum):
    """Who may use a reader (spec/rules.md 2.5, `qualify`); single plans are named beside it."""

    ANY_MEMBER = "any_member"
    PLAN = "plan"
    BOOKING = "booking"
    TICKET = "ticket"
    SEAT = "seat"
    ROOM = "room"
    STAFF = "staff"


class Gender(StrEnum):
    """For doors of changing rooms and the like (spec/rules.md 2.5)."""

    F = "F"
    M = "M"


class GrantTiming(StrEnum):
    """When a key-schedule device's booking bands give keys (spec/rules.md 3.6-4)."""

    CONTRACT_AND_BOOKING = "CONTRACT_AND_BOOKING"
    BOOKING_ONLY = "BOOKING_ONLY"


class TicketType(StrEnum):
    """What a ticket is for; only ENTRY opens doors by itself (spec/rules.md 2.5)."""

    ENTRY = "ENTRY"
    BOOKING = "BOOKING"
    TRIAL = "TRIAL"


class StaffRole(StrEnum):
    """What a staff person may do (spec/rules.md 2.4)."""

    OPEN = "open"
    OPERATE = "operate"
    INSTALL = "install"
    PASS_LOCKDOWN = "pass_lockdown"  # noqa: S105 - a role and no password


class CodeKind(StrEnum):
    """The kinds of code a device may accept (spec/credentials.md); plain ones if it lists them."""

    M1 = "M1"
    F1 = "F1"
    T1 = "T1"
    T2 = "T2"
    R1 = "R1"
    B1 = "B1"
    BARCODE = "BARCODE"
    LOYALTY = "LOYALTY"
    CARD = "CARD"
    PHONE = "PHONE"
    PIN = "PIN"


class Alphabet(StrEnum):
    """What a plain code is made of; letters are A to Z and a to z."""

    DIGITS = "digits"
    LETTERS_AND_DIGITS = "letters_and_digits"
    PRINTABLE = "printable"


class KeyRole(StrEnum):
    """What an issuer key may sign (spec/credentials.md); one key, one role."""

    MEMBER = "member"
    STAFF = "staff"
    BOOKING = "booking"
    ROTATING = "rotating"


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


class ExemptScope(StrEnum):
    """When a booking exempts (spec/rules.md 6, row 7)."""

    WINDOW = "window"
    DAY = "day"
    BOOKING_BAND = "booking_band"


class TicketDedupe(StrEnum):
    """What one ticket use covers (spec/rules.md 6, row 11)."""

    BAND = "band"
    DAY = "day"
    ENTRY = "entry"


class EntitlementOrder(StrEnum):
    """What is used when plan and ticket both fit (spec/rules.md 6, row 12)."""

    PLAN_FIRST = "plan_first"
    TICKET_FIRST = "ticket_first"


class ConsumeOn(StrEnum):
    """When an entry counts (spec/rules.md 6, row 14)."""

    GRANT = "grant"
    DOOR_OPENED = "door_opened"


class AntiPassback(StrEnum):
    """What a second entry without an exit gets (spec/rules.md 6, row 22)."""

    OFF = "off"
    SOFT = "soft"
    HARD = "hard"


class StalePolicy(StrEnum):
    """How to decide by old rules (spec/rules.md 3.7)."""

    NORMAL = "normal"
    MEMBERS = "members"
    DENY = "deny"


class ClockPolicy(StrEnum):
    """How to decide while the clock can't tell (spec/rules.md 3.7)."""

    MEMBERS = "members"
    DENY = "deny"


class DiskFailurePolicy(StrEnum):
    """Who gets in while an entry can't be recorded (spec/rules.md 3.7)."""

    DENY = "deny"
    MEMBERS = "members"


class OpenWhenExpired(StrEnum):
    """Whether the owner may open a locker past its end (spec/rules.md 6, row 28)."""

    OFF = "off"
    ONCE = "once"
    ON = "on"


class Relock(StrEnum):
    """When the bolt is thrown again after a passage (spec/hardware.md 9.2)."""

    OPEN = "open"
    CLOSE = "close"


class ExitButton(StrEnum):
    """What the exit button does where a handle opens the door from inside (spec/hardware.md 9.3).

    `SHUNT`: it only says that somebody is about to use the handle.
    """

    RELEASE = "release"
    SHUNT = "shunt"


class Verdict(StrEnum):
    """What was decided (spec/rules.md 2.8)."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    RECORDED = "RECORDED"


class Reason(StrEnum):
    """Why it was decided so: the codes of spec/rules.md 3.10. Values are append-only."""

    OK = "OK"
    OK_WITH_WARNING = "OK_WITH_WARNING"
    STAFF = "STAFF"
    RECORDED = "RECORDED"
    CODE_UNREADABLE = "CODE_UNREADABLE"
    CODE_KIND_NOT_ACCEPTED = "CODE_KIND_NOT_ACCEPTED"
    CODE_UNKNOWN_KEY = "CODE_UNKNOWN_KEY"
    CODE_OTHER_STORE = "CODE_OTHER_STORE"
    CODE_BAD_SIGNATURE = "CODE_BAD_SIGNATURE"
    CODE_NOT_YET_VALID = "CODE_NOT_YET_VALID"
    CODE_EXPIRED = "CODE_EXPIRED"
    CODE_REVOKED = "CODE_REVOKED"
    CODE_USED = "CODE_USED"
    PIN_NEEDED = "PIN_NEEDED"
    STAFF_UNKNOWN = "STAFF_UNKNOWN"
    STAFF_NOT_HERE = "STAFF_NOT_HERE"
    MEMBER_UNKNOWN = "MEMBER_UNKNOWN"
    MEMBER_NOT_SYNCED = "MEMBER_NOT_SYNCED"
    DEVICE_DISABLED = "DEVICE_DISABLED"
    LOCKDOWN = "LOCKDOWN"
    INTERLOCK = "INTERLOCK"
    NO_RULES = "NO_RULES"
    RULES_STALE = "RULES_STALE"
    CLOCK_UNTRUSTED = "CLOCK_UNTRUSTED"
    RECORD_FAILED = "RECORD_FAILED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    MEMBER_WITHDRAWN = "MEMBER_WITHDRAWN"
    MEMBER_SUSPENDED = "MEMBER_SUSPENDED"
    IDENTITY_SUSPENDED = "IDENTITY_SUSPENDED"
    DEVICE_GENDER = "DEVICE_GENDER"
    DEVICE_NOT_QUALIFIED = "DEVICE_NOT_QUALIFIED"
    QUOTA_EXHAUSTED = "QUOTA_EXHAUSTED"
    STORE_CLOSED = "STORE_CLOSED"
    HOLIDAY_NOT_ALLOWED = "HOLIDAY_NOT_ALLOWED"
    WEEKDAY_NOT_ALLOWED = "WEEKDAY_NOT_ALLOWED"
    CONTRACT_PAUSED = "CONTRACT_PAUSED"
    CONTRACT_ENDED = "CONTRACT_ENDED"
    CONTRACT_NOT_STARTED = "CONTRACT_NOT_STARTED"
    OUT_OF_BAND = "OUT_OF_BAND"
    TICKET_USED_UP = "TICKET_USED_UP"
    TICKET_EXPIRED = "TICKET_EXPIRED"
    TICKET_OUT_OF_BAND = "TICKET_OUT_OF_BAND"
    TICKET_STORE_NOT_ALLOWED = "TICKET_STORE_NOT_ALLOWED"
    TICKET_REQUIRED = "TICKET_REQUIRED"
    PLAN_NO_BANDS = "PLAN_NO_BANDS"
    STORE_NOT_ALLOWED = "STORE_NOT_ALLOWED"
    NO_ENTITLEMENT = "NO_ENTITLEMENT"
    ANTI_PASSBACK = "ANTI_PASSBACK"
    BOOKING_UNPAID = "BOOKING_UNPAID"
    BOOKING_CANCELLED = "BOOKING_CANCELLED"
    BOOKING_OVER = "BOOKING_OVER"
    TOO_EARLY = "TOO_EARLY"
    NOT_A_REGISTERED_USER = "NOT_A_REGISTERED_USER"
    SEAT_NOT_ASSIGNED = "SEAT_NOT_ASSIGNED"
    SEAT_CHECKED_OUT = "SEAT_CHECKED_OUT"
    SEAT_OCCUPIED = "SEAT_OCCUPIED"
    NO_PRODUCT = "NO_PRODUCT"
    PRODUCT_EXPIRED = "PRODUCT_EXPIRED"
    TIME_BALANCE_EMPTY = "TIME_BALANCE_EMPTY"
    NOT_YOUR_FIXED_SEAT = "NOT_YOUR_FIXED_SEAT"
    ALREADY_IN = "ALREADY_IN"
    ALREADY_OUT = "ALREADY_OUT"
    LOCKER_NOT_ASSIGNED = "LOCKER_NOT_ASSIGNED"
    LOCKER_NOT_YOURS = "LOCKER_NOT_YOURS"
    LOCKER_BAD_PIN = "LOCKER_BAD_PIN"
    LOCKER_NOT_STARTED = "LOCKER_NOT_STARTED"
    LOCKER_EXPIRED = "LOCKER_EXPIRED"
    LOCKER_OCCUPIED = "LOCKER_OCCUPIED"
    LOCKER_OUT_OF_ORDER = "LOCKER_OUT_OF_ORDER"
    PIN_RESET_FAILED = "PIN_RESET_FAILED"
    STALE_COMMAND = "STALE_COMMAND"


class Warn(StrEnum):
    """What staff should know about an allowed passage (spec/rules.md 3.10)."""

    PAYMENT_UNPAID = "WARN_PAYMENT_UNPAID"
    BANK_UNREGISTERED = "WARN_BANK_UNREGISTERED"
    OPEN_NOTE = "WARN_OPEN_NOTE"
    BOOKING_UNPAID = "WARN_BOOKING_UNPAID"
    RULES_STALE = "WARN_RULES_STALE"
    CLOCK_UNTRUSTED = "WARN_CLOCK_UNTRUSTED"
    PASSBACK = "WARN_PASSBACK"
    SUSPENDED = "WARN_SUSPENDED"
    WITHDRAWN = "WARN_WITHDRAWN"
    EXIT_LATE = "EXIT_LATE"
    EXIT_NO_ENTRY = "EXIT_NO_ENTRY"
    EXIT_NO_ENTITLEMENT = "EXIT_NO_ENTITLEMENT"
    EXIT_SUSPENDED = "EXIT_SUSPENDED"
    EXIT_CODE_EXPIRED = "EXIT_CODE_EXPIRED"
    EXIT_CODE_NOT_YET_VALID = "EXIT_CODE_NOT_YET_VALID"
    EXIT_CODE_REVOKED = "EXIT_CODE_REVOKED"
    EXIT_UNKNOWN_MEMBER = "EXIT_UNKNOWN_MEMBER"
