"""Two stores, a real broker and the reference cloud, all of them processes of their own."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hil.site.lockers import confirm_empty
from hil.stores.stores import Stores
from tests.e2e.cloud import throw_disk_away
from tests.e2e.lockers import assign, listed, look, order, sixty
from tests.e2e.scene import let_through, present, records, wheel_site

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

LATER_S = 120.0
"""A link that was cut for seconds is back in seconds; a busy machine takes its time."""


@pytest.fixture
def stores(installed: Path, folder: Path) -> Stores:
    """Two stores whose daemons are the wheel; not up yet."""
    main, branch = (wheel_site(installed, folder / name) for name in ("s1", "s2"))
    return Stores(folder, main, branch)


async def agree(up: Stores, member: str, count: int) -> None:
    """Wait until the cloud and both stores count the same."""
    wanted = dict.fromkeys(("cloud", *up.sites), count)
    async with asyncio.timeout(LATER_S):
        while await up.counts(f"C-{member}", member) != wanted:
            pass


async def over_limit(up: Stores) -> list[Mapping[str, Any]]:
    """The cloud's report, and the same words of each store."""
    words = ("report", "over-limit", "--month", up.month)
    (cloud,) = await up.cloud.run(*words)
    told = [await site.told(*words) for site in up.sites.values()]
    return [cloud, *({key: row[key] for key in cloud} for (row,) in told)]


async def test_two_stores_count_as_one_and_go_on_alone(stores: Stores) -> None:
    async with stores as up, up.sites["S1"].people() as one, up.sites["S2"].people() as other:
        code = {store: site.code for store, site in up.sites.items()}
        await let_through(other, "south", "south-in", code["S2"]("chen"))
        await agree(up, "chen", 1)
        assert (await present(one, "front-in", code["S1"]("chen")))["light"] == "red"
        for line in up.lines.values():
            line.pull()
        await let_through(other, "south", "south-in", code["S2"]("hana"))
        await let_through(one, "front", "front-in", code["S1"]("hana"))
        alone = {"cloud": 0, "S1": 1, "S2": 1}
        assert await up.counts("C-hana", "hana") == alone
        for line in up.lines.values():
            line.plug()
        await agree(up, "hana", 2)
        excess = {"member": "hana", "contract": "C-hana", "band": "NOW", "excess": 1}
        assert await over_limit(up) == [{**excess, "count": 2, "limit": 1}] * 3
        for device in ("S1-FRONT", "S2-SOUTH"):
            await up.cloud.run("audit", "verify", "--device", device)


async def test_a_new_disk_gets_everything_back_from_the_cloud(stores: Stores) -> None:
    site = stores.sites["S1"]
    sixty(site)
    async with stores as up, site.people() as people:
        await confirm_empty(site)
        uses = {f"L{n}": await assign(site, locker=f"L{n}") for n in (1, 2, 60)}
        await order(site, "set-aside", "L7", "--staff", "S9")
        before = await listed(site)
        assert set(before.values()) == {"FREE", "IN_USE", "OUT_OF_ORDER"}
        await let_through(people, "front", "front-in", site.code("chen"))
        await agree(up, "chen", 1)
        await site.daemon.stop()
        throw_disk_away(site)
        await up.pin(site)
        await site.start_daemon()
        await up.has_rules(site, 1)
        await agree(up, "chen", 1)
        async with asyncio.timeout(LATER_S):
            while await listed(site) != before:
                pass
        (record,) = [one for one in records(site) if one["kind"] == "restored"]
        assert record["counts"] == {"lockers": 60, "seats": 0}
        assert "PINs of lockers" in record["unknown"]
        assert {name: (await look(site, name))["occupancy"] for name in uses} == uses
