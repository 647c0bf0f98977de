"""Small words for end-to-end tests of lockers: order, look, count pulses."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from hil.people import Observation, People
from hil.site.lockers import BANK, add_lockers, confirm_empty, write_pepper
from hil.site.site import Site
from tests.e2e.scene import SOON_S

STAFF = ("--staff", "S9")


@asynccontextmanager
async def at(
    site: Site, add: Callable[..., None] = add_lockers, **built: object
) -> AsyncIterator[People]:
    """Put the site up with a bank of lockers, built so; somebody is in the building."""
    add(site, built)
    site.rules["settings"] = {"release_seen_s": 2 if built else 20}  # not seen, or seen late
    write_pepper(site)
    async with site, site.people() as people:
        await confirm_empty(site)
        yield people


def sixty(site: Site) -> None:
    """Add a bank of sixty lockers, without PINs. Call before the site is written."""
    add_lockers(site)
    site.building["lockers"][BANK]["count"] = 60
    site.settings["lockers"][BANK]["numbers"] = {f"L{n}": n for n in range(1, 61)}
    del site.settings["secrets_dir"]


async def order(site: Site, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Give an order; what came of it."""
    done, out, err = await site.run_edged("lockers", *arguments, "--json", "--config", site.config)
    assert done == code, err
    found: dict[str, Any] = json.loads(out)
    return found


async def look(site: Site, locker: str = "L1") -> dict[str, Any]:
    _, out, _ = await site.run_edged("lockers", "list", "--json", "--config", site.config)
    lines = [json.loads(line) for line in out.splitlines()]
    return next(line for line in lines if line["locker"] == locker)


async def listed(site: Site) -> dict[str, str]:
    """How every locker stands."""
    _, out, _ = await site.run_edged("lockers", "list", "--json", "--config", site.config)
    return {one["locker"]: one["state"] for one in map(json.loads, out.splitlines())}


async def until(
    site: Site, state: str, releasing: str | None = None, locker: str = "L1"
) -> dict[str, Any]:
    """Wait until a locker stands so: what the daemon thinks can only be looked for."""
    async with asyncio.timeout(SOON_S):
        while True:
            found = await look(site, locker)
            if (found["state"], found["releasing"]) == (state, releasing):
                return found


async def assign(site: Site, *more: str, locker: str = "L1") -> str:
    given = await order(
        site, "assign", locker, "--member", "aiko", "--end", "2099-01-01", *STAFF, *more
    )
    assert (given["result"], given["state"]) == ("OK", "IN_USE")
    return str(given["occupancy"])


def opened(seen: Observation) -> bool:
    return seen["what"] == "locker" and seen["open"] is True


def pulses(people: People) -> int:
    return sum(seen["what"] == "pulse" for seen in people.seen)


async def alarms(site: Site) -> set[str]:
    _, out, _ = await site.run_edged("status", "--json", "--config", site.config)
    return {up["alarm"] for up in json.loads(out)["alarms"]}


async def alarms_become(site: Site, wanted: set[str]) -> None:
    """Wait until just these alarms are up."""
    async with asyncio.timeout(2 * SOON_S):
        while await alarms(site) != wanted:
            pass
