"""Codes without a proof: which kinds a text may be of (spec/credentials.md, plain kinds)."""

from collections.abc import Mapping
from string import ascii_letters, digits

from policy.codes import Pattern
from policy.model import CodeKind
from policy.words import Alphabet

_CHARACTERS = {
    Alphabet.DIGITS: digits.encode(),
    Alphabet.LETTERS_AND_DIGITS: (ascii_letters + digits).encode(),
    Alphabet.PRINTABLE: bytes(range(0x20, 0x7F)),
}


def kinds_of(text: bytes, patterns: Mapping[CodeKind, Pattern]) -> tuple[CodeKind, ...]:
    """Return the kinds whose pattern a text has, in the order of their words. Total."""
    return tuple(kind for kind in CodeKind if kind in patterns and _fits(text, patterns[kind]))


def _fits(text: bytes, pattern: Pattern) -> bool:
    if not pattern.min_chars <= len(text) <= pattern.max_chars:
        return False
    return not text.translate(None, _CHARACTERS[pattern.alphabet])
