"""Serial commands of Honeywell's scanners (HHP, Datalogic 7000), and their answers between codes.

A menu command is answered by itself, in capitals, with a status byte before its last character,
and without the end that codes have. So an answer is printable text up to a status byte and a
storage character; no code of ours looks like that.

Source: spec/hardware.md 7.1, vectors `honeywell` in tests/vectors/frames.json; the menu command's
prefix and storage characters as in the vendor's guides ("Menu Command Syntax").
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from drivers import limits
from drivers.codec.line import LineFramer
from drivers.codec.scanner import Code, Send

TRIGGER_ON: Final = b"\x16T\r"
TRIGGER_OFF: Final = b"\x16U\r"

END: Final = b"\r"
"""The end of a text, under the suffix 0D."""

_SYN: Final = b"\x16"
_ANSWER: Final = re.compile(rb"([A-Za-z0-9_?*^-]{1,%d})([\x05\x06\x15])[.!]" % limits.MENU_BYTES)
_SETTING: Final = re.compile("[A-Z0-9_]{6}")
_VALUE: Final = re.compile("[A-Z0-9]*")


class Status(IntEnum):
    """What the scanner made of a menu command."""

    UNKNOWN = 0x05
    DONE = 0x06
    OUT_OF_RANGE = 0x15


@dataclass(frozen=True, slots=True)
class MenuAnswer:
    """The answer to a menu command. `text`: what it is about, and the value where one was asked."""

    text: str
    status: Status


def ask(setting: str) -> bytes:
    """Ask for the present value of a setting, such as `TRGMOD`. Changes nothing."""
    return _menu(setting, "?", ".")


def put(setting: str, value: str) -> bytes:
    """Give a setting a value until the scanner loses power: nothing is written to its flash."""
    if not _VALUE.fullmatch(value):
        raise ValueError(f"value must be capitals and digits, got {value!r}")
    return _menu(setting, value, "!")


class HoneywellHearing:
    """The Hearing (codec.scanner) of one scanner whose codes end with `END`.

    A text is cut and given up as in codec.line. Texts that begin with SYN are an echo of our
    own commands and are dropped: no code begins with it. A scanner that is triggered by command
    reads one code, so each is followed by the next trigger.
    """

    def __init__(self) -> None:
        self._text = LineFramer(END)
        self._open = b""  # the unfinished text, as far as it may become an answer
        self._last_ms = 0

    def feed(self, data: bytes, now_ms: int) -> list[Code | Send | MenuAnswer]:
        """See Hearing."""
        if now_ms - self._last_ms > limits.SCAN_IDLE_MS:
            self._open = b""
        self._last_ms = now_ms
        found: list[Code | Send | MenuAnswer] = []
        for byte in data:
            one = bytes((byte,))
            self._open = b"" if one == END else (self._open + one)[-limits.SCAN_BYTES :]
            if byte in b".!" and (answer := _ANSWER.fullmatch(self._open)):
                self._start()
                found.append(_read(answer))
                continue
            for text in self._text.feed(one, now_ms):
                if not text.startswith(_SYN):
                    found += [Code(text), Send(TRIGGER_ON)]
        return found

    def settle(self) -> list[Code | Send | MenuAnswer]:
        """See Hearing."""
        left = self._open
        self._start()
        return [_read(one) for one in _ANSWER.finditer(left)]

    def _start(self) -> None:
        self._text = LineFramer(END)
        self._open = b""


def _menu(setting: str, value: str, storage: str) -> bytes:
    if not _SETTING.fullmatch(setting):
        raise ValueError(f"setting must be a tag and subtag of six characters, got {setting!r}")
    return _SYN + b"M\r" + f"{setting}{value}{storage}".encode()


def _read(match: "re.Match[bytes]") -> MenuAnswer:
    return MenuAnswer(match[1].decode("ascii").upper(), Status(match[2][0]))
