"""What codes are checked by: keys, and the spelling of plain ones (spec/credentials.md)."""

from dataclasses import dataclass, field

from policy.words import Alphabet, CodeKind, KeyRole

PLAIN = frozenset({CodeKind.BARCODE, CodeKind.LOYALTY, CodeKind.CARD, CodeKind.PHONE, CodeKind.PIN})
"""Kinds without a proof: they are looked up. A door takes them only if it lists them."""
PROVEN = frozenset(CodeKind) - PLAIN
"""Signed and keyed kinds."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key of the tenant, found by `kid` 0..255; `public` is the Ed25519 key, 32 bytes.

    `public` None: a key epoch of rotating codes, for which each member has keys of their own.
    """

    kid: int
    role: KeyRole
    public: bytes | None


@dataclass(frozen=True, slots=True)
class RotatingKey:
    """What proves a member's rotating codes of one epoch at one store: 32 bytes, a secret."""

    kid: int
    store: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a plain kind is spelled: `min_chars` to `max_chars` characters of `alphabet`."""

    min_chars: int
    max_chars: int
    alphabet: Alphabet = Alphabet.DIGITS
