"""What an installer finds at a bus of locker boards, and what one pulse changes there."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

SETTLE_S: Final = 1.0
"""From a pulse to the second look: the slowest hook has opened (spec/hardware.md 2.1)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look: a make of boards, its port, and its speed if not the make's own."""

    kind: str
    port: str
    baud: int | None


async def scan(
    bench: Callable[..., Any], at: Place, tell: Callable[[Mapping[str, object]], None]
) -> None:
    """Tell of every board that answers. Raises DriverError."""
    async with bench(at.kind, at.port, at.baud) as opened:
        async for found in opened.find():
            tell({"address": found.address, "set": list(found.is_set)})


async def try_lock(
    bench: Callable[..., Any], at: Place, address: int, lock: int
) -> Mapping[str, object]:
    """Pulse one lock once, and say what changed.

    Raises:
        DriverError: The board does not answer.
        ValueError: There can be no such board or lock.
    """
    async with bench(at.kind, at.port, at.baud) as opened:
        before = set((await opened.look(address)).is_set)
        await opened.pulse(address, lock)
        await asyncio.sleep(SETTLE_S)
        after = set((await opened.look(address)).is_set)
    return {
        "address": address,
        "lock": lock,
        "before": sorted(before),
        "after": sorted(after),
        "changed": sorted(before ^ after),
    }
