"""The second store: a branch with one door, `south`, and rules that are those of both."""

from typing import Any

from hil.site import rules as samples
from hil.site.site import Site

BRANCH = "S2"
DOOR = "south"
READERS = {"south-in": "IN", "south-out": "OUT"}


def make_branch(main: Site, branch: Site) -> dict[str, Any]:
    """Turn a usual site into the branch; return one set of rules for both, not yet written."""
    branch.issuer = main.issuer
    branch.building |= {
        "doors": {DOOR: {"lock": "strike"}},
        "scanners": {name: {"link": f"{name}.tty"} for name in READERS},
        "relays": {},
    }
    branch.settings["device"] = "S2-SOUTH"
    branch.settings["doors"] = {DOOR: _door(branch)}
    rules = main.rules
    rules["settings"] = {"dedupe_scope": "store"}
    rules["stores"][BRANCH] = rules["stores"][samples.STORE]
    rules["doors"][DOOR] = {"store": BRANCH, "pulse_ms": 2_000}
    for name, side in READERS.items():
        rules["devices"][name] = {"store": BRANCH, "door": DOOR, "side": side}
    return rules


def _door(branch: Site) -> dict[str, Any]:
    at = {"kind": "sim", "socket": str(branch.building_socket), "door": DOOR}
    light = {"kind": "sim", "socket": str(branch.building_socket)}
    return {
        "type": "strike",
        "egress": "mechanical",
        "lock": at,
        "contact": {**at, "line": "contact"},
        "exit_button": {**at, "line": "button"},
        "readers": {
            name: {
                "kind": "serial_line",
                "port": str(branch.folder / f"{name}.tty"),
                "indicator": {**light, "indicator": name},
            }
            for name in READERS
        },
    }
