"""What a counter terminal's service, or leaving by the way out, writes beside its own record."""

from edged.core import events, seating
from edged.core.access import Request
from edged.core.counter import Served
from edged.core.door_words import DoorOutcome
from edged.core.events import Stamp
from edged.core.seating import SeatChange
from edged.ports import Ports
from edged.readers.scene import Arrival
from edged.store.ledger import Ledger
from policy.seats import Stepped


def note(ledger: Ledger, stamp: Stamp, arrival: Arrival, member: str, served: Served) -> None:
    """Write what a counter terminal did: the changed seat, the visit of the day."""
    if served.seat is not None:
        _change(ledger, stamp, arrival, *served.seat)
    day = served.visited
    if day is not None and ledger.first_time(f"visit_point/{member}/{day.isoformat()}"):
        body = events.visit_point(stamp, arrival.event_id, arrival.device, member, day)
        ledger.append(body)


def check_out(ledger: Ledger, stamp: Stamp, arrival: Arrival, asked: Request) -> None:
    """Check a leaving member's seats out, if the rules say so (spec/rules.md 6, row 31)."""
    if asked.member is None:
        return
    auto_checkout = asked.rules.settings.auto_checkout_on_exit
    at, member = asked.scene.at, asked.member.id
    for done in seating.leave(asked.seats, member, at, auto_checkout=auto_checkout):
        _change(ledger, stamp, arrival, *done)


def _change(
    ledger: Ledger, stamp: Stamp, arrival: Arrival, change: SeatChange, stepped: Stepped
) -> None:
    ledger.change_seat(change)
    ledger.append(events.seat(stamp, arrival.event_id, arrival.device.id, change, stepped))


def take_back(ports: Ports, event_id: str) -> None:
    """Take back what was counted where there is no door, and say so, when that can be written."""
    said = DoorOutcome.DOOR_NOT_OPENED.value
    body = events.outcome(ports.stamp(), None, event_id, said, withdrawn=True)

    def write(ledger: Ledger) -> None:
        ledger.withdraw(event_id)
        ledger.append(body)

    ports.recorder.record(write)
