"""Made-up clubs for measuring: rules, members with a year behind them, and a week of requests.

The same on every run. The week has a holiday in it, 2026-11-23.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from policy.model import (
    AntiPassback,
    BandGrant,
    Booking,
    BookingStatus,
    Contract,
    DayRule,
    Device,
    Door,
    HolidayRule,
    Hours,
    Member,
    Plan,
    Qualifier,
    Rules,
    RuleSettings,
    Scene,
    Side,
    Store,
    Ticket,
    TicketType,
    Usage,
    UsageKey,
    Visit,
    Warn,
)

LAST_DAY = date(2026, 11, 25)
FIRST_DAY = LAST_DAY - timedelta(days=364)
WEEK = datetime(2026, 11, 18, 15, tzinfo=UTC)
"""Where the requests begin: midnight in Tokyo, 2026-11-19."""
PLANS = 20
MEMBERS = 500
VISITED = 0.4
"""How many of a year's days a member came on."""


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody at the door."""

    member: Member
    at: datetime
    visit: Visit | None = None


@dataclass(frozen=True, slots=True)
class Club:
    """Rules, the device that is asked, who asks, and the keys of a year by member id."""

    rules: Rules
    device: Device
    requests: tuple[Request, ...]
    keys: Mapping[str, frozenset[UsageKey]]


class Host:
    """Has each member's uses at hand, those of a year, in the form in which we ask for them."""

    def __init__(self, club: Club) -> None:
        self._used = {member: Usage.of(keys) for member, keys in club.keys.items()}

    def scene(self, request: Request) -> Scene:
        """Say what the decision depends on."""
        return Scene(request.at, self._used[request.member.id], request.visit)


def common_club(bands: int, requests: int) -> Club:
    """Make a club whose rules every engine can express.

    Hours inside a day, weekdays, a limit a month and band, one use a day, suspended members;
    one contract that always runs.
    """
    pick = Random(1)
    kinds = {f"K{n}": _hours(pick, overnight=False) for n in range(2 * bands)}
    plans = {
        f"P{n}": Plan(f"P{n}", bands=_grants(pick, [*kinds], bands, [HolidayRule.ALL]))
        for n in range(PLANS)
    }
    members = [
        Member(
            f"M{n}",
            n.to_bytes(8, "big"),
            (Contract(f"C{n}", pick.choice([*plans]), FIRST_DAY),),
            suspended=pick.random() < 0.1,
        )
        for n in range(MEMBERS)
    ]
    store = Store("S1", ZoneInfo("Asia/Tokyo"), kinds)
    return Club(
        _rules(store, plans, RuleSettings()),
        Device("D1", "S1", Side.IN, door="F1"),
        tuple(Request(pick.choice(members), at) for at in _instants(pick, requests)),
        {member.id: frozenset(_year(pick, member, plans)) for member in members},
    )


def whole_club(bands: int, requests: int) -> Club:
    """Make a club that uses all rules.

    Beside those of `common_club`: bands over midnight, tolerances, a holiday and a closed day,
    plans of other stores, exemptions, several contracts, pauses, tickets, bookings, notices, a
    device that asks who qualifies, and soft anti-passback.
    """
    pick = Random(2)
    kinds = {f"K{n}": _hours(pick, overnight=True) for n in range(2 * bands)}
    plans = {f"P{n}": _plan(pick, f"P{n}", [*kinds], bands) for n in range(PLANS)}
    members = [_member(pick, n, [*plans]) for n in range(MEMBERS)]
    store = Store(
        "S1",
        ZoneInfo("Asia/Tokyo"),
        kinds,
        frozenset({date(2026, 11, 3), date(2026, 11, 23)}),
        frozenset({date(2026, 11, 20)}),
    )
    device = Device(
        "D1",
        "S1",
        Side.IN,
        door="F1",
        qualify=frozenset({Qualifier.PLAN, Qualifier.BOOKING, Qualifier.TICKET}),
    )
    return Club(
        _rules(store, plans, RuleSettings(anti_passback=AntiPassback.SOFT)),
        device,
        tuple(
            Request(pick.choice(members), at, _visit(pick, at)) for at in _instants(pick, requests)
        ),
        {member.id: frozenset(_year(pick, member, plans)) for member in members},
    )


