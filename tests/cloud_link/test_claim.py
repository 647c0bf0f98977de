import pytest

from cloud_link.claim import BadClaim, claim_key, proof, proves
from cloud_link.wire import Renew

CODE = "0123-4567-89AB-CDEF-GHJK"
SAID = Renew(tenant="acme", device="gate-1", request="0" * 32, csr=b"x")


@pytest.mark.parametrize(
    "typed",
    [CODE.lower(), CODE.replace("-", ""), "EDGED-CLAIM:" + CODE, " O123 4567 89ab CDEF ghjk\n"],
)
def test_a_claim_may_be_typed_in_several_ways(typed: str) -> None:
    assert claim_key(typed) == claim_key(CODE)


@pytest.mark.parametrize("typed", ["", CODE[:-1], CODE + "0", CODE.replace("A", "U"), "é" * 20])
def test_what_is_no_claim_is_not_repeated(typed: str) -> None:
    with pytest.raises(BadClaim) as refused:
        claim_key(typed)
    assert typed == "" or typed not in str(refused.value)


@pytest.mark.threat("G2")
def test_a_proof_is_of_one_claim_one_type_and_one_payload() -> None:
    key, other = claim_key(CODE), claim_key(CODE.replace("0", "1"))
    said = proof(key, "renew", SAID)
    assert proves(key, "renew", SAID, said)
    assert not proves(other, "renew", SAID, said)
    assert not proves(key, "enrol", SAID, said)
    assert not proves(key, "renew", SAID.model_copy(update={"csr": b"y"}), said)
    assert not proves(key, "renew", SAID, None)
