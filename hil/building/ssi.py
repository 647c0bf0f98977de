"""A scanner that speaks Zebra's SSI, or GM67's dialect of it, as the documents describe it.

Bytes, codes and the time go in, bytes come out; it owns no port and no clock.

Source: spec/hardware.md 7.1, 11, spec/frames.json "ssi"; Zebra's guide for the time-out and the
number of attempts. It has its own checksum and its own reading of the packets: nothing here
comes from the driver.
"""

from collections import deque
from dataclasses import dataclass

from hil.building.scanner_faults import Answers, Faults

PACKET_GAP_MS = 200  # silence within a packet after which the scanner forgets it
RESPONSE_MS = 2_000  # how long it waits for an acknowledgement
ATTEMPTS = 3
PART_BYTES = 250
PACKETS, SETTING_CODES = 0xEE, 0xEC
AGAIN, CONTEXT, DENIED = 1, 2, 6


@dataclass(frozen=True)
class Model:
    """How one maker's differ: the type byte of QR codes, long codes, the known parameters."""

    qr: int
    splits: bool
    """Long codes come in several packets; else in one of the form FF F4."""
    parameters: frozenset[bytes]


ZEBRA = Model(0x1C, splits=True, parameters=frozenset({b"\x8a", b"\xec", b"\xee"}))
GM67 = Model(
    0xF1, splits=False, parameters=frozenset({b"\x88", b"\x8a", b"\xeb", b"\xee", b"\xf2\xfa"})
)


