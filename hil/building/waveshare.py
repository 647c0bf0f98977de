"""A Waveshare Modbus RTU relay board, 8 channels, as its documents describe it.

Bytes and the time go in, bytes and relay changes come out; it owns no port and no clock.

Source: spec/hardware.md 4.4 (frames), 11 (what can go wrong), spec/frames.json "waveshare_relay".
It has its own checksum and its own reading of the frames: nothing here comes from the driver.
"""

from collections.abc import Callable

from hil.building.faults import Faults

RELAYS = 8
STEP_MS = 100  # unit of timed pulses
FRAME_GAP_MS = 100  # silence after which half a request is forgotten; generous for a terminal
FUNCTION, ADDRESS, VALUE = 1, 2, 3  # codes of refusals


class WaveshareBoard:
    """One board. `on_relay(relay, closed)` is told every change, relays counted from 1.

    Whoever owns it calls `feed` with what the host sent, and `tick` no later than `due_ms`;
    both return what goes back to the host, oldest first. The clock never goes back.
    """

    def __init__(
        self,
        address: int = 1,
        on_relay: Callable[[int, bool], None] = lambda _relay, _closed: None,
    ) -> None:
        self.address = address
        self.on_relay = on_relay
        self.faults = Faults()
        self._closed = [False] * RELAYS
        self._turn_at: dict[int, int] = {}  # relay from 0 -> when its timed pulse ends
        self._late: list[tuple[int, bytes]] = []
        self._heard = b""
        self._heard_ms = 0

    @property
    def levels(self) -> tuple[bool, ...]:
        """Which relays are closed; the first is relay 1."""
        return tuple(
            closed or relay in self.faults.stuck_on
            for relay, closed in enumerate(self._closed, start=1)
        )

    def due_ms(self) -> int | None:
        """When `tick` has something to do, or None."""
        return min([*self._turn_at.values(), *(at for at, _ in self._late)], default=None)

    def tick(self, now_ms: int) -> list[bytes]:
        """Let the time come to `now_ms`: end pulses, and return answers that are late."""
        for relay, at_ms in list(self._turn_at.items()):
            if at_ms <= now_ms:
                del self._turn_at[relay]
                self._set(relay, not self._closed[relay])
        ready = [answer for at_ms, answer in self._late if at_ms <= now_ms]
        self._late = [(at_ms, answer) for at_ms, answer in self._late if at_ms > now_ms]
        return ready

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
        self._heard += data
        while (request := self._next_request()) is not None:
            answer = self._act(request[:-2], now_ms)
            if answer is None or self.faults.deaf_answers:
                continue
            sent = self._spoil(answer)
            if self.faults.late_ms:
                self._late.append((now_ms + self.faults.late_ms, sent))
            else:
                back.append(sent)
        return back

    def _next_request(self) -> bytes | None:
        """Take the next whole request for this board off the front, past what is none."""
        while self._heard:
            length = 8
            if self._heard[1:2] == b"\x0f":
                length = 9 + self._heard[6] if len(self._heard) > 6 else 9
            if self._heard[0] not in (0, self.address):
                self._heard = self._heard[1:]
            elif len(self._heard) < length:
                return None
            elif _checksum(self._heard[: length - 2]) != self._heard[length - 2 : length]:
                self._heard = self._heard[1:]
            else:
                request, self._heard = self._heard[:length], self._heard[length:]
                return request
        return None

    def _act(self, body: bytes, now_ms: int) -> bytes | None:
        """Carry out one request and return the answer, both without checksums."""
        function = body[1]
        first = int.from_bytes(body[2:4], "big")
        value = int.from_bytes(body[4:6], "big")
        if function == 0x03 and first == 0x4000 and value == 1:
            return bytes((body[0], 0x03, 2, 0, self.address))
        if function == 0x06 and first == 0x4000:
            return self._set_address(body, value)
        if body[0] == 0 and function not in (0x05, 0x0F):
            return None
        match function:
            case 0x01:
                answer = self._read(first, value)
            case 0x05:
                answer = self.faults.refuse or self._write(first, value, now_ms) or body[2:]
            case 0x0F:
                answer = self.faults.refuse or self._write_mask(first, value, body[7:]) or body[2:6]
            case _:
                answer = FUNCTION
        if body[0] == 0:
            return None  # an order to all boards is not answered
        if isinstance(answer, int):
            return bytes((self.address, function | 0x80, answer))
        return bytes((self.address, function)) + answer

    def _set_address(self, body: bytes, address: int) -> bytes:
        if not 1 <= address <= 255:
            return bytes((body[0], body[1] | 0x80, VALUE))
        self.address = address
        return body

    def _read(self, first: int, count: int) -> bytes | int:
        if not 1 <= count <= RELAYS:
            return VALUE
        if first + count > RELAYS:
            return ADDRESS
        bits = sum(level << n for n, level in enumerate(self.levels[first : first + count]))
        return bytes((1, bits))

    def _write(self, coil: int, value: int, now_ms: int) -> int | None:
        """Write one coil; return the code of a refusal or None."""
        page, relay = coil & 0xFF00, coil & 0xFF
        if page in (0x0200, 0x0400) and relay < RELAYS:
            if not 1 <= value <= 0x7FFF:
                return VALUE
            self._switch(relay, closed=page == 0x0200)
            self._turn_at[relay] = now_ms + value * STEP_MS
            return None
        if page != 0 or not (relay < RELAYS or relay == 0xFF):
            return ADDRESS
        if value not in (0xFF00, 0x0000, 0x5500):
            return VALUE
        for one in range(RELAYS) if relay == 0xFF else (relay,):
            self._switch(one, closed=not self._closed[one] if value == 0x5500 else value == 0xFF00)
        return None

    def _write_mask(self, first: int, count: int, mask: bytes) -> int | None:
        if not 1 <= count <= RELAYS or len(mask) != 1:
            return VALUE
        if first + count > RELAYS:
            return ADDRESS
        for n in range(count):
            self._switch(first + n, closed=bool(mask[0] >> n & 1))
        return None

    def _switch(self, relay: int, *, closed: bool) -> None:
        """A new order: it ends a timed pulse that was running."""
        self._turn_at.pop(relay, None)
        self._set(relay, closed)

    def _set(self, relay: int, closed: bool) -> None:
        if self._closed[relay] != closed:
            self._closed[relay] = closed
            self.on_relay(relay + 1, closed)

    def _spoil(self, answer: bytes) -> bytes:
        """Add the checksum, and whatever goes wrong on the way."""
        if self.faults.wrong_address:
            answer = bytes(((answer[0] + 1) % 256,)) + answer[1:]
        return self.faults.spoil(answer + _checksum(answer))


def _crc_entry(value: int) -> int:
    """What one byte adds, for the reflected polynomial 0xA001."""
    for _ in range(8):
        value = (value >> 1) ^ (0xA001 * (value & 1))
    return value


_TABLE = [_crc_entry(value) for value in range(256)]


def _checksum(data: bytes) -> bytes:
    """CRC-16/MODBUS in wire order: low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return bytes((crc & 0xFF, crc >> 8))
