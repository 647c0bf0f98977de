"""Chance that hangs on the moment only: what else happens shifts no draw.

A story from which something was taken away has the same weather at the same moments.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from hil.virtual.loop import running

T = TypeVar("T")

_WHOLE = 2**64


@dataclass(frozen=True, slots=True)
class Weather:
    """The chance of one seed. `what`: whose; two who ask for the same now are told the same."""

    seed: int

    def draw(self, what: str) -> float:
        """Draw from [0, 1)."""
        at = f"{self.seed} {what} {running().time():.6f}".encode()
        return int.from_bytes(hashlib.blake2b(at, digest_size=8).digest()) / _WHOLE

    def between(self, what: str, least: float, most: float) -> float:
        """Draw from a range."""
        return least + (most - least) * self.draw(what)

    def choice(self, what: str, some: Sequence[T]) -> T:
        """Draw one of these."""
        return some[int(self.draw(what) * len(some))]
