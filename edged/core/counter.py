"""What a counter terminal does for the member whose code it reads (spec/rules.md 4.2, 4.6). Pure.

It has no door: it checks fixed seats in and out, and notes that a member was here.
"""

from dataclasses import dataclass
from datetime import date

from edged.core import access, seating
from edged.core.seating import SeatChange
from policy.case import stopped
from policy.model import Decision, Device, Mode, Qualifier, Reason, Side, Verdict
from policy.seats import Stepped
from policy.timetable import entry_date
from policy.trace import held


@dataclass(frozen=True, slots=True)
class Served:
    """The answer, and what goes with it: a changed seat, a visit to note on a service date."""

    decision: Decision
    seat: tuple[SeatChange, Stepped] | None = None
    visited: date | None = None


def is_counter(device: Device) -> bool:
    """Tell whether a device is a counter terminal that does something but decide entries."""
    terminal = device.mode is Mode.APP and device.door is None and device.side is Side.IN
    return terminal and (Qualifier.SEAT in device.qualify or device.loyalty)


def serve(request: access.Request) -> Served:
    """Serve a member at a counter terminal; where `qualify` has `seat`, the fixed seat.

    Old rules stop nobody here, but a clock that can't tell the time does: seats are a matter of
    which change was later.
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
    visited = day if device.loyalty else None
    if Qualifier.SEAT not in device.qualify:
        return Served(_served("loyalty", day), None, visited)
    done = seating.toggle(request.seats, member.id, scene.at)
    if isinstance(done, Reason):
        return Served(access.deny(done, "seat"))
    return Served(_served("seat", day), done, visited)


def _served(via: str, day: date) -> Decision:
    return Decision(Verdict.ALLOW, Reason.OK, via, service_date=day, trace=held(via))
