"""The nouns of commissioning: steps, what a step asks of the world, and what came of it."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, TypeAlias

from edged.commission.findings import Finding


class Kind(StrEnum):
    """What a step proves. They are append-only: reports name them."""

    BOARD = "board"
    """A board opens the locker that was asked for, and says so as the settings read its bits."""
    CHECK = "check"
    """A look of the doctor's finds nothing that fails."""
    LOCK = "lock"
    """The order for this door moves this door's bolt."""
    SECURE = "secure"
    """Nobody comes in while nobody was let in."""
    CONTACT = "contact"
    """This door's contact says when it opens and when it closes."""
    BUTTON = "exit_button"
    """This door's exit button is heard, and lets somebody out."""
    FROZEN = "way_out_frozen"
    """A person gets out while the daemon is frozen."""
    DARK = "way_out_dark"
    """A person gets out while the power is off."""
    READER = "reader"
    """What is shown to this reader is read, by this reader."""
    FIRE = "fire"
    """The fire panel is heard, and every magnet lets go."""
    POWER_CUT = "power_cut"
    """The device comes back from a power cut by itself, with its audit whole."""


class Verdict(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step about one thing: a door, a board, a reader, a check; its name in the settings."""

    kind: Kind
    subject: str

    @property
    def key(self) -> str:
        """Name it in one word."""
        return f"{self.kind.value}/{self.subject}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended, and why; what was seen, if it passed."""

    verdict: Verdict
    why: str


class Signal(StrEnum):
    """What can be waited for."""

    CONTACT = "contact"
    """A contact changes; heard are the doors whose does."""
    BUTTON = "button"
    """An exit button is pressed; heard is its door."""
    CODE = "code"
    """Something is read; heard is the reader."""
    FIRE = "fire"
    """There is a fire, by the panel's contact."""
    RUNNING = "running"
    """The daemon answers."""
    AT_REST = "at_rest"
    """The door is shut and nobody is being let through; heard is the door."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the installer, who answers with one of `choices`, or anything where there are none.

    `default`: what ENTER alone means; where it is empty, nothing is proven by accident.
    `within_s`: until when it has to be answered, None: there is time.
    """

    key: str
    text: str
    choices: tuple[str, ...] = ()
    default: str = ""
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Tell the installer to do something, and wait at most `for_s` until it is noticed.

    Answered with whom it was `heard` of; nobody: it was not. `door`: whose rest it is about.
    """

    key: str
    text: str
    signal: Signal
    for_s: float
    door: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """Order the door's lock to let go once. `said`: the answer, OK or why not."""

    door: str


@dataclass(frozen=True, slots=True)
class ResetFire:
    """End a fire that is over. `said`: the answer, OK or why not."""


@dataclass(frozen=True, slots=True)
class Look:
    """Look at the doors and the `lockers`. `open`: whether each door stands open.

    Doors that nobody sees are left out.
    """


@dataclass(frozen=True, slots=True)
class Freeze:
    """Stop the daemon where it stands. `said`: what is wrong, empty: nothing."""


@dataclass(frozen=True, slots=True)
class Thaw:
    """Let it go on. `said`: what is wrong, empty: it was frozen until now."""


@dataclass(frozen=True, slots=True)
class OrderLocker:
    """Give the order of a person at the desk for a locker that nobody holds.

    After an opening it is waited until a board says so. `said`: the answer, OK or why not.
    """

    locker: str
    do: Literal["set_aside", "staff_open", "confirm_empty"]


@dataclass(frozen=True, slots=True)
class Examine:
    """Take a look of the doctor's. Answered with its `findings`."""

    check: str


@dataclass(frozen=True, slots=True)
class Boots:
    """Compare with the start of the computer that was noted first. `said`: "same" or "other".

    The first time notes it. It is kept over a power cut.
    """


Request: TypeAlias = (
    Ask | Watch | Release | ResetFire | Look | Freeze | Thaw | OrderLocker | Examine | Boots
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A locker: whether it can be given to somebody, may be somebody's, and its door stands open.

    `open` None: its board can't tell.
    """

    free: bool
    held: bool
    open: bool | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the world answers; of the fields, those that its request speaks of."""

    said: str = ""
    heard: tuple[str, ...] = ()
    open: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    lockers: Mapping[str, Seen] = field(default_factory=lambda: MappingProxyType({}))
    findings: tuple[Finding, ...] = ()


Script: TypeAlias = Generator[Request, Reply, Outcome]
"""A step as a machine: it is given a reply to each of its requests, and ends with an outcome."""
