"""Base45 as RFC 9285 has it: upper case, no padding, one text for one value."""

ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_DIGIT = {character: digit for digit, character in enumerate(ALPHABET)}


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
    if len(text) % 3 == 1 or not _DIGIT.keys() >= set(text):
        return None
    data = bytearray()
    for at in range(0, len(text), 3):
        group = text[at : at + 3]
        size = len(group) - 1
        number = sum(_DIGIT[character] * 45**place for place, character in enumerate(group))
        if number >= 256**size:
            return None
        data += number.to_bytes(size, "big")
    return bytes(data)
