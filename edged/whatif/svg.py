"""A month as an SVG for a phone: self-contained, no script, no font of its own.

The colours are those of Okabe and Ito, and nothing is said by colour alone. Lengths are in user
units; a phone is `WIDTH` of them wide.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from edged.settings.model import Language
from edged.whatif import limits
from edged.whatif.month import DAY_MIN, TICKET, Day, Month, Span
from edged.whatif.shapes import FONTS, INK, cropped, diamond, plain, rect, text, visited, width
from edged.whatif.spell import amount, hours, line, openings, told
from edged.whatif.words import WORDS, Words

WIDTH: Final = 390
_LEFT: Final = 14
_PITCH: Final = 52
_CELL: Final = (50, 62)
_INNER: Final = 6 * _PITCH + _CELL[0]
_RIGHT: Final = _LEFT + _INNER
_STRIP: Final = (4, 43, _CELL[0] - 8, 14)  # x, y, width, height in a cell

_SOFT: Final = "#56616f"
_FAINT: Final = "#8a95a2"
_LINE: Final = "#d9dfe6"
_EMPTY: Final = "#e6eaef"
_SHUT: Final = "#f4f6f8"
_RED: Final = "#b23c06"
_BLUE: Final = "#0b5c94"
_BOOKED: Final = "#7a2a86"
_WAYS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b5a600")
_SATURDAY, _SUNDAY = 5, 6
_NAME_ROOM: Final = 150  # beside the hours and what is left

_TOLD: Final = 2  # stretches of today: what a line has room for
_SEGMENTS: Final = 31  # more of them would be thinner than their gaps
_HATCH: Final = (
    '<defs><pattern id="shut" width="6" height="6" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><rect width="6" height="6" fill="#f1f3f6"/>'
    '<rect width="2" height="6" fill="#d3d9e0"/></pattern></defs>'
)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What every part of the drawing needs."""

    month: Month
    words: Words
    colours: Mapping[str, str]

    def name(self, way: str) -> str:
        """Spell a way in, cropped."""
        return cropped(self.words.way(way), 14, _NAME_ROOM)


def draw(month: Month, language: Language) -> str:
    """Draw the month."""
    words = WORDS[language]
    sheet = _Sheet(month, words, dict(zip(month.names, cycle(_WAYS), strict=False)))
    parts, y = [*_head(sheet)], 52.0
    for section in (_today, _quotas, _grid, _legend):
        y += 12
        drawn, height = section(sheet, y)
        parts += drawn
        y += height
    y += 14
    said = [month.store, *(line(words, quota) for quota in month.quotas)]
    box = f'viewBox="0 0 {WIDTH} {y:g}" width="{WIDTH}" height="{y:g}"'
    look = f'role="img" aria-labelledby="title about" font-family="{FONTS}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {box} {look} xml:lang="{language.value}">',
            f'<title id="title">{plain(words.month(month.first))}</title>',
            f'<desc id="about">{plain("; ".join(said))}</desc>',
            _HATCH,
            rect((0, 0, WIDTH, y), "#fff"),
            *parts,
            "</svg>\n",
        ]
    )


def _head(sheet: _Sheet) -> Iterator[str]:
    month = sheet.month
    title = sheet.words.month(month.first)
    yield text((_LEFT, 40), title, 25, font_weight="700")
    store = cropped(month.store, 13, _INNER - 20 - width(title, 25))
    yield text((_RIGHT, 39), store, 13, _SOFT, text_anchor="end")


def _today(sheet: _Sheet, y: float) -> tuple[list[str], float]:
    """Say when the member gets in today, if today is in this month."""
    day = next((day for day in sheet.month.days if day.date == sheet.month.today), None)
    if day is None:
        return [], -12
    open_ = ", ".join(openings(day)[:_TOLD]) or sheet.words.shut
    open_ += ", …" if len(openings(day)) > _TOLD else ""
    fill = "#eaf4ee" if day.open else _SHUT
    return [
        rect((_LEFT, y, _INNER, 38), fill, 9),
        text((_LEFT + 12, y + 24.5), sheet.words.today, 14, font_weight="700"),
        text(
            (_LEFT + 12 + width(sheet.words.today, 14) + 10, y + 24.5),
            sheet.words.date(day.date),
            13,
            _SOFT,
        ),
        text((_RIGHT - 12, y + 24.5), open_, 15, font_weight="700", text_anchor="end"),
    ], 38


def _quotas(sheet: _Sheet, y: float) -> tuple[list[str], float]:
    """Say of each band how much is left, with a piece for each use."""
    drawn, top = [], y
    for quota in sheet.month.quotas[: limits.QUOTAS]:
        colour, name = sheet.colours[quota.name], sheet.name(quota.name)
        drawn += [
            _bar(quota.name, colour, (_LEFT, y + 4, 12, 12)),
            text((_LEFT + 19, y + 15), name, 14, font_weight="600"),
        ]
        if quota.hours is not None:
            said = hours(quota.hours.start_min, quota.hours.end_min)
            drawn.append(text((_LEFT + 27 + width(name, 14), y + 15), said, 12.5, _SOFT))
        said = amount(sheet.words, quota)
        bold = "700" if quota.left is not None else "400"
        drawn.append(text((_RIGHT, y + 15), said, 14, font_weight=bold, text_anchor="end"))
        y += 22
        if quota.limit:
            drawn += _pieces(quota.limit, quota.count, colour, y)
            y += 13
    return drawn, max(-12, y - top - 2)


def _pieces(limit: int, count: int, colour: str, y: float) -> Iterator[str]:
    """Draw what is left as full pieces, after those that were used."""
    number = min(limit, _SEGMENTS)
    used = min(number, round(count * number / limit)) if limit > number else min(count, limit)
    step = (_INNER + 3) / number
    for n in range(number):
        yield rect((_LEFT + n * step, y, step - 3, 7), _EMPTY if n < used else colour, 2.5)


