import base45 as reference
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.credentials.base45 import ALPHABET, decode, encode, encoded_size


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"AB", b"BB8", id="RFC 9285 4.3, encoding, 1"),
        pytest.param(b"Hello!!", b"%69 VD92EX0", id="RFC 9285 4.3, encoding, 2"),
        pytest.param(b"base-45", b"UJCLQE7W581", id="RFC 9285 4.3, encoding, 3"),
        pytest.param(b"ietf!", b"QED8WEX0", id="RFC 9285 4.4, decoding"),
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"\xff\xff", b"FGW", id="the largest pair"),
        pytest.param(b"\xff", b"U5", id="the largest single byte"),
    ],
)
def test_known_texts(data: bytes, text: bytes) -> None:
    assert encode(data) == text
    assert decode(text) == data


@pytest.mark.threat("A6")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"GGW", id="65536 in three characters (RFC 9285 6)"),
        pytest.param(b":::", id="the largest three characters"),
        pytest.param(b"V5", id="256 in two characters"),
        pytest.param(b"::", id="the largest two characters"),
        pytest.param(b"B", id="one character"),
        pytest.param(b"0", id="one character that stands for nothing"),
        pytest.param(b"BB8B", id="one character too many"),
        pytest.param(b"BB80", id="one character too many that stands for nothing"),
        pytest.param(b"bb8", id="lower case"),
        pytest.param(b"BB\n", id="a line end"),
        pytest.param(b"BB\0", id="a zero"),
        pytest.param(b"BB=", id="padding"),
        pytest.param(b"BB\xef\xbc\x98", id="a wide digit"),
    ],
)
def test_no_bytes_are_spelled_so(text: bytes) -> None:
    assert decode(text) is None


@given(st.binary(max_size=200))
def test_another_implementation_spells_the_same(data: bytes) -> None:
    text = encode(data)
    assert text == reference.b45encode(data)
    assert len(text) == encoded_size(len(data))
    assert decode(text) == data


@pytest.mark.threat("A6")
@given(st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(ALPHABET)).map(bytes)))
def test_what_is_decoded_has_no_other_spelling(text: bytes) -> None:
    data = decode(text)
    assert data is None or encode(data) == text
