"""Codes that a reader turned away: counted exactly, recorded in sums (ARCHITECTURE, Storage)."""

from collections import Counter

import structlog

from edged.core import events
from edged.credentials.read import Refused
from edged.ports import Ports

log = structlog.get_logger()

OVERFLOW = "OVERFLOW"
"""Counted with the refused codes: those that came faster than they could be read."""


class Refusals:
    """The unusable codes of one reader; of each its kind and a hash are told, never the code."""

    def __init__(self, name: str, ports: Ports) -> None:
        self._name = name
        self._ports = ports
        self._counts: Counter[str] = Counter()
        self._since = ports.clock.now().at

    def overflow(self) -> None:
        """Count one that nobody had the time to look at."""
        self._counts[OVERFLOW] += 1

    def add(self, refused: Refused, digest: bytes) -> None:
        """Count a code that was turned away; `digest` is its keyed hash."""
        reason, kind = refused.reason.value, None if refused.kind is None else refused.kind.value
        self._counts[reason] += 1
        self._ports.witness.publish(
            {
                "event": "refused",
                "device": self._name,
                "code_kind": kind,
                "code_hash": digest.hex()[:16],
                "reason": reason,
            }
        )
        log.info("code_refused", device=self._name, code_kind=kind, reason=reason)

    def sum_up(self) -> None:
        """Record how many there were since the last call, if any."""
        now = self._ports.stamp()
        if self._counts:
            counts, self._counts = dict(self._counts), Counter()
            self._ports.recorder.append(events.refused(now, self._name, counts, self._since))
        self._since = now.at
