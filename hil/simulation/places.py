"""The doors of the simulated chain: three devices at two stores, one set of rules, its members."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hil.simulation.town import ISSUER, LIMITS, Member
from hil.site.lockers import READER, add_lockers
from hil.site.rules import TENANT, TZ, staff_issuer
from hil.site.site import Site
from hil.virtual.site import MORNING


@dataclass(frozen=True, slots=True)
class Place:
    """One device with one door."""

    device: str
    store: str
    door: str

    @property
    def way_in(self) -> str:
        """The reader outside."""
        return f"{self.door}-in"

    @property
    def way_out(self) -> str:
        """The reader inside."""
        return f"{self.door}-out"


PLACES: Final = (
    Place("S1-FRONT", "S1", "front"),
    Place("S1-SIDE", "S1", "side"),
    Place("S2-SOUTH", "S2", "south"),
)


@dataclass(frozen=True, slots=True)
class Opening:
    """When a story begins, and in which hours its members may come."""

    at: datetime = MORNING
    hours: str = "7:00-22:00"


USUAL: Final = Opening()
LOCKERS_AT: Final = PLACES[0]
"""Whose device works the bank of lockers."""
MEMBERS: Final = tuple(Member(f"m{n}", LIMITS[n % len(LIMITS)]) for n in range(16))
"""Few, so that they meet their limits; each comes at any door."""


def chain_rules(hours: str) -> dict[str, Any]:
    """Write the rules of all devices, as a plain document. `hours`: those of all plans."""
    keys = {"member": ISSUER, "staff": staff_issuer(ISSUER)}
    return {
        "format": "edged-rules/1",
        "tenant": TENANT,
        "keys": {
            str(key.kid): {"role": role, "public": key.public.hex()} for role, key in keys.items()
        },
        "stores": {
            store: {"tz": TZ, "bands": {"DAY": hours}}
            for store in dict.fromkeys(place.store for place in PLACES)
        },
        "settings": {"dedupe_scope": "store"},
        "plans": {
            f"P{limit}": {
                "bands": [{"kind": "DAY", **({"limit": limit} if limit else {})}],
                "exempt": True,
            }
            for limit in LIMITS
        },
        "doors": {
            place.door: {"store": place.store, "pulse_ms": 3_000, "held_open_s": 20}
            for place in PLACES
        },
        "devices": {
            name: {"store": place.store, "door": place.door, "side": side}
            for place in PLACES
            for name, side in ((place.way_in, "IN"), (place.way_out, "OUT"))
        }
        | {READER: {"store": LOCKERS_AT.store, "side": "IN"}},
        "members": {one.name: _registered(one) for one in MEMBERS},
    }


def _registered(one: Member) -> Mapping[str, Any]:
    contract = {"id": f"C-{one.name}", "plan": f"P{one.limit}", "start": "2025-01-01"}
    return {"handle": one.handle.hex(), "contracts": [contract]}


def move_in(site: Site, place: Place, rules: dict[str, Any], authority: Path) -> None:
    """Make a usual site this place's, with a cloud. `authority` is a file that is there."""
    sim = {"kind": "sim", "socket": str(site.building_socket)}
    at = {**sim, "door": place.door}
    site.issuer, site.rules = ISSUER, rules
    site.building |= {"doors": {place.door: {"lock": "strike"}}, "scanners": {}, "relays": {}}
    site.settings |= {
        "device": place.device,
        "fire": {**sim, "line": "fire"},
        "lockdown_switch": {**sim, "line": "lockdown"},
        "cloud": {"host": "broker", "tenant": TENANT, "ca_file": str(authority)}
        | {"certificate_file": str(authority), "key_file": str(authority)},
    }
    site.settings["doors"] = {
        place.door: {
            "type": "strike",
            "egress": "mechanical",
            "lock": at,
            "contact": {**at, "line": "contact"},
            "exit_button": {**at, "line": "button"},
            "readers": {
                name: {"indicator": {**sim, "indicator": name}}
                for name in (place.way_in, place.way_out)
            },
        }
    }
    if place is LOCKERS_AT:
        add_lockers(site)
