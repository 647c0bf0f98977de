"""One presentation, one effect: which reads of a text ask for a decision.

A phone before a camera is read thirty times a second and is still one person asking once
(spec/credentials.md "One presentation, one effect"; spec/rules.md 3.2 E1).
"""

from dataclasses import replace
from enum import Enum, auto

from edged.core.limits import REMEMBERED_TEXTS
from policy.decision import value
from policy.model import Reason


class Seen(Enum):
    """What a read is. Only NEW asks for a decision; the others repeat the last feedback."""

    NEW = auto()
    CONTINUED = auto()
    """The text is still being held before the reader."""
    DEBOUNCED = auto()
    """It came back too soon after its decision."""


@value
class Trace:
    """What is remembered of a text: its hash, instants of the monotonic clock, the answer.

    `outcome` is the last answer that was noted for this text, None before the first.
    """

    digest: bytes
    seen_ms: int
    decided_ms: int
    outcome: Reason | None = None


Memory = tuple[Trace, ...]
"""The texts of one reader, the one seen last at the end; it starts empty."""


def step(
    memory: Memory, digest: bytes, now_ms: int, *, gap_ms: int, debounce_ms: int
) -> tuple[Memory, Seen]:
    """Take one read.

    A read less than `gap_ms` after the one before goes on with its presentation, however long
    that lasts. After that the text is ignored until `debounce_ms` from its decision; at
    exactly that instant it is new. Ignored reads leave no trace, so they put nothing off.

    Args:
        memory: What the reader remembers.
        digest: A hash of the text; the text itself is not kept.
        now_ms: The monotonic clock.
        gap_ms: `presentation_gap_ms` of the rules.
        debounce_ms: `debounce_s` of the rules on the way in, 0 on the way out.
    """
    known = _find(memory, digest)
    if known is None:
        return _put(memory, Trace(digest, now_ms, now_ms)), Seen.NEW
    if now_ms - known.seen_ms < gap_ms:
        return _put(memory, replace(known, seen_ms=now_ms)), Seen.CONTINUED
    if now_ms - known.decided_ms < debounce_ms:
        return memory, Seen.DEBOUNCED
    return _put(memory, replace(known, seen_ms=now_ms, decided_ms=now_ms)), Seen.NEW


def outcome(memory: Memory, digest: bytes) -> Reason | None:
    """Return the answer last noted for a text: the feedback to repeat.

    Read before a NEW text is decided, it also tells whether the same refusal is given again,
    which is shown but needs no second record.
    """
    known = _find(memory, digest)
    return None if known is None else known.outcome


def read_ms(memory: Memory, digest: bytes, began_ms: int) -> int:
    """Return when a text that came at `began_ms` was last read, as far as it is remembered."""
    known = _find(memory, digest)
    return began_ms if known is None else max(known.seen_ms, began_ms)


def note(memory: Memory, digest: bytes, reason: Reason) -> Memory:
    """Remember the answer to a text; one that has been crowded out stays forgotten."""
    return tuple(
        replace(trace, outcome=reason) if trace.digest == digest else trace for trace in memory
    )


def _find(memory: Memory, digest: bytes) -> Trace | None:
    return next((trace for trace in memory if trace.digest == digest), None)


def _put(memory: Memory, seen: Trace) -> Memory:
    others = tuple(trace for trace in memory if trace.digest != seen.digest)
    return (*others, seen)[-REMEMBERED_TEXTS:]
