"""A small issuer, written from spec/credentials.md and sharing nothing with the decoder."""

import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policy.model import IssuerKey, KeyRole

TENANT = "acme"
ISSUED = datetime(2026, 11, 4, 3, 0, tzinfo=UTC)
HANDLE = bytes.fromhex("a1b2c3d4e5f60718")

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CHARACTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


@dataclass(frozen=True)
class Signer:
    """A key of the tenant, with its secret."""

    kid: int
    seed: bytes
    role: KeyRole = KeyRole.MEMBER

    @property
    def public(self) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def key(self) -> IssuerKey:
        return IssuerKey(self.kid, self.role, self.public)

    def sign(self, message: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    @property
    def scalar(self) -> int:
        """The secret number of RFC 8032 5.1.5, to make signatures that no library makes."""
        low = bytearray(hashlib.sha512(self.seed).digest()[:32])
        low[0] &= 248
        low[31] = low[31] & 127 | 64
        return int.from_bytes(low, "little")


SIGNER = Signer(7, b"\x11" * 32)
STAFF_SIGNER = Signer(6, b"\x66" * 32, KeyRole.STAFF)
BOOKING_SIGNER = Signer(5, b"\x55" * 32, KeyRole.BOOKING)
EPOCH = IssuerKey(4, KeyRole.ROTATING, None)
KEYS = {7: SIGNER.key, 6: STAFF_SIGNER.key, 5: BOOKING_SIGNER.key, 4: EPOCH}
STORE = bytes.fromhex("0102030405060708")
ROOM = bytes.fromhex("1112131415161718")
BOOKING = bytes.fromhex("2122232425262728")
NUMBER = 258
STORE_KEY = b"\x44" * 32
STEP = int(ISSUED.timestamp()) // 15


def m1_body(kid: int = 7, issued: datetime = ISSUED, ttl_min: int = 30, nonce: int = 99) -> bytes:
    return struct.pack(">B8sIHI", kid, HANDLE, int(issued.timestamp()), ttl_min, nonce)


def f1_body(kid: int = 7, version: int = 3) -> bytes:
    return struct.pack(">B8sH", kid, HANDLE, version)


def t1_body(
    kid: int = 6, store: bytes = STORE, issued: datetime = ISSUED, ttl_min: int = 10
) -> bytes:
    return struct.pack(">B8s8sIHI", kid, HANDLE, store, int(issued.timestamp()), ttl_min, 99)


def t2_body(kid: int = 6, version: int = 3) -> bytes:
    return struct.pack(">B8sH", kid, HANDLE, version)


def b1_body(kid: int = 5, uses: int = 2, room: bytes = ROOM, minutes: int = 90) -> bytes:
    at_s = int(ISSUED.timestamp())
    whom = BOOKING + HANDLE + STORE + room
    return struct.pack(">B32sIHBI", kid, whom, at_s + 600, minutes, uses, at_s)


def r1_body(kid: int = 4, store: int = NUMBER, step: int = STEP) -> bytes:
    return struct.pack(">B8sHI", kid, HANDLE, store, step)


def message(kind: str, body: bytes, tenant: str = TENANT) -> bytes:
    return b"edged-qr/" + kind.encode() + b"\0" + tenant.encode() + b"\0" + body


def text(kind: str, payload: bytes) -> bytes:
    """Spell a payload as RFC 9285 4 says, by its formula for c, d and e."""
    spelled = b""
    for i in range(0, len(payload) - 1, 2):
        n = payload[i] * 256 + payload[i + 1]
        spelled += bytes(CHARACTERS[k] for k in (n % 45, n // 45 % 45, n // 2025))
    if len(payload) % 2:
        spelled += bytes(CHARACTERS[k] for k in (payload[-1] % 45, payload[-1] // 45))
    return kind.encode() + b":" + spelled


def issue(kind: str, body: bytes, signer: Signer = SIGNER, tenant: str = TENANT) -> bytes:
    return text(kind, body + signer.sign(message(kind, body, tenant)))


def rotate(body: bytes, key: bytes = STORE_KEY, tenant: str = TENANT) -> bytes:
    """Prove a rotating code: the first 8 bytes of RFC 2104's HMAC, by its formula."""
    padded = key.ljust(64, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C))
    within = hashlib.sha256(inner + message("R1", body, tenant)).digest()
    return text("R1", body + hashlib.sha256(outer + within).digest()[:8])


M1 = issue("M1", m1_body())
F1 = issue("F1", f1_body())
T1 = issue("T1", t1_body(), STAFF_SIGNER)
T2 = issue("T2", t2_body(), STAFF_SIGNER)
B1 = issue("B1", b1_body(), BOOKING_SIGNER)
R1 = rotate(r1_body())
