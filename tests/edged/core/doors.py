"""How tests tell stories to a door: it wakes when it is due, as its gate lets it."""

from edged.core.door import due_ms, step
from edged.core.door_words import (
    Alarm,
    Cleared,
    Closed,
    Door,
    DoorAlarm,
    DoorOutcome,
    DoorTerms,
    Effect,
    Event,
    Grant,
    Opened,
    Outcome,
    Phase,
    Tick,
)
from policy.model import Relock

TERMS = DoorTerms(
    pulse_ms=5_000, held_open_ms=30_000, pre_alarm_ms=0, relock=Relock.OPEN, has_contact=True
)

FORCED, HELD = Alarm(DoorAlarm.DOOR_FORCED), Alarm(DoorAlarm.DOOR_HELD_OPEN)
FORCED_ENDS, HELD_ENDS = Cleared(DoorAlarm.DOOR_FORCED), Cleared(DoorAlarm.DOOR_HELD_OPEN)


def opened(event_id: str) -> Outcome:
    return Outcome(event_id, DoorOutcome.DOOR_OPENED)


def not_opened(event_id: str) -> Outcome:
    return Outcome(event_id, DoorOutcome.DOOR_NOT_OPENED)


def fault(event_id: str) -> Outcome:
    return Outcome(event_id, DoorOutcome.LOCK_FAULT)


Story = list[tuple[int, Event | DoorTerms]]
"""What happens when; terms hold from their moment on."""


def play(
    story: Story, terms: DoorTerms = TERMS, door: Door | None = None
) -> tuple[Door, list[tuple[int, Effect]]]:
    """Tell a story to a door that wakes when it is due."""
    door = Door() if door is None else door
    done: list[tuple[int, Effect]] = []
    for now_ms, told in story:
        while (wake_ms := due_ms(door)) is not None and wake_ms < now_ms:
            door, effects = step(door, Tick(), wake_ms, terms)
            done += ((wake_ms, effect) for effect in effects)
        terms, event = (told, Tick()) if isinstance(told, DoorTerms) else (terms, told)
        door, effects = step(door, event, now_ms, terms)
        done += ((now_ms, effect) for effect in effects)
    return door, done


START: Story = [(0, Closed())]
PASSED: Story = [*START, (0, Grant("g", 5_000)), (1_000, Opened()), (2_000, Tick())]
REST, RELEASED, OPEN, HELD_OPEN, UNASKED, BROKEN = Phase
