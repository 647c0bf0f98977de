"""Devices that nobody knows yet, written from the contract's text."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from hil.chain.device import open_signed, pinned, seal, spell
from tests.hil.cloud.world import TENANT, Office


@dataclass
class Newcomer:
    """A device before its first certificate. `code`: its claim, if it has one."""

    name: str = "new"
    serial: str = "SN-1"
    code: str = ""
    request: str = field(default_factory=lambda: secrets.token_hex(16))
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    tls: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.public).hexdigest()

    def csr(self, name: str | None = None) -> str:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name or self.name)])
        made = x509.CertificateSigningRequestBuilder().subject_name(subject)
        return _b64(made.sign(self.tls, hashes.SHA256()).public_bytes(Encoding.DER))

    def enrol(self, **changed: Any) -> bytes:
        who = {"v": 1, "tenant": TENANT, "device": self.name, "serial": self.serial}
        what = {"request": self.request, "key": _b64(self.public), "csr": self.csr()}
        payload = {**who, **what, **changed, "proof": None}
        if self.code:
            payload["proof"] = self.proof("enrol", payload)
        return seal("enrol", spell(payload), self.key)

    def proof(self, kind: str, payload: dict[str, Any]) -> str:
        claim = hashlib.sha256(b"edged claim\n" + self.code.replace("-", "").encode()).digest()
        said = kind.encode() + b"\n" + spell({**payload, "proof": None})
        return hmac.new(claim, said, hashlib.sha256).hexdigest()


def claimed(office: Office, **who: Any) -> Newcomer:
    """A device whose claim an operator has just made."""
    made = Newcomer(**who)
    (told,) = office.run("device", "add", made.name, "--serial", made.serial)
    made.code = told["claim"]
    return made


def signed(office: Office, kind: str, data: bytes) -> dict[str, Any]:
    """What the cloud said, by its key of acknowledgements."""
    return open_signed(data, kind, pinned((office.folder / "trust.json").read_bytes()).keys("acks"))


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
