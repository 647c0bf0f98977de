"""The physics of one door: coil, bolt, leaf, contact and exit button. Pure.

Two rules make it a witness worth having. Every order ends by itself: the coil's timers are
fields of the door, so an ordered time can't be outlasted. And opening is slow while locking is
not: the bolt follows the coil after `opens_after_ms` one way and at once the other way, so
"released" is never longer than the coil allowed.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from hil.building import limits


class LockType(StrEnum):
    """How a lock answers to its coil."""

    STRIKE = "strike"  # energised: released
    MAGNET = "magnet"  # energised: held


class Part(StrEnum):
    """The parts of a door whose level can change."""

    COIL = "coil"  # energised
    BOLT = "bolt"  # released
    DOOR = "door"  # open
    BUTTON = "button"  # pressed
    TAMPER = "tamper"  # opened


@dataclass(frozen=True, slots=True)
class Change:
    """A part took a new level at `at_ms`. `forced`: a door that opened with its bolt thrown."""

    at_ms: int
    part: Part
    level: bool
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """Order to the lock's board: released for `for_ms` from now, in place of a former order."""

    for_ms: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Order to a magnet's board: keep the coil energised for `for_ms` from now."""

    for_ms: int


@dataclass(frozen=True, slots=True)
class Secure:
    """Order to the lock's board: end the release now. A magnet holds only if its hold lasts."""


@dataclass(frozen=True, slots=True)
class Dark:
    """Nobody works the lock's board any more: its coil is de-energised."""


@dataclass(frozen=True, slots=True)
class Coil:
    """A relay outside the lock's board feeds the coil, or feeds it no more."""

    energised: bool


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody presses the exit button for `for_ms` from now."""

    for_ms: int


@dataclass(frozen=True, slots=True)
class Pull:
    """Somebody pulls the door: it opens if the bolt is released."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Somebody inside goes out by the way that needs no electronics, if the door has one."""


@dataclass(frozen=True, slots=True)
class Force:
    """Somebody breaks the door open."""


@dataclass(frozen=True, slots=True)
class Close:
    """The leaf falls shut."""


@dataclass(frozen=True, slots=True)
class Tamper:
    """Somebody opens the housing of the door's devices, or closes it."""

    opened: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing but time passes."""


Event = Release | Hold | Secure | Dark | Coil | Press | Pull | Leave | Force | Close | Tamper | Wait


@dataclass(frozen=True, slots=True)
class Door:
    """One door at the moment `at_ms`. Times are ms of the building's clock; 0 is long ago.

    `jammed`: the coil works and the bolt stays where it is at rest. `way_out`: from inside it
    opens by a handle, or by a button in the magnet's own supply, whatever its coil does.
    """

    lock: LockType
    opens_after_ms: int
    jammed: bool = False
    way_out: bool = True
    at_ms: int = 0
    release_until_ms: int = 0
    hold_until_ms: int = 0
    fed: bool = False
    pressed_until_ms: int = 0
    let_go_ms: int = -limits.OPENS_AFTER_MS  # when the coil last began to let the bolt go
    open: bool = False
    tampered: bool = False

    @property
    def energised(self) -> bool:
        """Whether current flows in the coil."""
        releasing = self.at_ms < self.release_until_ms
        match self.lock:
            case LockType.STRIKE:
                return self.fed or releasing
            case LockType.MAGNET:
                return self.fed or (self.at_ms < self.hold_until_ms and not releasing)

    @property
    def lets_go(self) -> bool:
        """Whether the coil is on the side where the bolt may move out."""
        return self.energised is (self.lock is LockType.STRIKE)

    @property
    def released(self) -> bool:
        """Whether the bolt is out of the way."""
        if self.jammed:
            return self.lock is LockType.MAGNET
        return self.lets_go and self.at_ms >= self.let_go_ms + self.opens_after_ms

    @property
    def pressed(self) -> bool:
        """Whether the exit button is pressed."""
        return self.at_ms < self.pressed_until_ms

    @property
    def due_ms(self) -> int | None:
        """The next moment at which time alone may change a level, if there is one."""
        moments = (
            self.release_until_ms,
            self.hold_until_ms,
            self.pressed_until_ms,
            self.let_go_ms + self.opens_after_ms,
        )
        return min((moment for moment in moments if moment > self.at_ms), default=None)


def step(door: Door, event: Event, now_ms: int) -> tuple[Door, tuple[Change, ...]]:
    """Let time pass until `now_ms` (not before `door.at_ms`), then let `event` happen.

    Returns:
        The door at `now_ms`, and every change on the way, oldest first, each at its own time.
    """
    changes: list[Change] = []
    while (due_ms := door.due_ms) is not None and due_ms <= now_ms:
        door = _moved(door, replace(door, at_ms=due_ms), changes)
    door = _moved(door, replace(door, at_ms=now_ms), changes)
    return _moved(door, _after(door, event), changes), tuple(changes)


def _after(door: Door, event: Event) -> Door:  # noqa: C901 - a table, a row an event
    match event:
        case Release(for_ms):
            return replace(door, release_until_ms=door.at_ms + for_ms)
        case Hold(for_ms):
            return replace(door, hold_until_ms=door.at_ms + for_ms)
        case Secure():
            return replace(door, release_until_ms=0)
        case Dark():
            return replace(door, release_until_ms=0, hold_until_ms=0)
        case Coil(energised):
            return replace(door, fed=energised)
        case Press(for_ms):
            return replace(door, pressed_until_ms=door.at_ms + for_ms)
        case Pull():
            return replace(door, open=door.open or door.released)
        case Leave():
            return replace(door, open=door.open or door.way_out or door.released)
        case Force():
            return replace(door, open=True)
        case Close():
            return replace(door, open=False)
        case Tamper(opened):
            return replace(door, tampered=opened)
        case Wait():
            return door


def _moved(before: Door, after: Door, changes: list[Change]) -> Door:
    """Note what differs between two neighbouring moments; start the bolt where the coil let go."""
    if after.lets_go and not before.lets_go:
        after = replace(after, let_go_ms=after.at_ms)
    levels = (
        (Part.COIL, before.energised, after.energised),
        (Part.BOLT, before.released, after.released),
        (Part.DOOR, before.open, after.open),
        (Part.BUTTON, before.pressed, after.pressed),
        (Part.TAMPER, before.tampered, after.tampered),
    )
    for part, old, new in levels:
        if old is not new:
            forced = part is Part.DOOR and new and not before.released
            changes.append(Change(after.at_ms, part, new, forced=forced))
    return after
