"""The fault matrix: what a door does when something is broken, and which test shows it."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.threats.table import Mark, links, strangers

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: see rows.toml."""

    name: str
    fault: str
    coming_in: str
    going_out: str
    bolt: str
    alarm: str
    beyond: str = ""


def rows() -> list[Row]:
    """All rows, in their order."""
    said = tomllib.loads((HERE / "rows.toml").read_text(encoding="utf-8"))
    return [Row(name, **fields) for name, fields in said.items()]


def table(wanted: Sequence[Row], found: Sequence[Mark]) -> str:
    """The matrix as Markdown."""
    lines = [
        "| fault | coming in | going out | bolt | alarm | shown by |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in wanted:
        shown = "<br>".join([*links(row.name, found), *([row.beyond] if row.beyond else [])])
        cells = (row.fault, row.coming_in, row.going_out, row.bolt, row.alarm, shown)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def faults(wanted: Sequence[Row], found: Sequence[Mark]) -> list[str]:
    """What nothing shows, and what names a row that there is not."""
    shown = {mark.row for mark in found}
    return [
        *(f"{row.name}: no test shows it" for row in wanted if row.name not in shown),
        *strangers({row.name for row in wanted}, found),
    ]
