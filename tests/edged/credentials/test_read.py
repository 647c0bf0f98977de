import tracemalloc
from collections.abc import Callable, Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.credentials import base45
from edged.credentials.claims import Claims, FixedCode, MemberCode, StaffCard, StaffCode
from edged.credentials.read import Refused, read
from policy.model import CodeKind, IssuerKey, Reason
from tests.edged.credentials.issuer import (
    CHARACTERS,
    F1,
    HANDLE,
    ISSUED,
    KEYS,
    M1,
    OTHER_ROLE,
    SIGNER,
    STAFF_SIGNER,
    STORE,
    T1,
    T2,
    TENANT,
    Signer,
    f1_body,
    issue,
    m1_body,
    t1_body,
    t2_body,
    text,
)

ALL = frozenset(CodeKind)
VALID = pytest.mark.parametrize("code", [M1, F1, T1, T2], ids=["M1", "F1", "T1", "T2"])
BODIES: Mapping[str, Callable[..., bytes]] = {
    "M1": m1_body,
    "F1": f1_body,
    "T1": t1_body,
    "T2": t2_body,
}
STRANGER = Signer(9, b"\x33" * 32)
BOOKING = Signer(8, b"\x44" * 32, OTHER_ROLE)


def ask(
    code: bytes,
    accepted: frozenset[CodeKind] = ALL,
    tenant: str = TENANT,
    keys: dict[int, IssuerKey] = KEYS,
) -> Claims | Refused:
    return read(code, accepted=accepted, tenant=tenant, keys=keys)


def test_codes_have_the_length_of_the_contract() -> None:
    assert (len(M1), len(F1), len(T1), len(T2)) == (128, 116, 140, 116)


def test_a_member_code_is_read() -> None:
    assert ask(M1) == MemberCode(7, HANDLE, ISSUED, 30, 99)


def test_a_fixed_code_is_read() -> None:
    assert ask(F1) == FixedCode(7, HANDLE, 3)


def test_a_staff_code_is_read() -> None:
    assert ask(T1) == StaffCode(6, HANDLE, STORE, ISSUED, 10, 99)


def test_a_staff_code_without_a_store_is_for_all() -> None:
    code = ask(issue("T1", t1_body(store=bytes(8)), STAFF_SIGNER))
    assert code == StaffCode(6, HANDLE, None, ISSUED, 10, 99)


def test_a_staff_card_is_read() -> None:
    assert ask(T2) == StaffCard(6, HANDLE, 3)


