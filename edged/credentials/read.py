"""The checks that a code goes through before anybody asks who presents it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edged.credentials import base45, proof, rotating
from edged.credentials.claims import CLAIMS, Proven, RotatingCode
from policy.model import CodeKind, IssuerKey, Reason


@dataclass(frozen=True, slots=True)
class Refused:
    """A text that opens nothing, and why. `kind` None: it is no code that we know."""

    reason: Reason
    kind: CodeKind | None = None


@dataclass(frozen=True, slots=True)
class Unproven:
    """A rotating code of which only a key of its member can tell whether it is one.

    `claims` is not to be believed before `prove` has returned it.
    """

    claims: RotatingCode
    message: bytes = field(repr=False)
    proof: bytes = field(repr=False)


_HEAD = 3
"""Characters before the Base45: the kind and a colon."""

_KNOWN = {f"{claims.kind}:".encode(): claims for claims in CLAIMS}
_PROOF = {head: rotating.SIZE if head == b"R1:" else proof.SIZE for head in _KNOWN}
_LENGTH = {
    head: _HEAD + base45.encoded_size(claims.layout.size + _PROOF[head])
    for head, claims in _KNOWN.items()
}


def read(
    text: bytes,
    *,
    accepted: frozenset[CodeKind],
    tenant: str,
    keys: Mapping[int, IssuerKey],
    store: int | None = None,
) -> Proven | Unproven | Refused:
    """Read a code and check all that needs neither a clock nor a member.

    Total: any bytes of any length have an answer and nothing is raised. A text is decoded
    only if its length is exactly its kind's, so no more than 165 characters ever are. The
    order of the checks, and so the reason for a text with several faults, is that of
    spec/credentials.md "Checks".

    Args:
        text: What the reader read, without its terminator.
        accepted: The kinds that this reader may take.
        tenant: The tenant id of the rules, ASCII.
        keys: The tenant's keys by `kid`.
        store: The number of the reader's store, None: it has none.
    """
    head = text[:_HEAD]
    if len(text) != _LENGTH.get(head):
        return Refused(Reason.CODE_UNREADABLE)
    whole = base45.decode(text[_HEAD:])
    if whole is None:
        return Refused(Reason.CODE_UNREADABLE)
    known = _KNOWN[head]
    if known.kind not in accepted:
        return Refused(Reason.CODE_KIND_NOT_ACCEPTED, known.kind)
    body, proved = whole[: -_PROOF[head]], whole[-_PROOF[head] :]
    claims = known.unpack(body)
    key = keys.get(claims.kid)
    if key is None or key.role is not known.role:
        return Refused(Reason.CODE_UNKNOWN_KEY, known.kind)
    message = b"edged-qr/%b\0%b\0%b" % (known.kind.encode(), tenant.encode(), body)
    if isinstance(claims, RotatingCode):
        if claims.store != store:
            return Refused(Reason.CODE_OTHER_STORE, known.kind)
        return Unproven(claims, message, proved)
    if key.public is None or not proof.is_signed(message, proved, key.public):
        return Refused(Reason.CODE_BAD_SIGNATURE, known.kind)
    return claims


def prove(code: Unproven, key: bytes | None) -> RotatingCode | Refused:
    """Return what a rotating code says, if it was made with its member's key for this store.

    `key` None: no such member is known here, or none with a key of this epoch.
    """
    if key is None:
        return Refused(Reason.MEMBER_NOT_SYNCED, CodeKind.R1)
    if not rotating.is_made(code.message, code.proof, key):
        return Refused(Reason.CODE_BAD_SIGNATURE, CodeKind.R1)
    return code.claims


def names_kind(text: bytes) -> bool:
    """Tell whether a text begins as a code with a proof does, whatever follows."""
    return text[:_HEAD] in _KNOWN
