"""What needs a person right now: raised once, cleared once, recorded and shown."""

import structlog

from edged.clock import Clock
from edged.control.broadcast import Broadcast
from edged.core import events
from edged.recorder import Recorder

log = structlog.get_logger()

STORE_FAILED = "STORE_FAILED"
"""The alarm of a journal that can't write."""
FIRE = "FIRE"
"""The alarm of a fire that nobody has reset."""
TAMPER = "TAMPER"
"""The alarm of a door whose wires or housing somebody is at."""
UNDER_VOLTAGE = "UNDER_VOLTAGE"
"""The alarm of a computer whose power is too weak for it."""
OUTPUTS_PERSIST = "OUTPUTS_PERSIST"
"""The alarm of a kernel that leaves outputs as they are when their process has died."""


class Alarms:
    """The alarms that are up, each under its source (a door or a device) and its name."""

    def __init__(self, clock: Clock, recorder: Recorder, witness: Broadcast) -> None:
        self._clock = clock
        self._recorder = recorder
        self._witness = witness
        self._up: dict[tuple[str, str], str] = {}

    def change(self, source: str, name: str, *, raised: bool) -> None:
        """Raise or clear an alarm; saying the same again changes nothing."""
        if ((source, name) in self._up) == raised:
            return
        now = self._clock.now()
        if raised:
            self._up[source, name] = events.stamp_text(now.at)
        else:
            del self._up[source, name]
        log.warning("alarm", source=source, alarm=name, raised=raised)
        body = events.alarm(events.Stamp(now.at, now.state.value), source, name, raised=raised)
        self._recorder.append(body)
        self._witness.publish({"event": "alarm", **body})

    def listing(self) -> list[dict[str, str]]:
        """Give what is up, the oldest first: source, alarm, since."""
        return [
            {"source": source, "alarm": name, "since": since}
            for (source, name), since in self._up.items()
        ]