@VALID
def test_no_bit_can_be_flipped(code: bytes) -> None:
    kind, payload = code[:2].decode(), base45.decode(code[3:])
    assert payload is not None
    for bit in range(len(payload) * 8):
        flipped = bytearray(payload)
        flipped[bit // 8] ^= 1 << bit % 8
        answer = ask(text(kind, bytes(flipped)))
        expected = Reason.CODE_UNKNOWN_KEY if bit < 8 else Reason.CODE_BAD_SIGNATURE
        assert answer == Refused(expected, CodeKind(kind)), bit


@VALID
def test_no_bit_of_the_text_can_be_flipped(code: bytes) -> None:
    for bit in range(len(code) * 8):
        flipped = bytearray(code)
        flipped[bit // 8] ^= 1 << bit % 8
        assert isinstance(ask(bytes(flipped)), Refused), bit


@VALID
def test_no_character_can_be_changed(code: bytes) -> None:
    for at, character in product(range(len(code)), CHARACTERS):
        changed = code[:at] + bytes([character]) + code[at + 1 :]
        assert changed == code or isinstance(ask(changed), Refused), (at, character)


@VALID
def test_nothing_can_be_cut_off(code: bytes) -> None:
    payload = base45.decode(code[3:])
    assert payload is not None
    for size in range(len(code)):
        assert ask(code[:size]) == Refused(Reason.CODE_UNREADABLE)
        assert ask(code[size + 1 :]) == Refused(Reason.CODE_UNREADABLE)
    for size in range(len(payload)):
        cut = text(code[:2].decode(), payload[:size])
        assert ask(cut) == Refused(Reason.CODE_UNREADABLE)


@VALID
def test_nothing_can_be_put_in(code: bytes) -> None:
    payload = base45.decode(code[3:])
    assert payload is not None
    for at, byte in product(range(len(code) + 1), range(256)):
        longer = code[:at] + bytes([byte]) + code[at:]
        assert ask(longer) == Refused(Reason.CODE_UNREADABLE)
    for at, byte in product(range(len(payload) + 1), (0, 1, 255)):
        longer = payload[:at] + bytes([byte]) + payload[at:]
        assert ask(text(code[:2].decode(), longer)) == Refused(Reason.CODE_UNREADABLE)


@VALID
def test_a_code_of_another_tenant_is_refused(code: bytes) -> None:
    kind = CodeKind(code[:2].decode())
    assert ask(code, tenant="other") == Refused(Reason.CODE_BAD_SIGNATURE, kind)
    assert ask(code, keys={}) == Refused(Reason.CODE_UNKNOWN_KEY, kind)


@pytest.mark.parametrize(
    ("kind", "signer"),
    [
        *((kind, signer) for kind in BODIES for signer in (STRANGER, BOOKING)),
        *((kind, STAFF_SIGNER) for kind in ("M1", "F1")),
        *((kind, SIGNER) for kind in ("T1", "T2")),
    ],
)
def test_a_key_that_may_not_sign_such_codes_is_unknown(kind: str, signer: Signer) -> None:
    keys = {**KEYS, BOOKING.kid: BOOKING.key}
    code = issue(kind, BODIES[kind](kid=signer.kid), signer)
    assert ask(code, keys=keys) == Refused(Reason.CODE_UNKNOWN_KEY, CodeKind(kind))


def test_a_kid_of_ours_does_not_make_a_strangers_signature_ours() -> None:
    code = issue("M1", m1_body(kid=SIGNER.kid), STRANGER)
    assert ask(code) == Refused(Reason.CODE_BAD_SIGNATURE, CodeKind.M1)


@pytest.mark.parametrize(
    ("kind", "signed_as"),
    [("M1", "F1"), ("F1", "M1"), ("F1", "T2"), ("T1", "T2"), ("T2", "T1"), ("T2", "F1")],
)
def test_a_signature_for_another_kind_is_refused(kind: str, signed_as: str) -> None:
    signer = STAFF_SIGNER if kind in {"T1", "T2"} else SIGNER
    swapped = text(kind, base45.decode(issue(signed_as, BODIES[kind](), signer)[3:]) or b"")
    assert ask(swapped) == Refused(Reason.CODE_BAD_SIGNATURE, CodeKind(kind))


def test_a_fixed_code_under_another_kinds_name_is_refused() -> None:
    assert ask(b"T2" + F1[2:]) == Refused(Reason.CODE_UNKNOWN_KEY, CodeKind.T2)
    assert ask(b"F1" + T2[2:]) == Refused(Reason.CODE_UNKNOWN_KEY, CodeKind.F1)


@VALID
def test_a_kind_that_this_door_does_not_take_is_refused(code: bytes) -> None:
    kind = CodeKind(code[:2].decode())
    assert ask(code, ALL - {kind}) == Refused(Reason.CODE_KIND_NOT_ACCEPTED, kind)
    assert ask(code, frozenset()) == Refused(Reason.CODE_KIND_NOT_ACCEPTED, kind)


@pytest.mark.parametrize(
    ("code", "accepted", "keys", "reason"),
    [
        (M1[:-1] + b"a", frozenset(), {}, Reason.CODE_UNREADABLE),
        (M1[:3] + b":::" + M1[6:], frozenset(), {}, Reason.CODE_UNREADABLE),
        (issue("M1", m1_body(), STRANGER), frozenset(), {}, Reason.CODE_KIND_NOT_ACCEPTED),
        (issue("M1", m1_body(), STRANGER), ALL, {}, Reason.CODE_UNKNOWN_KEY),
        (issue("M1", m1_body(), STRANGER), ALL, KEYS, Reason.CODE_BAD_SIGNATURE),
    ],
    ids=["alphabet", "base45", "kind", "key", "proof"],
)
def test_of_several_faults_the_first_check_is_told(
    code: bytes, accepted: frozenset[CodeKind], keys: dict[int, IssuerKey], reason: Reason
) -> None:
    answer = ask(code, accepted, keys=keys)
    assert isinstance(answer, Refused)
    assert answer.reason is reason


@pytest.mark.parametrize(("kind", "size"), [("B1", 108), ("R1", 23)])
def test_a_reserved_kind_is_not_accepted_and_its_garbage_is_garbage(kind: str, size: int) -> None:
    spelled = text(kind, bytes(size))
    assert ask(spelled) == Refused(Reason.CODE_KIND_NOT_ACCEPTED)
    assert ask(text(kind, bytes(size - 1))) == Refused(Reason.CODE_UNREADABLE)
    assert ask(spelled[:-1] + b"a") == Refused(Reason.CODE_UNREADABLE)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"M1",
        b"M1:",
        b"M2" + M1[2:],
        b"m1" + M1[2:],
        M1.lower(),
        M1[:2] + b";" + M1[3:],
        b" " + M1,
        M1 + b"\r",
        M1 + M1,
        b"\xef\xbb\xbf" + M1,
        b"\xef\xbc\xad1" + M1[2:],
        b"';DROP TABLE members;--",
        b"../../$(reboot)\x1b[2J",
    ],
)
def test_garbage_is_unreadable(garbage: bytes) -> None:
    assert ask(garbage) == Refused(Reason.CODE_UNREADABLE)


def test_a_flood_of_bytes_takes_no_memory() -> None:
    flood = b"M1:" + b"A" * 10_000_000
    tracemalloc.start()
    try:
        assert ask(flood) == Refused(Reason.CODE_UNREADABLE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000


@given(
    st.one_of(
        st.binary(max_size=600),
        st.builds(
            text,
            st.sampled_from(["M1", "F1", "B1", "R1", "T1", "T2", "X9"]),
            st.one_of(
                st.binary(max_size=110),
                *(st.binary(min_size=size, max_size=size) for size in (75, 83, 91)),
            ),
        ),
    )
)
def test_whatever_is_presented_is_refused_without_a_proof(presented: bytes) -> None:
    assert isinstance(ask(presented), Refused)
