"""A complete pair of doors at a site: the strike `front`, and the magnet `yard` beside it."""

from hil.site.rules import STORE
from hil.site.site import Site

YARD = "yard"
READER = "yard-in"
SIREN = "siren"
_PULSE_MS, _HELD_OPEN_S, _PRE_ALARM_S = 4_000, 6, 2
"""Short enough to be waited for, and long enough for people on a busy machine."""


def complete_doors(site: Site) -> None:
    """Add the magnet, and to both doors all that can be wired. Call before the site is written."""
    sim = {"kind": "sim", "socket": str(site.building_socket)}
    site.building["doors"][YARD] = {"lock": "magnet"}
    lines = {"contact": "contact", "exit_button": "button", "bond": "bond", "tamper": "tamper"}
    light = {**sim, "indicator": READER}
    site.settings["doors"][YARD] = {
        "type": "magnet",
        "egress": "mechanical",
        "lock": {**sim, "door": YARD},
        "readers": {READER: {**sim, "reader": READER, "indicator": light}},
    }
    for door in ("front", YARD):
        wired = {part: {**sim, "door": door, "line": line} for part, line in lines.items()}
        site.settings["doors"][door] |= wired
    site.settings["fire"] = {**sim, "line": "fire"}
    site.settings["lockdown_switch"] = {**sim, "line": "lockdown"}
    site.settings["alarm_output"] = {**sim, "indicator": SIREN}
    site.rules["devices"][READER] = {"store": STORE, "door": YARD, "side": "IN"}
    for door in ("front", YARD):
        site.rules["doors"][door] = {
            "store": STORE,
            "pulse_ms": _PULSE_MS,
            "held_open_s": _HELD_OPEN_S,
            "pre_alarm_s": _PRE_ALARM_S,
            "forced_min_s": 1,
        }
