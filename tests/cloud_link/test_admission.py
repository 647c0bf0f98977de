"""Which answer a device that asks to be enrolled takes, and which not."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_link.admission import Asked, Granted, NotOurs, NotYet, answered
from cloud_link.claim import claim_key, proof
from cloud_link.envelope import open_envelope
from cloud_link.shapes import canonical, read
from cloud_link.wire import Admission, Enrol
from hil.byzantine.tenant import Tenant, base64ed, public, seal, spelt
from tests.cloud_link.make_vectors import AT

TENANT, LIARS = Tenant("acme"), Tenant("liars")
LIARS.name = "acme"
CLAIM = claim_key("0123-4567-89AB-CDEF-GHJK")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ENROL = Enrol(
    tenant="acme",
    device="gate-1",
    serial="SN-1",
    request="a" * 32,
    key=public(KEY),
    csr=b"a request",
    proof=None,
)
FIRST = TENANT.trust(1, AT)
ASKED = Asked(ENROL, CLAIM, None, None)
BY_NAME = replace(ASKED, claim=None, trust=sha256(FIRST).hexdigest())
BY_PIN = replace(ASKED, claim=None, held=FIRST)
WAYS = pytest.mark.parametrize("asked", [ASKED, BY_NAME, BY_PIN], ids=["claim", "name", "pin"])


def answer(
    by: Tenant = TENANT, claim: bytes | None = CLAIM, role: str = "acks", **changed: Any
) -> bytes:
    """What a cloud says; by default what the right one does to who has the claim."""
    payload = {
        "v": 1,
        "tenant": "acme",
        "device": "gate-1",
        "request": "a" * 32,
        "state": "granted",
        "why": "",
        "certificate": "PEM",
        "trust": [base64ed(by.trust(1, AT))],
        "proof": None,
        **changed,
    }
    if claim is not None:
        said = read(Admission, spelt(payload))
        payload["proof"] = proof(claim, "admission", said)
    return seal("admission", spelt(payload), by.by_role[role])


@WAYS
def test_the_clouds_word_is_taken(asked: Asked) -> None:
    assert answered(asked, answer(), AT) == Granted("PEM", FIRST)


@pytest.mark.threat("G2", "D9")
@WAYS
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(answer(LIARS, None), id="of a liar"),
        pytest.param(answer(role="time"), id="by a key of another role"),
        pytest.param(answer(device="gate-2"), id="to another device"),
        pytest.param(answer(request="b" * 32), id="to another request"),
        pytest.param(answer(tenant="other"), id="of another tenant"),
        pytest.param(answer(more=1, claim=None), id="with one member more"),
        pytest.param(b"{}", id="of nobody"),
    ],
)
def test_what_is_not_the_clouds_word_is_not(asked: Asked, wrong: bytes) -> None:
    with pytest.raises(NotOurs):
        answered(asked, wrong, AT)


@pytest.mark.threat("G2")
@pytest.mark.parametrize("claim", [None, claim_key("0" * 20)])
def test_who_does_not_know_the_claim_is_not_trusted(claim: bytes | None) -> None:
    with pytest.raises(NotOurs, match="does not know the claim"):
        answered(ASKED, answer(claim=claim), AT)


def test_who_is_to_be_trusted_has_to_be_said() -> None:
    for asked in (ASKED, BY_NAME):
        with pytest.raises(NotOurs, match="trust document"):
            answered(asked, answer(trust=[]), AT)


@pytest.mark.threat("G6")
@WAYS
def test_the_last_document_counts_and_follows_the_first(asked: Asked) -> None:
    second = TENANT.trust(2, AT)
    both = [base64ed(FIRST), base64ed(second)]
    assert answered(asked, answer(trust=both), AT) == Granted("PEM", second)
    forged = [base64ed(FIRST), base64ed(LIARS.trust(2, AT))]
    with pytest.raises(NotOurs, match="trust document"):
        answered(asked, answer(trust=forged), AT)


@pytest.mark.parametrize("state", ["waiting", "refused"])
def test_no_is_shown_whoever_says_it(state: str) -> None:
    said = answered(ASKED, answer(LIARS, None, state=state, why="BUSY"), AT)
    assert said == NotYet(state == "refused", "BUSY")


def test_nobody_is_trusted_where_nothing_says_whom() -> None:
    with pytest.raises(NotOurs, match="whom to trust"):
        answered(replace(ASKED, claim=None), answer(), AT)


def test_a_request_proves_the_claim_and_does_not_hold_it() -> None:
    envelope = open_envelope(ASKED.sealed(KEY))
    said = read(Enrol, envelope.payload)
    assert envelope.signers([public(KEY)])
    assert said.proof == proof(CLAIM, "enrol", ENROL)
    assert CLAIM.hex() not in canonical(said).decode()
    assert read(Enrol, open_envelope(BY_NAME.sealed(KEY)).payload).proof is None


def test_what_is_no_admission_says_nothing_though_the_cloud_signed_it() -> None:
    envelope = seal("checkpoint", open_envelope(answer()).payload, TENANT.by_role["acks"])
    with pytest.raises(NotOurs, match="not an admission"):
        answered(ASKED, envelope, AT)
