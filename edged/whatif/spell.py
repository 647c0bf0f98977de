"""How every picture of a month spells times, days, and what is left."""

from collections.abc import Iterator

from edged.whatif.month import Day, Quota, Span
from edged.whatif.words import Words


def hours(start_min: int, end_min: int) -> str:
    """Spell a stretch of a day, `22:00-26:00`."""
    return f"{_clock(start_min)}\N{EN DASH}{_clock(end_min)}"


def amount(words: Words, quota: Quota) -> str:
    """Say what is left: `5 of 8 left`; never less than nothing."""
    if quota.left is None:
        return words.no_limit
    left = max(0, quota.left)
    if quota.limit is None:
        return words.left_over.format(left=left)
    return words.left.format(left=left, limit=quota.limit)


def line(words: Words, quota: Quota) -> str:
    """Say it with its name: `DAY 5 of 8 left`."""
    return f"{words.way(quota.name)} {amount(words, quota)}"


def openings(day: Day) -> list[str]:
    """Spell when it is open, whatever opens it."""
    joined: list[tuple[int, int]] = []
    for span in day.open:
        start = joined.pop()[0] if joined and joined[-1][1] == span.start_min else span.start_min
        joined.append((start, span.end_min))
    return [hours(start, end) for start, end in joined]


def told(words: Words, day: Day) -> Iterator[str]:
    """Say of a day what its picture shows."""
    yield words.date(day.date)
    if day.closed:
        yield words.closed
    if day.holiday:
        yield words.holiday
    yield ", ".join(_span(span, words.way(span.name)) for span in day.open) or words.shut
    for span in day.booked:
        yield f"{words.booking}: {_span(span, span.name)}"
    if day.used:
        yield f"{words.visited}: {', '.join(day.used)}"


def _span(span: Span, name: str) -> str:
    return f"{name} {hours(span.start_min, span.end_min)}"


def _clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"
