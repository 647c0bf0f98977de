"""Plain codes as the cloud hands them to a store: hashes that only its pepper makes."""

import hashlib
import hmac


def hashed(pepper: bytes, text: str) -> str:
    """The hex digits that stand in the rules for a barcode, a number or a PIN."""
    return hmac.new(pepper, text.encode("ascii"), hashlib.sha256).hexdigest()
