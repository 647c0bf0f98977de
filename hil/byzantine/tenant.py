"""A tenant's keys, and its signature under anything; written from the contract's text."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Plain = Mapping[str, Any]

ROLE_OF = {
    "manifest": "rules",
    "command": "commands",
    "checkpoint": "acks",
    "usage": "acks",
    "restore": "acks",
    "pulse": "time",
}


def made_key(name: str) -> Ed25519PrivateKey:
    """Make a key whose name says it all: for tests, and worth nothing elsewhere."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def public(key: Ed25519PrivateKey) -> bytes:
    """Return the public half, 32 bytes."""
    return key.public_key().public_bytes_raw()


def instant(at: datetime) -> str:
    """Spell an instant as the contract does."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def spelt(payload: Plain) -> bytes:
    """Spell a payload as the contract does."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":")).encode("ascii")


def base64ed(data: bytes) -> str:
    """Spell bytes."""
    return base64.b64encode(data).decode("ascii")


def media_type(kind: str) -> str:
    """Name a payload's type."""
    return f"application/vnd.edged.{kind}.v1+json"


def to_be_signed(payload_type: str, payload: bytes) -> bytes:
    """Put together what DSSE signs."""
    kind = payload_type.encode()
    return b" ".join((b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload))


def seal(kind: str, payload: bytes, *keys: Ed25519PrivateKey) -> bytes:
    """Sign with each of the keys."""
    message = to_be_signed(media_type(kind), payload)
    signatures = [
        {
            "keyid": hashlib.sha256(public(key)).hexdigest(),
            "sig": base64ed(key.sign(message)),
        }
        for key in keys
    ]
    whole = {
        "payloadType": media_type(kind),
        "payload": base64ed(payload),
        "signatures": signatures,
    }
    return json.dumps(whole).encode()


def opened(data: bytes, key: Ed25519PrivateKey) -> tuple[str, dict[str, Any]]:
    """Return the kind and the payload of what this key's owner signed.

    Raises ValueError or InvalidSignature.
    """
    whole = json.loads(data)
    payload = base64.b64decode(whole["payload"], validate=True)
    signature = base64.b64decode(whole["signatures"][0]["sig"], validate=True)
    key.public_key().verify(signature, to_be_signed(whole["payloadType"], payload))
    kind = whole["payloadType"].removeprefix("application/vnd.edged.").removesuffix(".v1+json")
    return kind, json.loads(payload)


class Tenant:
    """The keys of one tenant: three roots of which two have to sign, and one for each role."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.roots = [made_key(f"{name} root {n}") for n in range(3)]
        self.by_role = {
            role: made_key(f"{name} {role}") for role in ("rules", "commands", "acks", "time")
        }

    def said(self, kind: str, device: str, **members: object) -> bytes:
        """Sign a payload to a device by the key of its role; `from_` is spelt `from`."""
        plain = {name.removesuffix("_"): value for name, value in members.items()}
        payload = {"v": 1, "tenant": self.name, "device": device, **plain}
        return seal(kind, spelt(payload), self.by_role[ROLE_OF[kind]])

    def trust(
        self,
        version: int,
        at: datetime,
        *,
        roots: Sequence[Ed25519PrivateKey] | None = None,
        signers: Sequence[Ed25519PrivateKey] | None = None,
        until: Mapping[str, datetime] | None = None,
        authorities: Sequence[bytes] = (),
    ) -> bytes:
        """Write down who speaks for the tenant, and which authorities may certify its broker."""
        named = self.roots if roots is None else roots
        ends = until or {}
        keys = [
            {
                "key": base64ed(public(key)),
                "roles": [role],
                "until": instant(ends[role]) if role in ends else None,
            }
            for role, key in self.by_role.items()
        ]
        document: dict[str, Any] = {
            "v": 1,
            "tenant": self.name,
            "version": version,
            "issued_at": instant(at),
            "threshold": 2,
            "roots": [base64ed(public(key)) for key in named],
            "keys": keys,
        }
        if authorities:
            document["authorities"] = [base64ed(one) for one in authorities]
        return seal("trust", spelt(document), *(named[:2] if signers is None else signers))
