"""Make a row as small as it can be while something still holds of it.

Pieces are taken away one by one, greedily, until none can go: steps, members, contracts, bands,
bookings, tickets, devices, stores, dates; then settings and single fields become plain.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.oracle.times import Data
from tests.oracle.worlds import SETTINGS

Still = Callable[[Data], bool]
Path = tuple[Any, ...]  # names and places, from the row down to the piece

PLAIN: Data = {  # what a field is when it plays no part
    "booking_early_min": 15,
    "booking_exit_late_min": 15,
    "check_stores": True,
    "counts": True,
    "early_min": 0,
    "end": None,
    "exempt": False,
    "gender": None,
    "holiday": "ALL",
    "late_min": 0,
    "limit": None,
    "lockdown": False,
    "main": False,
    "paid": True,
    "priority": 0,
    "room": None,
    "stores": None,
    "valid_to": None,
    "weekdays": "1111111",
}


def smaller(made: Data, still: Still) -> Data:
    """The smallest row that could be found; `still` holds of it, and of `made`."""
    made, shrinking = deepcopy(made), True
    while shrinking:
        shrinking = False
        for less in _less(made):
            if still(less):
                made, shrinking = less, True
                break
    return made


def _less(made: Data) -> Iterator[Data]:
    """Every row that has one piece less, the big pieces first."""
    for path in _pieces(made, ()):
        less = deepcopy(made)
        where: Any = less
        for name in path[:-1]:
            where = where[name]
        if isinstance(where, list) or path[-2] in ("devices", "stores", "bands"):
            del where[path[-1]]
        else:
            where[path[-1]] = _plain(path)
        yield less


def _pieces(thing: object, path: Path) -> Iterator[Path]:
    if isinstance(thing, list):
        yield from ((*path, n) for n in reversed(range(len(thing))))
        for n, inner in enumerate(thing):
            yield from _pieces(inner, (*path, n))
    elif isinstance(thing, dict):
        for name, inner in thing.items():
            below = (*path, name)
            if path[-1:] in (("devices",), ("stores",), ("bands",)) or (
                path[:1] == ("world",) and inner != _plain(below, inner)
            ):
                yield below
            yield from _pieces(inner, below)


def _plain(path: Path, otherwise: object = None) -> object:
    if path[1] == "settings":
        return SETTINGS[path[2]][0] if len(path) > 2 else otherwise
    return PLAIN.get(path[-1], otherwise) if len(path) > 3 else otherwise
