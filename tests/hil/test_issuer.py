"""The issuer against spec/credentials.md, and the vectors that all others share."""

import hmac
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
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

from hil.issuer import (
    Issuer,
    Phone,
    Stay,
    forged,
    hashed,
    of_other_tenant,
    png,
    qr,
    with_wrong_key,
)

VECTORS: dict[str, Any] = json.loads(Path("tests/vectors/credentials.json").read_text())
ISSUER = Issuer(VECTORS["tenant"], VECTORS["kid"], bytes.fromhex(VECTORS["seed"]))
STAFF = Issuer(VECTORS["tenant"], VECTORS["staff"]["kid"], bytes.fromhex(VECTORS["staff"]["seed"]))
BOOKING = Issuer("acme", VECTORS["booking"]["kid"], bytes.fromhex(VECTORS["booking"]["seed"]))
ROTATING = VECTORS["rotating"]
PHONE = Phone(
    "acme",
    ROTATING["kid"],
    bytes.fromhex(ROTATING["member_key"]),
    bytes.fromhex(ROTATING["member"]),
)
MEMBER = bytes.fromhex("0011223344556677")
STAY = Stay(MEMBER, MEMBER, 0, 60)
PERSON = bytes.fromhex("8899aabbccddeeff")

handles = st.binary(min_size=8, max_size=8)
u8, u16, u32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
m1_codes = st.builds(ISSUER.m1, handles, u32, u16, u32)
f1_codes = st.builds(ISSUER.f1, handles, u16)
t1_codes = st.builds(ISSUER.t1, handles, u32, u16, u32, store=handles)
t2_codes = st.builds(ISSUER.t2, handles, u16)
stays = st.builds(Stay, handles, handles, u32, u16, handles)
b1_codes = st.builds(ISSUER.b1, stays, handles, u32, uses=u8)


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


@given(stays, handles, u32, u8)
def test_a_booking_code_says_what_it_was_given(
    stay: Stay, user: bytes, issued_at: int, uses: int
) -> None:
    text = BOOKING.b1(stay, user, issued_at, uses=uses)

    assert len(text) == 165
    body = verify(text, "acme", BOOKING.public)
    numbers = struct.pack(">IHBI", stay.not_before, stay.duration_min, uses, issued_at)
    assert body == b"\3" + stay.booking + user + stay.store + stay.room + numbers
    assert len(body) == 44


