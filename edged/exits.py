"""How a command ends: its exit code, and one line on standard error for each thing wrong.

The only place that turns an exception into words for people; the daemon's control socket
answers with the same code and lines, so a command ends alike wherever its work was done.
"""

from enum import IntEnum
from typing import Final

from cloud_link.claim import BadClaim
from drivers.api import DriverError
from edged.control.client import ControlRefused, DaemonUnreachable
from edged.errors import (
    AuditBroken,
    EnrolmentRefused,
    InstallRefused,
    NetworkRefused,
    NotFound,
    RulesFaulty,
    Untrusted,
)
from edged.printable import printable, where
from edged.settings.file import SettingsRefused
from edged.store.errors import RulesRefused, SchemaTooNew, StateInUse, StoreError


class Exit(IntEnum):
    """Exit codes. They are append-only: units and scripts know them."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    SETTINGS = 3
    RULES = 4
    DEVICE = 5
    STATE_IN_USE = 6
    SCHEMA_TOO_NEW = 7
    STORAGE = 8
    UNREACHABLE = 9
    NOT_FOUND = 10
    AUDIT_BROKEN = 11
    FORBIDDEN = 12
    LOCKER_REFUSED = 13
    DOOR_REFUSED = 14
    UNTRUSTED = 15
    NOT_PASSED = 16
    ENROLMENT_REFUSED = 17
    NETWORK_REFUSED = 18


MEANINGS: Final = {
    Exit.OK: "done",
    Exit.INTERNAL: "a fault of the program itself",
    Exit.USAGE: "the command line is wrong",
    Exit.SETTINGS: "the settings file has faults",
    Exit.RULES: "the rules file has faults, or may not replace the active rules",
    Exit.DEVICE: "a device that is not optional is missing or was lost",
    Exit.STATE_IN_USE: "another process works in the state directory",
    Exit.SCHEMA_TOO_NEW: "the state directory was written by a newer release",
    Exit.STORAGE: "the disk is full or refused, or a file on it is damaged",
    Exit.UNREACHABLE: "the daemon does not run or does not answer",
    Exit.NOT_FOUND: "what was asked about is not there",
    Exit.AUDIT_BROKEN: "the audit is not as it was written",
    Exit.FORBIDDEN: "this user may not do that",
    Exit.LOCKER_REFUSED: "the locker was not released, or is not in a state for that",
    Exit.DOOR_REFUSED: "the command to the doors was refused as things are; its result says why",
    Exit.UNTRUSTED: "the trust document or the device's key can't be used",
    Exit.NOT_PASSED: "a check of the device or a step of its commissioning did not pass",
    Exit.ENROLMENT_REFUSED: "the cloud does not take this device, or the claim is none",
    Exit.NETWORK_REFUSED: "the network can't be changed so, and is as it was",
}


_KNOWN: Final[tuple[tuple[type[BaseException], Exit, str], ...]] = (
    (SettingsRefused, Exit.SETTINGS, ""),
    (RulesFaulty, Exit.RULES, ""),
    (RulesRefused, Exit.RULES, ""),
    (DriverError, Exit.DEVICE, "device "),
    (StateInUse, Exit.STATE_IN_USE, ""),
    (SchemaTooNew, Exit.SCHEMA_TOO_NEW, ""),
    (StoreError, Exit.STORAGE, "storage: "),
    (DaemonUnreachable, Exit.UNREACHABLE, ""),
    (NotFound, Exit.NOT_FOUND, ""),
    (AuditBroken, Exit.AUDIT_BROKEN, "audit broken: "),
    (InstallRefused, Exit.USAGE, ""),
    (Untrusted, Exit.UNTRUSTED, ""),
    (EnrolmentRefused, Exit.ENROLMENT_REFUSED, ""),
    (NetworkRefused, Exit.NETWORK_REFUSED, ""),
    (BadClaim, Exit.ENROLMENT_REFUSED, ""),
    (FileNotFoundError, Exit.NOT_FOUND, ""),
    (PermissionError, Exit.FORBIDDEN, ""),
    (OSError, Exit.STORAGE, ""),
)
"""What each error ends with, the special before the general, and what its line begins with."""


def explain(error: BaseException) -> tuple[Exit, list[str]]:
    """Say how to end because of `error`: the code and the lines, printable, without a prefix."""
    if isinstance(error, BaseExceptionGroup):
        return _explain_group(error)
    code, lines = _explain_one(error)
    return code, [printable(line) for line in lines]


def _explain_group(group: BaseExceptionGroup[BaseException]) -> tuple[Exit, list[str]]:
    """End with the code of the first that is understood, and say all."""
    parts = [explain(error) for error in group.exceptions]
    code = next((code for code, _ in parts if code is not Exit.INTERNAL), Exit.INTERNAL)
    return code, [line for _, lines in parts for line in lines]


def _explain_one(error: BaseException) -> tuple[Exit, list[str]]:
    if isinstance(error, SettingsRefused | RulesFaulty):
        lines = [str(fault) for fault in error.faults]
    elif isinstance(error, ControlRefused):
        known = error.code in set(Exit) - {Exit.OK}
        return Exit(error.code) if known else Exit.INTERNAL, list(error.errors)
    elif isinstance(error, OSError) and error.filename:
        lines = [f"{error.filename}: {error.strerror}"]
    else:
        lines = [str(error)]
    for kind, code, prefix in _KNOWN:
        if isinstance(error, kind):
            return code, [prefix + line for line in lines]
    return Exit.INTERNAL, [f"internal error: {where(error)}"]
