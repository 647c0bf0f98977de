"""Zebra's Simple Serial Interface, and GM67's dialect of it: packets, acknowledged one by one.

Source: spec/hardware.md 7.1, vectors `ssi` in tests/vectors/frames.json.
"""

from dataclasses import dataclass, field
from typing import Final

from drivers import limits
from drivers.codec.scanner import Code, Send

WAKE: Final = b"\0"
"""Sent before a command to a scanner that may sleep; `limits.WAKE_MS` later it listens."""

PACKETS: Final = 0xEE
"""Parameter: 1 = codes come in packets, 0 = bare."""
SETTING_CODES: Final = 0xEC
"""Parameter: 1 = the scanner obeys setting codes that it is shown (Zebra's 236, in its guides)."""

_REVISION, _REVISION_IS, _PUT = 0xA3, 0xA4, 0xC6
_ACK, _NAK, _ENABLE = 0xD0, 0xD1, 0xE9
_CODE, _LONG_CODE = 0xF3, 0xF4
_HOST, _SCANNER = 0x04, 0x00
_RESENT, _MORE = 0x01, 0x02
_AGAIN = 0x01
_BEEP = 0x00  # as in the printed order

_HEAD_BYTES, _LONG_HEAD_BYTES, _SUM_BYTES = 4, 7, 2
_OPCODES = range(0x80, 0x100)
_STATUS = range(0x20)


@dataclass(frozen=True, slots=True)
class Ack:
    """The scanner did as it was told."""


@dataclass(frozen=True, slots=True)
class Nak:
    """It did not. `again`: the packet came in broken and is wanted once more."""

    code: int

    @property
    def again(self) -> bool:
        """Whether sending the packet again may help."""
        return self.code == _AGAIN


@dataclass(frozen=True, slots=True)
class Revision:
    """What the scanner says it is."""

    text: str


Reply = Ack | Nak | Revision


@dataclass(frozen=True, slots=True)
class _Packet:
    opcode: int
    status: int
    data: bytes = field(repr=False)


def checksum(data: bytes) -> bytes:
    """Return what makes the sum of all bytes zero, as 16 bits, high byte first."""
    return (-sum(data) & 0xFFFF).to_bytes(2, "big")


def put(parameter: int, value: int) -> bytes:
    """Give a parameter (0..FF) a value (0..FF) until the scanner loses power."""
    return _packet(_PUT, bytes((_BEEP, parameter, value)))


def enable() -> bytes:
    """Let it scan. Answered by Ack, and so the way to see that it is there."""
    return _packet(_ENABLE)


def revision() -> bytes:
    """Ask what it is. Changes nothing."""
    return _packet(_REVISION)


def acknowledge() -> bytes:
    """Tell the scanner that its packet came in."""
    return _packet(_ACK)


def again(packet: bytes) -> bytes:
    """The same packet, marked as sent once more."""
    body = packet[:3] + bytes((packet[3] | _RESENT,)) + packet[4:-_SUM_BYTES]
    return body + checksum(body)


