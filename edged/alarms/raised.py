"""What needs a person right now: raised once, cleared once, recorded and shown."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

import structlog

from edged import limits
from edged.clock import Clock
from edged.control.broadcast import Broadcast
from edged.core import events
from edged.core.alarm_words import SEVERITY, AlarmName, Severity
from edged.records.recorder import Recorder
from edged.records.tally import Tally

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Up:
    since: str
    cause: str | None


class Alarms:
    """The alarms that are up, each under its source (a door or a device) and its name."""

    def __init__(self, clock: Clock, recorder: Recorder, witness: Broadcast) -> None:
        self._clock = clock
        self._recorder = recorder
        self._witness = witness
        self._up: dict[tuple[str, AlarmName], _Up] = {}
        self._tallies: defaultdict[tuple[str, AlarmName], Tally] = defaultdict(Tally)
        self._changed = asyncio.Event()

    def change(
        self, source: str, name: AlarmName, *, raised: bool, cause: str | None = None
    ) -> None:
        """Raise or clear an alarm; saying the same again changes nothing.

        `cause`: what is known of it, in words of ours. One that changes too often is only
        counted (`sum_up`).
        """
        key = source, name
        if (key in self._up) == raised:
            return
        now = self._clock.now()
        if raised:
            cause = None if cause is None else cause[: limits.ALARM_CAUSE_CHARS]
            up = self._up[key] = _Up(events.stamp_text(now.at), cause)
        else:
            up = self._up.pop(key)
        self._changed.set()
        told = events.AlarmTold(source, name, up.since, up.cause)
        body = events.alarm(events.Stamp(now.at, now.state.value), told, raised=raised)
        if self._tallies[key].allows(self._clock.monotonic_ms()):
            log.warning("alarm", source=source, alarm=name.value, raised=raised, cause=cause)
            self._recorder.append(body)
        self._witness.publish({"event": "alarm", **body})

    def sum_up(self) -> None:
        """Record the changes that were only counted, if any, and how each alarm stands now."""
        now = self._clock.now()
        stamp = events.Stamp(now.at, now.state.value)
        for (source, name), tally in self._tallies.items():
            if count := tally.take_left():
                raised = (source, name) in self._up
                body = events.summed(stamp, source, name.value, count, raised=raised)
                self._recorder.append(body)

    def listing(self) -> list[dict[str, str]]:
        """Give what is up, the oldest first: source, alarm, severity, since, a cause if known."""
        return [
            {
                "source": source,
                "alarm": name.value,
                "severity": SEVERITY[name].value,
                "since": up.since,
                **({} if up.cause is None else {"cause": up.cause}),
            }
            for (source, name), up in self._up.items()
        ]

    def worst(self) -> Severity | None:
        """Give the gravest severity that is up."""
        up = {SEVERITY[name] for _, name in self._up}
        return max(up, key=list(Severity).index, default=None)

    async def changed_within(self, within_s: float | None) -> None:
        """Wait until something was raised or cleared, at most so long."""
        try:
            async with asyncio.timeout(within_s):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()
