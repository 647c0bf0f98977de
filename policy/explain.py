"""When would this member be let in, what is the nearest way in, and what is left?

Every answer is `policy.entry.decide`'s, asked about other instants; no rule is known here. All
but the time is taken to stay as the scene has it: nothing more is used (so a count begins anew
with its month, and a date that has its key lets in again), nobody leaves, the rules grow no
older, and seat, room, clock and lockdown are as they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from policy import bookings, rooms, usage
from policy.entry import decide
from policy.limits import NEAR_DAYS, WAY_IN_DAYS, WINDOW_DAYS
from policy.model import (
    Decision,
    Device,
    Member,
    Reason,
    Rules,
    RuleSettings,
    Scene,
    Usage,
    Verdict,
)
from policy.rooms import RoomBooking
from policy.turns import Cause, openings, turns

# Refusals by the device itself: a contract, ticket or booking may qualify for it in time.
_BY_DEVICE = frozenset(
    {
        Reason.DEVICE_NOT_QUALIFIED,
        Reason.SEAT_NOT_ASSIGNED,
        Reason.SEAT_CHECKED_OUT,
        Reason.NO_PRODUCT,
        Reason.PRODUCT_EXPIRED,
        Reason.TIME_BALANCE_EMPTY,
    }
)

# All refusals that may end by waiting. For others, above all for those who were stopped, nothing
# is computed.
_ENDING = _BY_DEVICE | frozenset(
    {
        Reason.QUOTA_EXHAUSTED,
        Reason.STORE_CLOSED,
        Reason.HOLIDAY_NOT_ALLOWED,
        Reason.WEEKDAY_NOT_ALLOWED,
        Reason.CONTRACT_PAUSED,
        Reason.CONTRACT_ENDED,
        Reason.CONTRACT_NOT_STARTED,
        Reason.OUT_OF_BAND,
        Reason.TICKET_USED_UP,
        Reason.TICKET_EXPIRED,
        Reason.TICKET_OUT_OF_BAND,
        Reason.TICKET_STORE_NOT_ALLOWED,
        Reason.TICKET_REQUIRED,
        Reason.PLAN_NO_BANDS,
        Reason.STORE_NOT_ALLOWED,
        Reason.NO_ENTITLEMENT,
        Reason.ANTI_PASSBACK,
    }
)


@dataclass(frozen=True, slots=True)
class Window:
    """A span `[start, end)` in which the member is let in, all of it by the same `via` and band."""

    start: datetime
    end: datetime
    via: str | None
    band: str | None


class Way(StrEnum):
    """What kind of way in is the nearest. Values are append-only: machines read them."""

    FROM = "FROM"
    """It opens later."""
    BOOKED = "BOOKED"
    """A booking opens it."""
    NEXT_MONTH = "NEXT_MONTH"
    """The count is used up; next month it begins anew."""
    CONTRACT_STARTS = "CONTRACT_STARTS"
    """A contract has not begun yet."""


@dataclass(frozen=True, slots=True)
class WayIn:
    """The nearest instant at which the member is let in, after a refusal.

    `via`, `band`: as in `Decision`. `booked`: when the booking begins that opens; None: none does.
    """

    kind: Way
    at: datetime
    via: str | None
    band: str | None = None
    booked: datetime | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """How many uses are left after an entry, not below 0.

    `of`: the month's limit of the band; None for a ticket.
    """

    left: int
    of: int | None = None


def windows(
    rules: Rules, device: Device, member: Member, scene: Scene, first: datetime, last: datetime
) -> tuple[Window, ...]:
    """Return every span of `[first, last)` in which the member is let in at an entrance.

    In order, none empty; windows that touch differ in `via` or band. `scene.at` is not looked at.
    Costs one decision for each of `policy.turns.turns`: some 50 ms for 70 days.

    Raises:
        ValueError: `last` lies more than 70 days after `first`.
    """
    if last - first > timedelta(days=WINDOW_DAYS):
        raise ValueError(f"last: more than {WINDOW_DAYS} days after first")
    rules = replace(rules)  # with timetables of its own: those of the door stay where they are
    found: list[Window] = []
    times = turns(rules, device, member, replace(scene, at=first), last)
    for start, end in pairwise([*times, last]):
        decision = decide(rules, device, member, replace(scene, at=start))
        if decision.verdict is Verdict.ALLOW:
            window = Window(start, end, decision.via, decision.band)
            if found and found[-1] == replace(window, start=found[-1].start, end=start):
                window = replace(found.pop(), end=end)
            found.append(window)
    return tuple(found)


def way_in(
    rules: Rules, device: Device, member: Member, scene: Scene, decision: Decision
) -> WayIn | None:
    """Return the nearest way in after a refusal, within 62 days; None if there is none.

    `decision`: what `decide` answered to the other four. For members who were stopped, and
    wherever waiting mends nothing, nothing is computed. Costs 0.2 ms if the way is near and 3 ms
    if 62 days have to be looked at, more with dozens of bookings: ask when the refusal was shown.
    """
    if decision.verdict is not Verdict.DENY or decision.reason not in _ENDING:
        return None
    found = _next_yes(rules, device, member, scene)
    if found is None:
        return None
    at, allowed = found
    kind, booked = Way.FROM, _booked(rules, device, member, at, allowed)
    tz = rules.stores[device.store].tz
    if booked is not None:
        kind = Way.BOOKED
    elif decision.reason is Reason.CONTRACT_NOT_STARTED and _starts(member, allowed, scene.at, tz):
        kind = Way.CONTRACT_STARTS
    elif decision.reason is Reason.QUOTA_EXHAUSTED and _month(at, tz) == _month(scene.at, tz) + 1:
        kind = Way.NEXT_MONTH
    return WayIn(kind, at, allowed.via, allowed.band, booked)


def way_in_to_room(
    booked: Iterable[RoomBooking], user: str, at: datetime, settings: RuleSettings
) -> WayIn | None:
    """Return the nearest way in to a room's own door, which the room's bookings alone decide.

    `booked`: the room's. None also for who has none, or none that is paid.
    """
    booked = tuple(booked)
    early = timedelta(minutes=settings.room_early_min)
    for start in sorted(booking.start for booking in booked if booking.start - early > at):
        if rooms.entry_refusal(booked, user, start - early, settings) is None:
            return WayIn(Way.BOOKED, start - early, "room", booked=start)
    return None


def left(rules: Rules, member: Member, scene: Scene, decision: Decision) -> Left | None:
    """Return what is left after an entry by a limited band or a ticket; None after any other.

    `decision`: what `decide` answered; what it counts is taken off already.
    """
    by, _, owner = (decision.via or "").partition(":")
    both = (scene.used, Usage.of(decision.new_keys))
    if by == "ticket":
        ticket = next(t for t in member.tickets if t.id == owner)
        taken = sum(ticket.remaining - usage.tickets_left(used, ticket) for used in both)
        return Left(max(0, ticket.remaining - taken))
    band, day = decision.band, decision.service_date
    if by != "plan" or band is None or day is None:
        return None
    contract = next(c for c in member.contracts if c.id == owner)
    limit = next(g.limit for g in rules.plans[contract.plan].bands if g.kind == band)
    if limit is None:
        return None
    owners = usage.predecessors(rules.settings, member, contract)
    counted = sum(usage.count(rules.settings, used, owners, band, day) for used in both)
    return Left(max(0, limit - counted), limit)


def _next_yes(
    rules: Rules, device: Device, member: Member, scene: Scene
) -> tuple[datetime, Decision] | None:
    """Ask about the openings in order, but not again about what has just been refused."""
    near, far = (scene.at + timedelta(days=n) for n in (NEAR_DAYS, WAY_IN_DAYS))
    for first, last in ((scene.at, near), (near, far)):
        refused: set[Cause] = set()
        for at, cause in openings(rules, device, member, replace(scene, at=first), last):
            if cause is None:
                refused.clear()
            elif cause in refused:
                continue
            decision = decide(rules, device, member, replace(scene, at=at))
            if decision.verdict is Verdict.ALLOW:
                return at, decision
            if cause is not None and decision.reason not in _BY_DEVICE:
                refused.add(cause)
    return None


def _booked(
    rules: Rules, device: Device, member: Member, at: datetime, decision: Decision
) -> datetime | None:
    """Return when the booking begins that let in at that instant, if one did."""
    if decision.via == "key:booking":
        store = rules.stores[device.store]
        return bookings.due(store, device, member, rules.settings, at)[0].start
    return next((b.start for b in member.bookings if decision.via == f"booking:{b.id}"), None)


def _starts(member: Member, allowed: Decision, now: datetime, tz: tzinfo) -> bool:
    """Tell whether it is by a contract that has not begun yet; a key does not say of which."""
    today = now.astimezone(tz).date()
    later = {c.id for c in member.contracts if c.start > today}
    by, _, owner = (allowed.via or "").partition(":")
    return owner in later if by == "plan" else by == "key" and len(later) == len(member.contracts)


def _month(at: datetime, tz: tzinfo) -> int:
    local = at.astimezone(tz)
    return 12 * local.year + local.month
