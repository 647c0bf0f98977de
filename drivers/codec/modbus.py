"""Modbus RTU as the Waveshare 8-channel relay board speaks it: requests, and answers found.

There is no request that switches a relay on for good, so no driver can send one.

Source: spec/hardware.md 4.4, vectors `waveshare_relay` in tests/vectors/frames.json.
"""

from dataclasses import dataclass

from drivers import limits
from drivers.codec.exchange import Request, check

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
    check("steps", steps, limits.PULSE_STEPS)
    return _write_coil(board, relay, _FLASH_ON, steps)


def switch_off(board: int, relay: int) -> bytes:
    """Open `relay` now. Ranges and errors as for `flash_on`."""
    return _write_coil(board, relay, 0, 0)


def read_relays(board: int) -> bytes:
    """Ask for the state of all eight relays. The answer never equals the request."""
    check("board", board, limits.BOARDS)
    return _sealed(bytes((board, _READ_COILS, 0, 0, 0, len(limits.RELAYS))))


def closed_relays(answer: Answer) -> frozenset[int]:
    """Return the relays that an answer to `read_relays` shows as closed, counted from 1."""
    return frozenset(relay for relay in limits.RELAYS if answer.data[3] >> relay - 1 & 1)


def request(frame: bytes) -> Request[Answer | Refusal]:
    """Make a request of one of the frames above.

    An answer is whole, its checksum is right, and it comes from the board that was asked and
    answers this very frame. That of an order repeats it, so it can't be told from an echo.
    """
    board, function = frame[:2]
    reads = function == _READ_COILS

    def found(tail: bytes) -> Answer | Refusal | None:
        if body := _unsealed(tail[-5:], bytes((board, function | _REFUSED))):
            return Refusal(body[2])
        if reads:
            body = _unsealed(tail[-6:], bytes((board, function, 1)))
        else:
            body = _unsealed(tail[-8:], frame[:6])
        return Answer(body) if body else None

    return Request(
        f"board {board}", frame, found, len(frame), differs=reads, reply_ms=limits.REPLY_MS
    )


def _write_coil(board: int, relay: int, base: int, value: int) -> bytes:
    check("board", board, limits.BOARDS)
    check("relay", relay, limits.RELAYS)
    coil = base + relay - 1
    return _sealed(bytes((board, _WRITE_COIL)) + coil.to_bytes(2, "big") + value.to_bytes(2, "big"))


def _sealed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


def _unsealed(frame: bytes, head: bytes) -> bytes:
    """The frame without its checksum, or nothing if it starts or ends otherwise."""
    body = frame[:-2]
    return body if body.startswith(head) and _sealed(body) == frame else b""
