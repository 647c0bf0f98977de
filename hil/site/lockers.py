"""A bank of lockers at a site: in the building, in the settings and in the rules."""

from collections.abc import Mapping
from types import MappingProxyType

from hil.site.processes import DidNotStart
from hil.site.rules import STORE
from hil.site.site import Site

BANK = "hall"
READER = "hall-in"
BUS = "line"
_COUNT = 4


def add_lockers(site: Site, built: Mapping[str, object] = MappingProxyType({})) -> None:
    """Add the bank `hall` with lockers L1 to L4 and a reader. Call before the site is written.

    `built`: how they are built (hil/building/README.md): `jammed`, `springs` ...
    """
    socket = {"kind": "sim", "socket": str(site.building_socket)}
    site.building["lockers"] = {BANK: {"count": _COUNT, **built}}
    site.settings["secrets_dir"] = str(site.folder / "secrets")
    site.settings["lockers"] = {
        BANK: {
            "store": STORE,
            "numbers": {f"L{n}": n for n in range(1, _COUNT + 1)},
            "board": {**socket, "bank": BANK},
            "readers": {
                READER: {**socket, "reader": READER, "indicator": {**socket, "indicator": READER}}
            },
        }
    }
    site.rules["devices"][READER] = {"store": STORE, "side": "IN"}


async def confirm_empty(site: Site) -> None:
    """Say that all the lockers of a new bank are empty. Raises DidNotStart."""
    staff = ("--staff", "S9", "--config", site.config)
    code, _, err = await site.run_edged("lockers", "confirm-empty", "--all", BANK, *staff)
    if code:
        raise DidNotStart(err)


def add_boards(site: Site, built: Mapping[str, object] = MappingProxyType({})) -> None:
    """Put the bank `hall` at one bus instead: two lockers each at boards of three makes.

    L1 and L2 are at a KERONG board, L3 and L4 at a Winnsen, L5 and L6 at an 8A/80. Call before
    the site is written. `built`: as for `add_lockers`.
    """
    add_lockers(site, built)
    link, each = "line.tty", {"locks": 2}
    boards = (("kerong", 0, 1), ("winnsen", 2, 3), ("board_8a", 7, 5))
    site.building["lockers"][BANK]["count"] = 6
    site.building["buses"] = {
        BUS: {
            "link": link,
            "boards": [
                {**each, "kind": kind, "address": address, "bank": BANK, "first": first}
                for kind, address, first in boards
            ],
        }
    }
    at = {**each, "port": str(site.folder / link), "baud": 9_600}
    bank = site.settings["lockers"][BANK]
    bank["numbers"] = {f"L{n}": n for n in range(1, 7)}
    bank["board"] = {**at, "kind": "kerong", "address": 0, "hook_closed_bit": 1}
    bank["more_boards"] = [
        {**at, "kind": "winnsen", "address": 2},
        {**at, "kind": "board_8a", "address": 7, "hook_closed_bit": 1},
    ]


def write_pepper(site: Site) -> None:
    """Write the secret that PINs need; what it is matters to nobody here."""
    secrets = site.folder / "secrets"
    secrets.mkdir(mode=0o700)
    pepper = secrets / "store_pepper"
    pepper.touch(mode=0o600)
    pepper.write_text("a pepper of a sample site")
