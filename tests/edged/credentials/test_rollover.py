"""Codes of an old and of a new key, while both are in the rules and when one is not any more."""

import pytest

from edged.credentials.claims import MemberCode
from edged.credentials.read import Refused, read
from policy.model import CodeKind, IssuerKey, Reason
from tests.edged.credentials.issuer import SIGNER, TENANT, Signer, issue, m1_body

OLD, NEW = SIGNER, Signer(11, b"\x66" * 32)


def keys_of(*signers: Signer) -> dict[int, IssuerKey]:
    return {signer.kid: signer.key for signer in signers}


def reason(code: bytes, keys: dict[int, IssuerKey]) -> Reason:
    claims = read(code, accepted=frozenset(CodeKind), tenant=TENANT, keys=keys)
    if isinstance(claims, Refused):
        return claims.reason
    assert isinstance(claims, MemberCode)
    return Reason.OK


@pytest.mark.threat("G6", "G7")
@pytest.mark.parametrize(
    ("keys", "old", "new"),
    [
        (keys_of(OLD), Reason.OK, Reason.CODE_UNKNOWN_KEY),
        (keys_of(OLD, NEW), Reason.OK, Reason.OK),
        (keys_of(NEW), Reason.CODE_UNKNOWN_KEY, Reason.OK),
        (keys_of(), Reason.CODE_UNKNOWN_KEY, Reason.CODE_UNKNOWN_KEY),
        ({OLD.kid: NEW.key}, Reason.CODE_BAD_SIGNATURE, Reason.CODE_UNKNOWN_KEY),
    ],
    ids=["before", "both", "after", "none", "the number used again"],
)
def test_a_code_is_good_while_its_key_is_in_the_rules(
    keys: dict[int, IssuerKey], old: Reason, new: Reason
) -> None:
    codes = {signer: issue("M1", m1_body(kid=signer.kid), signer) for signer in (OLD, NEW)}
    assert (reason(codes[OLD], keys), reason(codes[NEW], keys)) == (old, new)
