"""The issuer against spec/credentials.md, and the vectors that all others share."""

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import base45
import cv2
import numpy as np
import pytest
import zxingcpp
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from hil.issuer import Issuer, forged, of_other_tenant, png, qr, with_wrong_key

VECTORS: dict[str, Any] = json.loads(Path("tests/vectors/credentials.json").read_text())
ISSUER = Issuer(VECTORS["tenant"], VECTORS["kid"], bytes.fromhex(VECTORS["seed"]))
STAFF = Issuer(VECTORS["tenant"], VECTORS["staff"]["kid"], bytes.fromhex(VECTORS["staff"]["seed"]))
MEMBER = bytes.fromhex("0011223344556677")
PERSON = bytes.fromhex("8899aabbccddeeff")

handles = st.binary(min_size=8, max_size=8)
u16, u32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
m1_codes = st.builds(ISSUER.m1, handles, u32, u16, u32)
f1_codes = st.builds(ISSUER.f1, handles, u16)
t1_codes = st.builds(ISSUER.t1, handles, u32, u16, u32, store=handles)
t2_codes = st.builds(ISSUER.t2, handles, u16)


def verify(text: str, tenant: str, public: bytes) -> bytes:
    """The body of a code; raises InvalidSignature."""
    payload: bytes = base45.b45decode(text[3:])
    body, signature = payload[:-64], payload[-64:]
    message = b"edged-qr/" + text[:2].encode() + b"\0" + tenant.encode() + b"\0" + body
    Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    return body


@given(handles, u32, u16, u32)
def test_a_member_code_says_what_it_was_given(
    member: bytes, issued_at: int, ttl_min: int, nonce: int
) -> None:
    text = ISSUER.m1(member, issued_at, ttl_min, nonce)

    assert len(text) == 128
    body = verify(text, "acme", ISSUER.public)
    assert body == bytes([1]) + member + struct.pack(">IHI", issued_at, ttl_min, nonce)
    assert len(body) == 19


@given(handles, u16)
def test_a_fixed_code_says_what_it_was_given(member: bytes, version: int) -> None:
    text = ISSUER.f1(member, version)

    assert len(text) == 116
    body = verify(text, "acme", ISSUER.public)
    assert body == bytes([1]) + member + struct.pack(">H", version)
    assert len(body) == 11


@given(handles, handles, u32, u16, u32)
def test_a_staff_code_says_what_it_was_given(
    staff: bytes, store: bytes, issued_at: int, ttl_min: int, nonce: int
) -> None:
    text = STAFF.t1(staff, issued_at, ttl_min, nonce, store=store)

    assert len(text) == 140
    body = verify(text, "acme", STAFF.public)
    assert body == bytes([2]) + staff + store + struct.pack(">IHI", issued_at, ttl_min, nonce)
    assert len(body) == 27


def test_a_staff_code_is_for_all_stores_unless_it_names_one() -> None:
    body = verify(STAFF.t1(PERSON, 0, 10, 0), "acme", STAFF.public)
    assert body[9:17] == bytes(8)


@given(handles, u16)
def test_a_staff_card_says_what_it_was_given(staff: bytes, version: int) -> None:
    text = STAFF.t2(staff, version)

    assert len(text) == 116
    body = verify(text, "acme", STAFF.public)
    assert body == bytes([2]) + staff + struct.pack(">H", version)
    assert len(body) == 11


@given(st.one_of(m1_codes, f1_codes, t1_codes, t2_codes), st.integers(0, 74), st.integers(1, 255))
def test_a_forged_code_still_decodes_and_never_verifies(text: str, offset: int, flip: int) -> None:
    fake = forged(text, offset=offset, flip=flip)

    assert (fake[:3], len(fake)) == (text[:3], len(text))
    assert len(base45.b45decode(fake[3:])) == len(base45.b45decode(text[3:]))
    with pytest.raises(InvalidSignature):
        verify(fake, "acme", ISSUER.public)


@pytest.mark.parametrize("cheat", [of_other_tenant(ISSUER), with_wrong_key(ISSUER)])
def test_a_cheat_of_the_same_kid_never_verifies(cheat: Issuer) -> None:
    assert cheat.kid == ISSUER.kid
    code = cheat.f1(MEMBER, 1)

    verify(code, cheat.tenant, cheat.public)
    with pytest.raises(InvalidSignature):
        verify(code, ISSUER.tenant, ISSUER.public)


