"""From scan to bolt: every presentation that opened a door, as a dot in its bench's row."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Final

from hil.scenarios.play import Played

_ACTS: Final = frozenset({"scan", "button", "switch", "tamper"})
"""What somebody does; a bolt that moves after it was moved by it, not by a scan before it."""
_WIDTH, _LEFT, _ROW = 900, 150, 34


@dataclass(frozen=True, slots=True)
class Presentation:
    """A code before a reader, and how long after it the bolt was back, by the building's clock."""

    scenario: str
    bench: str
    took_ms: int


def presentations(played: Iterable[Played]) -> Iterator[Presentation]:
    """Give those that opened a door; a reader is named after its door."""
    for one in played:
        reader, began_ms = "", 0
        for seen in one.seen:
            if seen["what"] in _ACTS:
                reader, began_ms = str(seen.get("reader", "")), int(seen["at_ms"])
            elif seen["what"] != "bolt" or not seen["released"]:
                continue
            elif reader.startswith(f"{seen['door']}-"):
                yield Presentation(one.name, one.bench, int(seen["at_ms"]) - began_ms)
                reader = ""


def plot(found: Iterable[Presentation]) -> str:
    """Draw a row a bench, each with its median, over decades of ms; nothing: ""."""
    rows: dict[str, list[Presentation]] = {}
    for each in found:
        rows.setdefault(each.bench, []).append(each)
    if not rows:
        return ""
    took = [max(1, each.took_ms) for row in rows.values() for each in row]
    low, high = math.floor(math.log10(min(took))), math.floor(math.log10(max(took))) + 1

    def x(ms: float) -> float:
        share = (math.log10(max(1, ms)) - low) / (high - low)
        return round(_LEFT + (_WIDTH - _LEFT - 20) * share, 1)

    height = _ROW * (len(rows) + 1)
    out = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img"><title>Scan to bolt</title>']
    out += [
        f'<line x1="{x(ms)}" x2="{x(ms)}" y1="18" y2="{height}" stroke="#ddd"/>'
        f'<text x="{x(ms)}" y="12" text-anchor="middle">{ms:,} ms</text>'
        for ms in (10**power for power in range(low, high + 1))
    ]
    for n, (bench, row) in enumerate(rows.items(), start=1):
        middle_ms, y = median(each.took_ms for each in row), n * _ROW
        out.append(
            f'<text x="4" y="{y + 4}">{escape(bench)} ({len(row)})</text>'
            f'<rect x="{x(middle_ms) - 1}" y="{y - 12}" width="2" height="24" fill="#222">'
            f"<title>median: {middle_ms:g} ms</title></rect>"
        )
        out += [
            f'<circle cx="{x(each.took_ms)}" cy="{y}" r="4" fill="#2a8f4f" fill-opacity=".5">'
            f"<title>{escape(each.scenario)}: {each.took_ms} ms</title></circle>"
            for each in row
        ]
    return "".join([*out, "</svg>"])
