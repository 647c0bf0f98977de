"""One entry on its way through the checks, and the two ways in which it ends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from policy import bookings
from policy.calendar import HOURS
from policy.decision import Fact
from policy.model import (
    AntiPassback,
    Booking,
    BookingStatus,
    Check,
    Decision,
    Device,
    Member,
    Plan,
    Reason,
    Rules,
    RuleSettings,
    Scene,
    Store,
    UsageKey,
    Verdict,
    Visit,
    Warn,
)
from policy.timetable import Offered, Offers, offered, offers, segment
from policy.trace import held

# Looking a word up in its enum costs more than most checks, so those of every entry stand here.
# For the same reason what every entry builds is built without the detour of named arguments.
_ALLOW, _DENY, _OK = Verdict.ALLOW, Verdict.DENY, Reason.OK
built = tuple.__new__

_NOT_INSIDE = held("passback")
_NO_PLAN = Plan("", restrict=False)  # whose timetable is that of the dates alone


@dataclass(slots=True)
class Case:
    """All that an entry is judged by.

    `here`: what the device offers on that day. `offered`: what the member's contracts do now,
    the one that wins ties first. `booked`: the bookings that are due, the earliest first. `trace`
    grows with each check, and `refusals` with each way in that does not grant.
    """

    rules: Rules
    store: Store
    device: Device
    member: Member
    scene: Scene
    here: Offers
    offered: Sequence[Offered]
    booked: Sequence[Booking]
    trace: list[Check]
    refusals: list[Reason]
    _today: date | None = None

    def check(self, name: str, passed: bool, /, **facts: Fact) -> bool:
        """Note a check with the facts that it used; return whether it held."""
        self.trace.append(built(Check, (name, passed, facts)))
        return passed

    def failed(self, name: str, /, **facts: Fact) -> None:
        """Note a check that did not hold."""
        self.trace.append(built(Check, (name, False, facts)))

    def today(self) -> date:
        """Return the date of an entry without a band (spec/rules.md 6, row 16)."""
        if self._today is None:
            self._today = segment(self.rules, self.here, _NO_PLAN, self.scene.at).today
        return self._today


def case_of(
    rules: Rules,
    store: Store,
    device: Device,
    member: Member,
    scene: Scene,
    checks: Iterable[Check],
) -> Case:
    """Open the case of an entry; `checks`: what has been asked already."""
    here = offers(rules, store, device, scene.at)
    found = offered(rules, here, member, scene.at)
    booked = bookings.due(store, device, member, rules.settings, scene.at)
    return Case(rules, store, device, member, scene, here, found, booked, [*checks], [])


def stopped(member: Member) -> Reason | None:
    """Say by what the member is stopped, the gravest first (spec/rules.md 3.2 E10)."""
    if member.withdrawn:
        return Reason.MEMBER_WITHDRAWN
    if member.suspended:
        return Reason.MEMBER_SUSPENDED
    return Reason.IDENTITY_SUSPENDED if member.id_suspended else None


def still_open(
    settings: RuleSettings, device: Device, visit: Visit | None, at: datetime
) -> Visit | None:
    """Return the visit if it is of the device's store and no older than `visit_max_h`."""
    if visit is None or visit.store != device.store:
        return None
    return visit if at - visit.since <= HOURS[settings.visit_max_h] else None


def warned(decision: Decision, warning: Warn) -> Decision:
    """Add a warning."""
    return decision._replace(warnings=tuple(sorted({*decision.warnings, warning})))


def deny(case: Case, reason: Reason) -> Decision:
    """Refuse: no key, no visit, no warning."""
    return built(
        Decision,
        (_DENY, reason, None, None, None, (), (), (), None, None, False, tuple(case.trace)),
    )


def allow(  # noqa: PLR0913, PLR0917 - what an entry may have; one object more would be built for each
    case: Case,
    via: str,
    band: str | None = None,
    service_date: date | None = None,
    keys: tuple[UsageKey, ...] = (),
    new_keys: tuple[UsageKey, ...] = (),
    until: datetime | None = None,
    *,
    paid: bool = True,
) -> Decision:
    """Let in; an inner door counts nothing and makes no visit.

    Each as in `Decision`; `until`: the end of the visit, None = no end; `paid` False: by a
    booking that is still to be paid.
    """
    device, notices = case.device, case.member.notices
    if case.here.passback and _inside(case):
        if case.rules.settings.anti_passback is AntiPassback.HARD:
            return deny(case, Reason.ANTI_PASSBACK)
        notices |= {Warn.PASSBACK}
    visit = None
    if device.counts:
        visit = built(Visit, (device.store, case.scene.at, until, device.id, via, band))
    else:
        keys = new_keys = ()
    if not paid:
        notices |= {Warn.BOOKING_UNPAID}
    warnings = tuple(sorted(notices)) if notices else ()
    checks_in = _to_check_in(case) if device.auto_check_in else None
    return built(
        Decision,
        (
            _ALLOW,
            _OK,
            via,
            band,
            service_date,
            keys,
            new_keys,
            warnings,
            visit,
            checks_in,
            False,
            tuple(case.trace),
        ),
    )


def _to_check_in(case: Case) -> str | None:
    """Return the booking that the entry marks as attended: the first paid one that is due."""
    return next((b.id for b in case.booked if b.paid and b.status is BookingStatus.CONFIRMED), None)


def _inside(case: Case) -> bool:
    """E14: tell whether the member is inside already, for all that is known here.

    An entry is forgotten after `passback_timeout_min`, 0 = never, and with its visit. Only where
    the device asks it (`Offers.passback`): inner doors make no visits and ask for none.
    """
    scene, timeout = case.scene, case.here.passback_timeout
    visit = still_open(case.rules.settings, case.device, scene.visit, scene.at)
    if visit is None:
        case.trace += _NOT_INSIDE
        return False
    inside = not timeout or scene.at - visit.since < timeout
    case.check("passback", not inside, since=visit.since.isoformat())
    return inside
