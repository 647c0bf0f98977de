"""What each part of the shell is given to reach the world: time, randomness, memory, witness."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edged.alarms import Alarms
from edged.clock import Clock
from edged.control.broadcast import Broadcast
from edged.core.events import Stamp
from edged.recorder import Recorder
from edged.settings import Language
from edged.store.journal import Journal
from edged.store.rules import RulesStore


@dataclass(frozen=True, slots=True)
class Ports:
    """One set for the whole daemon, made by the wiring.

    `languages` are those of the lines that members are shown. `new_id` gives a fresh event id
    (a random UUID). `digest` names a text without showing it: a keyed hash, the same for the
    same text (spec/credentials.md, last section).
    """

    clock: Clock
    journal: Journal
    rules: RulesStore
    recorder: Recorder
    witness: Broadcast
    alarms: Alarms
    languages: Sequence[Language]
    new_id: Callable[[], str]
    digest: Callable[[bytes], bytes]

    def stamp(self) -> Stamp:
        """Date a record that is made now."""
        now = self.clock.now()
        return Stamp(now.at, now.state.value)
