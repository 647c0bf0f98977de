"""The staff's codes behind the oracle's plain data, on the daemon's own way to a decision.

Read already, as `edged.credentials.read` leaves a code that is correctly signed.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from edged.clock import ClockState, Instant
from edged.core import access
from edged.credentials import claims
from edged.readers import scene
from edged.readers.scene import Arrival
from edged.store.ledger import Ledger
from policy.model import Decision, Device, Rules, Side, Verdict
from tests.policy import player


def handle(name: str) -> bytes:
    """The eight bytes by which codes name somebody, or a store."""
    return name.encode().rjust(8, b"\0")


@dataclass(frozen=True, slots=True)
class Spent:
    """As much of a ledger as a staff code asks: which codes were used up."""

    codes: set[str] = field(default_factory=set)

    def spent(self, code: str) -> bool:
        return code in self.codes

    def spend(self, code: str, _event: str, _issued_at: datetime, _until: datetime) -> None:
        self.codes.add(code)


def present(
    rules: Rules, device: Device, spent: Spent, step: player.Json, *, shut: bool
) -> Decision:
    """Decide as the daemon would. `shut`: there is a lockdown."""
    ledger, code = cast("Ledger", spent), _code(step)
    arrival = Arrival("event", rules, device, code, _now(code, step), 0, lockdown=shut)
    known = scene.known(arrival, None, ledger)
    if device.side is Side.OUT:
        return access.decide_exit(known)
    decision = access.decide_entry(known)
    if decision.verdict is Verdict.ALLOW:
        scene.spend(arrival, ledger)
    return decision


def _code(step: player.Json) -> claims.StaffCode | claims.StaffCard:
    code, who = step["code"], handle(step["staff"])
    if code["kind"] == "T2":
        return claims.StaffCard(0, who, code["version"])
    store = code["store"] and handle(code["store"])
    issued_at = player._instant(code["issued"])
    return claims.StaffCode(0, who, store, issued_at, code["ttl_min"], code["nonce"])


def _now(code: claims.StaffCode | claims.StaffCard, step: player.Json) -> Instant:
    """The clock; one that can't be trusted is at least as late as a verified code (3.2 E0)."""
    at, first, last = (
        player._instant(step.get(n, step["at"])) for n in ("at", "earliest", "latest")
    )
    if step.get("clock_ok", True):
        return Instant(at, first, last, ClockState.SYNCED)
    if isinstance(code, claims.StaffCode):
        at = max(at, code.issued_at)
    return Instant(at, at, None, ClockState.RESTORED)