def hkdf(key: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, no salt and one block, by its formulas."""
    extracted = hmac.digest(bytes(32), key, "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")


@given(u16, u32)
def test_a_rotating_code_says_what_it_was_given(store: int, step: int) -> None:
    text = PHONE.r1(store, step)

    assert len(text) == 38
    payload = base45.b45decode(text[3:])
    body, proof = payload[:-8], payload[-8:]
    assert body == b"\4" + PHONE.member + struct.pack(">HI", store, step)
    where = b"\4" + struct.pack(">H", store)
    key = hkdf(PHONE.member_key, b"edged-qr/R1\0acme\0" + where)
    assert key == PHONE.store_key(store)
    assert proof == hmac.digest(key, b"edged-qr/R1\0acme\0" + body, "sha256")[:8]


def test_the_key_of_one_store_is_not_that_of_another_member_epoch_or_tenant() -> None:
    said = ("acme", 4, b"\4" * 32, MEMBER)
    keys = {PHONE.store_key(store) for store in range(100)}
    others = [("acme-2", *said[1:]), ("acme", 5, *said[2:]), (*said[:2], b"\5" * 32, MEMBER)]
    keys |= {Phone(*other).store_key(0) for other in others}
    assert len(keys) == 103


def test_a_plain_code_is_named_by_a_hash_with_the_stores_pepper() -> None:
    # RFC 4231, test case 2
    wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hashed(b"Jefe", "what do ya want for nothing?") == wanted


@given(
    st.one_of(m1_codes, f1_codes, t1_codes, t2_codes, b1_codes),
    st.integers(0, 74),
    st.integers(1, 255),
)
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
        (BOOKING.b1(Stay(MEMBER, MEMBER, 0, 60), MEMBER, 0), 7),
        (PHONE.r1(0, 0), 2),
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
    body, text = again(good)
    payload = base45.b45decode(good["text"][3:])
    assert payload[: len(body)] == body
    assert good["text"] == text  # Ed25519 signs the same bytes the same way every time


def again(good: dict[str, Any]) -> tuple[bytes, str]:
    """The body of a vector, put together by hand, and its code, issued once more."""
    handle = {name: bytes.fromhex(good[name]) for name in WHO if isinstance(good.get(name), str)}
    head = bytes([good["kid"]]) + b"".join(handle.values())
    match good["kind"]:
        case "M1" | "T1":
            numbers = good["issued_at"], good["ttl_min"], good["nonce"]
            staff = good["kind"] == "T1"
            issued = (
                STAFF.t1(handle["staff"], *numbers, store=handle["store"])
                if staff
                else ISSUER.m1(handle["member"], *numbers)
            )
            return head + struct.pack(">IHI", *numbers), issued
        case "F1" | "T2":
            issue = STAFF.t2 if good["kind"] == "T2" else ISSUER.f1
            (whom,) = handle.values()
            issued = issue(whom, good["version"])
            return head + struct.pack(">H", good["version"]), issued
        case "B1":
            window = good["not_before"], good["duration_min"]
            stay = Stay(handle["booking"], handle["store"], *window, handle["room"])
            uses, at = good["uses"], good["issued_at"]
            issued = BOOKING.b1(stay, handle["user"], at, uses=uses)
            return head + struct.pack(">IHBI", *window, uses, at), issued
        case _:
            issued = PHONE.r1(good["store"], good["step"])
            return head + struct.pack(">HI", good["store"], good["step"]), issued


WHO = ("member", "staff", "booking", "user", "store", "room")
"""Handles, in the order in which bodies have them."""


def test_the_vectors_keys_are_what_they_say() -> None:
    for issuer, said in (
        (ISSUER, VECTORS),
        (STAFF, VECTORS["staff"]),
        (BOOKING, VECTORS["booking"]),
    ):
        assert issuer.public.hex() == said["public"]
    assert PHONE.store_key(ROTATING["store"]).hex() == ROTATING["store_key"]


@pytest.mark.parametrize("bad", VECTORS["refused"], ids=lambda bad: bad["name"])
def test_the_refused_vectors_are_refused_for_their_reason(bad: dict[str, Any]) -> None:
    text = bad["text"]
    key = {"T": STAFF, "B": BOOKING}.get(text[:1], ISSUER)
    if text[:3] == "R1:":
        assert bad["reason"] == _fault_of_rotating(base45.b45decode(text[3:]))
        return
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


def _fault_of_rotating(payload: bytes) -> str | None:
    """What is wrong with a rotating code for the store of the vectors."""
    body, proof = payload[:15], payload[15:]
    store, _ = struct.unpack(">HI", body[9:])
    if body[0] != ROTATING["kid"]:
        return "CODE_UNKNOWN_KEY"
    if store != ROTATING["store"]:
        return "CODE_OTHER_STORE"
    key = bytes.fromhex(ROTATING["store_key"])
    good = hmac.digest(key, b"edged-qr/R1\0acme\0" + body, "sha256")[:8]
    return None if proof == good else "CODE_BAD_SIGNATURE"


def _well_formed(text: str) -> bool:
    try:
        data = base45.b45decode(text[3:])
    except ValueError:
        return False
    lengths = {
        "M1:": (128, 83),
        "F1:": (116, 75),
        "T1:": (140, 91),
        "T2:": (116, 75),
        "B1:": (165, 108),
    }
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
        pytest.param(lambda: BOOKING.b1(replace(STAY, room=b"1"), MEMBER, 0), "room", id="room"),
        pytest.param(lambda: BOOKING.b1(STAY, MEMBER, 0, uses=256), "uses", id="uses"),
        pytest.param(lambda: BOOKING.b1(STAY, b"", 0), "user", id="user"),
        pytest.param(lambda: Phone("acme", 4, b"", MEMBER), "member_key", id="member_key"),
        pytest.param(lambda: PHONE.r1(2**16, 0), "store", id="number of a store"),
        pytest.param(lambda: PHONE.r1(0, 2**32), "step", id="step"),
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
        timeout=60,
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

    answer = json.loads(
        run(
            *("b1", "--key", key, "--tenant", "acme", "--kid", 3, "--booking", MEMBER.hex()),
            *("--user", PERSON.hex(), "--store", MEMBER.hex(), "--not-before", 900, "--json"),
        ).stdout
    )
    body = MEMBER + PERSON + MEMBER + bytes(8)
    body += struct.pack(">IHBI", 900, 60, 0, answer["issued_at"])
    assert verify(answer["text"], "acme", public) == b"\x03" + body

    secret, pepper = tmp_path / "member.key", tmp_path / "pepper"
    secret.write_text(ROTATING["member_key"], "ascii")
    pepper.write_text("Jefe\n", "ascii")
    showing = ("--tenant", "acme", "--kid", 4, "--member", PHONE.member.hex(), "--store", 258)
    answer = json.loads(run("r1", "--key", secret, *showing, "--at", 1_500, "--json").stdout)
    assert (answer["text"], answer["store_key"]) == (PHONE.r1(258, 100), ROTATING["store_key"])
    assert run("plain", "--pepper", pepper, "1234").stdout.strip() == hashed(b"Jefe", "1234")

    twice = run("keygen", "--key", key)
    assert (twice.returncode, twice.stdout) == (2, "")
    assert public.hex() not in twice.stderr
