"""Sites with a cloud: the real daemon, a real broker over TLS, and the building as witness."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edged.cloud import verify_audit
from hil.byzantine.tenant import public
from hil.site.lockers import confirm_empty
from hil.site.site import Site
from tests.drivers.rigs import until
from tests.e2e.cloud import Chain, chain, has_rules, status, throw_disk_away, up
from tests.e2e.lockers import assign, listed, opened, pulses, sixty
from tests.e2e.scene import SOON_S, bolt, let_through, present, records, wheel_site

pytestmark = pytest.mark.e2e


def at_store(site: Site, store: str, device: str) -> Site:
    """Put a site's doors at a store of two; a use counts for the store that it was at."""
    rules = site.rules
    rules["stores"] = dict.fromkeys(("S1", "S2"), rules["stores"]["S1"])
    rules["settings"] = {"dedupe_scope": "store"}
    for one in (*rules["doors"].values(), *rules["devices"].values()):
        one["store"] = store
    site.settings["device"] = device
    return site


async def test_what_is_used_up_in_one_store_is_refused_in_the_other(
    installed: Path, folder: Path
) -> None:
    one = at_store(wheel_site(installed, folder / "a"), "S1", "S1-FRONT")
    other = at_store(wheel_site(installed, folder / "b"), "S2", "S2-FRONT")
    other.issuer, other.rules["keys"] = one.issuer, one.rules["keys"]
    for site in (one, other):  # nobody has used anything yet
        site.folder.mkdir()
    async with chain(folder) as there, up(there, one), up(there, other):
        async with one.people() as people:
            await let_through(people, "front", "front-in", one.code("chen"))
        await knows(other, 1)
        async with other.people() as people:
            await let_through(people, "front", "front-in", other.code("aiko"))
            assert (await present(people, "front-in", other.code("chen")))["light"] != "green"
    reasons = [one["reason"] for one in records(other) if one["kind"] == "passage"]
    assert reasons == ["OK", "QUOTA_EXHAUSTED"]


async def knows(site: Site, position: int) -> None:
    """Wait until a site has taken so much of what others used."""
    async with asyncio.timeout(SOON_S):
        while (await status(site))["link"]["usage"]["position"] < position:
            pass


async def test_a_member_who_was_cancelled_is_out_when_the_rules_say_so(
    site: Site, folder: Path
) -> None:
    async with chain(folder) as there, up(there, site), site.people() as people:
        assert (await present(people, "front-in", site.code("aiko")))["light"] == "green"
        site.rules["members"]["aiko"]["suspended"] = True
        await there.publish(site)
        await has_rules(site)
        await people.wait_for(lambda seen: seen["what"] == "bolt", SOON_S)
        assert (await present(people, "front-in", site.code("aiko")))["light"] != "green"
        code, _, err = await site.run_edged(
            "rules", "load", str(site.folder / "rules.json"), "--config", site.config
        )
        assert code == 4
        assert "takes its rules from its cloud" in err


async def test_the_cloud_opens_a_door_once(site: Site, folder: Path) -> None:
    async with chain(folder) as there, up(there, site), site.people() as people:
        answer = await there.order(site, "door_open", copies=3, door="front")
        assert answer["result"] == "OK"
        await people.wait_for(bolt("front", released=True), SOON_S)
        await people.wait_for(bolt("front", released=False), SOON_S)
        told = await there.order(site, "diagnostics")
        assert told["more"]["status"]["device"] == "S1-FRONT"
        assert (await there.order(site, "door_open", door="roof"))["result"] == "NOT_FOUND"
        assert sum(bolt("front", released=True)(one) for one in people.seen) == 1


async def test_the_cloud_ends_a_use_and_the_locker_opens_once(site: Site, folder: Path) -> None:
    sixty(site)
    async with chain(folder) as there, up(there, site), site.people() as people:
        await confirm_empty(site)
        use = await assign(site)
        answer = await there.order(site, "locker_end", copies=3, locker="L1", occupancy=use)
        assert answer["result"] == "OK"
        await people.wait_for(opened, SOON_S)
        assert pulses(people) == 1


async def test_a_new_disk_gets_rules_and_lockers_back(site: Site, folder: Path) -> None:
    sixty(site)
    async with chain(folder) as there, up(there, site):
        await confirm_empty(site)
        uses = {f"L{n}": await assign(site, locker=f"L{n}") for n in (1, 2, 60)}
        cloud = there.clouds["S1-FRONT"]
        await until(lambda: len(cloud.records) >= len(records(site)))
        epochs = {epoch for epoch, _ in cloud.records}
        await site.daemon.stop()
        cloud.restorable = {"lockers": held(there), "seats": [], "unknown": []}
        throw_disk_away(site)
        await there.pin(site)
        await site.start_daemon()
        await has_rules(site)
        await until(lambda: len({epoch for epoch, _ in cloud.records} - epochs) > 0)
        before = {f"L{n}": ("IN_USE" if f"L{n}" in uses else "FREE") for n in range(1, 61)}
        async with asyncio.timeout(SOON_S):
            while await listed(site) != before:
                pass
        (record,) = [one for one in records(site) if one["kind"] == "restored"]
        assert record["counts"] == {"lockers": 60, "seats": 0}
        assert "PINs of lockers" in record["unknown"]


def held(there: Chain) -> list[dict[str, Any]]:
    """What the cloud's copy of the audit says of the lockers, read as the contract says."""
    found: dict[str, dict[str, Any]] = {}
    ordered = sorted(there.clouds["S1-FRONT"].records.items(), key=lambda one: one[0][1])
    for _, data in ordered:
        body = json.loads(data)
        if body["kind"] == "locker":
            found[body["locker"]] = {"id": body["locker"], "state": "FREE", "occupancy": None}
        elif body["kind"] == "locker_command" and body["verb"] == "assign":
            use = {"id": body["occupancy"], "member": body["member"], "product": None}
            times = {"start": body["occurred_at"], "end": body["end"]}
            found[body["locker"]] |= {"state": "IN_USE", "occupancy": {**use, **times}}
    return list(found.values())


async def test_the_audit_is_verified_by_a_program_that_is_not_ours(
    site: Site, folder: Path
) -> None:
    async with chain(folder) as there, up(there, site), site.people() as people:
        await let_through(people, "front", "front-in", site.code("aiko"))
        cloud = there.clouds["S1-FRONT"]
        await until(lambda: len(cloud.records) >= len(records(site)) and cloud.acks)
        link = await acknowledged(site)
        assert link["connected"]
        key = public(there.tenant.by_role["acks"]).hex()
    lines = folder / "audit.lines"
    code, _, err = await site.run_edged(
        "audit", "export", "--lines", str(lines), "--config", site.config
    )
    assert code == 0, err
    program = [sys.executable, "-I", verify_audit.__file__, str(lines), "--key", key]
    done = await asyncio.create_subprocess_exec(*program, stdout=subprocess.PIPE)
    out, _ = await done.communicate()
    assert out.startswith(b"records 1 to")
    assert done.returncode == 3  # what the daemon wrote while it ended nobody has signed for


async def acknowledged(site: Site) -> dict[str, Any]:
    """Wait until nothing waits; how the link is then."""
    async with asyncio.timeout(SOON_S):
        while True:
            link: dict[str, Any] = (await status(site))["link"]
            if link["acknowledged"] == link["records"]:
                return link
