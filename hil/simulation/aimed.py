"""Stories that are aimed at what half an hour of chance has too seldom.

Each event draws what is said here from its seed.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Final

from hil.simulation.places import PLACES, Opening
from hil.simulation.saga import Saga, tell
from hil.simulation.story import Event, Kind, written

FRONT, SIDE, SOUTH = PLACES

_NETWORK: Final = [
    *(Event(1, Kind.SPOIL_DISK, *one) for one in ((FRONT, 140), (SIDE, 36), (SOUTH, 10))),
    *(Event(9, Kind.PRESS, place, 1) for place in PLACES),  # full, failing and hanging: half a min
    *(Event(12, Kind.COME, place, 31) for place in (FRONT, SIDE, SIDE, SOUTH)),  # m0, no limit
    Event(60, Kind.LOCK_DOWN, FRONT, 43),
    Event(65, Kind.PRESS, FRONT, 1),
    Event(70, Kind.LOSE_TIME, SOUTH, 31),
    Event(75, Kind.PRESS, SOUTH, 1),
    Event(150, Kind.COME, FRONT, 2),  # m1, once a month
    Event(200, Kind.COME, SOUTH, 2),
    Event(210, Kind.SLOW_LINE, FRONT, 36),  # 3 s
    *(Event(211 + n / 2, Kind.ORDER, FRONT, n) for n in range(3)),  # one may be lost or late
    Event(213, Kind.PRESS, SIDE, 1),  # the 21st: what waits is saved with it, and delivered then
    Event(222, Kind.CUT_BROKER, FRONT, 1),
    Event(300, Kind.KILL, SIDE, 22),  # as soon as somebody is let in
    Event(330, Kind.KILL, SIDE, 13),  # for a minute
    Event(331, Kind.ORDER, SIDE, 1),
    *(Event(400 + seed, Kind.KILL_AT_THE_WORST, SOUTH, seed) for seed in (0, 20, 40, 60)),
    Event(500, Kind.ORDER_LATE, FRONT, 5),
    Event(520, Kind.WIPE_SESSION, SIDE, 0),
    Event(530, Kind.ORDER, SIDE, 1),
    *(Event(540 + n, Kind.ORDER, PLACES[n % 3], 1) for n in range(24)),  # a result may be lost
    Event(620, Kind.CUT_CLOUD_AT_THE_WORST, SOUTH, 1),
    Event(621, Kind.COME, SOUTH, 31),
    Event(640, Kind.PUT_BACK_DISK, SIDE, 15),  # is up again behind 710, and hears that later
    *(Event(700, Kind.PULL_LINE, place, 1) for place in PLACES),  # for a minute
    *(Event(at_s, Kind.COME, SIDE, 31) for at_s in (730, 740, 750)),
    Event(701, Kind.BACK_AGAIN, FRONT, 18),  # m5, once a month
    Event(900, Kind.BURN, SIDE, 32),
    Event(905, Kind.PRESS, SIDE, 1),
]
_POWER: Final = [
    Event(60, Kind.TWO_AT_ONCE, FRONT, 33),  # m5, once a month, at two stores
    Event(60, Kind.TWO_AT_ONCE, FRONT, 60),  # m9, once a month, at two doors of one store
    *(Event(80, Kind.COME, place, 23) for place in (FRONT, SIDE)),  # m9
    Event(100, Kind.LOCK_DOWN_BY_ORDER, FRONT, 2),  # ended at once
    Event(100, Kind.LOCK_DOWN_BY_ORDER, SIDE, 3),  # somebody comes, and an order
    Event(100, Kind.LOCK_DOWN_BY_ORDER, SOUTH, 144),  # the switch too
    Event(150, Kind.LOCK_DOWN_BY_ORDER, FRONT, 7),  # dark
    Event(150, Kind.LOCK_DOWN_BY_ORDER, SIDE, 15),  # somebody comes, and an order
    Event(150, Kind.LOCK_DOWN_BY_ORDER, SOUTH, 6),  # ended at once
    Event(200, Kind.KILL_IN_TROUBLE, FRONT, 69),  # the disk is full
    Event(200, Kind.KILL_IN_TROUBLE, SIDE, 458),  # it fails
    Event(200, Kind.KILL_IN_TROUBLE, SOUTH, 1210),  # it hangs
    Event(270, Kind.KILL_IN_TROUBLE, FRONT, 60),  # the line is pulled
    Event(270, Kind.KILL_IN_TROUBLE, SIDE, 996),  # it burns
    Event(270, Kind.KILL_IN_TROUBLE, SOUTH, 180),  # nobody confirms the clock
    Event(272, Kind.PULL_LINE, SOUTH, 1),  # for a minute
    Event(300, Kind.COME, SOUTH, 31),  # m0, without a limit
    *(Event(at_s, Kind.ORDER, SOUTH, 1) for at_s in (325, 329, 333, 337)),
    Event(345, Kind.KILL_IN_TROUBLE, SIDE, 136),  # locked down
    Event(340, Kind.BURN, FRONT, 36),  # while somebody leaves
    Event(400, Kind.BURN, FRONT, 10),  # while it is dark
    Event(400, Kind.CUT_CABLES, SIDE, 175),  # while somebody leaves
    Event(400, Kind.FORCE, SOUTH, 1),  # while it is dark
    Event(470, Kind.KILL_IN_START, SIDE, 0),
    Event(470, Kind.KILL_IN_START, SOUTH, 7),
    *(Event(480, Kind.KILL_BEHIND_ORDER, place, 1) for place in PLACES),
    Event(520, Kind.KILL_AS_RULES_COME, FRONT, 1),
    Event(590, Kind.RULES_TO_NO_DISK, SIDE, 1),
    Event(660, Kind.KILL_IN_TRIAL, SIDE, 0),  # twice
    Event(780, Kind.TRY_RULES, SOUTH, 32),
    Event(960, Kind.TURN_CLOCK, FRONT, 15),
    Event(960, Kind.TURN_CLOCK, SIDE, 15),  # a day ahead
    Event(961, Kind.PULL_LINE, SIDE, 1),
    *(Event(962, Kind.KILL, place, 22) for place in (FRONT, SIDE)),
    *(Event(at_s, Kind.ORDER, FRONT, 1) for at_s in (966, 969, 972, 975)),
    *(Event(980, Kind.COME, place, 31) for place in (FRONT, SIDE)),
    *(Event(1_000, Kind.LOSE_LOCK, place, n) for n, place in enumerate(PLACES)),
    Event(1_040, Kind.FORGET_BROKER, FRONT, 0),  # for half a minute
    Event(1_041, Kind.CUT_CLOUD, FRONT, 0),  # for 20 s
    *(Event(1_045, Kind.COME, place, 31) for place in PLACES),
    Event(1_100, Kind.PULL_LINE, FRONT, 1),  # for a minute
    Event(1_105, Kind.PUBLISH, FRONT, 15),  # m0 is stopped
    Event(1_110, Kind.COME, FRONT, 31),
    Event(1_215, Kind.LEAVE, FRONT, 31),
    Event(1_220, Kind.PULL_LINE, FRONT, 1),
    Event(1_225, Kind.PUBLISH, FRONT, 15),  # m0 may go on
    Event(1_230, Kind.COME, FRONT, 31),
    Event(1_240, Kind.BOOK, SOUTH, 1),
]
_LOCKERS: Final = [
    Event(1, Kind.GIVE_LOCKER, FRONT, 46),  # L1, opened at once
    Event(5, Kind.GIVE_LOCKER, FRONT, 8),  # L2, too
    Event(9, Kind.GIVE_LOCKER, FRONT, 2),  # L3, for a minute
    Event(13, Kind.GIVE_LOCKER, FRONT, 5),  # L4
    Event(30, Kind.END_LOCKER_AS_OPENED, FRONT, 0),  # L4
    Event(40, Kind.PULL_LINE, FRONT, 1),  # for a minute
    Event(50, Kind.OPEN_LOCKER, FRONT, 1),
    Event(105, Kind.OPEN_LOCKER, FRONT, 5),  # L3, by its PIN
    Event(110, Kind.MOVE_LOCKER, FRONT, 2),  # from L1, which is jammed, to L4
    Event(130, Kind.SETTLE_LOCKERS, FRONT, 0),
    *(Event(at_s, Kind.LOOK_INTO_LOCKER, FRONT, 1) for at_s in (132, 134, 136)),  # by order
    Event(160, Kind.OPEN_LOCKER, FRONT, 8),  # L2, for a minute
    Event(165, Kind.END_LOCKER, FRONT, 21),
    Event(168, Kind.GIVE_LOCKER, FRONT, 5),
    Event(230, Kind.END_LOCKER_WITHOUT_BOARD, FRONT, 16),
    Event(270, Kind.JAM_LOCKER, FRONT, 104),  # at the end of a use
    Event(300, Kind.SETTLE_LOCKERS, FRONT, 0),
    *(Event(at_s, Kind.GIVE_LOCKER, FRONT, 5) for at_s in (301, 303, 305)),
    Event(310, Kind.KILL_AT_LOCKERS, FRONT, 0),  # before a PIN is reset
    Event(340, Kind.KILL_AT_LOCKERS, FRONT, 5),  # before a pulse
    Event(370, Kind.KILL_AT_LOCKERS, FRONT, 15),  # behind one
    Event(400, Kind.SETTLE_LOCKERS, FRONT, 0),
    *(Event(at_s, Kind.OVERTAKE_LOCKER_ORDER, FRONT, 0) for at_s in (405, 420, 435, 450)),
    *(Event(at_s, Kind.GIVE_LOCKER, FRONT, 5) for at_s in (470, 472)),
    *(Event(at_s, Kind.END_LOCKER_BY_ORDER, FRONT, 12) for at_s in (475, 492)),  # line pulled
    *(Event(510 + n / 2, Kind.END_LOCKER_BY_ORDER, FRONT, 0) for n in range(30)),  # one is lost
]
LAST_EVENING: Final = Opening(datetime(2026, 11, 30, 14, 50, tzinfo=UTC), "0:00-24:00")
"""Ten minutes before December in Tokyo, where somebody may come at any hour."""
MONTHS_END: Final = [
    Event(30, Kind.COME, FRONT, 2),  # m1, once a month
    Event(180, Kind.COME, SOUTH, 2),
    Event(555, Kind.PULL_LINE, SIDE, 1),  # for a minute, over midnight
    Event(560, Kind.COME, SIDE, 18),  # m5, once a month, too
    Event(660, Kind.COME, SOUTH, 2),
    Event(780, Kind.COME, FRONT, 2),
    Event(790, Kind.COME, FRONT, 18),
]
_HOURS: Final = 0.5
_EVERY_S: Final = 10.0


def stories(seed: int) -> Iterator[Sequence[Event]]:
    """Give those that are aimed, and half a dense hour of chance."""
    yield _NETWORK
    yield _POWER
    yield _LOCKERS
    yield written(seed, _HOURS, _EVERY_S)


def often(
    times: int, seed: int, told: Callable[[Saga], None] = lambda _: None, *, enough: int = 0
) -> Saga:
    """Tell stories, in the weather of `seed` and those behind it, and sum up what came of them.

    Until each rare state was reached so many `times` (`enough`: or so many of them were, and the
    others a tenth as often), or a law is broken.
    """
    every, trace = Saga(seed), hashlib.sha256()
    for weather in count(seed):
        for story in stories(weather):
            one = tell(weather, story)
            trace.update(one.trace.encode())
            every.add(one, trace.hexdigest())
            told(every)
            if one.violations or is_enough(every.reached.values(), times, enough):
                return every
    raise AssertionError("there are always more seeds")


def is_enough(reached: Iterable[int], times: int, enough: int) -> bool:
    """Tell whether each was `reached` so often, or `enough` of them and the others a tenth."""
    ranked = sorted(reached, reverse=True)
    return ranked[enough - 1] >= times and ranked[-1] >= times // 10