@pytest.mark.parametrize(
    ("code", "version"),
    [
        (ISSUER.m1(MEMBER, 0, 30, 0), 6),
        (ISSUER.f1(MEMBER, 1), 5),
        (STAFF.t1(PERSON, 0, 10, 0), 6),
        (STAFF.t2(PERSON, 1), 5),
    ],
)
def test_a_code_is_as_small_a_picture_as_the_specification_says(code: str, version: int) -> None:
    drawn = qr(code)

    assert (drawn.version, drawn.error, drawn.mode) == (version, "M", "alphanumeric")
    picture = cv2.imdecode(np.frombuffer(png(code, scale=3, border=4), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    side = 3 * (17 + 4 * version + 2 * 4)
    assert picture.shape == (side, side, 3)
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [code]


@pytest.mark.parametrize("good", VECTORS["good"], ids=lambda good: good["name"])
def test_the_vectors_are_what_they_say(good: dict[str, Any]) -> None:
    by_staff = good["kind"] in {"T1", "T2"}
    handle = bytes.fromhex(good["staff" if by_staff else "member"])
    body = bytes([good["kid"]]) + handle
    if good["kind"] in {"M1", "T1"}:
        store = bytes.fromhex(good.get("store", ""))
        numbers = (good["issued_at"], good["ttl_min"], good["nonce"])
        body += store + struct.pack(">IHI", *numbers)
        issued = (
            STAFF.t1(handle, *numbers, store=store) if by_staff else ISSUER.m1(handle, *numbers)
        )
    else:
        body += struct.pack(">H", good["version"])
        issue = STAFF.t2 if by_staff else ISSUER.f1
        issued = issue(handle, good["version"])

    public = VECTORS["staff"]["public"] if by_staff else VECTORS["public"]
    assert verify(good["text"], "acme", bytes.fromhex(public)) == body
    assert good["text"] == issued  # Ed25519 signs the same bytes the same way every time


@pytest.mark.parametrize("bad", VECTORS["refused"], ids=lambda bad: bad["name"])
def test_the_refused_vectors_are_refused_for_their_reason(bad: dict[str, Any]) -> None:
    text = bad["text"]
    key = STAFF if text[:1] == "T" else ISSUER
    match bad["reason"]:
        case "CODE_BAD_SIGNATURE":
            assert base45.b45decode(text[3:])[0] == key.kid
            with pytest.raises(InvalidSignature):
                verify(text, "acme", key.public)
        case "CODE_UNKNOWN_KEY":
            assert base45.b45decode(text[3:])[0] != key.kid
        case _:
            assert bad["reason"] == "CODE_UNREADABLE"
            assert not _well_formed(text)


def _well_formed(text: str) -> bool:
    try:
        data = base45.b45decode(text[3:])
    except ValueError:
        return False
    lengths = {"M1:": (128, 83), "F1:": (116, 75), "T1:": (140, 91), "T2:": (116, 75)}
    return lengths.get(text[:3]) == (len(text), len(data))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        pytest.param(lambda: Issuer("", 1, bytes(32)), "tenant", id="no tenant"),
        pytest.param(lambda: Issuer("a\0b", 1, bytes(32)), "tenant", id="a tenant with NUL"),
        pytest.param(lambda: Issuer("acme", 256, bytes(32)), "kid", id="kid"),
        pytest.param(lambda: Issuer("acme", 1, bytes(31)), "private_key", id="key"),
        pytest.param(lambda: ISSUER.f1(bytes(7), 1), "handle", id="handle"),
        pytest.param(lambda: ISSUER.f1(MEMBER, 2**16), "version", id="version"),
        pytest.param(lambda: ISSUER.m1(MEMBER, -1, 0, 0), "issued_at", id="issued_at"),
        pytest.param(lambda: STAFF.t1(PERSON, 0, 0, 0, store=b"S1"), "store", id="store"),
        pytest.param(lambda: STAFF.t1(PERSON, 0, 0, 2**32), "nonce", id="nonce of the staff's"),
        pytest.param(lambda: STAFF.t2(bytes(9), 0), "handle", id="handle of the staff's"),
        pytest.param(lambda: ISSUER.m1(MEMBER, 0, 2**16, 0), "ttl_min", id="ttl_min"),
        pytest.param(lambda: ISSUER.m1(MEMBER, 0, 0, 2**32), "nonce", id="nonce"),
        pytest.param(lambda: forged(ISSUER.f1(MEMBER, 1), flip=0), "flip", id="flip"),
    ],
)
def test_what_does_not_fit_names_its_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(ValueError, match=rf"^{field}: "):
        make()


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hil.issuer", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_command_line_issues_and_draws_codes(tmp_path: Path) -> None:
    key, picture = tmp_path / "acme.key", tmp_path / "code.png"
    public = bytes.fromhex(json.loads(run("keygen", "--key", key, "--json").stdout)["public"])
    assert key.stat().st_mode & 0o777 == 0o600

    issuing = ("--key", key, "--tenant", "acme", "--kid", 3, "--member", MEMBER.hex())
    text = run("f1", *issuing, "--version", 2, "--png", picture).stdout.strip()
    assert verify(text, "acme", public) == b"\x03" + MEMBER + b"\0\x02"
    assert [found.text for found in zxingcpp.read_barcodes(cv2.imread(str(picture)))] == [text]
    answer = json.loads(run("m1", *issuing, "--ttl-min", 5, "--json").stdout)
    body = struct.pack(">IHI", answer["issued_at"], 5, answer["nonce"])
    assert verify(answer["text"], "acme", public) == b"\x03" + MEMBER + body

    issuing = ("--key", key, "--tenant", "acme", "--kid", 3, "--staff", PERSON.hex())
    answer = json.loads(run("t1", *issuing, "--store", MEMBER.hex(), "--json").stdout)
    body = struct.pack(">IHI", answer["issued_at"], 30, answer["nonce"])
    assert verify(answer["text"], "acme", public) == b"\x03" + PERSON + MEMBER + body
    everywhere = run("t1", *issuing, "--nonce", 1).stdout.strip()
    assert verify(everywhere, "acme", public)[9:17] == bytes(8)
    card = run("t2", *issuing).stdout.strip()
    assert verify(card, "acme", public) == b"\x03" + PERSON + b"\0\x01"

    again = run("keygen", "--key", key)
    assert (again.returncode, again.stdout) == (2, "")
    assert public.hex() not in again.stderr