def _rules(store: Store, plans: Mapping[str, Plan], settings: RuleSettings) -> Rules:
    return Rules(
        tenant="acme",
        version=1,
        issued_at=WEEK,
        settings=settings,
        stores={store.id: store},
        plans=plans,
        doors={"F1": Door("F1", store.id)},
        devices={},
        keys={},
    )


def _hours(pick: Random, *, overnight: bool) -> Hours:
    start = 30 * pick.randrange(47 if overnight else 40)
    return Hours(start, start + 30 * pick.randint(2, 8))


def _grants(
    pick: Random, kinds: list[str], bands: int, holidays: list[HolidayRule]
) -> tuple[BandGrant, ...]:
    return tuple(
        BandGrant(
            kind,
            pick.choice([None, 1, 2, 4]),
            DayRule(frozenset(pick.sample(range(7), 5)), pick.choice(holidays)),
        )
        for kind in pick.sample(kinds, bands)
    )


def _plan(pick: Random, name: str, kinds: list[str], bands: int) -> Plan:
    exempt = pick.random() < 0.5
    return Plan(
        name,
        bands=_grants(pick, kinds, bands, [*HolidayRule]),
        exempt=exempt,
        exempt_programs=frozenset({"YOGA"} if exempt and pick.random() < 0.5 else ()),
        early_min=15,
        late_min=15,
        stores=pick.choice([None, frozenset({"S1", "S2"}), frozenset({"S1", "S2"})]),
        priority=pick.randint(0, 2),
    )


def _member(pick: Random, n: int, plans: list[str]) -> Member:
    pause = (date(2026, 11, 21), date(2026, 11, 22))
    return Member(
        f"M{n}",
        n.to_bytes(8, "big"),
        tuple(
            Contract(
                f"C{n}-{place}",
                pick.choice(plans),
                FIRST_DAY,
                pick.choice([None, None, LAST_DAY]),
                (pause,) if pick.random() < 0.2 else (),
            )
            for place in range(pick.choice([1, 1, 1, 2]))
        ),
        tuple(
            Ticket(f"T{n}-{place}", TicketType.ENTRY, 5, FIRST_DAY)
            for place in range(pick.choice([0, 0, 0, 1]))
        ),
        tuple(_booking(pick, f"B{n}-{place}") for place in range(pick.choice([0, 0, 1, 2]))),
        suspended=pick.random() < 0.03,
        notices=frozenset({Warn.OPEN_NOTE} if pick.random() < 0.1 else ()),
    )


def _booking(pick: Random, name: str) -> Booking:
    start, paid = _instant(pick), pick.random() < 0.8
    end = start + timedelta(hours=2)
    program = pick.choice(["YOGA", "BOX"])
    return Booking(name, "S1", program, start, end, BookingStatus.CONFIRMED, paid=paid)


def _visit(pick: Random, at: datetime) -> Visit | None:
    """Pick whether the member is still inside, for all that the device knows."""
    if pick.random() < 0.8:
        return None
    since = at - timedelta(hours=pick.randint(1, 20))
    return Visit("S1", since, None, "D1", "plan:any", None)


def _instant(pick: Random) -> datetime:
    return WEEK + timedelta(minutes=pick.randrange(7 * 1440))


def _instants(pick: Random, requests: int) -> list[datetime]:
    """Pick when somebody comes, in the order of time, as it is at a door."""
    return sorted(_instant(pick) for _ in range(requests))


def _year(pick: Random, member: Member, plans: Mapping[str, Plan]) -> Iterator[UsageKey]:
    """Pick the keys of the member's visits."""
    for n in range((LAST_DAY - FIRST_DAY).days + 1):
        if pick.random() < VISITED:
            contract = pick.choice(member.contracts)
            kind = pick.choice(plans[contract.plan].bands).kind
            yield UsageKey(contract.id, kind, FIRST_DAY + timedelta(days=n))
