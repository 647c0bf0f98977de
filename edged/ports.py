"""What each part of the shell is given to reach the world: time, randomness, memory, witness."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edged import limits
from edged.alarms.raised import Alarms
from edged.clock import Clock
from edged.control.broadcast import Broadcast
from edged.core.events import Stamp
from edged.records.recorder import Recorder
from edged.records.uses import Uses
from edged.settings.model import Language
from edged.store.journal import Journal
from edged.store.rules import RulesStore

if TYPE_CHECKING:
    from cloud_link.ports import Chance, Transport  # which a device without a cloud spares


@dataclass(frozen=True, slots=True)
class Outside:
    """What the link to the cloud is given of the world: its chance, and the way to the broker."""

    chance: "Chance"
    transport: "Transport"


@dataclass(frozen=True, slots=True)
class Ports:
    """One set for the whole daemon, made by the wiring.

    `languages` are those of the lines that members are shown. `new_id` gives a fresh event id
    (a random UUID). `digest` names a text without showing it: a keyed hash, the same for the
    same text (spec/credentials.md, last section). `uses`: the codes that were used up.
    `outside` None: the system's chance, and MQTT as the settings say.
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
    uses: Uses = field(default_factory=Uses)
    outside: Outside | None = None

    def stamp(self) -> Stamp:
        """Date a record that is made now."""
        now = self.clock.now()
        return Stamp(now.at, now.state.value)


class EventIds:
    """Fresh event ids: random UUIDs, for one thread.

    The kernel is asked for many at once: while it answers, other threads take their turn, and
    whoever waits at a door waits for theirs.
    """

    def __init__(self) -> None:
        self._ahead = b""

    def __call__(self) -> str:
        """Return an id that was never given before."""
        if not self._ahead:
            self._ahead = secrets.token_bytes(limits.EVENT_IDS_AHEAD * 16)
        mine, self._ahead = self._ahead[:16], self._ahead[16:]
        # As `uuid.UUID` spells it, at a third of what it takes of each scan.
        text, variant = mine.hex(), "89ab"[mine[8] >> 4 & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"
