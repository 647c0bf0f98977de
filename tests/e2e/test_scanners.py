"""Each family of scanners before the whole daemon: read, unplugged, and back by itself."""

import json

import pytest

from hil.site.site import Site
from tests.e2e.scene import let_through, records

pytestmark = pytest.mark.e2e

FAMILIES = {"gm65": "gm65", "honeywell": "honeywell", "ssi": "ssi", "gm67": "ssi"}


@pytest.mark.fault("reader-unplugged")
@pytest.mark.threat("J6")
@pytest.mark.parametrize("family", FAMILIES)
async def test_a_scanner_reads_is_unplugged_and_comes_back(site: Site, family: str) -> None:
    site.building["scanners"]["front-in"]["family"] = family
    reader = site.settings["doors"]["front"]["readers"]["front-in"]
    reader["kind"] = FAMILIES[family]
    async with site, site.people() as people:
        await let_through(people, "front", "front-in", site.code("aiko"))
        await people.unplug("front-in")
        while await _state(site, "front-in") != "lost":
            pass
        await people.plug("front-in")
        while await _state(site, "front-in") == "lost":
            pass
        await let_through(people, "front", "front-in", site.code("aiko"))
    passages = [record for record in records(site) if record["kind"] == "passage"]
    assert [(one["device"], one["decision"]) for one in passages] == [("front-in", "ALLOW")] * 2
    alarms = [(one["alarm"], one["raised"]) for one in records(site) if one["kind"] == "alarm"]
    assert alarms == [("DEVICE_LOST", True), ("DEVICE_LOST", False)]


async def _state(site: Site, device: str) -> str:
    _, out, _ = await site.run_edged("status", "--json", "--config", site.config)
    return str(json.loads(out)["devices"][device])
