"""Envelopes: what is hostile is Malformed, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_link import limits
from cloud_link.envelope import is_signed, key_id, open_envelope, seal, signed_bytes
from cloud_link.shapes import Malformed
from hil.byzantine.tenant import made_key, public, to_be_signed

KEY, OTHER = made_key("one"), made_key("another")
PUBLIC = public(KEY)
SMALL_ORDER = [  # the points whose order divides 8, as they are spelt; the rest are misspelt
    bytes(32),
    b"\x01" + bytes(31),
    (2**255 - 20).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    b"\x01" + bytes(30) + b"\x80",
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 18).to_bytes(32, "little"),
]


def test_what_is_sealed_is_signed_by_each_key_once() -> None:
    envelope = open_envelope(seal("pulse", b"{}", KEY, OTHER, KEY))
    assert envelope.kind == "pulse"
    assert envelope.payload == b"{}"
    assert envelope.signers([PUBLIC, public(OTHER)]) == {PUBLIC, public(OTHER)}
    assert envelope.signers([public(made_key("third"))]) == frozenset()


def test_the_signed_bytes_are_those_of_the_document() -> None:
    assert signed_bytes("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert signed_bytes("a", b"b") == to_be_signed("a", b"b")


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_point_of_small_order_signs_nothing(point: bytes) -> None:
    assert not is_signed(b"x", bytes(64), point)
    assert not is_signed(b"x", point + bytes(32), point)
    assert not is_signed(b"x", point + bytes(32), PUBLIC)


@pytest.mark.threat("D9")
def test_too_large_is_refused_before_it_is_parsed() -> None:
    fitting = seal("pulse", b"{}", KEY).ljust(limits.ENVELOPE_BYTES)
    assert open_envelope(fitting).payload == b"{}"
    with pytest.raises(Malformed, match="at most"):
        open_envelope(fitting + b" ")
    with pytest.raises(Malformed, match="at most"):
        open_envelope(b"[" * (limits.ENVELOPE_BYTES + 1))


@pytest.mark.threat("D9")
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_noise_is_malformed(noise: bytes) -> None:
    with pytest.raises(Malformed):
        open_envelope(noise)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.threat("D9")
@given(st.sampled_from(["payloadType", "payload", "signatures", "extra"]), JSON)
def test_a_changed_member_is_malformed_or_unsigned(member: str, value: object) -> None:
    whole = json.loads(seal("pulse", b"{}", KEY))
    unchanged = whole.get(member) == value
    try:
        envelope = open_envelope(json.dumps({**whole, member: value}).encode())
    except Malformed:
        return
    assert unchanged or not envelope.signers([PUBLIC])


@given(st.integers(0, 63), st.integers(1, 255))
def test_no_bit_of_a_signature_may_change(at: int, flip: int) -> None:
    message = signed_bytes("a", b"b")
    signature = bytearray(KEY.sign(message))
    assert is_signed(message, bytes(signature), PUBLIC)
    signature[at] ^= flip
    assert not is_signed(message, bytes(signature), PUBLIC)


def test_a_key_is_named_by_its_hash() -> None:
    assert key_id(bytes(32)) == "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
