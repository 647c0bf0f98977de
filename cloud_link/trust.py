"""Which keys speak for the tenant, and in which role. Pure: documents in, documents out.

Source: README.md "trust" and "Roles". A rotation needs the old roots and the new ones, so that
neither a stolen new key nor a forgotten old one moves the trust alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.x509 import BasicConstraints, ExtensionNotFound, load_der_x509_certificate

from cloud_link.envelope import Envelope, open_envelope
from cloud_link.shapes import Malformed, read
from cloud_link.wire import Role, Trust

ROLES: Final[Mapping[str, Role]] = {
    "manifest": Role.RULES,
    "command": Role.COMMANDS,
    "checkpoint": Role.ACKS,
    "usage": Role.ACKS,
    "restore": Role.ACKS,
    "pulse": Role.TIME,
    "renewed": Role.ACKS,
}
"""Who may sign what comes down, but for `trust`, which is the roots'."""


class Distrusted(ValueError):
    """A trust document does not count; the text says why."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """A document that counts, and the envelope that it came in."""

    document: Trust
    envelope: bytes

    def speakers(self, role: Role, earliest: datetime) -> frozenset[bytes]:
        """Return the keys that sign in this role while it is at least `earliest`."""
        return frozenset(
            held.key
            for held in self.document.keys
            if role in held.roles and (held.until is None or earliest <= held.until)
        )


def pin(data: bytes, tenant: str) -> Trusted:
    """Take the first document, on an installer's word: signed by its own roots.

    Raises Distrusted: of another tenant, or not what it should be.
    """
    envelope, document = _read(data, tenant)
    _demand(envelope, document, "its own roots")
    return Trusted(document, data)


def follow(held: Trusted, data: bytes) -> Trusted:
    """Take a later document: signed by the roots of the one before and by its own.

    One that is no newer changes nothing, as everything may come twice and late. Raises Distrusted.
    """
    before = held.document
    envelope, document = _read(data, before.tenant)
    if document.version <= before.version:
        return held
    same_roots = (
        frozenset(document.roots) == frozenset(before.roots)
        and document.threshold == before.threshold
    )
    if document.version > before.version + 1 and not same_roots:
        raise Distrusted("versions between are missing, and the roots changed")
    _demand(envelope, before, "the roots before it")
    _demand(envelope, document, "its own roots")
    return Trusted(document, data)


def _read(data: bytes, tenant: str) -> tuple[Envelope, Trust]:
    """Read what is not verified yet: who signs it is in it, as with any first certificate."""
    try:
        envelope = open_envelope(data)
        if envelope.kind != "trust":
            raise Distrusted("not a trust document")
        document = read(Trust, envelope.payload)
    except Malformed as error:
        raise Distrusted(str(error)) from None
    if not all(map(_is_authority, document.authorities)):
        raise Distrusted("authorities: not the certificate of one")
    if document.tenant != tenant:
        raise Distrusted("of another tenant")
    return envelope, document


def _is_authority(certificate: bytes) -> bool:
    """Whether this certificate, DER, may be the issuer of others."""
    try:
        found = load_der_x509_certificate(certificate)
        return found.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ValueError, ExtensionNotFound):
        return False


def _demand(envelope: Envelope, rooted: Trust, whose: str) -> None:
    """Raise Distrusted unless the threshold of distinct roots of `rooted` signed."""
    if len(envelope.signers(rooted.roots)) < rooted.threshold:
        raise Distrusted(f"not signed by {rooted.threshold} of {whose}")
