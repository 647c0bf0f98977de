"""The identity on the disk: its state, and two slots with a key and a certificate each.

What a state names is on the disk before the state is; what it names no more is deleted after.
So a cut at any moment leaves the state before or the one after, and nothing missing of either.
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cloud_link.enrol import Event, Identity, Made, Phase, Slot, leftovers, step
from edged.cloud.files import write_whole
from edged.errors import Untrusted
from edged.store.connection import sync_folder


class _Kept(BaseModel):
    """The file. `claim`: the claim's key in hex."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    phase: Phase
    current: Slot | None
    pending: Slot | None
    made: Made
    request: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")]
    claim: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    trust: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says: its holder and its life."""

    name: str
    begins: datetime
    ends: datetime
    pem: bytes


class Slots:
    """The identity in the state directory. Everything here waits for the disk.

    Everything raises OSError, and Untrusted where a file is not what it should be.
    """

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "cloud" / "identity"
        self._file = self._folder / "identity.json"

    def load(self) -> Identity:
        """Read the identity; a device that has none is new."""
        try:
            kept = _Kept.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return Identity()
        except ValidationError:
            raise Untrusted(f"{self._file} is damaged: delete it, then edged provision") from None
        claim = None if kept.claim is None else bytes.fromhex(kept.claim)
        return Identity(
            kept.phase, kept.current, kept.pending, kept.made, kept.request, claim, kept.trust
        )

    def take(self, identity: Identity, event: Event) -> Identity:
        """Keep what an event makes of an identity, and delete what it does not name any more."""
        after = step(identity, event)
        if after != identity:
            self._begin()
            claim = None if after.claim is None else after.claim.hex()
            kept = _Kept(
                phase=after.phase,
                current=after.current,
                pending=after.pending,
                made=after.made,
                request=after.request,
                claim=claim,
                trust=after.trust,
            )
            write_whole(self._file, kept.model_dump_json().encode())
        self.tidy(after)
        return after

    def _begin(self) -> None:
        """Make the folder, and see that its name is on the disk too."""
        for folder in (self._folder.parent, self._folder):
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True)
                sync_folder(folder.parent)

    def tidy(self, identity: Identity) -> None:
        """Delete the slots that hold nothing which counts."""
        for slot in sorted(leftovers(identity)):
            if (self._folder / slot).exists():
                shutil.rmtree(self._folder / slot)
                sync_folder(self._folder)

    def make_key(self, slot: Slot) -> None:
        """Make the slot's P-256 key, in place of whatever was there."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        shutil.rmtree(self.key_file(slot).parent, ignore_errors=True)
        write_whole(self.key_file(slot), pem)
        sync_folder(self._folder)

    def csr(self, slot: Slot, name: str) -> bytes:
        """Ask for a certificate of the slot's key: PKCS #10, DER."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        asking = x509.CertificateSigningRequestBuilder().subject_name(subject)
        return asking.sign(self._key(slot), hashes.SHA256()).public_bytes(Encoding.DER)

    def put_certificate(self, slot: Slot, name: str, pem: str) -> None:
        """Keep a certificate. Raises Untrusted: it is not this key's, or of another device."""
        certificate = read(pem.encode())
        found = x509.load_pem_x509_certificate(pem.encode())
        if certificate.name != name or found.public_key() != self._key(slot).public_key():
            raise Untrusted("the certificate is another device's")
        write_whole(self.certificate_file(slot), pem.encode())

    def certificate(self, slot: Slot) -> Certificate:
        """Read the certificate of a slot."""
        return read(self.certificate_file(slot).read_bytes())

    def certificate_file(self, slot: Slot) -> Path:
        """Name the file of a slot's certificate."""
        return self._folder / slot / "certificate.pem"

    def key_file(self, slot: Slot) -> Path:
        """Name the file of a slot's key."""
        return self._folder / slot / "key.pem"

    def _key(self, slot: Slot) -> ec.EllipticCurvePrivateKey:
        path = self.key_file(slot)
        try:
            found = load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError):
            found = None
        if not isinstance(found, ec.EllipticCurvePrivateKey):
            raise Untrusted(f"{path} holds no P-256 key")
        return found


def read(pem: bytes) -> Certificate:
    """Read a certificate, the first of those in the text. Raises Untrusted."""
    try:
        found = x509.load_pem_x509_certificate(pem)
        names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    except (ValueError, x509.ExtensionNotFound) as error:
        raise Untrusted(f"the certificate can't be read: {error}") from None
    name = str(names[0].value) if len(names) == 1 else ""
    return Certificate(name, begins.astimezone(UTC), ends.astimezone(UTC), pem)
