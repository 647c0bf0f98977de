"""Wrong guesses of plain codes at one reader, and how long the next one waits. Pure.

Source: spec/credentials.md, plain kinds.
"""

from dataclasses import dataclass

from edged.core.limits import GUESS_DELAY_MS, GUESSES_FREE


@dataclass(frozen=True, slots=True)
class Guesses:
    """How many were wrong in a row, and the instant before which no other is looked at."""

    wrong: int = 0
    until_ms: int = 0


def missed(guesses: Guesses, now_ms: int) -> Guesses:
    """Take one that was wrong: from the third in a row on, each doubles the wait, to its limit."""
    wrong = guesses.wrong + 1
    first, longest = GUESS_DELAY_MS
    doublings = wrong - GUESSES_FREE - 1
    delay = 0 if doublings < 0 else min(longest, first << min(doublings, longest.bit_length()))
    return Guesses(wrong, now_ms + delay)
