import tracemalloc
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.credentials import base45
from edged.credentials.claims import (
    BookingCode,
    Claims,
    FixedCode,
    MemberCode,
    RotatingCode,
    StaffCard,
    StaffCode,
)
from edged.credentials.read import Refused, Unproven, prove, read
from policy.model import CodeKind, IssuerKey, KeyRole, Reason
from tests.edged.credentials.issuer import (
    B1,
    BOOKING,
    BOOKING_SIGNER,
    CHARACTERS,
    F1,
    HANDLE,
    ISSUED,
    KEYS,
    M1,
    NUMBER,
    R1,
    ROOM,
    SIGNER,
    STAFF_SIGNER,
    STEP,
    STORE,
    STORE_KEY,
    T1,
    T2,
    TENANT,
    Signer,
    b1_body,
    f1_body,
    issue,
    m1_body,
    r1_body,
    rotate,
    t1_body,
    t2_body,
    text,
)

ALL = frozenset(CodeKind)
CODES = {"M1": M1, "F1": F1, "T1": T1, "T2": T2, "B1": B1, "R1": R1}
SIGNERS = {"M1": SIGNER, "F1": SIGNER, "T1": STAFF_SIGNER, "T2": STAFF_SIGNER, "B1": BOOKING_SIGNER}
VALID = pytest.mark.parametrize("code", CODES.values(), ids=CODES)
BODIES: Mapping[str, Callable[..., bytes]] = {
    "M1": m1_body,
    "F1": f1_body,
    "T1": t1_body,
    "T2": t2_body,
    "B1": b1_body,
}
STRANGER = Signer(9, b"\x33" * 32)


def ask(
    code: bytes,
    accepted: frozenset[CodeKind] = ALL,
    tenant: str = TENANT,
    keys: dict[int, IssuerKey] = KEYS,
    store: int | None = NUMBER,
) -> Claims | Refused:
    found = read(code, accepted=accepted, tenant=tenant, keys=keys, store=store)
    return prove(found, STORE_KEY) if isinstance(found, Unproven) else found


@pytest.mark.threat("A7", "A8")
def test_codes_have_the_length_of_the_contract() -> None:
    lengths = {"M1": 128, "F1": 116, "T1": 140, "T2": 116, "B1": 165, "R1": 38}
    assert {kind: len(code) for kind, code in CODES.items()} == lengths


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


def test_a_booking_code_is_read() -> None:
    start, end = ISSUED + timedelta(minutes=10), ISSUED + timedelta(minutes=100)
    code = ask(B1)
    assert code == BookingCode(5, BOOKING, HANDLE, STORE, ROOM, start, 90, 2, ISSUED)
    assert code.end == end


def test_a_booking_code_without_a_room_is_for_the_entrance() -> None:
    code = ask(issue("B1", b1_body(room=bytes(8)), BOOKING_SIGNER))
    assert isinstance(code, BookingCode)
    assert code.room is None


def test_a_rotating_code_is_read() -> None:
    assert ask(R1) == RotatingCode(4, HANDLE, NUMBER, STEP)


