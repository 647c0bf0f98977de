"""Signed envelopes: DSSE with Ed25519 (cloud_link/README.md, "What is signed")."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hil.cloud import limits
from hil.cloud.spelling import Rejected, b64, canonical, parse, unb64

_TYPE: Final = ("application/vnd.edged.", ".v1+json")
_PRIME: Final = 2**255 - 19
_SIGN: Final = 2**255 - 1
_EIGHTH: Final = (  # the heights of the points of order eight (RFC 8032, section 5.1)
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
)
_SMALL: Final = frozenset({0, 1, _PRIME - 1, _PRIME, _PRIME + 1, *_EIGHTH})


@dataclass(frozen=True, slots=True)
class Envelope:
    """A read envelope, not verified. `kind`: the payload's name, as in the contract."""

    kind: str
    payload: bytes
    signatures: tuple[bytes, ...]

    def signers(self, keys: Iterable[bytes]) -> frozenset[bytes]:
        """Return those of the public keys that signed it, however often."""
        text = _signed(self.kind, self.payload)
        return frozenset(
            key for key in keys if any(_verifies(key, each, text) for each in self.signatures)
        )


def read(data: bytes) -> Envelope:
    """Read an envelope, strictly.

    Raises:
        Rejected: It is none.
    """
    if len(data) > limits.ENVELOPE_BYTES:
        raise Rejected("envelope too large")
    match parse(data):
        case {
            "payloadType": str(kind),
            "payload": str(payload),
            "signatures": [_, *_] as signatures,
            **rest,
        } if not rest and len(signatures) <= limits.SIGNATURES:
            return Envelope(_kind(kind), unb64(payload), tuple(map(_signature, signatures)))
        case _:
            raise Rejected("not an envelope")


def seal(kind: str, payload: bytes, *keys: Ed25519PrivateKey) -> bytes:
    """Sign a payload with each of the keys."""
    text = _signed(kind, payload)
    signatures = [{"keyid": key_id(public(key)), "sig": b64(key.sign(text))} for key in keys]
    envelope = {"payloadType": kind.join(_TYPE), "payload": b64(payload), "signatures": signatures}
    return canonical(envelope)


def public(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 bytes of the public key."""
    return key.public_key().public_bytes_raw()


def key_id(key: bytes) -> str:
    """Return the id of a public key."""
    return hashlib.sha256(key).hexdigest()


def is_key(key: bytes) -> bool:
    """Say whether it can be somebody's public key: spelt in its one way, not of small order."""
    return len(key) == 32 and _height(key) < _PRIME and not _small(key)


def _signed(kind: str, payload: bytes) -> bytes:
    name = kind.join(_TYPE).encode("ascii")
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def _kind(name: str) -> str:
    before, after = _TYPE
    kind = name.removeprefix(before).removesuffix(after)
    if kind.join(_TYPE) != name or not kind.isascii() or not kind.isidentifier():
        raise Rejected("unknown payloadType")
    return kind


def _signature(found: object) -> bytes:
    match found:
        case {"keyid": str(), "sig": str(text), **rest} if not rest:
            return unb64(text)
        case _:
            raise Rejected("not an envelope")


def _verifies(key: bytes, signature: bytes, text: bytes) -> bool:
    """Verify strictly. S below the order is the library's check, small orders are ours."""
    if len(signature) != 64 or _small(key) or _small(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _small(point: bytes) -> bool:
    return _height(point) in _SMALL


def _height(point: bytes) -> int:
    return int.from_bytes(point, "little") & _SIGN
