"""The commands of GROW GM65 scanners and of Newland's EM3095, and their answers between codes.

Answers and codes share one stream. An answer is known by its head and checksum, and only where
no text is unfinished: bytes that look like one inside a code are part of the code. A code that
begins with a whole valid answer can't be told from one; what relies on answers bears that.

Source: spec/hardware.md 7.1, vectors `grow_gm65` in tests/vectors/frames.json.
"""

from dataclasses import dataclass

from drivers import limits
from drivers.codec.line import LineFramer
from drivers.codec.scanner import Code, Send

MODE = 0x0000
SETTING_CODES = 0x0003
OUTPUT = 0x000D
TAIL = 0x0060
RAW = 0x00BC
HARDWARE, SOFTWARE, YEAR = 0x00E1, 0x00E2, 0x00E3

END = b"\r"
"""The end of a text under `TAIL` = 01."""

BAD_CHECKSUM = 1
"""The code of a command that was damaged on its way."""

_READ, _WRITE, _SAVE, _HEARTBEAT = 0x07, 0x08, 0x09, 0x0A
_OK, _ALIVE = 0x02, 0x03
_STATUS = range(4)
_HEAD_BYTES = 4
_SUM_BYTES = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """The scanner did as it was asked. `data` is one zero byte unless zones were read."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Alive:
    """The answer to a heartbeat, and to nothing else."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The scanner did not take the command. `code` 1 checksum, 3 command."""

    code: int


Reply = Answer | Alive | Refusal


def checksum(data: bytes) -> bytes:
    """Return the CRC-CCITT (polynomial 1021, start 0) of `data`, high byte first."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc.to_bytes(2, "big")


def read(zone: int, count: int = 1) -> bytes:
    """Ask for `count` (1..`limits.ZONE_BYTES`) bytes from `zone` (0..FFFF) on."""
    if count not in limits.ZONE_BYTES:
        raise ValueError(f"count must be 1..{limits.ZONE_BYTES[-1]}, got {count}")
    return _command(_READ, zone, bytes((count,)))


def write(zone: int, value: int) -> bytes:
    """Give `zone` (0..FFFF) a `value` (0..FF). It is forgotten without power, unless saved."""
    return _command(_WRITE, zone, bytes((value,)))


def save() -> bytes:
    """Keep all zones over a loss of power. Wears the flash: only after a change."""
    return _command(_SAVE, 0, b"\0")


def heartbeat() -> bytes:
    """Ask whether it is there."""
    return _command(_HEARTBEAT, 0, b"\0")


class Gm65Hearing:
    """The Hearing (codec.scanner) of one scanner whose codes end with `END`.

    A text is cut and given up as in codec.line. An answer that nobody waits for is returned
    like any other.
    """

    def __init__(self) -> None:
        self._text = LineFramer(END)
        self._open = b""  # the unfinished text, as far as it may hold an answer
        self._held = b""  # between texts: may become an answer
        self._last_ms = 0

    def feed(self, data: bytes, now_ms: int) -> list[Code | Send | Reply]:
        """See Hearing."""
        if now_ms - self._last_ms > limits.SCAN_IDLE_MS:
            self._open = self._held = b""
        self._last_ms = now_ms
        found: list[Code | Send | Reply] = []
        waiting = self._held + data
        self._held = b""
        while waiting:
            if self._open:
                waiting = self._take(waiting, found)
                continue
            length = _length(waiting)
            if length > len(waiting):
                self._held = waiting
                break
            reply = _reply(waiting[:length])
            if reply is None:
                waiting = self._take(waiting, found)
            else:
                found.append(reply)
                waiting = waiting[length:]
        return found

    def settle(self) -> list[Code | Send | Reply]:
        """See Hearing."""
        left = self._open + self._held
        self._text = LineFramer(END)
        self._open = self._held = b""
        found = (_reply(left[at : at + _length(left[at:])]) for at in range(len(left)))
        return [reply for reply in found if reply is not None]

    def _take(self, waiting: bytes, found: list[Code | Send | Reply]) -> bytes:
        """Read text up to its end, or all of it; return what comes behind."""
        text, end, rest = waiting.partition(END)
        found += [Code(text) for text in self._text.feed(text + end, self._last_ms)]
        self._open = b"" if end else (self._open + text)[-limits.SCAN_BYTES :]
        return rest


def _command(kind: int, zone: int, data: bytes) -> bytes:
    count = 1 if kind == _READ else len(data)
    body = bytes((kind, count)) + zone.to_bytes(2, "big") + data
    return b"\x7e\0" + body + checksum(body)


def _length(data: bytes) -> int:
    """How many bytes an answer has that begins like `data`; 0 if none does."""
    kind, second, status, count = (data + bytes((_OK, 0, 0, 1))[len(data) :])[:_HEAD_BYTES]
    if kind not in (_OK, _ALIVE) or second or status not in _STATUS:
        return 0
    if count not in limits.ZONE_BYTES:
        return 0
    return _HEAD_BYTES + count + _SUM_BYTES


def _reply(frame: bytes) -> Reply | None:
    """Read exactly one answer. The checksum covers what comes behind the two bytes of head."""
    if not frame or _length(frame) != len(frame):
        return None
    if checksum(frame[2:-_SUM_BYTES]) != frame[-_SUM_BYTES:]:
        return None
    if frame[2]:
        return Refusal(frame[2])
    return Alive() if frame[0] == _ALIVE else Answer(frame[_HEAD_BYTES:-_SUM_BYTES])