class Ssi:
    """One scanner. `parameters` are what it works by; `saved` what it comes back with.

    Whoever owns it calls `feed` with what the host sent, `scan` with what is held before it,
    and `tick` no later than `due_ms`; all return what goes to the host, oldest first.
    """

    def __init__(self, model: Model = ZEBRA) -> None:
        self.model = model
        self.parameters = {PACKETS: 0, SETTING_CODES: 1}
        self.saved = dict(self.parameters)
        self.enabled = True
        self.asleep = False
        self.given_up = 0
        """Packets that were never acknowledged."""
        self.spoil_codes = 0
        """So many packets with codes, from now on, have a wrong checksum."""
        self.faults = Faults()
        self._answers = Answers()
        self._queue: deque[bytes] = deque()  # packets; the first is out
        self._attempts = 0
        self._again_ms: int | None = None
        self._heard = b""
        self._heard_ms = 0

    def due_ms(self) -> int | None:
        """When `tick` has something to do, or None."""
        return min(
            (at for at in (self._answers.due_ms(), self._again_ms) if at is not None), default=None
        )

    def tick(self, now_ms: int) -> list[bytes]:
        """Let the time come to `now_ms`: send again what nobody acknowledged."""
        back = self._answers.take_due(now_ms)
        if self._again_ms is not None and self._again_ms <= now_ms:
            back += self._send_again(now_ms)
        return back

    def lose_power(self) -> None:
        """Its power goes and comes back."""
        self.parameters = dict(self.saved)
        self.enabled = True
        self._queue.clear()
        self._again_ms = None
        self._heard = b""

    def show_setting(self, parameter: int, value: int) -> bool:
        """Hold a setting code before it; whether it was obeyed. It is kept over loss of power."""
        if not self.parameters[SETTING_CODES]:
            return False
        self.parameters[parameter] = self.saved[parameter] = value
        return True

    def scan(self, text: bytes, now_ms: int) -> list[bytes]:
        """Hold a code before it. A packet that is out holds up those behind it."""
        if not self.enabled:
            return []
        if not self.parameters[PACKETS]:
            return [text + b"\r"]
        return self._queue_up(self._packets(text), now_ms)

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        """Take what the host sent and return what comes back at once."""
        back = self.tick(now_ms)
        if self.faults.echo:
            back.append(data)
        if self.faults.mute:
            return back
        if self.asleep:
            self.asleep = False  # the bytes that woke it are lost
            return back
        if now_ms - self._heard_ms > PACKET_GAP_MS:
            self._heard = b""
        self._heard_ms = now_ms
        self._heard += self.faults.on_the_way_in(data)
        while (packet := self._next_packet()) is not None:
            back += self._act(packet, now_ms)
        return back

    def _next_packet(self) -> bytes | None:
        """Take the next packet of a host off the front; a zero only wakes."""
        while self._heard:
            if self._heard[0] < 4:
                self._heard = self._heard[1:]
            elif len(self._heard) < self._heard[0] + 2:
                return None
            else:
                length = self._heard[0] + 2
                packet, self._heard = self._heard[:length], self._heard[length:]
                return packet
        return None

    def _act(self, packet: bytes, now_ms: int) -> list[bytes]:
        opcode, data = packet[1], packet[4:-2]
        if sum(packet[:-2]) + int.from_bytes(packet[-2:], "big") & 0xFFFF:
            return self._answers.send(self.faults, _packet(0xD1, bytes((AGAIN,))), now_ms)
        match opcode:
            case 0xD0:
                return self._acknowledged(now_ms)
            case 0xD1:
                return self._send_again(now_ms) if data[:1] == bytes((AGAIN,)) else []
            case 0xC6 if self._put(data[1:], keep=bool(packet[3] & 0x08)):
                pass
            case 0xC6:
                return self._answers.send(self.faults, _packet(0xD1, bytes((DENIED,))), now_ms)
            case 0xE9 | 0xEA:
                self.enabled = opcode == 0xE9
            case 0xE4 | 0xE5:
                pass  # what is held before it is read at once
            case 0xA3:
                return self._queue_up([_packet(0xA4, b"SIMULATED 1.0")], now_ms)
            case _:
                return self._answers.send(self.faults, _packet(0xD1, bytes((CONTEXT,))), now_ms)
        return self._answers.send(self.faults, _packet(0xD0), now_ms)

    def _put(self, setting: bytes, *, keep: bool) -> bool:
        """Give a parameter (two bytes where the first says so) a value; False if it has none."""
        parameter, value = setting[:-1], setting[-1:]
        if not value or parameter not in self.model.parameters:
            return False
        number = int.from_bytes(parameter, "big")
        self.parameters[number] = value[0]
        if keep:
            self.saved[number] = value[0]
        return True

    def _queue_up(self, packets: list[bytes], now_ms: int) -> list[bytes]:
        """Send packets that have to be acknowledged, behind those that are out."""
        idle = not self._queue
        self._queue += packets
        return self._send_first(now_ms) if idle else []

    def _acknowledged(self, now_ms: int) -> list[bytes]:
        if self._again_ms is not None:
            self._queue.popleft()
            self._again_ms = None
        return self._send_first(now_ms)

    def _send_first(self, now_ms: int) -> list[bytes]:
        if not self._queue:
            return []
        self._attempts = 0
        return self._send_again(now_ms)

    def _send_again(self, now_ms: int) -> list[bytes]:
        """Send the packet that is out once more, or give it up."""
        if not self._queue:
            return []
        if self._attempts == ATTEMPTS:
            self.given_up += 1
            self._queue.popleft()
            self._again_ms = None
            return self._send_first(now_ms)
        packet = self._queue[0]
        if self._attempts:
            at = 6 if packet[:2] == b"\xff\xf4" else 3
            packet = _sealed(packet[:at] + bytes((packet[at] | 1,)) + packet[at + 1 : -2])
        self._attempts += 1
        self._again_ms = now_ms + RESPONSE_MS
        if self.spoil_codes:
            self.spoil_codes -= 1
            packet = packet[:-1] + bytes((packet[-1] ^ 0xFF,))
        return [packet]

    def _packets(self, text: bytes) -> list[bytes]:
        """One code as packets, each with the type of the code."""
        kind = bytes((self.model.qr,))
        if len(text) > PART_BYTES and not self.model.splits:
            length = 8 + len(text)
            return [_sealed(b"\xff\xf4" + length.to_bytes(2, "big") + b"\xf4\0\0" + kind + text)]
        parts = [text[at : at + PART_BYTES] for at in range(0, len(text), PART_BYTES)]
        last = len(parts) - 1
        return [
            _packet(0xF3, kind + part, 0x02 if number < last else 0)
            for number, part in enumerate(parts)
        ]


def _packet(opcode: int, data: bytes = b"", status: int = 0) -> bytes:
    return _sealed(bytes((4 + len(data), opcode, 0, status)) + data)


def _sealed(body: bytes) -> bytes:
    """Add the two bytes that make the sum of all zero, as 16 bits."""
    total = sum(body) % 0x10000
    return body + ((0x10000 - total) % 0x10000).to_bytes(2, "big")
