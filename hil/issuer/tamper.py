"""Codes as a cheat would make them. Every device must refuse them."""

import hashlib

import base45

from hil.issuer.codes import Issuer


def forged(text: str, *, offset: int = 1, flip: int = 1) -> str:
    """The same code with the bits `flip` (1..255) of one byte flipped; layout and length stay.

    `offset` counts into body and proof: 0 is the kid, 1..8 the member, -1 the signature's end.
    Raises ValueError if nothing would be changed.
    """
    if not 1 <= flip <= 0xFF:
        raise ValueError(f"flip: must be 1..255, is {flip}")
    kind, _, payload = text.partition(":")
    data = bytearray(base45.b45decode(payload))
    data[offset] ^= flip
    return f"{kind}:{base45.b45encode(bytes(data)).decode()}"


def of_other_tenant(issuer: Issuer) -> Issuer:
    """An issuer with the same key and kid in another tenant's name."""
    return Issuer(f"{issuer.tenant[:60]}-2", issuer.kid, issuer.private_key)


def with_wrong_key(issuer: Issuer) -> Issuer:
    """An issuer of the same tenant and kid with a key of its own."""
    return Issuer(issuer.tenant, issuer.kid, hashlib.sha256(issuer.private_key).digest())
