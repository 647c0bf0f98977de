"""A GROW GM65 scanner as its documents describe it.

Bytes, codes and the time go in, bytes come out; it owns no port and no clock.

Source: spec/hardware.md 7.1 (frames, zones), 11 (what can go wrong), spec/frames.json
"grow_gm65". It has its own checksum and its own reading of the frames: nothing here comes from
the driver.
"""

from hil.building.scanner_faults import Answers, Faults

FRAME_GAP_MS = 100  # silence after which half a command is forgotten; generous for a terminal
TAILS = (b"\r", b"\r\n", b"\t", b"")
KEYBOARD = 0b01
CONTINUOUS, SENSE = 0b10, 0b11
FACTORY = {
    0x0000: 0xD6,  # LED, sound, aim, light while scanning; continuous
    0x0003: 0x00,  # setting codes are obeyed
    0x000D: 0x00,  # codes go to the serial line
    0x002A: 0x39,  # 9600 baud, low byte first
    0x002B: 0x01,
    0x0060: 0x01,  # tail CR
    0x00BC: 0x00,
    0x00E1: 0x10,  # hardware 1.0, software 1.5, of 2018
    0x00E2: 0x87,
    0x00E3: 0x12,
}


class Gm65:
    """One scanner. `zones` are what it works by; `saved` what it comes back with.

    Whoever owns it calls `feed` with what the host sent, `scan` with what is held before it,
    and `tick` no later than `due_ms`; all return what goes to the host, oldest first.
    """

    def __init__(self, software: int = 0x87) -> None:
        self.zones = {**FACTORY, 0x00E2: software}
        self.saved = dict(self.zones)
        self.saves = 0
        self.stuck: frozenset[int] = frozenset()  # zones that take a value and don't keep it
        self.faults = Faults()
        self.unknown: frozenset[int] = frozenset()  # zones that this firmware does not tell
        self._answers = Answers()
        self._triggered = False
        self._heard = b""
        self._heard_ms = 0

    def due_ms(self) -> int | None:
        """When `tick` has something to do, or None."""
        return self._answers.due_ms()

    def tick(self, now_ms: int) -> list[bytes]:
        """Let the time come to `now_ms`."""
        return self._answers.take_due(now_ms)

    def lose_power(self) -> None:
        """Its power goes and comes back."""
        self.zones = dict(self.saved)
        self._triggered = False
        self._heard = b""

    def show_setting(self, zone: int, value: int) -> bool:
        """Hold a setting code before it; whether it was obeyed. It is kept over loss of power."""
        if self.zones[0x0003] & 0b11 != 0:
            return False
        self.zones[zone] = self.saved[zone] = value
        return True

    def scan(self, text: bytes, _: int) -> list[bytes]:
        """Hold a code before it."""
        mode = self.zones[0x0000] & 0b11
        if mode not in (CONTINUOUS, SENSE) and not self._triggered:
            return []
        self._triggered = False
        if self.zones[0x000D] & 0b11 == KEYBOARD:
            return []
        if self.zones[0x00E2] == 0x69 and self.zones[0x00BC] != 0x08:
            text = bytes(byte & 0x7F for byte in text)  # this firmware harms what is not ASCII
        form = self.zones[0x0060]
        return [text + TAILS[form >> 5 & 0b11]] if form & 1 else [text]

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        """Take what the host sent and return what comes back at once."""
        back = self.tick(now_ms)
        if self.faults.echo:
            back.append(data)
        if self.faults.mute:
            return back
        if now_ms - self._heard_ms > FRAME_GAP_MS:
            self._heard = b""
        self._heard_ms = now_ms
        self._heard += self.faults.on_the_way_in(data)
        while (command := self._next_command()) is not None:
            back += self._answers.send(self.faults, self._act(command), now_ms)
        return back

    def _next_command(self) -> bytes | None:
        """Take the next whole command off the front, past what is none."""
        while (start := self._heard.find(b"\x7e")) >= 0:
            self._heard = self._heard[start:]
            if self._heard[1:2] not in (b"", b"\0"):
                self._heard = self._heard[1:]
                continue
            if len(self._heard) < 4:
                return None
            count = 1 if self._heard[2] == 0x07 else self._heard[3]
            length = 2 + 4 + count + 2
            if len(self._heard) < length:
                return None
            command, self._heard = self._heard[:length], self._heard[length:]
            return command
        self._heard = b""
        return None

    def _act(self, command: bytes) -> bytes:
        """Carry out one command, from 7E to its checksum; return the answer."""
        body, check = command[2:-2], command[-2:]
        if check not in (b"\xab\xcd", _crc(body)):
            return _answer(0x02, 1, b"\0")
        zone, data = int.from_bytes(body[2:4], "big"), body[4:]
        match body[0]:
            case 0x07 if zone in self.unknown:
                return _answer(0x02, 3, b"\0")
            case 0x07:
                count = data[0] or 256
                return _answer(0x02, 0, bytes(self.zones.get(zone + n, 0) for n in range(count)))
            case 0x08:
                self._write(zone, data)
            case 0x09:
                self.saved = dict(self.zones)
                self.saves += 1
            case 0x0A:
                return _answer(0x03, 0, b"\0")
            case _:
                return _answer(0x02, 3, b"\0")
        return _answer(0x02, 0, b"\0")

    def _write(self, zone: int, data: bytes) -> None:
        if zone == 0x0002:
            self._triggered = data == b"\1"
        elif zone == 0x00D9:
            software = self.zones[0x00E2]
            self.zones = {**FACTORY, 0x00E2: software} if data == b"\x50" else dict(self.saved)
        else:
            changed = {zone + n: value for n, value in enumerate(data)}
            self.zones.update({at: value for at, value in changed.items() if at not in self.stuck})


def _answer(kind: int, status: int, data: bytes) -> bytes:
    body = bytes((status, len(data) % 256)) + data
    return bytes((kind, 0)) + body + _crc(body)


def _crc_entry(value: int) -> int:
    """What one byte adds, for the polynomial 0x1021."""
    value <<= 8
    for _ in range(8):
        value = (value << 1 ^ (0x1021 if value & 0x8000 else 0)) & 0xFFFF
    return value


_TABLE = [_crc_entry(value) for value in range(256)]


def _crc(data: bytes) -> bytes:
    """CRC-CCITT from 0, in wire order: high byte first."""
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFF00) ^ _TABLE[crc >> 8 ^ byte]
    return bytes((crc >> 8, crc & 0xFF))
