"""What a counter terminal does for the member whose code it reads. Pure.

It has no door: it checks fixed seats in and out, gives lockers that are paid for, and notes that
a member was here.

Source: spec/rules.md 4.1, 4.2, 4.6.
"""

from dataclasses import dataclass
from datetime import date, datetime

from edged.core import access, seating
from edged.core.seating import SeatChange
from policy.calendar import entry_date
from policy.case import stopped
from policy.decision import value
from policy.locker_model import Locker, LockerState
from policy.model import Decision, Device, Member, Mode, Qualifier, Reason, Side, Verdict
from policy.seats import ProductKind, Stepped, validity_refusal
from policy.trace import held

_NOTHING_THERE = (Reason.SEAT_NOT_ASSIGNED, Reason.LOCKER_NOT_ASSIGNED)


@dataclass(frozen=True, slots=True)
class Paid:
    """What pays for a locker, and until when."""

    product: str
    until: datetime


@value
class Served:
    """The answer, and what goes with it: a changed seat, a visit to note on a service date.

    `locker`: one that the member holds, or a free one and what pays for it.
    """

    decision: Decision
    seat: tuple[SeatChange, Stepped] | None = None
    visited: date | None = None
    locker: tuple[Locker, Paid | None] | None = None


def is_counter(device: Device) -> bool:
    """Tell whether a device is a counter terminal that does something but decide entries."""
    terminal = device.mode is Mode.APP and device.door is None and device.side is Side.IN
    return terminal and (Qualifier.SEAT in device.qualify or device.loyalty or device.lockers)


def serve(request: access.Request) -> Served:
    """Serve a member at a counter terminal, and refuse only if nothing could be done.

    That is the fixed seat where `qualify` has `seat`, and a locker where it gives lockers. Old
    rules stop nobody here, but a clock that can't tell the time does: seats are a matter of which
    change was later, and lockers of when they end.
    """
    member, device, scene = access.admitted(request), request.device, request.scene
    if isinstance(member, Decision):
        return Served(member)
    reason = stopped(member)
    if reason is not None:
        return Served(access.deny(reason, "member_not_stopped"))
    if not scene.clock_trusted:
        return Served(access.deny(Reason.CLOCK_UNTRUSTED, "clock_trusted"))
    day = entry_date(request.rules.stores[device.store], request.rules.settings, scene.at)
    seat, locker = _seat(request, member), _locker(request, member)
    answers = {"seat": seat, "locker": locker}
    done = [via for via, answer in answers.items() if isinstance(answer, tuple)]
    if device.loyalty and seat is None and locker in (None, Reason.LOCKER_NOT_ASSIGNED):
        done.append("loyalty")
    if not done:
        refused = [(one, via) for via, one in answers.items() if isinstance(one, Reason)]
        reason, failed = min(refused, key=lambda answer: answer[0] in _NOTHING_THERE)
        return Served(access.deny(reason, failed))
    return Served(
        _served(done[0], day),
        None if isinstance(seat, Reason) else seat,
        day if device.loyalty else None,
        None if isinstance(locker, Reason) else locker,
    )


def _seat(request: access.Request, member: Member) -> tuple[SeatChange, Stepped] | Reason | None:
    """Check a fixed seat in or out; None: no seats are served here."""
    if Qualifier.SEAT not in request.device.qualify:
        return None
    return seating.toggle(request.seats, member.id, request.scene.at)


def _locker(request: access.Request, member: Member) -> tuple[Locker, Paid | None] | Reason | None:
    """Find the locker that the member holds, or is to be given; None: none are given here.

    Each running product with an end pays for one locker of those that hang at this device. Who
    has left things beyond an end has to see staff first.
    """
    if not request.device.lockers:
        return None
    own = [one for one in request.lockers if one.occupancy and one.occupancy.member == member.id]
    if any(locker.state is LockerState.WAITING for locker in own):
        return Reason.LOCKER_EXPIRED
    paid = _unused(request, member, own)
    if paid is None:
        return (own[0], None) if own else Reason.LOCKER_NOT_ASSIGNED
    for locker in request.lockers:
        if locker.state is LockerState.FREE:
            return locker, paid
    return Reason.LOCKER_OCCUPIED


def _unused(request: access.Request, member: Member, own: list[Locker]) -> Paid | None:
    """Return a running product that pays for no locker yet.

    A locker that was given without a product is taken as paid with any of them.
    """
    paid_with = [locker.occupancy.product for locker in own if locker.occupancy]
    unused = [
        Paid(product.id, product.valid_to)
        for product in member.products
        if product.kind is ProductKind.LOCKER
        and product.id not in paid_with
        and product.valid_to is not None
        and validity_refusal(product, request.scene.at) is None
    ]
    return next(iter(unused[paid_with.count(None) :]), None)


def _served(via: str, day: date) -> Decision:
    return Decision(Verdict.ALLOW, Reason.OK, via, service_date=day, trace=held(via))
