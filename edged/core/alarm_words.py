"""What needs a person: every alarm there is, and how much it matters (edged/alarms/README.md)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Severity(StrEnum):
    """How much an alarm matters; `ALARM` sounds the alarm output."""

    NOTICE = "notice"
    WARNING = "warning"
    ALARM = "alarm"


class AlarmName(StrEnum):
    """Every alarm. They are append-only: records, consoles and the cloud know them."""

    FIRE = "FIRE"
    LOCKDOWN = "LOCKDOWN"
    DOOR_FORCED = "DOOR_FORCED"
    DOOR_HELD_OPEN = "DOOR_HELD_OPEN"
    DOOR_HELD_SOON = "DOOR_HELD_SOON"
    TAMPER = "TAMPER"
    LOCK_NOT_SECURED = "LOCK_NOT_SECURED"
    LOCK_FAULT = "LOCK_FAULT"
    DEVICE_LOST = "DEVICE_LOST"
    STORE_FAILED = "STORE_FAILED"
    LOCKER_STUCK = "LOCKER_STUCK"
    PIN_RESET_FAILED = "PIN_RESET_FAILED"
    UNDER_VOLTAGE = "UNDER_VOLTAGE"
    OUTPUTS_PERSIST = "OUTPUTS_PERSIST"
    LINK_FAILED = "LINK_FAILED"
    RULES_FROZEN = "RULES_FROZEN"
    RULES_REFUSED = "RULES_REFUSED"
    CLOCK_DOUBTED = "CLOCK_DOUBTED"
    CLOCK_DRIFTS = "CLOCK_DRIFTS"
    FIRE_UNHEARD = "FIRE_UNHEARD"
    CERTIFICATE_ENDS = "CERTIFICATE_ENDS"
    CODES_GUESSED = "CODES_GUESSED"


SEVERITY: Final[Mapping[AlarmName, Severity]] = MappingProxyType(
    {
        AlarmName.FIRE: Severity.ALARM,
        AlarmName.LOCKDOWN: Severity.WARNING,
        AlarmName.DOOR_FORCED: Severity.ALARM,
        AlarmName.DOOR_HELD_OPEN: Severity.ALARM,
        AlarmName.DOOR_HELD_SOON: Severity.NOTICE,
        AlarmName.TAMPER: Severity.ALARM,
        AlarmName.LOCK_NOT_SECURED: Severity.ALARM,
        AlarmName.LOCK_FAULT: Severity.WARNING,
        AlarmName.DEVICE_LOST: Severity.WARNING,
        AlarmName.STORE_FAILED: Severity.WARNING,
        AlarmName.LOCKER_STUCK: Severity.WARNING,
        AlarmName.PIN_RESET_FAILED: Severity.WARNING,
        AlarmName.UNDER_VOLTAGE: Severity.WARNING,
        AlarmName.OUTPUTS_PERSIST: Severity.WARNING,
        AlarmName.LINK_FAILED: Severity.WARNING,
        AlarmName.RULES_FROZEN: Severity.WARNING,
        AlarmName.RULES_REFUSED: Severity.WARNING,
        AlarmName.CLOCK_DOUBTED: Severity.WARNING,
        AlarmName.CLOCK_DRIFTS: Severity.NOTICE,
        AlarmName.FIRE_UNHEARD: Severity.ALARM,
        AlarmName.CERTIFICATE_ENDS: Severity.WARNING,
        AlarmName.CODES_GUESSED: Severity.WARNING,
    }
)
