"""What is said at the control socket: one JSON object a line in each direction, UTF-8.

    {"verb": "status"}                         -> {"ok": true, "answer": {...}}
    {"verb": "rules_load", "path": "/x.json"}  -> {"ok": false, "exit": 4, "errors": ["..."]}
    {"verb": "watch"}                          -> {"ok": true, "answer": {}} and then, for ever,
                                                  {"event": {...}} or {"lagged": 12}

`exit` is what a command ends with (edged/exits.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edged import limits
from edged.printable import printable


class Verb(StrEnum):
    """Everything that can be asked. DOOR may release a door, LOCKER a locker; no other moves."""

    STATUS = "status"
    WATCH = "watch"
    RULES_LOAD = "rules_load"
    LOCKERS = "lockers"
    LOCKER = "locker"
    LOYALTY = "loyalty"
    DOOR = "door"
    WHY = "why"
    RECORDS = "records"
    BOOKINGS = "bookings"
    READINESS = "readiness"
    LOGIN = "login"
    COMMISSION = "commission"
    PROVISION = "provision"


CONSOLE: Final = frozenset(Verb) - {Verb.RULES_LOAD, Verb.LOYALTY}
"""What the console's user may ask; root and the daemon's own user may ask all."""

ARGUMENTS: Final[Mapping[Verb, Mapping[str, type]]] = {
    Verb.STATUS: {},
    Verb.WATCH: {},
    Verb.RULES_LOAD: {"path": str},
    Verb.LOCKERS: {"after": str},
    Verb.LOCKER: {"order": dict},
    Verb.LOYALTY: {"order": dict},
    Verb.DOOR: {"order": dict},
    Verb.WHY: {"member": str, "place": str},
    Verb.RECORDS: {"before": int},
    Verb.BOOKINGS: {},
    Verb.READINESS: {},
    Verb.LOGIN: {"order": dict},
    Verb.COMMISSION: {"order": dict},
    Verb.PROVISION: {"order": dict},
}
"""What each verb takes: all of it, and nothing else."""


class BadRequest(Exception):
    """The line is not a request. The text says why, in words of ours only."""


@dataclass(frozen=True, slots=True)
class Request:
    """A verb with its arguments, checked against `ARGUMENTS`."""

    verb: Verb
    arguments: Mapping[str, object]


def read_request(line: bytes) -> Request:
    """Read one line, without trusting a byte of it. Raises BadRequest."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise BadRequest("not JSON") from None
    if not isinstance(said, dict):
        raise BadRequest("not an object")
    try:
        verb = Verb(said.pop("verb", None))
    except ValueError:
        raise BadRequest(f"verb: one of {', '.join(Verb)}") from None
    wanted = ARGUMENTS[verb]
    for name in said.keys() - wanted.keys():
        raise BadRequest(f"{verb} takes no {printable(name[:80])}")
    for name, kind in wanted.items():
        if not isinstance(said.get(name), kind):
            raise BadRequest(f"{verb} needs {name}: {kind.__name__}")
    return Request(verb, said)


def line(said: Mapping[str, object]) -> bytes:
    """Write one line.

    Raises:
        ValueError: It would be longer than `limits.CONTROL_LINE_BYTES`.
    """
    data = json.dumps(said, separators=(",", ":"), default=str).encode() + b"\n"
    if len(data) > limits.CONTROL_LINE_BYTES:
        raise ValueError(f"{len(data)} bytes are too much for one line")
    return data


def answered(answer: Mapping[str, object]) -> bytes:
    """Write the answer to a request that worked."""
    return line({"ok": True, "answer": answer})


def refused(exit_code: int, errors: Sequence[str]) -> bytes:
    """Write the answer to a request that did not; what a line has no room for is counted."""
    shown = min(len(errors), limits.FAULTS_SHOWN)
    while True:
        texts = [text[:500] for text in errors[:shown]]
        if shown < len(errors):
            texts.append(f"and {len(errors) - shown} more")
        try:
            return line({"ok": False, "exit": exit_code, "errors": texts})
        except ValueError:
            shown //= 2
