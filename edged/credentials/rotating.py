"""The proof of a rotating code: made on the phone, told by a key that only one store has."""

import hashlib
import hmac

SIZE = 8
"""Bytes of a proof: the first of the HMAC-SHA256."""


def is_made(message: bytes, proof: bytes, key: bytes) -> bool:
    """Say whether `proof` was made of `message` with `key`, in a time that tells nothing."""
    return hmac.compare_digest(hmac.digest(key, message, hashlib.sha256)[:SIZE], proof)
