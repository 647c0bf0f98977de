"""A month for a terminal: each day with its 24 hours in blocks."""

from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Final, NamedTuple, Protocol
from unicodedata import east_asian_width

from edged.printable import printable
from edged.settings.model import Language
from edged.whatif.month import DAY_MIN, TICKET, Day, Month, Quota, Span
from edged.whatif.spell import amount, hours, openings
from edged.whatif.words import WORDS, Words


class _Ink(NamedTuple):
    """How a way in is drawn: by a block and by a colour, so that either tells it."""

    block: str
    colour: str


_WAYS: Final = (
    _Ink("█", "blue"),
    _Ink("▓", "yellow"),
    _Ink("▒", "green"),
    _Ink("░", "cyan"),
)
_TICKET: Final = _Ink("─", "magenta")
"""Thin, because each entry takes something."""
_STRIPS: Final = (12, 8)
"""Characters of a day's strip, so two or three hours each; the widest that fits seven times."""
_VISITED, _BOOKED, _SHUT = "✓", "◆", "\N{BOX DRAWINGS LIGHT DIAGONAL UPPER RIGHT TO LOWER LEFT}"


class Paint(Protocol):
    """Colours text where the terminal can; as `typer.style`."""

    def __call__(
        self, text: str, fg: str | None = None, *, bold: bool | None = None, dim: bool | None = None
    ) -> str:
        """Return the text with what colours it."""
        ...


def lines(month: Month, language: Language, columns: int, paint: Paint) -> Iterator[str]:
    """Spell the month; `columns`: of the terminal, 62 at least are used."""
    words = WORDS[language]
    ways = {**dict(zip(month.names, cycle(_WAYS), strict=False)), TICKET: _TICKET}
    wide = next((n for n in _STRIPS if 7 * n + 6 <= columns), _STRIPS[-1])
    yield f"{paint(words.month(month.first), bold=True)}  {printable(month.store)}"
    yield from (_quota(words, quota, ways[quota.name], paint) for quota in month.quotas)
    yield from (_today(words, day) for day in month.days if day.date == month.today)
    yield ""
    yield " ".join(name + _padding(name, wide) for name in words.weekdays).rstrip()
    for week in month.weeks:
        yield " ".join(_head(words, month, day, wide, paint) for day in week).rstrip()
        yield " ".join(_strip(day, ways, wide, paint) for day in week).rstrip()
    yield ""
    yield _legend(words, month, wide)


def _quota(words: Words, quota: Quota, ink: _Ink, paint: Paint) -> str:
    said = [paint(2 * ink.block, ink.colour), printable(words.way(quota.name))]
    if quota.hours is not None:
        said.append(hours(quota.hours.start_min, quota.hours.end_min))
    return " ".join([*said, paint(amount(words, quota), bold=True)])


def _today(words: Words, day: Day) -> str:
    return f"{words.today} {words.date(day.date)} {', '.join(openings(day)) or words.shut}"


def _head(words: Words, month: Month, day: Day | None, wide: int, paint: Paint) -> str:
    """Spell a day's number and its marks; today stands in brackets."""
    if day is None:
        return " " * wide
    today = day.date == month.today
    marks = {
        f"[{day.date.day}]" if today else f"{day.date.day}": True,
        _VISITED: bool(day.used),
        _BOOKED: bool(day.booked),
        words.holiday_mark: day.holiday,
    }
    said = " ".join(mark for mark, shown in marks.items() if shown)
    return paint(said, "red" if day.holiday else None, bold=today) + _padding(said, wide)


def _strip(day: Day | None, ways: Mapping[str, _Ink], wide: int, paint: Paint) -> str:
    """Draw a day: a character for what opens most of its hours."""
    if day is None:
        return " " * wide
    if day.closed and not day.open:
        return paint(_SHUT * wide, dim=True)
    step = DAY_MIN // wide
    drawn = ""
    for start in range(0, DAY_MIN, step):
        opened = max(day.open, key=lambda span: _shared(span, start, start + step), default=None)
        if opened is None or 2 * _shared(opened, start, start + step) < step:
            drawn += paint("·", dim=True)
        else:
            drawn += paint(ways[opened.name].block, ways[opened.name].colour)
    return drawn


def _shared(span: Span, start: int, end: int) -> int:
    """Return how many minutes a stretch has of another."""
    return max(0, min(span.end_min, end) - max(span.start_min, start))


def _legend(words: Words, month: Month, wide: int) -> str:
    marks = {
        f"{_VISITED} {words.visited}": any(day.used for day in month.days),
        f"{_BOOKED} {words.booking}": any(day.booked for day in month.days),
        f"{words.holiday_mark} {words.holiday}": any(day.holiday for day in month.days),
        f"{_SHUT * 2} {words.closed}": any(day.closed for day in month.days),
        f"[ ] {words.today}": any(day.date == month.today for day in month.days),
    }
    scale = f"{'·' * wide} 0\N{EN DASH}24 h"
    return "   ".join([scale, *(mark for mark, shown in marks.items() if shown)])


def _padding(said: str, wide: int) -> str:
    """Return what fills up to a width; East Asian characters take two places."""
    taken = sum(2 if east_asian_width(char) in "WF" else 1 for char in said)
    return " " * (wide - taken)
