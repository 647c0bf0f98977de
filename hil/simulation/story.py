"""The story of a run: what happens when, and where. Pure: the same seed, the same story.

Each event has a seed of its own for all that is drawn while it happens, so that a story from
which some were taken away tells the others as they were.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hil.simulation.places import PLACES, Place


class Kind(Enum):
    """What happens, as it is told: `{device}`, `{store}` and `{door}` are the event's place's."""

    COME = "somebody comes to {door} of {store}"
    BACK_AGAIN = "somebody comes to every door of the chain, one after the other"
    LEAVE = "somebody leaves by {door} of {store} with a code"
    PRESS = "somebody presses the exit button of {door}"
    RUSH = "several come and leave at {door} at once"
    CHEAT = "somebody shows a forged code at {door}"
    ORDER = "the cloud has {door} opened"
    ORDER_LATE = "the cloud has {door} opened while its line is pulled"
    PULL_LINE = "the line of {device} is pulled"
    CUT_LINE = "the connection of {device} is cut"
    SLOW_LINE = "the line of {device} is slow"
    WIPE_SESSION = "the broker forgets the session of {device}"
    CUT_BROKER = "the broker loses its power"
    FORGET_BROKER = "the broker loses its power, and all that it kept"
    CUT_CLOUD = "the cloud loses its power"
    CUT_CLOUD_AT_THE_WORST = "the cloud loses its power behind its next commit"
    PUBLISH = "the cloud publishes other rules"
    KILL = "{device} loses its power"
    KILL_AT_THE_WORST = "{device} loses its power behind the commit for somebody who comes"
    STOP = "{device} is restarted"
    SPOIL_DISK = "the disk of {device} is full, failing or slow"
    LOSE_TIME = "nobody confirms the clock of {device}"
    TURN_CLOCK = "the clock of {device} is turned"
    BURN = "there is a fire at {device}"
    LOCK_DOWN = "{device} is locked down"
    CUT_CABLES = "the cables of {device} are cut"
    TWO_AT_ONCE = "somebody's code is shown at two doors at once"
    LOCK_DOWN_BY_ORDER = "the cloud locks {device} down"
    LOSE_LOCK = "{device} loses its cables behind the commit for somebody, who comes again later"
    FORCE = "{door} is broken open"
    TRY_RULES = "the cloud publishes rules on trial, and then {device} does not hear it"
    RULES_TO_NO_DISK = "the cloud publishes rules while the disk of {device} takes nothing"
    KILL_AS_RULES_COME = "{device} loses its power while it puts new rules together"
    KILL_IN_TRIAL = "{device} loses its power while its rules are on trial"
    KILL_BEHIND_ORDER = "{device} loses its power behind the commit of an order"
    KILL_IN_START = "{device} loses its power, and once more while it starts"
    KILL_IN_TROUBLE = "something is wrong with {device}, and it loses its power"
    PUT_BACK_DISK = "{device} is given its disk of some time ago"
    BOOK = "somebody books {store} and comes by that, and it is cancelled unheard by {device}"
    GIVE_LOCKER = "somebody is given a locker"
    OPEN_LOCKER = "somebody opens a locker"
    GIVE_BACK_LOCKER = "somebody gives a locker back"
    MOVE_LOCKER = "somebody is given another locker instead"
    EXTEND_LOCKER = "the use of a locker is given another end"
    END_LOCKER = "the staff end the use of a locker"
    END_LOCKER_BY_ORDER = "the cloud ends the use of a locker"
    OVERTAKE_LOCKER_ORDER = "the cloud ends the use of a locker that the staff end before"
    LOOK_INTO_LOCKER = "the staff, or the cloud, have a locker opened to look inside"
    SETTLE_LOCKERS = "the staff look into the lockers that nobody is sure of"
    JAM_LOCKER = "the bolt of a locker does not move"
    END_LOCKER_AS_OPENED = "the staff end the use of a locker while its holder opens it"
    END_LOCKER_WITHOUT_BOARD = "the staff end the use of a locker while its cables are cut"
    END_LOCKER_ON_BAD_DISK = "the staff end the use of a locker, and the disk takes nothing more"
    KILL_AT_LOCKERS = "the lockers' device loses its power while one is released"


SHARES: Final = {
    Kind.COME: 40, Kind.BACK_AGAIN: 6, Kind.LEAVE: 10, Kind.PRESS: 10, Kind.RUSH: 4,
    Kind.CHEAT: 3, Kind.ORDER: 16, Kind.ORDER_LATE: 2, Kind.PULL_LINE: 6, Kind.CUT_LINE: 3,
    Kind.SLOW_LINE: 3, Kind.WIPE_SESSION: 3, Kind.CUT_BROKER: 2, Kind.FORGET_BROKER: 2,
    Kind.CUT_CLOUD: 2, Kind.CUT_CLOUD_AT_THE_WORST: 2, Kind.PUBLISH: 2, Kind.KILL: 2,
    Kind.KILL_AT_THE_WORST: 3, Kind.STOP: 1, Kind.SPOIL_DISK: 2, Kind.LOSE_TIME: 2,
    Kind.TURN_CLOCK: 1, Kind.BURN: 1, Kind.LOCK_DOWN: 1, Kind.CUT_CABLES: 1,
    Kind.TWO_AT_ONCE: 4, Kind.LOCK_DOWN_BY_ORDER: 2, Kind.FORCE: 1, Kind.TRY_RULES: 1,
    Kind.LOSE_LOCK: 2, Kind.PUT_BACK_DISK: 1,
    Kind.RULES_TO_NO_DISK: 1, Kind.KILL_AS_RULES_COME: 1, Kind.KILL_IN_TRIAL: 1,
    Kind.KILL_BEHIND_ORDER: 1, Kind.KILL_IN_START: 1, Kind.KILL_IN_TROUBLE: 2,
    Kind.GIVE_LOCKER: 7, Kind.OPEN_LOCKER: 5, Kind.GIVE_BACK_LOCKER: 2, Kind.MOVE_LOCKER: 1,
    Kind.BOOK: 2, Kind.EXTEND_LOCKER: 1, Kind.END_LOCKER: 2, Kind.END_LOCKER_BY_ORDER: 2,
    Kind.OVERTAKE_LOCKER_ORDER: 1, Kind.LOOK_INTO_LOCKER: 1, Kind.SETTLE_LOCKERS: 2,
    Kind.JAM_LOCKER: 1, Kind.END_LOCKER_AS_OPENED: 1, Kind.END_LOCKER_WITHOUT_BOARD: 1,
    Kind.END_LOCKER_ON_BAD_DISK: 1, Kind.KILL_AT_LOCKERS: 2,
}  # fmt: skip
"""How often each happens, for one another."""
EVERY_S: Final = 60.0
"""How long it is from one to the next by day."""
_NIGHT: Final = 15
"""So much longer it is by night."""
_FIRST_HOUR = 10
"""When a run begins, in the stores' time."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something happens `at_s` after the beginning, and draws from its own `seed`."""

    at_s: float
    kind: Kind
    place: Place
    seed: int

    def dice(self) -> random.Random:
        """Return its own chance, as fresh as ever."""
        return random.Random(self.seed)

    def told(self) -> str:
        """Say it in a sentence."""
        day, rest = divmod(_FIRST_HOUR * 3_600 + round(self.at_s), 86_400)
        hour, minute, second = rest // 3_600, rest % 3_600 // 60, rest % 60
        where = {"device": self.place.device, "store": self.place.store, "door": self.place.door}
        what = self.kind.value.format(**where)
        return f"Day {day + 1}, {hour:02}:{minute:02}:{second:02}: {what}."


def written(seed: int, hours: float, every_s: float = EVERY_S) -> list[Event]:
    """Write the story of so many hours: most of it between seven and ten at night.

    `every_s`: how long it is from one event to the next by day, on average.
    """
    dice, at_s, events = random.Random(seed), 0.0, list[Event]()
    while True:
        hour = (_FIRST_HOUR + at_s / 3_600) % 24
        mean_s = every_s if 7 <= hour < 22 else _NIGHT * every_s
        at_s = round(at_s + dice.expovariate(1 / mean_s), 3)
        if at_s >= hours * 3_600:
            return events
        (kind,) = dice.choices([*SHARES], [*SHARES.values()])
        events.append(Event(at_s, kind, dice.choice(PLACES), dice.getrandbits(32)))


def as_told(events: Sequence[Event]) -> list[str]:
    """Tell a story, a sentence for each event."""
    return [event.told() for event in events]
