"""Claims: codes that enrol one device once, and proofs that their holder made. Pure.

Source: README.md "Enrolment". The code itself goes over no wire.
"""

import hmac
from hashlib import sha256
from typing import Final

from cloud_link import limits
from cloud_link.shapes import Shape, canonical

PREFIX: Final = "EDGED-CLAIM:"
"""What a claim begins with that is shown to a scanner."""

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE: Final = str.maketrans("OIL", "011", "- ")


class BadClaim(ValueError):
    """This is no claim. The text says what is wrong with it, and does not repeat it."""


def claim_key(code: str) -> bytes:
    """Return the key that a claim's code stands for, 32 bytes.

    However the code was typed: in small letters, with other hyphens, `O` for `0`. Raises BadClaim.
    """
    plain = code.strip().upper().removeprefix(PREFIX).translate(_ALIKE)
    if len(plain) != limits.CLAIM_CHARS:
        raise BadClaim(f"a claim has {limits.CLAIM_CHARS} letters and digits")
    if not set(plain) <= set(_ALPHABET):
        raise BadClaim("a claim has the digits, and letters other than I, L, O and U")
    return sha256(b"edged claim\n" + plain.encode()).digest()


def proof(claim: bytes, kind: str, payload: Shape) -> str:
    """Return what only a holder of the claim can say about a payload whose `proof` is null."""
    said = kind.encode() + b"\n" + canonical(payload)
    return hmac.new(claim, said, sha256).hexdigest()


def proves(claim: bytes, kind: str, payload: Shape, said: str | None) -> bool:
    """Say whether `said` is the proof of a payload whose own `proof` is null."""
    return said is not None and hmac.compare_digest(proof(claim, kind, payload), said)
