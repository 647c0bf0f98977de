"""The alarm output: a buzzer or a light that goes on for as long as something is an alarm."""

import structlog

from drivers.api import DriverError, Indicator
from edged import limits
from edged.alarms.raised import Alarms
from edged.core.alarm_words import Severity
from edged.messages import Cue
from edged.translate import SHOWN

log = structlog.get_logger()

ALARM = SHOWN[Cue.ALARM]
"""Each signal ends by itself, so a daemon that died does not sound for ever."""


class Sounder:
    """One indicator, and the alarms that it tells of."""

    def __init__(self, indicator: Indicator, alarms: Alarms) -> None:
        self._indicator = indicator
        self._alarms = alarms

    async def run(self) -> None:
        """Sound while an alarm is up, for ever. A lost indicator is an alarm of its own."""
        while True:
            sounding = self._alarms.worst() is Severity.ALARM
            if sounding:
                try:
                    await self._indicator.show(ALARM)
                except DriverError as lost:
                    log.warning("alarm_output_silent", problem=lost.problem)
                except Exception:  # a driver's bug is that device's fault alone
                    log.exception("alarm_output_broken")
            await self._alarms.changed_within(limits.SOUND_MS[1] / 1000 if sounding else None)
