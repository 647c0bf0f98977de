"""The plan: which lines the keeper has claimed and where they rest, for whoever comes after it.

A text file: the pins, then a line's number and its rest level in each row. It is written before
the line is claimed, so no line is ever driven that it does not name.
"""

from collections.abc import Mapping
from pathlib import Path

from drivers.line_keeper import limits
from drivers.line_keeper.pins import open_pins


def write(path: Path, pins: str, rest: Mapping[int, bool]) -> None:
    """Replace the plan in one step. Raises OSError."""
    rows = [pins, *(f"{line} {level:d}" for line, level in rest.items())]
    new = path.with_name(f"{path.name}.new")
    new.write_text("\n".join(rows) + "\n")
    new.replace(path)


def read(path: Path) -> tuple[str, dict[int, bool]]:
    """Read the pins and the rest levels. Raises OSError, or ValueError for what is no plan."""
    with path.open() as file:
        pins, *rows = file.read(limits.PLAN_BYTES).splitlines()
    rest = {}
    for row in rows:
        line, level = map(int, row.split(" "))
        if line not in limits.LINES or level not in {0, 1}:
            raise ValueError(f"no line {row!r}")
        rest[line] = level == 1
    return pins, rest


def bring_to_rest(path: Path) -> list[str]:
    """Drive every line of the plan to its rest level; return what went wrong, a line each.

    Without a plan no line was ever claimed. One line that can't be claimed keeps no other.
    """
    try:
        which, rest = read(path)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        return [f"no plan in {path}: {error}"]
    faults = []
    try:
        pins = open_pins(which, path.parent)
    except OSError as error:
        return [str(error)]
    for line, level in rest.items():
        try:
            pins.claim_output(line, level)
        except OSError as error:
            faults.append(f"line {line}: {error}")
    return faults
