"""Codes as the cloud would issue them, written from spec/credentials.md alone."""

import re
import struct
from dataclasses import dataclass

import base45
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_M1 = struct.Struct(">B8sIHI")  # kid, member, issued_at, ttl_min, nonce
_F1 = struct.Struct(">B8sH")  # kid, member, version
_T1 = struct.Struct(">B8s8sIHI")  # kid, staff, store, issued_at, ttl_min, nonce
_T2 = struct.Struct(">B8sH")  # kid, staff, version
_B1 = struct.Struct(
    ">B8s8s8s8sIHBI"
)  # kid, booking, user, store, room, not_before, duration_min, uses, issued_at
_HANDLE_BYTES = 8
ALL_STORES = bytes(_HANDLE_BYTES)
"""In place of a store's handle: all stores of the person whose code it is."""
ENTRANCE = bytes(_HANDLE_BYTES)
"""In place of a room's handle: the store's entrance."""
_KEY_BYTES = 32
_TENANT = re.compile(r"[!-~]{1,64}")


@dataclass(frozen=True, slots=True)
class Stay:
    """What a booking code is for: handles of 8 bytes, Unix time in s, minutes 0..65535."""

    booking: bytes
    store: bytes
    not_before: int
    duration_min: int
    room: bytes = ENTRANCE


class Issuer:
    """One key of one tenant.

    Args:
        tenant: Tenant id, 1..64 printable ASCII characters without a space.
        kid: The key's number in the rules, 0..255.
        private_key: 32 bytes, the seed of an Ed25519 key.

    Raises:
        ValueError: one of these is not what it should be.
    """

    def __init__(self, tenant: str, kid: int, private_key: bytes) -> None:
        self.tenant = tenant_of(tenant)
        self.kid = fits("kid", kid, bits=8)
        self.private_key = key_of("private_key", private_key)
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)

    @property
    def public(self) -> bytes:
        """The 32 bytes by which devices know this key."""
        return self._key.public_key().public_bytes_raw()

    def m1(self, handle: bytes, issued_at: int, ttl_min: int, nonce: int) -> str:
        """A member code for the phone, 128 characters (spec/credentials.md, M1).

        Args:
            handle: The member's 8 bytes.
            issued_at: Unix time, s.
            ttl_min: Life, minutes, 0..65535.
            nonce: 0..2**32 - 1.

        Raises:
            ValueError: a value does not fit its field.
        """
        body = _M1.pack(
            self.kid,
            handle_of(handle),
            fits("issued_at", issued_at, bits=32),
            fits("ttl_min", ttl_min, bits=16),
            fits("nonce", nonce, bits=32),
        )
        return self.signed("M1", body)

    def f1(self, handle: bytes, version: int) -> str:
        """A fixed member code to print, 116 characters (spec/credentials.md, F1).

        Args:
            handle: The member's 8 bytes.
            version: 0..65535; a device takes the member's current one only.

        Raises:
            ValueError: a value does not fit its field.
        """
        return self.signed(
            "F1", _F1.pack(self.kid, handle_of(handle), fits("version", version, bits=16))
        )

    def t1(
        self, handle: bytes, issued_at: int, ttl_min: int, nonce: int, *, store: bytes = ALL_STORES
    ) -> str:
        """A staff or installer code, 140 characters (spec/credentials.md, T1).

        Args:
            handle: The staff person's 8 bytes.
            issued_at: Unix time, s.
            ttl_min: Life, minutes, 0..65535.
            nonce: 0..2**32 - 1.
            store: The handle of the one store that it is for.

        Raises:
            ValueError: a value does not fit its field.
        """
        body = _T1.pack(
            self.kid,
            handle_of(handle),
            handle_of(store, "store"),
            fits("issued_at", issued_at, bits=32),
            fits("ttl_min", ttl_min, bits=16),
            fits("nonce", nonce, bits=32),
        )
        return self.signed("T1", body)

    def b1(self, stay: Stay, user: bytes, issued_at: int, *, uses: int = 0) -> str:
        """A booking code, sent when it is paid, 165 characters (spec/credentials.md, B1).

        Args:
            stay: What is booked.
            user: The handle of who uses it.
            issued_at: Unix time, s.
            uses: How often each device takes it, 0..255; 0: any number.

        Raises:
            ValueError: a value does not fit its field.
        """
        body = _B1.pack(
            self.kid,
            handle_of(stay.booking, "booking"),
            handle_of(user, "user"),
            handle_of(stay.store, "store"),
            handle_of(stay.room, "room"),
            fits("not_before", stay.not_before, bits=32),
            fits("duration_min", stay.duration_min, bits=16),
            fits("uses", uses, bits=8),
            fits("issued_at", issued_at, bits=32),
        )
        return self.signed("B1", body)

    def t2(self, handle: bytes, version: int) -> str:
        """A fixed staff card to print, 116 characters (spec/credentials.md, T2).

        Args:
            handle: The staff person's 8 bytes.
            version: 0..65535; a device takes the person's current one only.

        Raises:
            ValueError: a value does not fit its field.
        """
        return self.signed(
            "T2", _T2.pack(self.kid, handle_of(handle), fits("version", version, bits=16))
        )

    def signed(self, kind: str, body: bytes) -> str:
        """The text of a code with any body, right or wrong, and a good signature over it."""
        message = b"edged-qr/%b\0%b\0%b" % (kind.encode("ascii"), self.tenant.encode(), body)
        return f"{kind}:{base45.b45encode(body + self._key.sign(message)).decode()}"


def tenant_of(tenant: str) -> str:
    """The tenant id if it is one; raises ValueError."""
    if not _TENANT.fullmatch(tenant):
        raise ValueError("tenant: must be 1..64 printable ASCII characters")
    return tenant


def key_of(field: str, key: bytes) -> bytes:
    """A secret if it has 32 bytes; raises ValueError."""
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{field}: must be {_KEY_BYTES} bytes, is {len(key)}")
    return key


def handle_of(handle: bytes, field: str = "handle") -> bytes:
    """A handle if it has 8 bytes; raises ValueError."""
    if len(handle) != _HANDLE_BYTES:
        raise ValueError(f"{field}: must be {_HANDLE_BYTES} bytes, is {len(handle)}")
    return handle


def fits(field: str, value: int, *, bits: int) -> int:
    """A number if it fits so many bits; raises ValueError."""
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{field}: must be 0..{(1 << bits) - 1}, is {value}")
    return value
