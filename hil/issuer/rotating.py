"""Rotating codes as a phone makes them, written from spec/credentials.md alone (R1)."""

import hashlib
import hmac
import struct

import base45
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hil.issuer.codes import fits, handle_of, key_of, tenant_of

STEP_S = 15
_BODY = struct.Struct(">B8sHI")  # kid, member, store, step
_PROOF_BYTES = 8


class Phone:
    """A member's app: one member of one tenant, in one key epoch.

    Args:
        tenant: Tenant id, as `Issuer` has it.
        kid: The key epoch, 0..255.
        member_key: The member's secret of this epoch, 32 bytes.
        member: The member's handle, 8 bytes.

    Raises:
        ValueError: one of these is not what it should be.
    """

    def __init__(self, tenant: str, kid: int, member_key: bytes, member: bytes) -> None:
        self.tenant = tenant_of(tenant)
        self.kid = fits("kid", kid, bits=8)
        self.member_key = key_of("member_key", member_key)
        self.member = handle_of(member)

    def store_key(self, store: int) -> bytes:
        """The 32 bytes that the devices of a store (0..65535) get: they tell nothing of others."""
        where = bytes([self.kid]) + struct.pack(">H", fits("store", store, bits=16))
        info = b"edged-qr/R1\0" + self.tenant.encode("ascii") + b"\0" + where
        return HKDF(SHA256(), length=32, salt=b"", info=info).derive(self.member_key)

    def r1(self, store: int, step: int) -> str:
        """The code of a step, 38 characters.

        Args:
            store: The number of the store that is chosen in the app, 0..65535.
            step: Unix time in s // 15 by the phone's clock, 0..2**32 - 1.

        Raises:
            ValueError: a value does not fit its field.
        """
        numbers = fits("store", store, bits=16), fits("step", step, bits=32)
        return self.proved(_BODY.pack(self.kid, self.member, *numbers), store)

    def proved(self, body: bytes, store: int) -> str:
        """The text of a code with any body, right or wrong, and a good proof for a store."""
        message = b"edged-qr/R1\0" + self.tenant.encode("ascii") + b"\0" + body
        proof = hmac.new(self.store_key(store), message, hashlib.sha256).digest()[:_PROOF_BYTES]
        return f"R1:{base45.b45encode(body + proof).decode()}"
