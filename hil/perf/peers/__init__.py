"""Other engines, and the question that every one of them can be asked. See README.md."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Final

from policy.decision import value

PEERS: Final = {
    "zen-engine": "zen_engine",
    "common-expression-language": "cel_rust",
    "celine-regorus": "regorus_rego",
    "vakt": "vakt_guard",
    "pycasbin": "casbin_fast",
    "cedarpy": "cedar",
}
"""The module here that asks each package; the packages by the name that installs them."""


@dataclass(frozen=True, slots=True)
class Band:
    """A band of a plan: `[start, end)` in minutes after midnight, weekdays from Monday = 0.

    `limit`: uses a month, None = no limit.
    """

    start: int
    end: int
    weekdays: frozenset[int]
    limit: int | None


@value
class Facts:
    """What a host has to know before it asks: these engines keep no calendar and no counters.

    `weekday` and `minute` are the store's local time. `used` and `today` have an entry for each
    band of the plan: uses in this month, and whether one of them was today.
    """

    plan: str
    suspended: bool
    weekday: int
    minute: int
    used: list[int]
    today: list[bool]


Plans = Mapping[str, tuple[Band, ...]]
Answer = Callable[[Facts], bool]


def engine(package: str, plans: Plans) -> Answer:
    """Prepare an engine of `PEERS` for these plans, once; what is returned decides.

    It lets a member in who is not suspended while a band of the plan is open on a ticked
    weekday, and the band has uses left this month or was used today already.

    Raises:
        PackageNotFoundError: The package is not installed.
    """
    version(package)
    made: Answer = import_module(f"{__name__}.{PEERS[package]}").engine(plans)
    return made
