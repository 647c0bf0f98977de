"""Each device on its own: one that is lost is an alarm and is opened again, nothing else stops."""

from collections.abc import Awaitable, Callable

import structlog

from drivers.api import Device, DriverError
from edged import limits
from edged.alarms.raised import Alarms
from edged.clock import Clock
from edged.core.alarm_words import AlarmName

log = structlog.get_logger()


def _nothing() -> None:
    """Do nothing about a loss."""


class Supervised:
    """A device and the work that its driver does for as long as it is there.

    `work` is the driver's `run` with whatever it reports to; `on_lost` is told each loss.
    `optional`: the daemon may start without the device (`edged.settings.model`).
    """

    def __init__(
        self,
        device: Device,
        work: Callable[[], Awaitable[None]],
        *,
        optional: bool = False,
        on_lost: Callable[[], None] = _nothing,
    ) -> None:
        self.device = device
        self.optional = optional
        self.is_open = False
        self._work = work
        self._on_lost = on_lost

    async def start(self) -> None:
        """Open the device for the first time. Raises DeviceMissing unless it is optional."""
        try:
            await self.device.__aenter__()
        except DriverError:
            if not self.optional:
                raise
            return
        self.is_open = True

    async def close(self) -> None:
        """Leave the device at rest; again: no change."""
        if not self.is_open:
            return
        self.is_open = False
        try:
            await self.device.__aexit__(None, None, None)
        except Exception:  # a driver's bug is that device's fault alone
            log.exception("device_not_closed", device=self.device.name)

    async def run(self, clock: Clock, alarms: Alarms) -> None:
        """Work the device, and open it again whenever it is lost, for ever."""
        name = self.device.name
        problem = "not there at the start"
        while True:
            if self.is_open:
                problem = await self._until_lost()
                log.error("device_lost", device=name, problem=problem)
                await self.close()
                self._on_lost()
            alarms.change(name, AlarmName.DEVICE_LOST, raised=True, cause=problem)
            await self._reopen(clock)
            alarms.change(name, AlarmName.DEVICE_LOST, raised=False)

    async def _until_lost(self) -> str:
        try:
            await self._work()
        except DriverError as error:
            return error.problem
        except Exception:  # a driver's bug is that device's fault alone
            log.exception("driver_broken", device=self.device.name)
            return "a fault of its driver"
        return "its driver ended"

    async def _reopen(self, clock: Clock) -> None:
        wait_ms = limits.REOPEN_MS[0]
        while not self.is_open:
            await clock.sleep_ms(wait_ms)
            wait_ms = min(2 * wait_ms, limits.REOPEN_MS[1])
            try:
                await self.device.__aenter__()
            except DriverError as error:
                log.debug("device_missing", device=error.device, problem=error.problem)
            except Exception:  # a driver's bug is that device's fault alone
                log.exception("driver_broken", device=self.device.name)
            else:
                self.is_open = True
        log.info("device_back", device=self.device.name)