class SsiHearing:
    """The Hearing (codec.scanner) of one scanner that sends codes in packets.

    Every packet is acknowledged; one whose checksum is wrong is asked for again. Whatever was
    sent again and had come before is acknowledged and dropped; so is, for `limits.RESENT_MS`
    after `opened_ms`, whatever is marked as sent again and was not asked for: it was first sent
    to nobody. The parts of a long code are put together, up to `limits.SCAN_BYTES` of them.

    Bytes that begin no packet are dropped, and answered by the order to send packets: a scanner
    that was shown a code with other settings sends bare texts.
    """

    def __init__(self, opened_ms: int) -> None:
        self._waiting = b""
        self._heard_ms = opened_ms
        self._in_step = True
        self._refused = False
        self._opened_ms = opened_ms
        self._last: _Packet | None = None
        self._last_ms = opened_ms
        self._text = b""

    def feed(self, data: bytes, now_ms: int) -> list[Code | Send | Reply]:
        """See Hearing."""
        found: list[Code | Send | Reply] = []
        if now_ms - self._heard_ms > limits.PACKET_GAP_MS:
            self._cut_off(found)
        self._heard_ms = now_ms
        self._waiting += data
        self._search(found)
        return found

    def settle(self) -> list[Code | Send | Reply]:
        """See Hearing."""
        found: list[Code | Send | Reply] = []
        self._cut_off(found)
        return found

    def _cut_off(self, found: list[Code | Send | Reply]) -> None:
        """The packet that began will not go on: look for others behind its beginning."""
        self._refused |= bool(self._waiting)  # it was shown to us, and will be sent again
        while self._waiting:
            self._waiting = self._waiting[1:]
            self._in_step = False
            self._search(found)
        self._in_step = True

    def _search(self, found: list[Code | Send | Reply]) -> None:
        """Take every packet off the front, past what is none."""
        while self._waiting:
            length = _length(self._waiting[:_LONG_HEAD_BYTES])
            if length > len(self._waiting):
                return
            frame = self._waiting[:length]
            if not length:
                self._pass_over(1, found, put(PACKETS, 1))
            elif checksum(frame[:-_SUM_BYTES]) != frame[-_SUM_BYTES:]:
                # In step its length is most likely right, and nothing else comes before we answer.
                skipped = length if self._in_step else 1
                self._refused |= self._in_step  # so it was shown to us
                self._pass_over(skipped, found, _packet(_NAK, bytes((_AGAIN,))))
            else:
                self._waiting = self._waiting[length:]
                self._in_step = True
                self._read(_read(frame), found)

    def _pass_over(self, count: int, found: list[Code | Send | Reply], answer: bytes) -> None:
        """Drop bytes that are no packet; answer them once until in step again."""
        if self._in_step and self._waiting[0]:  # a zero is how a line wakes up
            found.append(Send(answer))
            self._in_step = False
        self._waiting = self._waiting[count:]

    def _read(self, packet: _Packet, found: list[Code | Send | Reply]) -> None:
        if packet.opcode == _ACK:
            found.append(Ack())
            return
        if packet.opcode == _NAK:
            found.append(Nak(packet.data[0] if packet.data else 0))
            return
        if packet.opcode == _REVISION_IS:
            found.append(Revision(packet.data.decode("ascii", "replace")))
        elif packet.opcode in (_CODE, _LONG_CODE) and not self._had(packet):
            found += self._part(packet)
        self._refused = False
        found.append(Send(acknowledge()))

    def _had(self, packet: _Packet) -> bool:
        """Whether a packet came before, or was first sent before anybody listened."""
        first = _Packet(packet.opcode, packet.status & ~_RESENT, packet.data)
        recent = self._heard_ms - self._last_ms <= limits.RESENT_MS
        same = first == self._last and recent
        early = self._heard_ms - self._opened_ms <= limits.RESENT_MS and not self._refused
        if not recent:
            self._text = b""
        if packet.status & _RESENT and (same or early):
            return True
        self._last, self._last_ms = first, self._heard_ms
        return False

    def _part(self, packet: _Packet) -> list[Code]:
        """Take one part of a code, behind its type; the whole if it was the last."""
        self._text = (self._text + packet.data[1:])[: limits.SCAN_BYTES]
        if packet.status & _MORE or not self._text:
            return []
        text, self._text = self._text, b""
        return [Code(text)]


def _packet(opcode: int, data: bytes = b"") -> bytes:
    body = bytes((_HEAD_BYTES + len(data), opcode, _HOST, 0)) + data
    return body + checksum(body)


def _length(data: bytes) -> int:
    """How many bytes a packet of a scanner has that begins like `data`; 0 if none does.

    Of one whose head is not all there, a number that is too large.
    """
    head = data + bytes((_HEAD_BYTES, _CODE, _SCANNER, 0))[len(data) :]
    if head[0] < _HEAD_BYTES or head[1] not in _OPCODES:
        return 0
    if head[:2] == bytes((0xFF, _LONG_CODE)):
        return _long_length(data)
    if head[2] != _SCANNER or head[3] not in _STATUS:
        return 0
    return head[0] + _SUM_BYTES


def _long_length(data: bytes) -> int:
    """The same for GM67's form: FF F4, two bytes of length, F4, source, status."""
    if len(data) < _LONG_HEAD_BYTES:
        return _LONG_HEAD_BYTES
    length = int.from_bytes(data[2:4], "big")
    fits = _LONG_HEAD_BYTES <= length <= limits.PACKET_BYTES
    if not fits or data[4] != _LONG_CODE or data[5] != _SCANNER or data[6] not in _STATUS:
        return 0
    return length + _SUM_BYTES


def _read(frame: bytes) -> _Packet:
    at = _LONG_HEAD_BYTES if frame[:2] == bytes((0xFF, _LONG_CODE)) else _HEAD_BYTES
    return _Packet(frame[1], frame[at - 1], frame[at:-_SUM_BYTES])
