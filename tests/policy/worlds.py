"""Small worlds for tests of the rules, and hypothesis strategies that draw larger ones.

2026-11-04 is a Wednesday; `NOON` is 12:00 in Tokyo on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from policy import entry
from policy.model import (
    AntiPassback,
    BandGrant,
    Booking,
    BookingStatus,
    ClockPolicy,
    Contract,
    DayRule,
    Decision,
    DedupeScope,
    Device,
    DiskFailurePolicy,
    Door,
    EntitlementOrder,
    ExemptScope,
    Gender,
    GrantTiming,
    HolidayRule,
    Hours,
    IssuerKey,
    KeyRole,
    Member,
    Mode,
    Overlap,
    Plan,
    Qualifier,
    Reason,
    Rules,
    RuleSettings,
    Scene,
    Side,
    StalePolicy,
    Store,
    Ticket,
    TicketDedupe,
    TicketType,
    Usage,
    UsageKey,
    Visit,
    Warn,
)

TOKYO = ZoneInfo("Asia/Tokyo")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")

TODAY = date(2026, 11, 4)
NOON = datetime(2026, 11, 4, 3, tzinfo=UTC)
NEW_YEAR = date(2026, 1, 1)

STORE = Store(
    "S1",
    TOKYO,
    {"DAY": Hours(600, 1020), "NOON": Hours(660, 840), "LATE": Hours(1320, 1560)},
    holidays=frozenset({date(2026, 11, 3)}),
)
ENTRANCE = Device("D1", "S1", Side.IN, door="F1")
EXIT = Device("X1", "S1", Side.OUT, door="F1")
DAY_PLAN = Plan("P1", bands=(BandGrant("DAY", 8),))
CONTRACT = Contract("C1", "P1", NEW_YEAR)
MEMBER = Member("M1", b"member-1", (CONTRACT,))
BOOKING = Booking(
    "B1",
    "S1",
    "YOGA",
    NOON + timedelta(hours=6),
    NOON + timedelta(hours=7),
    BookingStatus.CONFIRMED,
    paid=True,
)


def at(hour: int, minute: int = 0, *, day: int = 4) -> datetime:
    """Return the instant of a Tokyo wall time in November 2026; `hour` may pass 24."""
    return datetime(2026, 11, day, tzinfo=TOKYO).astimezone(UTC) + timedelta(
        hours=hour, minutes=minute
    )


def rules_of(*plans: Plan, store: Store = STORE, settings: RuleSettings | None = None) -> Rules:
    """Return rules without a fault: one store, its entrance and exit, one key, these plans."""
    return Rules(
        tenant="acme",
        version=1,
        issued_at=NOON,
        settings=settings or RuleSettings(),
        stores={store.id: store},
        plans={plan.id: plan for plan in plans or (DAY_PLAN,)},
        doors={"F1": Door("F1", "S1")},
        devices={"D1": ENTRANCE, "X1": EXIT},
        keys={1: IssuerKey(1, KeyRole.MEMBER, bytes(32))},
    )


def enter(
    rules: Rules | None,
    device: Device,
    member: Member,
    used: Iterable[UsageKey],
    at: datetime,
    **scene: Any,
) -> Decision:
    """Decide an entry; `scene`: what else there is to say in a Scene."""
    return entry.decide(rules, device, member, Scene(at, Usage.of(used), **scene))


def used_on(days: Iterable[int], band: str = "DAY", owner: str = "C1") -> frozenset[UsageKey]:
    """Return a key on each of these days of November 2026."""
    return frozenset(UsageKey(owner, band, date(2026, 11, day)) for day in days)


# Drawn worlds: one store over a few days around a change of its clocks, dense enough that an
# instant often meets a band, a booking, a holiday, a closed date and a pause at once. Each comes
# from one seed: draw by draw it would take twenty times as long, so twenty times fewer worlds.
_KINDS = ("DAY", "NOON", "LATE", "POOL")
_MIDDLES = {TOKYO: TODAY, NEW_YORK: date(2026, 11, 1), LORD_HOWE: date(2026, 10, 4)}
_TICKED = (range(7), range(7), range(7), range(5), (5, 6))


@dataclass
class World:
    """One situation: everything that a decision depends on."""

    rules: Rules
    device: Device
    member: Member
    used: frozenset[UsageKey]
    at: datetime
    visit: Visit | None = None
    seat_refusal: Reason | None = Reason.SEAT_CHECKED_OUT
    room_refusal: Reason | None = Reason.BOOKING_UNPAID

    def scene(self, **said: Any) -> Scene:
        """Set the scene, as it is or as `said`."""
        scene = Scene(self.at, Usage.of(self.used), self.visit)
        refusals = {"seat_refusal": self.seat_refusal, "room_refusal": self.room_refusal}
        return replace(scene, **{**refusals, **said})


def worlds() -> st.SearchStrategy[World]:
    """Draw a world."""
    return st.randoms(use_true_random=True).map(_world)


def some_keys(pick: Random, middle: date) -> frozenset[UsageKey]:
    """Pick usage keys that the member of a world may have."""
    return frozenset(
        UsageKey(
            pick.choice(["C0", "C1", "C0", "C1", "T0"]),
            pick.choice([*_KINDS, "*"]),
            _near(pick, middle),
            pick.choice([None, None, "S1", "S2"]),
        )
        for _ in range(pick.randint(0, 12))
    )


def _world(pick: Random) -> World:
    tz, middle = pick.choice(list(_MIDDLES.items()))
    store = Store(
        "S1",
        tz,
        {kind: _hours(pick) for kind in _KINDS[:-1]},
        frozenset(_near(pick, middle) for _ in range(pick.randint(0, 2))),
        frozenset(_near(pick, middle) for _ in range(pick.randint(0, 1))),
    )
    plans = _plan(pick, "P1"), _plan(pick, "P2")
    at_ = _instant(pick, middle)
    since = at_ - timedelta(hours=pick.choice([1, 11, 13, 25]))
    visit = Visit("S1", since, None, "D1", "plan:C0", None)
    return World(
        rules_of(*plans, store=store, settings=_settings(pick)),
        _device(pick),
        _member(pick, middle),
        some_keys(pick, middle),
        at_,
        pick.choice([None, None, visit]),
        pick.choice([None, Reason.SEAT_CHECKED_OUT]),
        pick.choice([None, Reason.BOOKING_UNPAID]),
    )


def _settings(pick: Random) -> RuleSettings:
    return RuleSettings(
        overlap=pick.choice(list(Overlap)),
        dedupe_scope=pick.choice(list(DedupeScope)),
        exempt_scope=pick.choice(list(ExemptScope)),
        ticket_dedupe=pick.choice(list(TicketDedupe)),
        entitlement_order=pick.choice(list(EntitlementOrder)),
        paid_booking_opens=pick.random() < 0.3,
        month_anchor_day=pick.choice([1, 1, 1, 4]),
        day_cutoff_hour=pick.choice([0, 0, 0, 5]),
        carry_usage_on_plan_change=pick.random() < 0.2,
        paused_blocks_all=pick.random() < 0.3,
        anti_passback=pick.choice([*AntiPassback, AntiPassback.OFF]),
        passback_timeout_min=pick.choice([0, 720]),
        stale_policy=pick.choice(list(StalePolicy)),
        clock_policy=pick.choice(list(ClockPolicy)),
        disk_failure_policy=pick.choice(list(DiskFailurePolicy)),
        closed_days_block_bookings=pick.random() < 0.8,
        recount_on_cancel=pick.random() < 0.5,
    )


def _device(pick: Random) -> Device:
    qualify = pick.sample(list(Qualifier), pick.randint(0, 2))
    return replace(
        ENTRANCE,
        room=pick.choice([None, None, "R1"]),
        counts=pick.choice([True, True, False]),
        store=pick.choice(["S1"] * 19 + ["gone"]),
        mode=pick.choice([*Mode] + [Mode.LOCK_QR] * 6),
        qualify=frozenset(pick.choice([[Qualifier.ANY_MEMBER], qualify])),
        qualify_plans=pick.choice([frozenset[str](), frozenset({"P1"})]),
        gender=pick.choice([None] * 9 + [Gender.F]),
        grant_timing=pick.choice(list(GrantTiming)),
        check_stores=pick.random() < 0.8,
        auto_check_in=pick.random() < 0.5,
    )


def _member(pick: Random, middle: date) -> Member:
    return Member(
        "M1",
        b"member-1",
        tuple(_contract(pick, f"C{n}", middle) for n in range(pick.choice([0, 1, 1, 2, 2]))),
        tuple(_ticket(pick, f"T{n}", middle) for n in range(pick.choice([0, 0, 0, 1, 2]))),
        tuple(_booking(pick, f"B{n}", middle) for n in range(pick.randint(0, 2))),
        gender=pick.choice([None, Gender.F, Gender.M]),
        notices=pick.choice([frozenset[Warn](), frozenset({Warn.OPEN_NOTE})]),
    )


def _ticket(pick: Random, name: str, middle: date) -> Ticket:
    """Pick a ticket that is mostly good for entering."""
    return Ticket(
        name,
        pick.choice([*TicketType] + [TicketType.ENTRY] * 6),
        pick.randint(0, 3),
        pick.choice([NEW_YEAR, NEW_YEAR, middle]),
        pick.choice([None, None, middle]),
        pick.choice([None, None, frozenset(pick.sample(_KINDS, 2))]),
        _days(pick),
        pick.choice([None, None, frozenset({"S1"}), frozenset({"S2"})]),
        pick.choice([None, None, middle - timedelta(days=1)]),
    )


def _days(pick: Random) -> DayRule:
    return DayRule(frozenset(pick.choice(_TICKED)), pick.choice(list(HolidayRule)))


def _near(pick: Random, middle: date) -> date:
    return middle + timedelta(days=pick.randint(-3, 3))


def _instant(pick: Random, middle: date) -> datetime:
    """Pick an instant of the days around the middle, to half an hour: where the edges are."""
    start = datetime.combine(middle, datetime.min.time(), UTC)
    return start + timedelta(minutes=30 * pick.randint(-48, 96))


def _hours(pick: Random) -> Hours:
    start = 30 * pick.randint(0, 47)
    return Hours(start, start + 30 * pick.randint(1, 48))


def _plan(pick: Random, name: str) -> Plan:
    """Pick any plan, contradictory ones too: a decision must stand them."""
    return Plan(
        name,
        restrict=pick.random() < 0.8,
        ticket_required=pick.random() < 0.1,
        bands=tuple(
            BandGrant(kind, pick.choice([None, 0, 1, 2, 3]), _days(pick))
            for kind in pick.sample(_KINDS, pick.choice([0, 1, 2, 3, 4, 4]))
        ),
        booking_bands=tuple(
            BandGrant(kind, None, _days(pick)) for kind in pick.sample(_KINDS, pick.randint(0, 2))
        ),
        exempt=pick.random() < 0.4,
        exempt_programs=pick.choice([frozenset[str](), frozenset({"YOGA"})]),
        early_min=pick.choice([0, 10, 1_440]),
        late_min=pick.choice([0, 10, 1_440]),
        stores=pick.choice([None, None, None, frozenset({"S1"}), frozenset({"S2"})]),
        priority=pick.randint(0, 1),
    )


def _booking(pick: Random, name: str, middle: date) -> Booking:
    """Pick a booking of four hours, mostly live and mostly here."""
    start = _instant(pick, middle)
    return Booking(
        name,
        pick.choice(["S1", "S1", "S1", "S2"]),
        pick.choice(["YOGA", "BOX"]),
        start,
        start + timedelta(hours=4),
        pick.choice([*BookingStatus] + [BookingStatus.CONFIRMED] * 9),
        paid=pick.random() < 0.5,
        room=pick.choice([None, "R1"]),
    )


def _contract(pick: Random, name: str, middle: date) -> Contract:
    """Pick a contract that mostly runs; its plan may be unknown."""
    pause = (middle, middle + timedelta(days=1))
    return Contract(
        name,
        pick.choice(["P1", "P2"] * 4 + ["gone"]),
        pick.choice([NEW_YEAR, NEW_YEAR, NEW_YEAR, middle]),
        pick.choice([None, None, None, middle]),
        pick.choice([(), (), (), (pause,)]),
        main=pick.random() < 0.5,
    )
