"""One entry on its way through the checks, and the two ways in which it ends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from policy import bookings
from policy.decision import Fact
from policy.model import (
    AntiPassback,
    Booking,
    BookingStatus,
    Check,
    Contract,
    Decision,
    Device,
    Member,
    Mode,
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
from policy.timetable import Offers, offers, segment
from policy.trace import held

# Looking a word up in its enum costs more than most checks, so those of every entry stand here.
# For the same reason what every entry builds is built without the detour of named arguments.
_ALLOW, _DENY, _OK = Verdict.ALLOW, Verdict.DENY, Reason.OK
built = tuple.__new__
_LOCK_QR, _NO_PASSBACK = Mode.LOCK_QR, AntiPassback.OFF

_NOT_INSIDE = held("passback")
_NO_PLAN = Plan("", restrict=False)  # whose timetable is that of the dates alone


@dataclass(slots=True)
class Case:
    """All that an entry is judged by.

    `here`: what plans offer at the device on that day. `trace` grows with each check, and
    `refusals` with each way in that does not grant.
    """

    rules: Rules
    store: Store
    device: Device
    member: Member
    scene: Scene
    here: Offers
    trace: list[Check]
    refusals: list[Reason]
    _today: date | None = None
    _booked: Sequence[Booking] | None = None

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
            found = segment(self.rules, self.store, self.here, _NO_PLAN, self.scene.at)
            self._today = found.today
        return self._today

    def booked(self) -> Sequence[Booking]:
        """Return the bookings that are due here and now, the earliest first."""
        if self._booked is None:
            self._booked = bookings.due(
                self.store, self.device, self.member, self.rules.settings, self.scene.at
            )
        return self._booked


def case_of(
    rules: Rules,
    store: Store,
    device: Device,
    member: Member,
    scene: Scene,
    checks: Iterable[Check],
) -> Case:
    """Open the case of an entry; `checks`: what has been asked already."""
    here = offers(rules, device, scene.at)
    return Case(rules, store, device, member, scene, here, [*checks], [])


def by_priority(rules: Rules, member: Member) -> Sequence[Contract]:
    """Return the member's contracts, the one that wins ties first (spec/rules.md 6, row 21a)."""
    contracts = member.contracts
    if len(contracts) <= 1:
        return contracts
    known = [c for c in member.contracts if c.plan in rules.plans]
    return sorted(known, key=lambda c: (rules.plans[c.plan].priority, not c.main, c.start))


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
    return visit if at - visit.since <= timedelta(hours=settings.visit_max_h) else None


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
    if case.rules.settings.anti_passback is not _NO_PASSBACK and _inside(case):
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
    return next(
        (b.id for b in case.booked() if b.paid and b.status is BookingStatus.CONFIRMED), None
    )


def _inside(case: Case) -> bool:
    """E14: tell whether the member is inside already, for all that is known here.

    An entry is forgotten after `passback_timeout_min`, 0 = never, and with its visit. Inner
    doors make no visits and ask for none.
    """
    settings, device, at = case.rules.settings, case.device, case.scene.at
    if device.mode is not _LOCK_QR or not device.counts:
        return False
    visit = case.scene.visit and still_open(settings, device, case.scene.visit, at)
    if visit is None:
        case.trace += _NOT_INSIDE
        return False
    timeout = timedelta(minutes=settings.passback_timeout_min)
    inside = not timeout or at - visit.since < timeout
    case.check("passback", not inside, since=visit.since.isoformat())
    return inside
