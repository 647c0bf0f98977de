"""A bank of lockers at a site: in the building, in the settings and in the rules."""

from collections.abc import Mapping
from types import MappingProxyType

from hil.site.processes import DidNotStart
from hil.site.rules import STORE
from hil.site.site import Site

BANK = "hall"
READER = "hall-in"
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


def write_pepper(site: Site) -> None:
    """Write the secret that PINs need; what it is matters to nobody here."""
    secrets = site.folder / "secrets"
    secrets.mkdir(mode=0o700)
    pepper = secrets / "store_pepper"
    pepper.touch(mode=0o600)
    pepper.write_text("a pepper of a sample site")
