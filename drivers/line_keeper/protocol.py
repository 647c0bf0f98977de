"""The messages between the daemon and the line keeper: few, of one size, parsed strictly.

Integers are little-endian and unsigned. Instants are milliseconds of CLOCK_MONOTONIC, which is
one clock for all processes of a machine. README.md has the table.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from drivers.line_keeper import limits

_REQUEST: Final = struct.Struct("<2sBBIIIQ")
_ANSWER: Final = struct.Struct("<2sBBI")
_MAGIC: Final = b"LK"

REQUEST_BYTES: Final = _REQUEST.size
ANSWER_BYTES: Final = _ANSWER.size


class Malformed(ValueError):
    """It is not a message of this protocol: whoever sent it can't be trusted with a line."""


class Kind(IntEnum):
    """What the daemon asks for; `a` and `b` are the message's two arguments."""

    ALIVE = 1
    """Nothing: the daemon is well."""
    CLAIM = 2
    """Take a line at its rest level; `a` is its Use, `b` 1: low is energised."""
    PULSE = 3
    """Release a lock for `a` ms: a strike is energised, a magnet is not."""
    END = 4
    """End the pulse of a lock, or the pattern of a lamp."""
    HOLD = 5
    """Energise a magnet for `a` ms, but while it is pulsed."""
    SHOW = 6
    """Energise a lamp `b` times within `a` ms, for half of each time; 0: for all of it, once."""
    WATCH = 7
    """Take the fire input, and latch when it is active; `a` ms stable count, `b` is its Sense."""
    FIRE = 8
    """Latch: magnets stay without power until RESET, whatever starts anew."""
    RESET = 9
    """End the latch."""


class Use(IntEnum):
    """What a claimed line is for."""

    STRIKE = 1
    MAGNET = 2
    LAMP = 3


class Sense(IntFlag):
    """How an input reads: without PULL_UP or PULL_DOWN it floats."""

    ACTIVE_LOW = 1
    PULL_UP = 2
    PULL_DOWN = 4


class Result(IntEnum):
    """What came of a request."""

    DONE = 0
    UNKNOWN_LINE = 1
    """The line was not claimed, or is claimed for another use. Nothing moved."""
    STALE = 2
    """The order is too old. Nothing moved."""
    NOT_RESET = 3
    """The fire input is still active, or the latch's file can't be removed."""
    FAILED = 4
    """The line can't be claimed; the keeper's log says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """One order; `number` comes back in its answer and is never 0."""

    kind: Kind
    number: int
    asked_ms: int
    line: int = 0
    a: int = 0
    b: int = 0


class Fire(IntFlag):
    """How it stands with fire."""

    ACTIVE = 1
    """The fire input says fire now."""
    LATCHED = 2
    """It did, or the daemon did, and nobody has reset it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to `number`; 0: nobody asked, `fire` has changed."""

    number: int
    result: Result
    fire: Fire


def pack_request(request: Request) -> bytes:
    """Give the bytes of a request. Raises struct.error for what doesn't fit."""
    return _REQUEST.pack(
        _MAGIC,
        request.kind,
        request.line,
        request.number,
        request.a,
        request.b,
        request.asked_ms,
    )


def parse_request(data: bytes) -> Request:
    """Read one datagram. Raises Malformed for all that the daemon never sends."""
    if len(data) != _REQUEST.size:
        raise Malformed(f"{len(data)} bytes are no request")
    magic, kind, line, number, a, b, asked_ms = _REQUEST.unpack(data)
    if magic != _MAGIC or number == 0:
        raise Malformed("not a request")
    try:
        request = Request(Kind(kind), number, asked_ms, line, a, b)
    except ValueError as error:
        raise Malformed(f"no kind {kind}") from error
    if line not in limits.LINES or not _fits(request):
        raise Malformed(f"{request.kind.name} with line {line}, {a}, {b}")
    return request


def _fits(request: Request) -> bool:
    line, a, b = request.line, request.a, request.b
    match request.kind:
        case Kind.ALIVE | Kind.FIRE | Kind.RESET:
            return line == a == b == 0
        case Kind.CLAIM:
            return a in set(Use) and b in {0, 1}
        case Kind.PULSE:
            return a in limits.PULSE_MS and b == 0
        case Kind.END:
            return a == b == 0
        case Kind.HOLD:
            return 0 < a <= limits.HOLD_MS and b == 0
        case Kind.SHOW:
            return 0 < a <= limits.PATTERN_MS and (b == 0 or b in limits.BLINKS)
        case Kind.WATCH:
            return a in limits.DEBOUNCE_MS and b in range(6)  # both pulls at once are none


def pack_answer(answer: Answer) -> bytes:
    """Give the bytes of an answer."""
    return _ANSWER.pack(_MAGIC, answer.result, answer.fire, answer.number)


def parse_answer(data: bytes) -> Answer:
    """Read one datagram. Raises Malformed for all that the keeper never sends."""
    if len(data) != _ANSWER.size:
        raise Malformed(f"{len(data)} bytes are no answer")
    magic, result, fire, number = _ANSWER.unpack(data)
    if magic != _MAGIC or fire not in range(4) or result not in set(Result):
        raise Malformed("not an answer")
    return Answer(number, Result(result), Fire(fire))
