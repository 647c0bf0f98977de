"""What a reader's light, tone and display show: the newest signal wins, nothing waits for it."""

import asyncio

import structlog

from drivers.api import DriverError, Indicator, Signal
from edged.clock import Clock

log = structlog.get_logger()


class Feedback:
    """One indicator and the signal that it should show next."""

    def __init__(self, indicator: Indicator | None, clock: Clock) -> None:
        self._indicator = indicator
        self._clock = clock
        self._until_ms = 0
        self._next: Signal | None = None
        self._wake = asyncio.Event()

    def show(self, signal: Signal) -> None:
        """Show `signal` as soon as the indicator is free, in place of whatever waited."""
        self._next = signal
        self._until_ms = self._clock.monotonic_ms() + signal.for_ms
        self._wake.set()

    def keep(self, signal: Signal) -> None:
        """Show `signal` once more if what was shown last has run out.

        For a code that is held up and read again and again: a pattern that began anew with each
        read would never be seen whole, and its flashes could not be counted.
        """
        if self._clock.monotonic_ms() >= self._until_ms:
            self.show(signal)

    async def run(self) -> None:
        """Show what is asked for, for ever. A lost indicator is dark, and nobody's problem."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._indicator is None or self._next is None:
                continue
            try:
                await self._indicator.show(self._next)
            except DriverError as lost:
                log.warning("indicator_dark", device=lost.device, problem=lost.problem)
            except Exception:  # a driver's bug is that device's fault alone
                log.exception("indicator_broken", device=self._indicator.name)
