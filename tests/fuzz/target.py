"""What a target is: a parser, what it may do with any bytes, and where looking begins."""

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

CORPUS: Final = Path(__file__).parent / "corpus"
INPUT_BYTES: Final = 4_096
"""Longer inputs are not tried: a limit of a parser that is beyond it has a test of its own."""

_INTERESTING: Final = (b"", b"\x00", b"\xff", b"-1", b"9" * 5_000, b"[" * 1_500, b"\xed\xa0\x80")


@dataclass(frozen=True, slots=True)
class Target:
    """One parser.

    Args:
        name: As `make fuzz TARGET=` has it.
        run: Gives bytes to the parser. It returns when the parser gave a value or raised what it
            may, and raises whatever else the parser raised, or AssertionError for a wrong value.
        seeds: Good inputs.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]

    @property
    def corpus(self) -> Path:
        """Inputs that were worth keeping: a line each, spelled as Python spells bytes."""
        return CORPUS / f"{self.name}.txt"

    def known(self) -> list[bytes]:
        """Seeds and corpus, each once."""
        lines = self.corpus.read_text().splitlines() if self.corpus.exists() else []
        return list(dict.fromkeys([*self.seeds(), *map(ast.literal_eval, lines)]))


def mutants(known: list[bytes], count: int, chance: Random) -> Iterable[bytes]:
    """Inputs that are nearly the known ones: the same for the same `chance`."""
    for _ in range(count):
        made = bytearray(chance.choice(known))
        for _ in range(chance.randint(1, 4)):
            _change(made, known, chance)
        yield bytes(made[:INPUT_BYTES])


def _change(made: bytearray, known: list[bytes], chance: Random) -> None:
    at = chance.randint(0, len(made))
    until = min(len(made), at + chance.randint(1, 8))
    match chance.randrange(6):
        case 0 if at < len(made):
            made[at] ^= 1 << chance.randrange(8)
        case 1:
            del made[at:until]
        case 2:
            made[at:at] = chance.randbytes(chance.randint(1, 8))
        case 3:
            made[at:at] = made[at:until] * chance.randint(1, 9)
        case 4:
            other = chance.choice(known)
            start = chance.randint(0, len(other))
            made[at:until] = other[start : start + chance.randint(1, 64)]
        case _:
            made[at:until] = chance.choice(_INTERESTING)
