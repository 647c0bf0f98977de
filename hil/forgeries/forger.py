"""Ways in which a good code is made into another text, none of them with a key."""

import random
import struct
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

import base45

from hil.forgeries.wallet import Wallet

_CHARACTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_WEAK = (0, 1, _P - 1, _P, _P + 1, _Y8, _P - _Y8)
"""The y of points of small order, reduced and not (RFC 8032 5.1.3)."""
_SIGN = 2**255

Way = Callable[[random.Random, Wallet, bytes], bytes]


def _flipped(dice: random.Random, _: Wallet, code: bytes) -> bytes:
    """Bits of the body or the proof."""
    payload = bytearray(_payload(code))
    for _bit in range(dice.choice((1, 1, 2, 8))):
        payload[dice.randrange(len(payload))] ^= 1 << dice.randrange(8)
    return _spelled(code, payload)


def _mistyped(dice: random.Random, _: Wallet, code: bytes) -> bytes:
    """Characters, of the alphabet and not."""
    text = bytearray(code)
    letters = dice.choice((_CHARACTERS, bytes(range(256))))
    for _place in range(dice.choice((1, 1, 2, 4))):
        text[dice.randrange(len(text))] = dice.choice(letters)
    return bytes(text)


def _cut(dice: random.Random, _: Wallet, code: bytes) -> bytes:
    """Something is missing: from an end, or from within."""
    start = dice.randrange(len(code))
    stop = dice.choice((len(code), start + dice.randint(1, 4)))
    return code[:start] + code[stop:]


def _stretched(dice: random.Random, _: Wallet, code: bytes) -> bytes:
    """Bytes are put in, into the text or into what it spells."""
    more = dice.randbytes(dice.choice((1, 1, 2, 3, 100)))
    if dice.random() < 0.5:
        at = dice.randint(0, len(code))
        return code[:at] + more + code[at:]
    payload = _payload(code)
    at = dice.randint(0, len(payload))
    return _spelled(code, payload[:at] + more + payload[at:])


def _renamed(dice: random.Random, _: Wallet, code: bytes) -> bytes:
    """Another kind's name before it."""
    return dice.choice((b"M1", b"F1", b"T1", b"T2", b"B1", b"R1", b"X1")) + code[2:]


def _crossed(dice: random.Random, wallet: Wallet, code: bytes) -> bytes:
    """The beginning of one code and the end of another: often a body with a stranger's proof."""
    other = _payload(dice.choice(dice.choice((wallet.codes, wallet.strange))))
    payload = _payload(code)
    proof = 8 if code[:2] == b"R1" else 64
    at = dice.choice((len(payload) - proof, dice.randint(1, len(payload))))
    tail = other[-(len(payload) - at) :] if at < len(payload) else b""
    return _spelled(code, payload[:at] + tail)


def _strange(dice: random.Random, wallet: Wallet, _: bytes) -> bytes:
    """A good code of somewhere else."""
    return dice.choice(wallet.strange)


def _malleable(dice: random.Random, _: Wallet, code: bytes) -> bytes:
    """A signature with another S that satisfies the same equation, or its point's mirror image."""
    payload = bytearray(_payload(code))
    s = int.from_bytes(payload[-32:], "little")
    larger = s + dice.randint(1, 15) * _ORDER
    match dice.randrange(3):
        case 0 if larger < 2**256:
            payload[-32:] = larger.to_bytes(32, "little")
        case 1:
            payload[-32:] = ((-s) % _ORDER).to_bytes(32, "little")
            payload[-33] ^= 0x80
        case _:
            payload[-33] ^= 0x80
    return _spelled(code, payload)


def _weak(dice: random.Random, _: Wallet, code: bytes) -> bytes:
    """A signature whose point is of small order, in some spelling of it."""
    payload = bytearray(_payload(code))
    point = dice.choice(_WEAK) + dice.choice((0, _SIGN))
    payload[-64:-32] = point.to_bytes(32, "little")
    payload[-32:] = dice.choice((bytes(32), dice.randrange(_ORDER).to_bytes(32, "little")))
    return _spelled(code, payload)


def _respelled(dice: random.Random, _: Wallet, code: bytes) -> bytes:
    """The same bytes in other characters: lower case, a wider group, spaces around."""
    match dice.randrange(3):
        case 0:
            return code.lower()
        case 1:
            at = 3 + 3 * dice.randrange((len(code) - 3) // 3)
            low, middle, high = (_CHARACTERS.index(one) for one in code[at : at + 3])
            number = low + 45 * middle + 2_025 * high + 65_536
            if number >= 45**3:
                return code.swapcase()
            group = number % 45, number // 45 % 45, number // 2_025
            return code[:at] + bytes(_CHARACTERS[digit] for digit in group) + code[at + 3 :]
        case _:
            space = dice.choice((b" ", b"\t", b"\0", b"\r\n", b"\xef\xbb\xbf"))
            return dice.choice((space + code, code + space))


OFTEN = frozenset({"mistyped", "cut", "stretched", "renamed", "respelled"})
"""Ways whose texts are told cheaply, before any proof: they are taken more often."""

WAYS: Mapping[str, Way] = {
    "flipped": _flipped,
    "mistyped": _mistyped,
    "cut": _cut,
    "stretched": _stretched,
    "renamed": _renamed,
    "crossed": _crossed,
    "strange": _strange,
    "malleable": _malleable,
    "weak": _weak,
    "respelled": _respelled,
}


OF_SIGNATURES = frozenset({"malleable", "weak"})
"""Ways for which a code has to have a signature, which `R1` has not."""


@lru_cache(maxsize=1_024)
def _payload(code: bytes) -> bytes:
    return bytes(base45.b45decode(code[3:]))


@cache
def _pairs() -> tuple[bytes, ...]:
    """Each two bytes spelled: a campaign spells millions of payloads."""
    return tuple(bytes(base45.b45encode(n.to_bytes(2))) for n in range(2**16))


def _spelled(code: bytes, payload: bytes | bytearray) -> bytes:
    pairs, (count, odd) = _pairs(), divmod(len(payload), 2)
    numbers = struct.unpack_from(f">{count}H", payload)
    last = bytes(base45.b45encode(bytes(payload[-1:]))) if odd else b""
    return b"".join((code[:3], *[pairs[n] for n in numbers], last))
