"""Codes that open once, or a number of times, and how it is remembered that they did.

What is remembered is written with the grant, in its transaction (spec/credentials.md, last of
"Checks"). Beside that it is kept in memory, for as long as the disk fails and what was granted
meanwhile still waits to be written.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from edged import limits
from edged.credentials import claims
from edged.credentials.read import Refused
from edged.store.ledger import Ledger
from policy.model import Device, Mode, RuleSettings, Side


@dataclass(frozen=True, slots=True)
class Nonce:
    """A code that opens once."""

    name: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a member's phone, after which only later ones open."""

    member: str
    step: int


@dataclass(frozen=True, slots=True)
class Booked:
    """A user's code of a booking, which opens `uses` times; 0: any number."""

    booking: str
    user: str
    uses: int
    issued_at: datetime
    end: datetime

    @property
    def name(self) -> str:
        """Spell whose code of what this is."""
        return f"B1/{self.booking}/{self.user}"


Use = Nonce | Step | Booked


def use_of(code: claims.Claims | Refused, device: Device, settings: RuleSettings) -> Use | None:
    """Return what is used up when this code lets somebody in here, None: nothing."""
    if device.side is Side.OUT or device.mode is Mode.RECORD_ONLY:
        return None
    match code:
        case claims.StaffCode():
            return _nonce(code)
        case claims.MemberCode() if settings.code_single_use:
            return _nonce(code)
        case claims.RotatingCode():
            return Step(code.handle.hex(), code.step)
        case claims.BookingCode() if code.uses:
            booking, user = code.booking.hex(), code.handle.hex()
            return Booked(booking, user, code.uses, code.issued_at, code.end)
        case _:
            return None


def _nonce(code: claims.Shown) -> Nonce:
    issued_s = int(code.issued_at.timestamp())
    return Nonce(f"{code.kind}/{code.handle.hex()}/{issued_s}/{code.nonce}", code.issued_at)


def is_spent(use: Use, ledger: Ledger) -> bool:
    """Tell whether the journal knows that this is used up."""
    match use:
        case Nonce(name):
            return ledger.spent(name)
        case Step(member, step):
            granted = ledger.granted_step(member)
            return granted is not None and step <= granted.step
        case Booked(booking, user, uses):
            return ledger.booking_uses(booking, user) >= uses


def spend(use: Use, ledger: Ledger, event_id: str, offset: int | None) -> None:
    """Write that this was used by `event_id`; `offset`: of the phone, None: it can't be told."""
    match use:
        case Nonce(name, issued_at):
            ledger.spend(name, event_id, issued_at, issued_at + limits.SPENT_KEPT)
        case Step(member, step):
            ledger.grant_step(member, step, offset)
        case Booked(booking, user, _, issued_at, end):
            until = end + limits.SPENT_KEPT
            ledger.use_booking(booking, user, event_id, issued_at, until)


class Uses:
    """What was used up here since the start, the last `limits.USES_KEPT` of each sort."""

    def __init__(self) -> None:
        self._steps: dict[str, int] = {}
        self._events: dict[str, str] = {}
        """What each event used, the oldest first."""
        self._counts: Counter[str] = Counter()

    def knows(self, use: Use) -> bool:
        """Tell whether this is used up by what is remembered."""
        match use:
            case Nonce(name):
                return self._counts[name] > 0
            case Step(member, step):
                return step <= self._steps.get(member, -1)
            case Booked(_, _, uses):
                return self._counts[use.name] >= uses

    def add(self, use: Use, event_id: str) -> None:
        """Remember that `event_id` used this."""
        if isinstance(use, Step):
            step = max(use.step, self._steps.pop(use.member, -1))
            self._steps[use.member] = step  # behind all others
            if len(self._steps) > limits.USES_KEPT:
                del self._steps[next(iter(self._steps))]
            return
        self._events[event_id] = use.name
        self._counts[use.name] += 1
        if len(self._events) > limits.USES_KEPT:
            self.withdraw(next(iter(self._events)))

    def withdraw(self, event_id: str) -> None:
        """Forget what an event used; as in the journal, a step stays granted."""
        name = self._events.pop(event_id, None)
        if name is None:
            return
        self._counts[name] -= 1
        if not self._counts[name]:
            del self._counts[name]