@pytest.mark.threat("A4")
@VALID
def test_no_bit_can_be_flipped(code: bytes) -> None:
    kind, payload = code[:2].decode(), base45.decode(code[3:])
    assert payload is not None
    for bit in range(len(payload) * 8):
        flipped = bytearray(payload)
        flipped[bit // 8] ^= 1 << bit % 8
        answer = ask(text(kind, bytes(flipped)))
        expected = Reason.CODE_UNKNOWN_KEY if bit < 8 else Reason.CODE_BAD_SIGNATURE
        if kind == "R1" and 72 <= bit < 88:
            expected = Reason.CODE_OTHER_STORE
        assert answer == Refused(expected, CodeKind(kind)), bit


@pytest.mark.threat("A4")
@VALID
def test_no_bit_of_the_text_can_be_flipped(code: bytes) -> None:
    for bit in range(len(code) * 8):
        flipped = bytearray(code)
        flipped[bit // 8] ^= 1 << bit % 8
        assert isinstance(ask(bytes(flipped)), Refused), bit


@pytest.mark.threat("A4", "A24")
@VALID
def test_no_character_can_be_changed(code: bytes) -> None:
    for at, character in product(range(len(code)), CHARACTERS):
        changed = code[:at] + bytes([character]) + code[at + 1 :]
        assert changed == code or isinstance(ask(changed), Refused), (at, character)


@pytest.mark.threat("A4")
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


@pytest.mark.threat("A4")
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


@pytest.mark.threat("A22", "G5")
@VALID
def test_a_code_of_another_tenant_is_refused(code: bytes) -> None:
    kind = CodeKind(code[:2].decode())
    assert ask(code, tenant="other") == Refused(Reason.CODE_BAD_SIGNATURE, kind)
    assert ask(code, keys={}) == Refused(Reason.CODE_UNKNOWN_KEY, kind)


@pytest.mark.threat("A22")
@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("kid", [*KEYS, STRANGER.kid])
def test_a_key_that_may_not_sign_such_codes_is_unknown(kind: str, kid: int) -> None:
    signers = {one.kid: one for one in (SIGNER, STAFF_SIGNER, BOOKING_SIGNER, STRANGER)}
    if kind == "R1":
        code = rotate(r1_body(kid=kid))
    else:
        code = issue(kind, BODIES[kind](kid=kid), signers.get(kid, SIGNERS[kind]))
    own = kid == (4 if kind == "R1" else SIGNERS[kind].kid)
    answer = ask(code)
    assert isinstance(answer, Refused) is not own
    assert own or answer == Refused(Reason.CODE_UNKNOWN_KEY, CodeKind(kind))


@pytest.mark.threat("A22")
def test_a_kid_of_ours_does_not_make_a_strangers_signature_ours() -> None:
    code = issue("M1", m1_body(kid=SIGNER.kid), STRANGER)
    assert ask(code) == Refused(Reason.CODE_BAD_SIGNATURE, CodeKind.M1)


@pytest.mark.threat("A21")
@pytest.mark.parametrize(("kind", "signed_as"), [*permutations(SIGNERS, 2)])
def test_a_signature_for_another_kind_is_refused(kind: str, signed_as: str) -> None:
    swapped = text(kind, base45.decode(issue(signed_as, BODIES[kind](), SIGNERS[kind])[3:]) or b"")
    assert ask(swapped) == Refused(Reason.CODE_BAD_SIGNATURE, CodeKind(kind))


@pytest.mark.threat("A21")
@pytest.mark.parametrize(("kind", "other"), [*permutations(CODES, 2)])
def test_a_code_under_another_kinds_name_is_refused(kind: str, other: str) -> None:
    assert isinstance(ask(kind.encode() + CODES[other][2:]), Refused)


def test_a_rotating_code_says_which_store_to_choose() -> None:
    refused = Refused(Reason.CODE_OTHER_STORE, CodeKind.R1)
    assert ask(R1, store=NUMBER + 1) == ask(R1, store=None) == refused
    forged = rotate(r1_body(), key=bytes(32))
    assert ask(forged, store=NUMBER + 1) == refused  # before its proof is looked at


@pytest.mark.threat("G5")
def test_a_rotating_code_is_nothing_without_its_members_key() -> None:
    found = read(R1, accepted=ALL, tenant=TENANT, keys=KEYS, store=NUMBER)
    assert isinstance(found, Unproven)
    assert prove(found, None) == Refused(Reason.MEMBER_NOT_SYNCED, CodeKind.R1)
    assert prove(found, bytes(32)) == Refused(Reason.CODE_BAD_SIGNATURE, CodeKind.R1)
    assert prove(found, STORE_KEY) == RotatingCode(4, HANDLE, NUMBER, STEP)


def test_a_rotating_code_of_an_ended_epoch_is_refused() -> None:
    rolled = {**KEYS, 3: IssuerKey(3, KeyRole.ROTATING, None)}
    assert not isinstance(ask(R1, keys=rolled), Refused)
    del rolled[4]
    assert ask(R1, keys=rolled) == Refused(Reason.CODE_UNKNOWN_KEY, CodeKind.R1)


@pytest.mark.parametrize("kind", SIGNERS)
def test_while_keys_roll_over_both_are_good_and_then_the_new_one(kind: str) -> None:
    old, new = SIGNERS[kind], Signer(77, b"\x77" * 32, SIGNERS[kind].role)
    both = {**KEYS, new.kid: new.key}
    issued = {one: issue(kind, BODIES[kind](kid=one.kid), one) for one in (old, new)}
    assert not any(isinstance(ask(code, keys=both), Refused) for code in issued.values())
    del both[old.kid]
    assert ask(issued[old], keys=both) == Refused(Reason.CODE_UNKNOWN_KEY, CodeKind(kind))
    assert not isinstance(ask(issued[new], keys=both), Refused)


@pytest.mark.threat("A21")
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


@pytest.mark.threat("A1")
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


@pytest.mark.threat("A2")
def test_a_flood_of_bytes_takes_no_memory() -> None:
    flood = b"M1:" + b"A" * 10_000_000
    tracemalloc.start()
    try:
        assert ask(flood) == Refused(Reason.CODE_UNREADABLE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000


@pytest.mark.threat("A1", "A19")
@given(
    st.one_of(
        st.binary(max_size=600),
        st.builds(
            text,
            st.sampled_from(["M1", "F1", "B1", "R1", "T1", "T2", "X9"]),
            st.one_of(
                st.binary(max_size=110),
                *(st.binary(min_size=size, max_size=size) for size in (23, 75, 83, 91, 108)),
            ),
        ),
    )
)
def test_whatever_is_presented_is_refused_without_a_proof(presented: bytes) -> None:
    assert isinstance(ask(presented), Refused)
