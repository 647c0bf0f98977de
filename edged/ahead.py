"""Timetables before they are needed: nobody at a door waits while a plan's day is worked out.

`policy.ahead` works them out. Here is when, and for which devices: soon after rules came into
force, and before a UTC day begins, in small steps with pauses, so that a scan finds the loop free.
"""

from collections.abc import Collection

from edged import limits
from edged.ports import Ports
from policy.ahead import prepare


class Ahead:
    """Keeps the timetables of the doors' readers made."""

    def __init__(self, ports: Ports, readers: Collection[str]) -> None:
        self._ports = ports
        self._readers = readers

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await self.look()
            await self._ports.clock.sleep_ms(limits.AHEAD_LOOK_MS)

    async def look(self) -> None:
        """Make those that are missing for now, and for the day that it soon is.

        None while the time can't be told: no band is asked then (spec/rules.md 3.7).
        """
        now, rules = self._ports.clock.now(), self._ports.rules.rules
        if rules is None or not now.trusted:
            return
        named = (rules.devices.get(name) for name in self._readers)
        devices = [device for device in named if device is not None and device.door is not None]
        for at in (now.at, now.at + limits.AHEAD):
            for device in devices:
                for _ in prepare(rules, device, at):
                    await self._ports.clock.sleep_ms(limits.AHEAD_PAUSE_MS)
