"""The few SVG elements that a calendar is made of. Lengths are in user units."""

from typing import Final
from xml.sax.saxutils import escape

from edged.printable import printable

INK: Final = "#1c2430"
FONTS: Final = (
    "system-ui, -apple-system, 'Hiragino Sans', 'Apple SD Gothic Neo', 'Noto Sans CJK JP',"
    " 'Noto Sans JP', 'Noto Sans KR', 'Noto Sans', 'DejaVu Sans', 'Liberation Sans', sans-serif"
)
"""What phones and computers have; the first that is there is used."""


def rect(box: tuple[float, float, float, float], fill: str, radius: float = 0, **also: str) -> str:
    """Draw a box: x, y, width, height. `also`: other attributes, `_` for `-`."""
    x, y, width, height = (f"{value:g}" for value in map(_rounded, box))
    rounded = f' rx="{radius:g}"' if radius else ""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}"{rounded} fill="{fill}"'
        f"{_spelled(also)}/>"
    )


def text(at: tuple[float, float], said: str, size: float, fill: str = INK, **also: str) -> str:
    """Write one line whose baseline begins at x, y. `also`: as in `rect`."""
    x, y = (f"{value:g}" for value in map(_rounded, at))
    where = f'x="{x}" y="{y}" font-size="{size:g}" fill="{fill}"{_spelled(also)}'
    return f"<text {where}>{plain(said)}</text>"


def plain(said: str) -> str:
    """Spell text so that it is nothing else in XML, whoever wrote it."""
    return escape(printable(said))


def cropped(said: str, size: float, room: float) -> str:
    """Cut a line to the width of `room`."""
    if width(said, size) <= room:
        return said
    kept = next(n for n in range(len(said) - 1, -1, -1) if width(said[:n] + "…", size) <= room)
    return said[:kept] + "…"


def width(said: str, size: float) -> float:
    """Guess how wide a line is: East Asian characters are square, capitals wide, others half."""
    return size * sum(1.0 if char > "\u2e7f" else 0.7 if char.isupper() else 0.56 for char in said)


def visited(x: float, y: float) -> str:
    """Draw a tick in a disc around x, y."""
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="8" fill="{INK}"/><path d="M{x - 3.6:g} {y + 0.2:g}'
        f'l2.6 2.7 4.7-5.4" fill="none" stroke="#fff" stroke-width="1.9"'
        ' stroke-linecap="round" stroke-linejoin="round"/>'
    )


def diamond(x: float, y: float, fill: str) -> str:
    """Draw a diamond around x, y."""
    return f'<path d="M{x:g} {y - 5:g}l5 5-5 5-5-5z" fill="{fill}"/>'


def _rounded(value: float) -> float:
    return round(value, 2)


def _spelled(also: dict[str, str]) -> str:
    return "".join(f' {name.replace("_", "-")}="{escape(value)}"' for name, value in also.items())
