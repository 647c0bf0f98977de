"""Somebody who watches a door's machine: a lock with a timer of its own, an alarm panel, a leaf.

It knows the laws (README.md) and not how the machine keeps them.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum, auto

from edged.core.door import due_ms, step
from edged.core.door_words import (
    Alarm,
    Bond,
    Cleared,
    Closed,
    ContactLost,
    Door,
    DoorAlarm,
    DoorTerms,
    Effect,
    Event,
    ExitPressed,
    Extend,
    Grant,
    Holding,
    LockFailed,
    Opened,
    Outcome,
    Release,
    Secure,
    Tick,
)
from edged.core.limits import HOLD_MS, LOCK_LAG_MS, RELEASE_MAX_MS
from policy.model import ExitButton


class LawBroken(AssertionError):
    """The machine did what no door may do."""


class Act(StrEnum):
    """What can happen to a door in a story."""

    GRANT = auto()
    EXIT = auto()
    EXTEND = auto()
    OPENED = auto()
    CLOSED = auto()
    CONTACT_LOST = auto()
    BOND = auto()
    LOCK_FAILED = auto()
    LEVELS = auto()
    TICK = auto()


Moment = tuple[int, Act, int]
"""Milliseconds since the one before, what happens, and a number from 1 that says how."""


def _law(holds: bool, text: str) -> None:
    if not holds:
        raise LawBroken(text)


@dataclass(slots=True)
class Witness:
    """One door as it is carried out; `live` tells it a story and raises LawBroken."""

    terms: DoorTerms
    door: Door = field(default_factory=Door)
    now_ms: int = 0
    steps: int = 0
    released_until_ms: int = 0
    promised_until_ms: int = 0
    shunted_until_ms: int = 0
    granted: list[str] = field(default_factory=list)
    outcomes: set[str] = field(default_factory=set)
    up_since_ms: dict[DoorAlarm, int] = field(default_factory=dict)
    leaf_open: bool | None = None
    holding: bool = False
    first_came: bool = False

    def live(self, story: list[Moment]) -> None:
        """Live through a story, with the wakings in between."""
        for pause_ms, act, number in story:
            self.wait(self.now_ms + pause_ms)
            if act is Act.LEVELS:
                on = [bool(number >> bit & 1) for bit in range(3)]
                self.terms = replace(self.terms, fire=on[0], lockdown=on[1], scheduled=on[2])
            self.take(self.event(act, number))

    def event(self, act: Act, number: int) -> Event:
        """Make the event; who is granted gets an id of their own."""
        plain: dict[Act, Event] = {
            Act.OPENED: Opened(),
            Act.CLOSED: Closed(),
            Act.CONTACT_LOST: ContactLost(),
            Act.EXTEND: Extend(),
            Act.BOND: Bond(None if number % 3 == 0 else number % 3 == 1),
        }
        if act in {Act.GRANT, Act.EXIT}:
            self.granted.append(str(len(self.granted)))
        match act:
            case Act.GRANT:
                return Grant(
                    self.granted[-1], number, extended=number % 4 == 0, entry=number % 2 == 0
                )
            case Act.EXIT:
                return ExitPressed(self.granted[-1])
            case Act.LOCK_FAILED:
                whose = self.granted[-1 - number % 3] if len(self.granted) > 2 else "nobody"
                return LockFailed(whose)
            case _:
                return plain.get(act, Tick())

    def wait(self, until_ms: int | None) -> None:
        """Let time pass, waking the door whenever it wants; None: until it wants no more."""
        for _ in range(1_000):
            wake_ms = due_ms(self.door)
            if wake_ms is None or (until_ms is not None and wake_ms > until_ms):
                self.now_ms = until_ms or self.now_ms
                return
            self.now_ms = max(wake_ms, self.now_ms)
            self.take(Tick())
        raise LawBroken("a door wants to be woken without end")

    def take(self, event: Event) -> None:
        """Carry out one step, and look at what it did."""
        self.steps += 1
        may, before_ms = self._expect(event), self.released_until_ms
        self.door, effects = step(self.door, event, self.now_ms, self.terms)
        for effect in effects:
            self._see(effect, event)
        if isinstance(event, Grant) or (isinstance(event, ExitPressed) and not self._shunts):
            _law(isinstance(effects[0], Release), "whoever may pass waits for nothing")
            _law(self.released_until_ms >= may, "a grant and an exit release, whatever holds")
        warranted = self._warranted  # then the bolt stays out, whatever a release was for
        if isinstance(event, Grant | ExitPressed | Extend):
            kept = warranted or self.released_until_ms >= before_ms
            _law(kept, "who comes second shortens nothing")
        _law(self.holding is warranted, "a door is held exactly while the levels say so")
        if warranted:
            _law(self.released_until_ms > self.now_ms, "a hold has no holes")
        longest_ms = max(self.promised_until_ms, self.now_ms + HOLD_MS if warranted else 0)
        _law(
            self.released_until_ms <= max(longest_ms, self.now_ms),
            "nothing is released but for a grant, an exit, the hours or a fire",
        )
        if isinstance(event, Tick | Opened | Closed | Bond | ContactLost | LockFailed):
            lengthened = self.released_until_ms > max(before_ms, self.now_ms)
            _law(not lengthened or warranted, "only who may pass lengthens a release")

    def _expect(self, event: Event) -> int:
        """Note what an event promises; return until when it does, 0: nothing."""
        most_ms = self.now_ms + RELEASE_MAX_MS
        until_ms = 0
        match event:
            case Grant(_, for_ms, extended, entry):
                more_ms = self.terms.extended_ms if extended else 0
                until_ms = min(self.now_ms + for_ms + more_ms, most_ms)
                self.first_came = self.first_came or (entry and self.terms.scheduled)
            case ExitPressed() if self._shunts:
                self.shunted_until_ms = self.now_ms + self.terms.pulse_ms
            case ExitPressed():
                until_ms = min(self.now_ms + self.terms.pulse_ms, most_ms)
            case Extend() if self.promised_until_ms > self.now_ms:
                until_ms = min(self.promised_until_ms + self.terms.extended_ms, most_ms)
                self.promised_until_ms = max(self.promised_until_ms, until_ms)
                return 0
            case Opened() | Closed() if self.terms.has_contact:
                self.leaf_open = isinstance(event, Opened)
            case _:
                pass
        self.promised_until_ms = max(self.promised_until_ms, until_ms)
        if not self.terms.scheduled or self.terms.lockdown or self.terms.fire:
            self.first_came = False
        return until_ms

    @property
    def _shunts(self) -> bool:
        return self.terms.exit_button is ExitButton.SHUNT

    @property
    def _warranted(self) -> bool:
        """Whether the levels say that the door stands released."""
        if self.terms.fire:
            return self.terms.fail_safe
        first = self.first_came or not self.terms.first_in
        return self.terms.scheduled and not self.terms.lockdown and first

    def _see(self, effect: Effect, event: Event) -> None:
        match effect:
            case Release(for_ms):
                _law(1 <= for_ms <= RELEASE_MAX_MS, "no release is longer than locks allow")
                self.released_until_ms = self.now_ms + for_ms
            case Secure():
                self.released_until_ms = min(self.released_until_ms, self.now_ms)
            case Outcome(event_id):
                _law(event_id not in self.outcomes, "no grant has two outcomes")
                _law(event_id in self.granted, "nobody is told of who was not there")
                self.outcomes.add(event_id)
            case Holding(_, began):
                self.holding = began
            case Alarm(kind):
                self._raise(kind)
            case Cleared(kind):
                self._clear(kind, event)

    def _raise(self, kind: DoorAlarm) -> None:
        _law(kind not in self.up_since_ms, f"{kind} is raised once")
        self.up_since_ms[kind] = self.now_ms
        if kind is DoorAlarm.LOCK_NOT_SECURED:
            return
        _law(self.leaf_open is True, f"{kind} needs an open door")
        if kind is DoorAlarm.DOOR_FORCED:
            until_ms = max(self.promised_until_ms + LOCK_LAG_MS, self.shunted_until_ms)
            asked = self.released_until_ms > self.now_ms and until_ms > self.now_ms
            _law(not asked, "nobody forces a door that is released")
            _law(not (self.terms.fire or self._warranted), "nor one that may stand open")

    def _clear(self, kind: DoorAlarm, event: Event) -> None:
        since_ms = self.up_since_ms.pop(kind, None)
        _law(since_ms is not None, f"{kind} is cleared once")
        if kind is DoorAlarm.DOOR_HELD_OPEN:
            _law(isinstance(event, Closed), "a door held open is so until it is closed")
        if kind is DoorAlarm.DOOR_FORCED and since_ms is not None:
            long = self.now_ms - since_ms >= self.terms.forced_min_ms
            _law(long, "the alarm of a forced door has its time")
