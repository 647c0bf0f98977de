"""A device from its box to its cloud: real brokers with TLS, the reference cloud, `edged`."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cloud_link.shapes import spell_instant
from edged.exits import Exit
from hil.chain.line import now
from hil.chain.town import Town
from hil.cloud import pki
from hil.site.site import Site
from tests.e2e.cloud import status
from tests.e2e.scene import present, wheel_site

pytestmark = pytest.mark.e2e

LATER_S = 90.0


async def edged(site: Site, *words: str, code: int = 0) -> list[dict[str, Any]]:
    got, out, err = await site.run_edged(*words, "--json", "--config", site.config)
    assert got == code, err
    return [json.loads(line) for line in out.splitlines()]


async def identity(site: Site) -> dict[str, Any]:
    (said,) = await edged(site, "identity")
    return said


async def connected(site: Site) -> Mapping[str, Any]:
    """Wait until the daemon has heard its cloud."""
    async with asyncio.timeout(LATER_S):
        while True:
            link: Mapping[str, Any] = (await status(site))["link"]
            if link["fresh_s"] is not None:
                return link


@pytest.mark.threat("G1", "G2")
async def test_a_claim_makes_a_device_its_clouds_and_the_daemon_connects(
    boxed: Site, there: Town
) -> None:
    before = await identity(boxed)
    assert before["phase"] == "FACTORY"
    code = await there.claim("S1-FRONT", before["serial"])
    said = await edged(boxed, "provision", "--claim", code)
    assert [one["step"] for one in said] == ["who", "key_made", "certified", "active"]
    after = await identity(boxed)
    assert after["phase"] == "ACTIVE"
    assert {key: after[key] for key in ("serial", "fingerprint")} == {
        key: before[key] for key in ("serial", "fingerprint")
    }
    assert (await there.listed("S1-FRONT"))["enabled"]
    again = await edged(boxed, "provision", "--claim", code)
    assert [one["step"] for one in again] == ["who"]
    try:
        await boxed.start_building()
        await boxed.start_daemon()
        assert (await connected(boxed))["connected"]
    finally:
        await boxed.stop()
    secrets = [code, code.replace("-", "")]
    assert not any(secret in boxed.daemon.said() for secret in secrets)


@pytest.mark.threat("G2")
async def test_a_claim_is_no_good_for_another_device_or_a_second_time(
    boxed: Site, there: Town, installed: Path, folder: Path
) -> None:
    serial = (await identity(boxed))["serial"]
    wrong = await there.claim("S1-FRONT", "SOMEBODY-ELSE")
    said = await boxed.run_edged("provision", "--claim", wrong, "--config", boxed.config)
    assert (said[0], "CLAIM_WRONG" in said[2]) == (Exit.ENROLMENT_REFUSED, True)
    code = await there.claim("S1-FRONT", serial)
    await edged(boxed, "provision", "--claim", code)
    thief = wheel_site(installed, folder / "thief")
    thief.settings["cloud"] = there.settings
    thief.write()
    said = await thief.run_edged("provision", "--claim", code, "--config", thief.config)
    assert (said[0], "CLAIM_USED" in said[2]) == (Exit.ENROLMENT_REFUSED, True)
    assert "CLAIMED_TWICE" in (await there.listed("S1-FRONT"))["alarms"]


async def test_who_is_unknown_waits_until_somebody_adopts_it(boxed: Site, there: Town) -> None:
    named = sha256((there.cloud / "trust.json").read_bytes()).hexdigest()
    process = await asyncio.create_subprocess_exec(
        *(*boxed.edged, "provision", "--trust", named, "--json", "--config", boxed.config),
        stdout=PIPE,
        env=dict(boxed.env),
    )
    assert process.stdout is not None
    said = [json.loads(await process.stdout.readline()) for _ in range(3)]
    assert [one["step"] for one in said] == ["who", "key_made", "waiting"]
    row = await there.listed("S1-FRONT")
    assert row["alarms"] == ["WAITING"]
    assert (row["serial"], row["fingerprint"]) == (said[0]["serial"], said[0]["fingerprint"])
    await there.run("device", "adopt", "S1-FRONT", "--fingerprint", said[0]["fingerprint"])
    out, _ = await process.communicate()
    assert [json.loads(line)["step"] for line in out.splitlines()] == ["certified", "active"]
    assert process.returncode == 0


async def provisioned(site: Site, there: Town) -> None:
    code = await there.claim("S1-FRONT", (await identity(site))["serial"])
    await edged(site, "provision", "--claim", code)


def age(site: Site, there: Town, days: int) -> None:
    """Give the device a certificate that was issued so long ago."""
    slot = site.folder / "state/cloud/identity/a"
    key = load_pem_private_key((slot / "key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    at = now() - timedelta(days=days)
    pem = pki.authority(there.cloud / "pki", at).device("S1-FRONT", key.public_key(), at, 90)
    (slot / "certificate.pem").write_text(pem)


@pytest.mark.threat("G4")
async def test_the_daemon_renews_its_certificate_and_deletes_the_old_one_then(
    boxed: Site, there: Town
) -> None:
    await provisioned(boxed, there)
    age(boxed, there, 80)
    old = await identity(boxed)
    try:
        await boxed.start_building()
        await boxed.start_daemon()
        async with asyncio.timeout(LATER_S):
            while (new := await identity(boxed))["phase"] != "ACTIVE" or (
                new["certificate_from"] == old["certificate_from"]
            ):
                pass
        assert (await connected(boxed))["connected"]
    finally:
        await boxed.stop()
    folder = boxed.folder / "state/cloud/identity"
    assert sorted(path.name for path in folder.iterdir()) == ["b", "identity.json"]


@pytest.mark.threat("G3")
@pytest.mark.threat("G3")
async def test_a_device_whose_certificate_ended_is_enrolled_again(boxed: Site, there: Town) -> None:
    await provisioned(boxed, there)
    age(boxed, there, 100)
    process = await asyncio.create_subprocess_exec(
        *(*boxed.edged, "provision", "--again", "--json", "--config", boxed.config),
        stdout=PIPE,
        env=dict(boxed.env),
    )
    async with asyncio.timeout(LATER_S):
        while not (rows := await there.run("device", "list"))[1:]:
            pass
    name, key = rows[1]["device"], rows[1]["fingerprint"]
    await there.run("device", "adopt", name, "--fingerprint", key, "--replace")
    await process.communicate()
    assert process.returncode == 0
    assert (await identity(boxed))["certificate_until"] > spell_instant(now())


async def test_a_device_that_is_given_up_keeps_nothing_and_can_be_enrolled_again(
    boxed: Site, there: Town
) -> None:
    await provisioned(boxed, there)
    key = (await identity(boxed))["fingerprint"]
    (said,) = await edged(boxed, "decommission", "--yes")
    assert said["phase"] == "RETIRED"
    left = {path.name for path in (boxed.folder / "state").rglob("*") if path.is_file()}
    assert left == {"lock", "identity.json"}
    await provisioned(boxed, there)
    assert (await identity(boxed))["fingerprint"] != key


async def alarmed(site: Site, cause: str) -> None:
    """Wait for an alarm whose cause names this."""
    async with asyncio.timeout(LATER_S):
        while cause not in str((await status(site))["alarms"]):
            pass


@pytest.mark.threat("G2")
async def test_a_claim_is_shown_to_the_doors_own_scanner(boxed: Site, there: Town) -> None:
    serial = (await identity(boxed))["serial"]
    wrong = await there.claim("S1-FRONT", "SOMEBODY-ELSE")
    try:
        await boxed.start_building()
        await boxed.start_daemon()
        async with boxed.people() as people:
            await alarmed(boxed, "show it a claim")
            await people.scan("front-in", f"EDGED-CLAIM:{wrong}")
            await alarmed(boxed, "CLAIM_WRONG")
            right = await there.claim("S1-FRONT", serial)
            await people.scan("front-in", f"EDGED-CLAIM:{right}")
            assert (await connected(boxed))["connected"]
            light = await present(people, "front-in", f"EDGED-CLAIM:{right}")
            assert light["light"] != "green"
    finally:
        await boxed.stop()
    assert right not in boxed.daemon.said()
    assert right.encode() not in (boxed.folder / "state/journal.db").read_bytes()
