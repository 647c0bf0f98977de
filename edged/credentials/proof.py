"""Ed25519 without the liberties that RFC 8032 leaves to libraries.

A signature with S out of range is refused by the library. Points are ours to check: a key of
small order signs everything, and a second spelling of a point makes a second code
(spec/credentials.md "Properties to hold").
"""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEYS = 16
"""Keys that are kept ready: more than a tenant signs with at a time."""

SIZE = 64
"""Bytes of a signature: the point R, then the number S."""

_P = 2**255 - 19
_Y8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
"""The y of all points whose order divides 8."""


def is_signed(message: bytes, proof: bytes, public: bytes) -> bool:
    """Say whether `proof` is the signature of `message` by the key `public`. Never raises."""
    key = _key(public)
    if key is None or not _is_sound(proof[:32]):
        return False
    try:
        key.verify(proof, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=KEYS)
def _key(public: bytes) -> Ed25519PublicKey | None:
    """Return the key of these bytes, None: it is none that may sign."""
    try:
        return Ed25519PublicKey.from_public_bytes(public) if _is_sound(public) else None
    except ValueError:
        return None


def _is_sound(point: bytes) -> bool:
    """Say whether a point is spelled in the one right way and is not of small order."""
    y = int.from_bytes(point, "little") & (2**255 - 1)
    return y < _P and y not in _SMALL_ORDER
