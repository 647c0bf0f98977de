"""DSSE: what is signed, by whom, verified over the bytes that came, before they are parsed.

Source: secure-systems-lab/dsse v1, README.md "What is signed". Ed25519 is RFC 8032 without the
liberties that it leaves to libraries: the library refuses an S out of range; points are ours to
check, because a key of small order signs everything.
"""

import hashlib
import json
from collections.abc import Collection
from functools import lru_cache
from typing import Annotated, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from pydantic import BeforeValidator, Field, WithJsonSchema

from cloud_link import limits
from cloud_link.shapes import Hash, Malformed, Shape, decode_base64, encode_base64, read

TYPE_BEGIN: Final = "application/vnd.edged."
TYPE_END: Final = ".v1+json"

_P: Final = 2**255 - 19
_Y8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
"""The y of all points whose order divides 8."""


class Signature(Shape):
    """One signature; `keyid` is a hint, and proves nothing."""

    keyid: Hash
    sig: Annotated[
        bytes,
        BeforeValidator(decode_base64),
        Field(min_length=64, max_length=64),
        WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z0-9+/]{86}==$"}),
    ]


class Envelope(Shape):
    """What came, unverified. `payload` is what was signed, not parsed yet."""

    payload_type: Annotated[
        str, Field(alias="payloadType", min_length=1, max_length=limits.TEXT_CHARS)
    ]
    payload: Annotated[
        bytes,
        BeforeValidator(decode_base64),
        WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
    ]
    signatures: Annotated[list[Signature], Field(min_length=1, max_length=limits.SIGNATURES)]

    @property
    def kind(self) -> str:
        """The KIND of its type; empty: not one of this version of the contract."""
        kind = self.payload_type.removeprefix(TYPE_BEGIN).removesuffix(TYPE_END)
        return kind if self.payload_type == TYPE_BEGIN + kind + TYPE_END else ""

    def signers(self, keys: Collection[bytes]) -> frozenset[bytes]:
        """Return which of these public keys signed it, each of them once however often it did."""
        message = signed_bytes(self.payload_type, self.payload)
        by_id = {key_id(key): key for key in keys}
        return frozenset(
            by_id[one.keyid]
            for one in self.signatures
            if one.keyid in by_id and is_signed(message, one.sig, by_id[one.keyid])
        )


def open_envelope(data: bytes) -> Envelope:
    """Read an envelope, strictly. Raises Malformed, before parsing if it is too large."""
    if len(data) > limits.ENVELOPE_BYTES:
        raise Malformed(f"an envelope has at most {limits.ENVELOPE_BYTES} bytes")
    return read(Envelope, data)


def seal(kind: str, payload: bytes, *keys: Ed25519PrivateKey) -> bytes:
    """Sign a payload's bytes with each of the keys, and spell the envelope."""
    payload_type = TYPE_BEGIN + kind + TYPE_END
    message = signed_bytes(payload_type, payload)
    signatures = [
        {
            "keyid": key_id(key.public_key().public_bytes_raw()),
            "sig": encode_base64(key.sign(message)),
        }
        for key in keys
    ]
    envelope = {
        "payloadType": payload_type,
        "payload": encode_base64(payload),
        "signatures": signatures,
    }
    return json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode("ascii")


def signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """Spell what the signature is made over: DSSE's pre-authentication encoding."""
    spelt = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(spelt), spelt, len(payload), payload)


@lru_cache(maxsize=limits.KEYS)
def key_id(public: bytes) -> str:
    """Name a public key: the SHA-256 of its 32 bytes, in hex."""
    return hashlib.sha256(public).hexdigest()


def is_signed(message: bytes, signature: bytes, public: bytes) -> bool:
    """Say whether `signature` is the one of `message` by the key `public`. Never raises."""
    if not (_is_sound(public) and _is_sound(signature[:32])):
        return False
    try:
        _public_key(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=limits.KEYS)
def _public_key(public: bytes) -> Ed25519PublicKey:
    """Read a public key. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(public)


def _is_sound(point: bytes) -> bool:
    """Say whether a point is spelled in the one right way and is not of small order."""
    y = int.from_bytes(point, "little") & (2**255 - 1)
    return y < _P and y not in _SMALL_ORDER
