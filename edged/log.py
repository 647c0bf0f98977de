"""The log: constant event names with values, exactly one line an event, and never a secret.

JSON for the service (the journal has the time already), colours on a terminal. What libraries
say through `logging` comes out the same way. The audit is data and does not pass here.
"""

import contextlib
import json
import logging
import sys
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from itertools import islice
from typing import Final, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, WrappedLogger

from edged import limits
from edged.printable import printable, where

NEVER_LOGGED: Final = frozenset(
    {"code", "password", "payload", "pepper", "pin", "private_key", "secret", "text", "token"}
)
"""Names of values that no log line shows, at any depth, however they are written."""
REDACTED: Final = "<redacted>"

_COLOURS: Final = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}


def configure(stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Send the log to `stream` (default: standard error), from `level` on."""
    out = stream or sys.stderr
    people = out.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _one_line_traceback if people else _traceback,
            make_plain,
            _for_people if people else _for_machines,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Line(out),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_FromLibraries()], level=max(level, logging.WARNING), force=True)


def make_plain(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Leave plain, short, printable values only, and no secrets."""
    return _pairs(event.items(), limits.LOG_DEPTH)


def _pairs(pairs: Iterable[tuple[object, object]], depth: int) -> dict[str, object]:
    plain = dict[str, object]()
    for key, value in pairs:
        name, secret = _key(key)
        if secret:
            plain[name] = REDACTED
        elif type(value) is str:  # what most values are
            plain[name] = _short(value)
        else:
            plain[name] = _plain(value, depth)
    return plain


@lru_cache(limits.LOG_KEYS, typed=True)
def _key(key: object) -> tuple[str, bool]:
    """Spell a key, and tell whether its value is a secret."""
    secret = isinstance(key, str) and key.casefold() in NEVER_LOGGED
    return printable(str(key))[: limits.LOG_TEXT_CHARS], secret


def _plain(value: object, depth: int) -> object:
    match value:
        case None | bool():
            return value
        case Enum():
            return _plain(value.value, depth)
        case int() if abs(value) < 1 << 64:
            return value
        case str():
            return _short(value)
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"  # what is not text is a key, a code or a frame
        case Mapping() if depth:
            return _pairs(islice(value.items(), limits.LOG_ITEMS), depth - 1)
        case list() | tuple() | set() | frozenset() if depth:
            return [_plain(one, depth - 1) for one in islice(value, limits.LOG_ITEMS)]
        case Mapping() | list() | tuple() | set() | frozenset():
            return f"<{type(value).__name__}>"
        case _:
            return _repr(value)


def _repr(value: object) -> str:
    with contextlib.suppress(Exception):  # a value that can't say what it is stops no caller
        return _short(repr(value))
    return f"<{type(value).__name__}>"


def _short(text: str) -> str:
    if len(text) <= limits.LOG_TEXT_CHARS:
        return text if text.isprintable() else printable(text)
    return printable(text[: limits.LOG_TEXT_CHARS]) + "..."


# Without the frames' local variables: they hold codes, pins and keys.
_traceback: Final = structlog.processors.ExceptionRenderer(
    ExceptionDictTransformer(show_locals=False)
)


def _one_line_traceback(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Say what was raised and where; people who want more read the service's log."""
    raised = event.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised
    error = error[1] if isinstance(error, tuple) else error
    if isinstance(error, BaseException):
        event["error"] = where(error)
    return event


def _for_machines(_: WrappedLogger, __: str, event: EventDict) -> str:
    first = {"event": event.pop("event", None), "level": event.pop("level", None)}
    return _json(first | dict(event))


def _for_people(_: WrappedLogger, __: str, event: EventDict) -> str:
    level, name = str(event.pop("level", "info")), event.pop("event", "")
    facts = [
        f"\x1b[36m{key}\x1b[0m={value if isinstance(value, str) else _json(value)}"
        for key, value in event.items()
    ]
    colour = _COLOURS.get(level, "0")
    return " ".join([f"\x1b[{colour}m{level:<8}\x1b[0m", f"\x1b[1m{name}\x1b[0m", *facts])


_json: Final = json.JSONEncoder(ensure_ascii=False).encode  # made once: two lines a scan


class _Line:
    """Writes lines. A log that nobody takes any more stops nobody."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def msg(self, line: str) -> None:
        """Write one line."""
        with contextlib.suppress(OSError, ValueError):
            self._out.write(line.encode(errors="backslashreplace").decode() + "\n")
            self._out.flush()

    debug = info = warning = error = critical = msg


class _FromLibraries(logging.Handler):
    """Takes what libraries log, as events of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as an event."""
        message = str(record.msg)
        with contextlib.suppress(Exception):  # a library's bad format string stops nobody
            message = record.getMessage()
        structlog.get_logger().log(
            max(logging.WARNING, min(logging.CRITICAL, record.levelno // 10 * 10)),
            "library_said",
            logger=record.name,
            message=message,
            exc_info=record.exc_info,
        )