def _grid(sheet: _Sheet, y: float) -> tuple[list[str], float]:
    drawn = []
    for n, name in enumerate(sheet.words.weekdays):
        colour = {_SATURDAY: _BLUE, _SUNDAY: _RED}.get(n, _SOFT)
        at = (_LEFT + n * _PITCH + _CELL[0] / 2, y + 11)
        drawn.append(text(at, name, 12, colour, text_anchor="middle"))
    weeks = sheet.month.weeks
    for row, week in enumerate(weeks):
        for column, day in enumerate(week):
            if day is not None:
                x, top = _LEFT + column * _PITCH, y + 19 + row * (_CELL[1] + 3)
                drawn += [f'<g transform="translate({x:g} {top:g})">', *_day(sheet, day), "</g>"]
    return drawn, 19 + len(weeks) * (_CELL[1] + 3) - 3


def _day(sheet: _Sheet, day: Day) -> Iterator[str]:
    words, today = sheet.words, sheet.month.today
    yield f"<title>{plain('; '.join(told(words, day)))}</title>"
    fill = "url(#shut)" if day.closed else "#fff" if day.open else _SHUT
    line, thick = (INK, 2.2) if day.date == today else (_LINE, 1)
    box = (thick / 2, thick / 2, _CELL[0] - thick, _CELL[1] - thick)
    yield rect(box, fill, 8, stroke=line, stroke_width=f"{thick:g}")
    weekday = day.date.weekday()
    red, blue = day.holiday or weekday == _SUNDAY, weekday == _SATURDAY
    colour = _RED if red else _BLUE if blue else INK
    yield text((6, 19), f"{day.date.day}", 15, colour, font_weight="600")
    if day.closed or day.holiday:
        mark = words.closed_mark if day.closed else words.holiday_mark
        yield text((6, 34), mark, 10.5, _SOFT if day.closed else _RED, font_weight="600")
    if day.used:
        yield visited(39, 13.5)
    if day.booked:
        yield diamond(39, 31, _BOOKED)
    if not day.closed or day.open:
        faded = "0.45" if day.date < today else "1"
        yield from _strip(sheet.colours, (day.open, day.booked), _STRIP, faded)


def _strip(
    colours: Mapping[str, str],
    spans: tuple[tuple[Span, ...], tuple[Span, ...]],
    box: tuple[float, float, float, float],
    faded: str = "1",
) -> Iterator[str]:
    """Draw the 24 hours of a day: open times in colour, bookings as a line below them."""
    opened, booked = spans
    x, y, whole, height = box
    yield rect(box, _EMPTY, 3)
    scale = whole / DAY_MIN
    for quarter in (1, 2, 3):
        yield rect((x + quarter * whole / 4 - 0.4, y, 0.8, height), "#fff")
    for span in opened:
        at, long = x + span.start_min * scale, (span.end_min - span.start_min) * scale
        yield _bar(span.name, colours[span.name], (at, y, long, height), opacity=faded)
    for span in booked:
        long = max(4.0, (span.end_min - span.start_min) * scale)
        yield rect((x + span.start_min * scale, y + height - 5, long, 5), _BOOKED, 1)


def _bar(name: str, colour: str, box: tuple[float, float, float, float], opacity: str = "1") -> str:
    """Draw an open time; a ticket's is thin, because each entry takes something."""
    x, y, long, height = box
    if name == TICKET:
        return rect((x, y + height / 2 - 2, long, 4), colour, 2, opacity=opacity)
    return rect(box, colour, 2, opacity=opacity)


def _scale(sheet: _Sheet, y: float) -> Iterator[str]:
    """Draw a wide strip with its hours: the open times of the day that has most of them."""
    days = [day for day in sheet.month.days if day.open]
    spans = max((day.open for day in days), key=len, default=())
    yield from _strip(sheet.colours, (spans, ()), (_LEFT, y, _INNER, 14))
    for hour in range(0, 25, 6):
        anchor = {0: "start", 24: "end"}.get(hour, "middle")
        at = (_LEFT + _INNER * hour / 24, y + 27)
        yield text(at, str(hour), 11, _SOFT, text_anchor=anchor)


def _legend(sheet: _Sheet, y: float) -> tuple[list[str], float]:
    """Explain the strip by one that is wide, and the marks that this month has."""
    month, words = sheet.month, sheet.words
    drawn, top = [*_scale(sheet, y)], y
    y, x = y + 50, float(_LEFT)
    small = 11 if len(words.holiday_mark) == 1 else 8.5
    marks = [
        (any(d.used for d in month.days), visited(8, 0), words.visited),
        (any(d.booked for d in month.days), diamond(8, 0, _BOOKED), words.booking),
        (
            any(d.holiday for d in month.days),
            text(
                (8, 4.5), words.holiday_mark, small, _RED, font_weight="600", text_anchor="middle"
            ),
            words.holiday,
        ),
        (
            any(d.closed for d in month.days),
            rect((0.5, -7.5, 15, 15), "url(#shut)", 3, stroke=_LINE),
            words.closed,
        ),
        (
            any(d.date == month.today for d in month.days),
            rect((1, -7, 14, 14), "#fff", 3, stroke=INK, stroke_width="2"),
            words.today,
        ),
    ]
    for shown, mark, said in marks:
        if not shown:
            continue
        long = 22 + width(said, 12) + 14
        if x + long - 14 > _RIGHT:
            x, y = _LEFT, y + 22
        drawn += [f'<g transform="translate({x:g} {y:g})">{mark}</g>']
        drawn.append(text((x + 21, y + 4.3), said, 12, _SOFT))
        x += long
    return drawn, y - top + 8
