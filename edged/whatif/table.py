"""Tables for spreadsheets: CSV in which no cell is taken for a formula."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TextIO

ENCODING: Final = "utf-8-sig"
"""Of files: with the mark by which spreadsheets tell UTF-8."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell that a spreadsheet would calculate begins with; Japanese ones take the wide signs
of the last four too."""


def write(out: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> int:
    """Write the columns' names and the rows; return how many rows. `out` has newline=""."""
    lines = csv.writer(out)
    lines.writerow(columns)
    count = 0
    for row in rows:
        lines.writerow([cell(row.get(name)) for name in columns])
        count += 1
    return count


def cell(value: object) -> str:
    """Spell a value; text that would be calculated gets a quote before it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case _:
            text = str(value)
            return f"'{text}" if text.startswith(_FORMULA) else text
