"""Base45 as RFC 9285 has it: upper case, no padding, one text for one value."""

import struct

ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_DIGITS = bytes.maketrans(ALPHABET, bytes(range(len(ALPHABET))))
_PAIR, _BYTE = 0xFFFF, 0xFF  # the most that two bytes, and one, can be


def encoded_size(size: int) -> int:
    """Return how many characters `size` bytes take."""
    return size // 2 * 3 + size % 2 * 2


def encode(data: bytes) -> bytes:
    """Spell `data` in the alphabet."""
    text = bytearray()
    for at in range(0, len(data), 2):
        group = data[at : at + 2]
        number = int.from_bytes(group, "big")
        for _ in range(len(group) + 1):
            number, digit = divmod(number, 45)
            text.append(ALPHABET[digit])
    return bytes(text)


def decode(text: bytes) -> bytes | None:
    """Read `text` back, or return None where no bytes are spelled so.

    One to one: whatever it returns, `encode` gives the same text again, so a code has no
    second spelling.
    """
    if len(text) % 3 == 1 or text.translate(None, ALPHABET):
        return None
    digits = text.translate(_DIGITS)
    end = len(digits) // 3 * 3
    groups = zip(digits[0:end:3], digits[1:end:3], digits[2:end:3], strict=True)
    pairs = [low + 45 * middle + 2_025 * high for low, middle, high in groups]
    last = [digits[end] + 45 * digits[end + 1]] if end < len(digits) else []
    if max(pairs, default=0) > _PAIR or max(last, default=0) > _BYTE:
        return None
    return struct.pack(f">{len(pairs)}H{len(last)}B", *pairs, *last)
