"""Signatures that satisfy the curve's equation and are still no proof.

Those who made them know the secret, or need none; the sums are made here, from RFC 8032.
"""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edged.credentials.proof import is_signed
from tests.edged.credentials.issuer import ORDER, SIGNER, P, Signer

MESSAGE = b"let me in"
D = -121665 * pow(121666, -1, P) % P
BASE = bytes.fromhex("58" + "66" * 31)
IDENTITY = (1).to_bytes(32, "little")
Y8 = int.from_bytes(
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
)
SIGN = 2**255
SMALL_ORDER = [
    (y + sign).to_bytes(32, "little")
    for y in (0, 1, P - 1, Y8, P - Y8, P, P + 1)
    for sign in (0, SIGN)
]
"""All eight points of small order in all their spellings: signs, and y not reduced."""


def doubled_y(y: int) -> int:
    """The y of twice a point, by the curve's equation: x and y squared are all it takes."""
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    return (y * y + x2) * pow(2 + x2 - y * y, -1, P) % P


def k(r: bytes, a: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + a + MESSAGE).digest(), "little") % ORDER


def verified_by_the_library(proof: bytes, public: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(proof, MESSAGE)
    except InvalidSignature:
        return False
    return True


def test_a_plain_signature_is_one() -> None:
    assert is_signed(MESSAGE, SIGNER.sign(MESSAGE), SIGNER.public)


def test_another_key_did_not_sign() -> None:
    assert not is_signed(MESSAGE, SIGNER.sign(MESSAGE), Signer(7, b"\x22" * 32).public)


@pytest.mark.threat("A5")
@pytest.mark.parametrize("times", [1, 2, 8, 15])
def test_a_signature_with_a_larger_s_is_refused(times: int) -> None:
    proof = SIGNER.sign(MESSAGE)
    s = int.from_bytes(proof[32:], "little") + times * ORDER
    assert not is_signed(MESSAGE, proof[:32] + s.to_bytes(32, "little"), SIGNER.public)


@pytest.mark.parametrize("y", [0, 1, P - 1, Y8, P - Y8])
def test_the_listed_points_come_to_rest_within_three_doublings(y: int) -> None:
    assert doubled_y(doubled_y(doubled_y(y))) == 1


@pytest.mark.threat("A5")
def test_a_key_of_small_order_needs_no_secret_and_is_refused() -> None:
    forged = BASE + (1).to_bytes(32, "little")
    assert verified_by_the_library(forged, IDENTITY)
    assert not is_signed(MESSAGE, forged, IDENTITY)


@pytest.mark.threat("A5")
def test_a_signature_whose_point_is_of_small_order_is_refused() -> None:
    s = k(IDENTITY, SIGNER.public) * SIGNER.scalar % ORDER
    forged = IDENTITY + s.to_bytes(32, "little")
    assert verified_by_the_library(forged, SIGNER.public)
    assert not is_signed(MESSAGE, forged, SIGNER.public)


@pytest.mark.threat("A5")
@pytest.mark.parametrize("point", SMALL_ORDER)
def test_no_point_of_small_order_is_taken_in_any_spelling(point: bytes) -> None:
    as_key = BASE + (1).to_bytes(32, "little")
    s = k(point, SIGNER.public) * SIGNER.scalar % ORDER
    assert not is_signed(MESSAGE, as_key, point)
    assert not is_signed(MESSAGE, point + s.to_bytes(32, "little"), SIGNER.public)


@pytest.mark.threat("A5")
@pytest.mark.parametrize("y", [P + 3, P + 4, 2**255 - 1])
def test_a_second_spelling_of_a_point_is_refused(y: int) -> None:
    point = y.to_bytes(32, "little")
    assert not is_signed(MESSAGE, SIGNER.sign(MESSAGE), point)
    assert not is_signed(MESSAGE, point + SIGNER.sign(MESSAGE)[32:], SIGNER.public)


@pytest.mark.parametrize("public", [b"", SIGNER.public[:-1], SIGNER.public + b"\0"])
def test_a_key_of_another_length_signs_nothing(public: bytes) -> None:
    assert not is_signed(MESSAGE, SIGNER.sign(MESSAGE), public)


@pytest.mark.parametrize("size", [0, 31, 32, 63, 65])
def test_a_proof_of_another_length_proves_nothing(size: int) -> None:
    proof = (SIGNER.sign(MESSAGE) + b"\0")[:size]
    assert not is_signed(MESSAGE, proof, SIGNER.public)
