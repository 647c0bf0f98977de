"""Texts in what a keyboard types: scanners that pretend to be one ("keyboard wedge").

Source: spec/hardware.md 7.2; linux/input.h and linux/input-event-codes.h for events and keys.
"""

import struct
from typing import Final

from drivers import limits

EVENT: Final = struct.Struct("@llHHi")
"""`struct input_event`: seconds, microseconds, type, code, value; in this machine's own layout."""

_SYN, _KEY = 0, 1
_REPORT, _DROPPED = 0, 3
_UP, _DOWN = 0, 1

_ENTER: Final = frozenset({28, 96})
_SHIFT: Final = frozenset({42, 54})
_ALT: Final = frozenset({56, 100})
_MODIFIERS: Final = _SHIFT | _ALT | {29, 97, 125, 126}
"""With Control and the two logo keys, under which a key means nothing that we want."""
_LOCKS: Final = frozenset({58, 69, 70})
_PAD_DIGITS: Final = {82: 0, 79: 1, 80: 2, 81: 3, 75: 4, 76: 5, 77: 6, 71: 7, 72: 8, 73: 9}

_LETTERS: Final = {
    first + place: letter
    for first, row in ((16, b"QWERTYUIOP"), (30, b"ASDFGHJKL"), (44, b"ZXCVBNM"))
    for place, letter in enumerate(row)
}
_PLAIN: Final = {
    **_LETTERS,
    **{2 + place: digit for place, digit in enumerate(b"1234567890")},
    **{key: ord(str(digit)) for key, digit in _PAD_DIGITS.items()},
    **dict(zip((12, 52, 53, 57, 55, 74, 78, 83, 98), b"-./ *-+./", strict=True)),
}
_SHIFTED: Final = {**_LETTERS, **dict(zip((5, 6, 9, 13, 39, 57), b"$%*+: ", strict=True))}
ALPHABET: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
"""All that a text may hold: Base45, whose keys lie the same whatever the layout's letters do."""
FOREIGN: Final = ord("?")
"""Stands for whatever is not in the alphabet: the text is then one that no code has."""


class KeyFramer:
    """Turns key events into texts. Pure: bytes of events and the time go in, texts come out.

    Keys count by their place on a US keyboard. A letter is upper case whether or not shift is
    held, so Caps Lock makes no difference. A character of Alt and its number on the keypad is
    understood. Any other key, or one under Control, is `FOREIGN`, and so are events that the
    kernel says it dropped: such a text is refused rather than guessed at. Enter ends a text; empty
    ones are dropped. Length, and a text that stops without its end, are as in codec.line. How
    the events were divided into calls makes no difference, and no input raises.
    """

    def __init__(self) -> None:
        self._bytes = b""
        self._text = bytearray()
        self._cut = False  # this text is out already: wait for its end
        self._held = set[int]()
        self._number: int | None = None  # typed on the keypad while Alt is held
        self._dropping = False
        self._last_ms = 0

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        """Return the texts that `data` ended, oldest first.

        Args:
            data: Events as they were read from the device, any number, cut anywhere.
            now_ms: When they came, on a clock that never goes back.
        """
        if now_ms - self._last_ms > limits.SCAN_IDLE_MS:
            self._start()
            self._bytes = b""
            self._held.clear()  # a key that nobody lets go of is lost, not held
            self._number = None
        self._last_ms = now_ms
        self._bytes += data
        whole = len(self._bytes) - len(self._bytes) % EVENT.size
        events, self._bytes = self._bytes[:whole], self._bytes[whole:]
        texts = list[bytes]()
        for _, _, kind, code, value in EVENT.iter_unpack(events):
            self._take(kind, code, value, texts)
        return texts

    def _take(self, kind: int, code: int, value: int, texts: list[bytes]) -> None:
        if kind == _SYN and code == _DROPPED:
            self._dropping = True
            self._held.clear()
            self._number = None
            self._type(FOREIGN, texts)
        elif kind == _SYN and code == _REPORT:
            self._dropping = False
        elif kind == _KEY and not self._dropping and code not in _LOCKS:
            if code in _MODIFIERS:
                self._hold(code, value, texts)
            elif value == _DOWN:  # repeats of a key that is held are not typed
                self._press(code, texts)

    def _hold(self, code: int, value: int, texts: list[bytes]) -> None:
        if value != _UP:
            self._held.add(code)
            return
        self._held.discard(code)
        if code in _ALT and self._number is not None:
            self._type(self._number, texts)
            self._number = None

    def _press(self, code: int, texts: list[bytes]) -> None:
        if self._held & _ALT and code in _PAD_DIGITS:
            number = (self._number or 0) * 10 + _PAD_DIGITS[code]
            self._number = min(number, 0xFFFF)
        elif self._held - _SHIFT:
            self._type(FOREIGN, texts)
        elif code in _ENTER:
            if self._text:
                texts.append(bytes(self._text))
            self._start()
        else:
            keys = _SHIFTED if self._held else _PLAIN
            self._type(keys.get(code, FOREIGN), texts)

    def _type(self, character: int, texts: list[bytes]) -> None:
        if self._cut:
            return
        if len(self._text) == limits.SCAN_BYTES:
            texts.append(bytes(self._text))
            self._text.clear()
            self._cut = True
            return
        self._text.append(character if character in ALPHABET else FOREIGN)

    def _start(self) -> None:
        self._text.clear()
        self._cut = False
