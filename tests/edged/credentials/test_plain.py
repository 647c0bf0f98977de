import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.credentials.plain import kinds_of
from policy.codes import PLAIN, Pattern
from policy.model import CodeKind
from policy.words import Alphabet

PATTERNS = {
    CodeKind.PIN: Pattern(4, 6),
    CodeKind.PHONE: Pattern(10, 11),
    CodeKind.CARD: Pattern(8, 10, Alphabet.LETTERS_AND_DIGITS),
    CodeKind.BARCODE: Pattern(5, 9, Alphabet.PRINTABLE),
}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (b"123", ()),
        (b"1234", (CodeKind.PIN,)),
        (b"123456", (CodeKind.BARCODE, CodeKind.PIN)),
        (b"12345a", (CodeKind.BARCODE,)),
        (b"0123456789", (CodeKind.CARD, CodeKind.PHONE)),
        (b"01012345678", (CodeKind.PHONE,)),
        (b"Aa345678", (CodeKind.BARCODE, CodeKind.CARD)),
        (b"Aa-45678", (CodeKind.BARCODE,)),
        (b"Aa~ 5678", (CodeKind.BARCODE,)),
        (b"Aa\x1f45678", ()),
        (b"Aa\x7f45678", ()),
        ("\uff11\uff12\uff13\uff14".encode(), ()),  # digits, but wide ones
        (b"", ()),
    ],
)
def test_a_text_is_of_the_kinds_that_are_spelled_so(
    text: bytes, kinds: tuple[CodeKind, ...]
) -> None:
    assert kinds_of(text, PATTERNS) == kinds


@given(st.binary(max_size=80))
def test_no_bytes_are_more_than_plain(text: bytes) -> None:
    assert set(kinds_of(text, PATTERNS)) <= PLAIN
    assert kinds_of(text, {}) == ()
