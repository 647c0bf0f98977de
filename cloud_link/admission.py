"""What a device says to be enrolled, and whether the answer is its cloud's. Pure.

The broker at which this happens lets everybody in, so nothing counts by where it came from: an
answer counts by the claim's proof, or by the trust that the installer named, and by the signature
of a key that this trust names.

Source: README.md "Enrolment".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_link.claim import proof, proves
from cloud_link.envelope import open_envelope, seal
from cloud_link.shapes import Malformed, canonical, read
from cloud_link.trust import Distrusted, Trusted, follow, pin
from cloud_link.wire import Admission, Enrol, Role


@dataclass(frozen=True, slots=True)
class Granted:
    """The device is enrolled: its certificate (PEM), and the trust document that counts."""

    certificate: str
    trust: bytes


@dataclass(frozen=True, slots=True)
class NotYet:
    """It is not. Nobody vouches for this word: it is shown, and changes nothing."""

    refused: bool
    why: str


class NotOurs(ValueError):
    """An answer that is not the cloud's to this request; the text says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and by what the answer is known: a claim's key, or a trust document.

    `trust`: the SHA-256 of the first document's envelope; `held`: the document that counts here.
    One of the three is there.
    """

    enrol: Enrol
    claim: bytes | None
    trust: str | None
    held: bytes | None

    def sealed(self, key: Ed25519PrivateKey) -> bytes:
        """Spell and sign the request."""
        enrol = self.enrol
        if self.claim is not None:
            said = proof(self.claim, "enrol", enrol)
            enrol = enrol.model_copy(update={"proof": said})
        return seal("enrol", canonical(enrol), key)


def answered(asked: Asked, data: bytes, earliest: datetime) -> Granted | NotYet:
    """Return what came of a request; `earliest`: see `Trusted.speakers`. Raises NotOurs."""
    try:
        envelope = open_envelope(data)
        if envelope.kind != "admission":
            raise NotOurs("not an admission")
        said = read(Admission, envelope.payload)
    except Malformed as error:
        raise NotOurs(str(error)) from None
    wanted = asked.enrol
    if (said.tenant, said.device, said.request) != (wanted.tenant, wanted.device, wanted.request):
        raise NotOurs("of another request")
    if said.state != "granted":
        return NotYet(said.state == "refused", said.why)
    try:
        trusted = _trusted(asked, said)
    except Distrusted as error:
        raise NotOurs(f"the trust document: {error}") from None
    if not envelope.signers(trusted.speakers(Role.ACKS, earliest)):
        raise NotOurs("not signed by the cloud")
    return Granted(said.certificate, trusted.envelope)


def _trusted(asked: Asked, said: Admission) -> Trusted:
    """Return the trust document that counts from now on. Raises Distrusted, NotOurs."""
    tenant = asked.enrol.tenant
    if asked.claim is not None:
        bare = said.model_copy(update={"proof": None})
        if not proves(asked.claim, "admission", bare, said.proof):
            raise NotOurs("its author does not know the claim")
        return _followed(None, said.trust, tenant)
    if asked.trust is not None:
        if not said.trust or sha256(said.trust[0]).hexdigest() != asked.trust:
            raise NotOurs("its trust document is not the one that was named")
        return _followed(None, said.trust, tenant)
    if asked.held is None:
        raise NotOurs("nothing says whom to trust")
    return _followed(pin(asked.held, tenant), said.trust, tenant)


def _followed(held: Trusted | None, documents: Sequence[bytes], tenant: str) -> Trusted:
    for document in documents:
        held = pin(document, tenant) if held is None else follow(held, document)
    if held is None:
        raise NotOurs("no trust document")
    return held
