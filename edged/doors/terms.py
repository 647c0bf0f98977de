"""How a door behaves now: the rules' word under the settings' ceilings, the hours, the levels."""

from collections.abc import Callable
from dataclasses import dataclass

from edged.clock import Instant
from edged.core.door_words import DoorTerms
from policy.model import Door, ExitButton, Relock, Rules
from policy.opening import stands_open


@dataclass(frozen=True, slots=True)
class Fitting:
    """What the settings say of a door (edged.settings.model.Door).

    `magnet`: without power the bolt lets go. `mechanical`: the way out needs no lock to move.
    `continuous`: the coil may be energised for hours.
    """

    has_contact: bool
    max_pulse_ms: int
    magnet: bool = False
    mechanical: bool = False
    continuous: bool = False

    @property
    def may_stand_open(self) -> bool:
        """Whether the lock bears to be released for hours."""
        return self.magnet or self.continuous


@dataclass(slots=True)
class Levels:
    """What holds for every door of the device at once.

    `unread`: what held before the start is not known yet, so that no hours may begin.
    """

    fire: bool = False
    lockdown: bool = False
    unread: bool = False


def find(rules: Rules | None, name: str) -> Door:
    """Return the rules' word on a door; the defaults where they have none."""
    found = None if rules is None else rules.doors.get(name)
    return found or Door(name, "")


def pulse(rules: Rules | None, name: str, fitted: Fitting) -> int:
    """Return for how many milliseconds a door releases."""
    return min(find(rules, name).pulse_ms, fitted.max_pulse_ms)


def terms(
    rules: Rules | None, name: str, fitted: Fitting, levels: Levels, now: Callable[[], Instant]
) -> DoorTerms:
    """Work out a door's terms; the ceiling holds for those who have more time too.

    `now` is asked by a door that has hours.
    """
    door = find(rules, name)
    pulse_ms = pulse(rules, name, fitted)
    shunt = door.exit_button is ExitButton.SHUNT and fitted.mechanical
    by_lock = Relock.CLOSE if fitted.magnet else Relock.OPEN
    return DoorTerms(
        pulse_ms=pulse_ms,
        extended_ms=min(door.extended_s * 1000, fitted.max_pulse_ms - pulse_ms),
        extended_open_ms=door.extended_s * 1000,
        held_open_ms=door.held_open_s * 1000,
        pre_alarm_ms=door.pre_alarm_s * 1000,
        forced_min_ms=door.forced_min_s * 1000,
        relock=door.relock or by_lock,
        relock_delay_ms=door.relock_delay_ms,
        has_contact=fitted.has_contact,
        exit_button=ExitButton.SHUNT if shunt else ExitButton.RELEASE,
        first_in=door.first_in,
        fail_safe=fitted.magnet,
        fire=levels.fire,
        lockdown=levels.lockdown,
        scheduled=fitted.may_stand_open and not levels.unread and _scheduled(rules, door, now),
    )


def _scheduled(rules: Rules | None, door: Door, read: Callable[[], Instant]) -> bool:
    """Tell whether the hours say so, whatever the time is; a clock in doubt opens nothing."""
    if rules is None or not door.open_bands:
        return False
    now = read()
    if not now.trusted or now.latest is None:
        return False
    store = rules.stores[door.store]
    return all(stands_open(store, door, at) for at in (now.earliest, now.latest))
