"""A bar chart as SVG: what a measurement says, for people who would rather look."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jinja2

_TEMPLATE: Final = Path(__file__).with_name("bars.svg")
_LEFT, _SPAN = 250, 500


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `value` above 0 in the chart's unit; `ours` is drawn darker; `note` beside it."""

    name: str
    value: float
    note: str
    ours: bool = False


def bars(title: str, unit: str, rows: Sequence[Bar]) -> str:
    """Draw bars on a logarithmic scale, whole decades of which are marked.

    Raises:
        ValueError: There is no bar, or one is not above 0.
    """
    values = [row.value for row in rows]
    if not values or min(values) <= 0:
        raise ValueError("bars need values above 0")
    low = math.floor(math.log10(min(values)) - 0.2)
    high = math.ceil(math.log10(max(values)))

    def x(value: float) -> float:
        return round(_LEFT + _SPAN * (math.log10(value) - low) / (high - low), 1)

    template = jinja2.Template(_TEMPLATE.read_text(), autoescape=True)
    picture: str = template.render(
        title=title,
        unit=unit,
        marks=[(f"{10.0**power:g}", x(10.0**power)) for power in range(low, high + 1)],
        rows=[(row, x(row.value)) for row in rows],
    )
    return picture


def keep(file: Path, picture: str) -> None:
    """Write a picture, and the folder that it is in. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(picture)
