"""Worlds with a future: a member at an entrance over the days around a change of the clocks.

Each comes from one seed, dense enough that bands, bookings, tickets, pauses, holidays and the
turn of a month often fall on the same few days.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from policy.entry import decide
from policy.model import (
    AntiPassback,
    BandGrant,
    Booking,
    BookingStatus,
    Contract,
    DayRule,
    Decision,
    DedupeScope,
    Device,
    EntitlementOrder,
    ExemptScope,
    GrantTiming,
    HolidayRule,
    Hours,
    Member,
    Mode,
    Overlap,
    Plan,
    Qualifier,
    Rules,
    RuleSettings,
    Scene,
    Side,
    Store,
    Ticket,
    TicketDedupe,
    TicketType,
    Usage,
    UsageKey,
    Visit,
)

KINDS = ("DAY", "NOON", "LATE", "POOL")
_HOURS = KINDS[:-1]  # the store has no pool
_MIDDLES = {
    ZoneInfo("Asia/Tokyo"): date(2026, 11, 1),
    ZoneInfo("America/New_York"): date(2026, 11, 1),
    ZoneInfo("Australia/Lord_Howe"): date(2026, 10, 4),
    ZoneInfo("Africa/Cairo"): date(2026, 10, 30),  # midnight comes twice
    ZoneInfo("America/Sao_Paulo"): date(2018, 11, 4),  # midnight is left out
}
_LONG_AGO = date(2018, 1, 1)
_TICKED = (range(7), range(7), range(5), (5, 6))
_QUALIFY = (
    *[{Qualifier.ANY_MEMBER}] * 6,
    {Qualifier.PLAN},
    {Qualifier.BOOKING},
    {Qualifier.TICKET},
    {Qualifier.SEAT, Qualifier.PLAN, Qualifier.BOOKING},
)


@dataclass(frozen=True)
class Outlook:
    """One member at one entrance, from `scene.at` on."""

    rules: Rules
    device: Device
    member: Member
    scene: Scene

    def ask(self, at: datetime) -> Decision:
        """Decide at another instant, all else as it is."""
        return decide(self.rules, self.device, self.member, replace(self.scene, at=at))


def outlooks() -> st.SearchStrategy[tuple[Outlook, Random]]:
    """Draw an outlook, and what to pick more from."""
    return st.randoms(use_true_random=True).map(lambda pick: (_outlook(pick), pick))


def instant(pick: Random, middle: datetime, days: int) -> datetime:
    """Pick an instant of the days after the middle, to the second or to half an hour."""
    step = pick.choice([1, 1, 1_800])
    return middle + timedelta(seconds=step * pick.randrange(86_400 * days // step))


def _outlook(pick: Random) -> Outlook:
    tz, middle = pick.choice(list(_MIDDLES.items()))
    midnight = datetime.combine(middle, datetime.min.time(), UTC)
    store = Store(
        "S1",
        tz,
        {kind: _hours(pick) for kind in _HOURS},
        frozenset(_near(pick, middle) for _ in range(pick.randint(0, 2))),
        frozenset(_near(pick, middle) for _ in range(pick.randint(0, 1))),
    )
    device = _device(pick)
    start = instant(pick, midnight - timedelta(days=3), 4)
    visit = Visit("S1", start - timedelta(hours=pick.randint(0, 30)), None, "D1", "plan:C1", None)
    member = Member(
        "M1",
        b"member-1",
        tuple(_contract(pick, f"C{n}", middle) for n in range(pick.choice([0, 1, 1, 2, 2]))),
        tuple(_ticket(pick, f"T{n}", middle) for n in range(pick.choice([0, 0, 1, 2]))),
        tuple(_booking(pick, f"B{n}", midnight) for n in range(pick.choice([0, 0, 1, 3]))),
        suspended=pick.random() < 0.02,
    )
    return Outlook(
        Rules(
            "acme",
            1,
            midnight,
            _settings(pick),
            {"S1": store},
            {name: _plan(pick, name) for name in ("P1", "P2")},
            {},
            {"D1": device},
            {},
        ),
        device,
        member,
        Scene(start, _used(pick, middle), pick.choice([None, visit])),
    )


def _near(pick: Random, middle: date) -> date:
    return middle + timedelta(days=pick.randint(-3, 3))


def _hours(pick: Random) -> Hours:
    start = pick.choice([0, 60, 30 * pick.randint(0, 47)])
    return Hours(start, start + 30 * pick.choice([pick.randint(1, 12), pick.randint(1, 48)]))


def _settings(pick: Random) -> RuleSettings:
    return RuleSettings(
        overlap=pick.choice(list(Overlap)),
        dedupe_scope=pick.choice(list(DedupeScope)),
        exempt_scope=pick.choice(list(ExemptScope)),
        ticket_dedupe=pick.choice(list(TicketDedupe)),
        entitlement_order=pick.choice(list(EntitlementOrder)),
        paid_booking_opens=pick.random() < 0.2,
        month_anchor_day=pick.choice([1, 1, 2, 28]),
        day_cutoff_hour=pick.choice([0, 0, 1, 5]),
        carry_usage_on_plan_change=pick.random() < 0.2,
        paused_blocks_all=pick.random() < 0.3,
        anti_passback=pick.choice(list(AntiPassback)),
        passback_timeout_min=pick.choice([0, 60, 720]),
        closed_days_block_bookings=pick.random() < 0.7,
    )


def _device(pick: Random) -> Device:
    return Device(
        "D1",
        pick.choice(["S1"] * 49 + ["gone"]),
        Side.IN,
        room=pick.choice([None, None, None, "R1"]),
        mode=pick.choice([Mode.LOCK_QR] * 4 + list(Mode)),
        qualify=frozenset(pick.choice(_QUALIFY)),
        grant_timing=pick.choice(list(GrantTiming)),
        counts=pick.random() < 0.8,
        booking_early_min=pick.choice([0, 15, 1_440]),
    )


def _days(pick: Random) -> DayRule:
    return DayRule(frozenset(pick.choice(_TICKED)), pick.choice(list(HolidayRule)))


def _plan(pick: Random, name: str) -> Plan:
    """Pick any plan, contradictory ones too: an answer must stand them."""
    ticked = pick.sample(KINDS, pick.choice([0, 1, 1, 2, 3, 4]))
    booked = pick.sample(KINDS, pick.choice([0, 0, 1, 2]))
    return Plan(
        name,
        restrict=pick.random() < 0.85,
        ticket_required=pick.random() < 0.1,
        bands=tuple(
            BandGrant(kind, pick.choice([None, 0, 1, 2, 3]), _days(pick)) for kind in ticked
        ),
        exempt=pick.random() < 0.4,
        exempt_programs=pick.choice([frozenset[str](), frozenset({"YOGA"})]),
        early_min=pick.choice([0, 10, 1_440]),
        late_min=pick.choice([0, 10]),
        stores=pick.choice([None] * 9 + [frozenset({"S2"})]),
        booking_bands=tuple(BandGrant(kind, None, _days(pick)) for kind in booked),
        priority=pick.randint(0, 1),
    )


def _contract(pick: Random, name: str, middle: date) -> Contract:
    pause = sorted([_near(pick, middle), _near(pick, middle)])
    return Contract(
        name,
        pick.choice(["P1", "P2"] * 4 + ["gone"]),
        pick.choice([_LONG_AGO, _LONG_AGO, _near(pick, middle)]),
        pick.choice([None, None, _near(pick, middle)]),
        pick.choice([(), (), ((pause[0], pause[1]),)]),
        main=pick.random() < 0.5,
    )


def _ticket(pick: Random, name: str, middle: date) -> Ticket:
    return Ticket(
        name,
        pick.choice([TicketType.ENTRY] * 4 + [TicketType.TRIAL]),
        pick.randint(0, 2),
        _near(pick, middle),
        pick.choice([None, _near(pick, middle)]),
        pick.choice([None, frozenset(pick.sample(KINDS, 2))]),
        _days(pick),
        pick.choice([None, None, frozenset({"S2"})]),
    )


def _booking(pick: Random, name: str, midnight: datetime) -> Booking:
    start = instant(pick, midnight - timedelta(days=3), 6)
    return Booking(
        name,
        pick.choice(["S1", "S1", "S1", "S2"]),
        pick.choice(["YOGA", "BOX"]),
        start,
        start + timedelta(hours=pick.choice([1, 4, 26])),
        pick.choice([*BookingStatus] + [BookingStatus.CONFIRMED] * 9),
        paid=pick.random() < 0.5,
        room=pick.choice([None, "R1"]),
    )


def _used(pick: Random, middle: date) -> Usage:
    return Usage.of(
        UsageKey(
            pick.choice(["C0", "C1", "T0"]),
            pick.choice([*KINDS, "*"]),
            _near(pick, middle),
            pick.choice([None, None, "S1", "S2"]),
        )
        for _ in range(pick.randint(0, 12))
    )


def poorer(pick: Random, here: Outlook) -> Outlook:
    """Take a right away: a plan's band, uses, exemption or store; a ticket; a stop flag."""
    rules, member, name = here.rules, here.member, pick.choice(["P1", "P2"])
    plan = rules.plans[name]
    plans = (
        replace(plan, bands=plan.bands[1:]),
        replace(plan, bands=tuple(replace(grant, limit=0) for grant in plan.bands)),
        replace(plan, exempt=False),
        replace(plan, stores=frozenset({"S2"})),
    )
    return pick.choice(
        [
            *(replace(here, rules=replace(rules, plans={**rules.plans, name: p})) for p in plans),
            replace(here, member=replace(member, tickets=member.tickets[1:])),
            replace(here, member=replace(member, suspended=True)),
        ]
    )
