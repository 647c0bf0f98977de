"""Modbus RTU as the Waveshare 8-channel relay board speaks it: requests, and answers found.

There is no request that switches a relay on for good, so no driver can send one.

Source: spec/hardware.md 4.4, vectors `waveshare_relay` in tests/vectors/frames.json.
"""

from dataclasses import dataclass

from drivers import limits

_READ_COILS = 0x01
_WRITE_COIL = 0x05
_REFUSED = 0x80  # added to the function in a refusal
_FLASH_ON = 0x0200  # coil number of relay 1's timed pulse


@dataclass(frozen=True, slots=True)
class Answer:
    """The board did as it was asked; `data` is its frame without the checksum."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """The board understood and said no. `code` 1 function, 2 address, 3 value."""

    code: int


def crc16(data: bytes) -> int:
    """Return the CRC-16/MODBUS of `data`; on the wire its low byte goes first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def flash_on(board: int, relay: int, steps: int) -> bytes:
    """Close `relay` for `steps` x 100 ms from now, timed by the board itself.

    Args:
        board: Address, 1..247.
        relay: 1..8, as on the housing; the wire counts from 0.
        steps: 1..0x7FFF, in 100 ms.

    Raises:
        ValueError: One of them is out of range; it is named.
    """
    _check("steps", steps, limits.PULSE_STEPS)
    return _write_coil(board, relay, _FLASH_ON, steps)


def switch_off(board: int, relay: int) -> bytes:
    """Open `relay` now. Ranges and errors as for `flash_on`."""
    return _write_coil(board, relay, 0, 0)


def read_relays(board: int) -> bytes:
    """Ask for the state of all eight relays. The answer never equals the request."""
    _check("board", board, limits.BOARDS)
    return _sealed(bytes((board, _READ_COILS, 0, 0, 0, len(limits.RELAYS))))


def closed_relays(answer: Answer) -> frozenset[int]:
    """Return the relays that an answer to `read_relays` shows as closed, counted from 1."""
    return frozenset(relay for relay in limits.RELAYS if answer.data[3] >> relay - 1 & 1)


class Exchange:
    """Finds the answer to one request in whatever comes back, noise, echo and old frames too.

    Pure. A frame counts if it is whole, its checksum is right, and it comes from the board that
    was asked and answers this very request; everything else is passed over byte by byte. How
    the stream was divided into calls makes no difference, no input raises, and no more is kept
    than the length of the request.

    Args:
        request: The frame that is sent, with its checksum.
        echo: Whether the adapter sends every request back, which then is not the answer. A read
            finds out by itself, because its answer can't equal it.
    """

    def __init__(self, request: bytes, *, echo: bool) -> None:
        self._request = request
        self._reads = request[1] == _READ_COILS
        self._echo_due = echo and not self._reads
        self._tail = b""
        self.echoed = False
        """Whether a read's request came back."""

    def feed(self, data: bytes) -> Answer | Refusal | None:
        """Return the answer as soon as its last byte is in; what follows it is not looked at."""
        for byte in data:
            self._tail = (self._tail + bytes((byte,)))[-len(self._request) :]
            if self._tail == self._request and (self._reads or self._echo_due):
                self.echoed = self._reads
                self._echo_due = False
                self._tail = b""
            elif not self._echo_due and (found := self._found()) is not None:
                return found
        return None

    def _found(self) -> Answer | Refusal | None:
        """The answer that ends with the newest byte."""
        board, function = self._request[:2]
        if body := _unsealed(self._tail[-5:], bytes((board, function | _REFUSED))):
            return Refusal(body[2])
        if self._reads:
            body = _unsealed(self._tail[-6:], bytes((board, function, 1)))
        else:
            body = _unsealed(self._tail[-8:], self._request[:6])
        return Answer(body) if body else None


def _check(what: str, value: int, allowed: range) -> None:
    if value not in allowed:
        raise ValueError(f"{what} must be {allowed[0]}..{allowed[-1]}, got {value}")


def _write_coil(board: int, relay: int, base: int, value: int) -> bytes:
    _check("board", board, limits.BOARDS)
    _check("relay", relay, limits.RELAYS)
    coil = base + relay - 1
    return _sealed(bytes((board, _WRITE_COIL)) + coil.to_bytes(2, "big") + value.to_bytes(2, "big"))


def _sealed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


def _unsealed(frame: bytes, head: bytes) -> bytes:
    """The frame without its checksum, or nothing if it starts or ends otherwise."""
    body = frame[:-2]
    return body if body.startswith(head) and _sealed(body) == frame else b""
