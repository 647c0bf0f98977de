"""Every bound of the rules, with its unit and the reason for it.

`Range` ends are inclusive. `check` refuses rules outside them, so the decisions never meet one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """The values allowed for one number, both ends included."""

    low: int
    high: int
    unit: str
    reason: str

    def __contains__(self, value: int) -> bool:
        """Tell whether `value` is allowed."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        """Spell the range for a person: `500..60000 ms`."""
        return f"{self.low}..{self.high} {self.unit}"


# The calendar
DATES_AROUND = 2  # days: a band lasts 1 day and tolerance 1 more, so 2 each way always suffice
DATES_KEPT = 64  # dates with the months around each: those of a few months
SPANS_KEPT = 1024  # occurrence rows (about 1 KB each): 8 band kinds for a third of a year
TIMETABLES_KEPT = 256  # devices x plans x days (60 KB each): more than a door meets in a day
TIMETABLES_AHEAD = 192  # of those: the rest is for what is asked for
BAND_START = Range(0, 1_439, "min", "a band starts on its service date")
BAND_LENGTH = Range(1, 1_440, "min", "longer than a day would overlap itself")
WEEKDAY = Range(0, 6, "day", "0 is Monday")

# Plans and devices
TOLERANCE = Range(0, 1_440, "min", "more would reach past the dates that are looked at")
BOOKING_MARGIN = Range(0, 1_440, "min", "a booking opens and ends within a day of itself")
PULSE = Range(500, 60_000, "ms", "shorter moves no bolt, longer leaves the door unlocked")
HELD_OPEN = Range(1, 3_600, "s", "a door open for an hour is never normal")
EXTENDED = Range(0, 60, "s", "no lock is released longer than a minute")
PRE_ALARM = Range(0, 3_600, "s", "0 is none; no longer than a door may be open")
FORCED_MIN = Range(0, 3_600, "s", "an alarm of an hour is heard by whoever can hear it")
RELOCK_DELAY = Range(0, 10_000, "ms", "longer is no relock at the opening")

# Counting (spec/rules.md 6)
MONTH_ANCHOR = Range(1, 28, "day", "every month has it")
DAY_CUTOFF = Range(0, 12, "h", "later, most of a date would count as the one before")
TICKET_USES = Range(-10_000, 10_000, "use", "a merge may take it below 0; no pack is larger")

# Codes, rules and visits
CODE_TTL = Range(1, 1_440, "min", "a shown code must not outlive the day")
CODE_SKEW = Range(0, 600, "s", "a phone further off than this has no usable clock")
PRESENTATION_GAP = Range(100, 10_000, "ms", "scanners repeat 2 to 10 times a second")
DEBOUNCE = Range(0, 60, "s", "longer would ignore a person who comes back")
PASSBACK_TIMEOUT = Range(0, 10_080, "min", "0 never ends; nobody stays longer than a week")
RULES_MAX_AGE = Range(1, 8_760, "h", "whoever decides by rules a year old has no rules")
RELEASE_SEEN = Range(1, 600, "s", "a locker that is not open after minutes is stuck")
VISIT_MAX = Range(1, 168, "h", "nobody stays longer than a week")
FIXED_CODE_VERSION = Range(0, 65_535, "version", "two bytes in the printed code")
KEY_ID = Range(0, 255, "id", "one byte in every signed code")
STORE_NUMBER = Range(0, 65_535, "number", "two bytes in every rotating code")
PLAIN_CHARS = Range(4, 64, "character", "shorter is guessed in no time, longer is no barcode")
HANDLE_BYTES = 8  # bytes: the field in every signed code (spec/credentials.md)
PUBLIC_KEY_BYTES = 32  # bytes: an Ed25519 public key
TENANT_CHARS = 64  # characters: it is signed with every code and typed by installers

# What one decision may have to walk through
STORE_BANDS = 64  # kinds: the source product starts with 8
PLAN_BANDS = 64  # bands: no more than a store can have kinds
CONTRACTS = 64  # contracts of a member: old ones are dropped by the cloud
PAUSES = 64  # pauses of a contract: five years of monthly ones
TICKETS = 64  # tickets of a member: used up and expired ones are dropped by the cloud
BOOKINGS = 256  # bookings of a member: some months of several a day

# Looking ahead
WINDOW_DAYS = 70  # days: this month, the next one, and the week around them
WAY_IN_DAYS = 62  # days: a used-up count comes back within 31; later than 62 helps nobody at a door
NEAR_DAYS = 2  # days: most ways in are today or tomorrow, so these are looked at first
