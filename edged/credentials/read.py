"""The checks that a code goes through before anybody asks who presents it."""

from collections.abc import Mapping
from dataclasses import dataclass

from edged.credentials import base45, proof
from edged.credentials.claims import CLAIMS, RESERVED, Claims
from policy.model import CodeKind, IssuerKey, Reason


@dataclass(frozen=True, slots=True)
class Refused:
    """A text that opens nothing, and why. `kind` None: it is no code that we know."""

    reason: Reason
    kind: CodeKind | None = None


_HEAD = 3
"""Characters before the Base45: the kind and a colon."""

_KNOWN = {f"{claims.kind}:".encode(): claims for claims in CLAIMS}
_LENGTH = {
    head: _HEAD + base45.encoded_size(size)
    for head, size in (
        *((head, claims.layout.size + proof.SIZE) for head, claims in _KNOWN.items()),
        *((f"{kind}:".encode(), size) for kind, size in RESERVED.items()),
    )
}


def read(
    text: bytes,
    *,
    accepted: frozenset[CodeKind],
    tenant: str,
    keys: Mapping[int, IssuerKey],
) -> Claims | Refused:
    """Read a code and check all that needs neither a clock nor a member.

    Total: any bytes of any length have an answer and nothing is raised. A text is decoded
    only if its length is exactly its kind's, so no more than 165 characters ever are. The
    order of the checks, and so the reason for a text with several faults, is that of
    spec/credentials.md "Checks". A well-spelled code of a reserved kind is not accepted
    here, rather than unreadable: the audit shows that other codes are about.

    Args:
        text: What the reader read, without its terminator.
        accepted: The kinds that this reader may take.
        tenant: The tenant id of the rules, ASCII.
        keys: The tenant's keys by `kid`.
    """
    head = text[:_HEAD]
    if len(text) != _LENGTH.get(head):
        return Refused(Reason.CODE_UNREADABLE)
    signed = base45.decode(text[_HEAD:])
    if signed is None:
        return Refused(Reason.CODE_UNREADABLE)
    known = _KNOWN.get(head)
    if known is None:
        return Refused(Reason.CODE_KIND_NOT_ACCEPTED)
    if known.kind not in accepted:
        return Refused(Reason.CODE_KIND_NOT_ACCEPTED, known.kind)
    body, signature = signed[: -proof.SIZE], signed[-proof.SIZE :]
    claims = known.unpack(body)
    key = keys.get(claims.kid)
    if key is None or key.role is not known.role:
        return Refused(Reason.CODE_UNKNOWN_KEY, known.kind)
    message = b"edged-qr/%b\0%b\0%b" % (known.kind.encode(), tenant.encode(), body)
    if not proof.is_signed(message, signature, key.public):
        return Refused(Reason.CODE_BAD_SIGNATURE, known.kind)
    return claims
