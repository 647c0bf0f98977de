"""Another authority for the broker: real brokers with TLS, the reference cloud, `edged`."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hil.chain.town import Town
from hil.site.site import Site
from tests.e2e.cloud import status
from tests.e2e.scene import wheel_site
from tests.e2e.test_provision import LATER_S, connected, identity, provisioned

pytestmark = pytest.mark.e2e


@pytest.fixture
async def site(installed: Path, folder: Path, there: Town) -> AsyncIterator[Site]:
    """A site that is enrolled, with the authority of that day in a file of its own."""
    made = wheel_site(installed, folder / "site")
    ca_file = folder / "ca.crt"
    shutil.copy(there.settings["ca_file"], ca_file)
    made.settings["cloud"] = {**there.settings, "ca_file": str(ca_file)}
    made.write()
    await provisioned(made, there)
    await made.start_building()
    try:
        yield made
    finally:
        await made.stop()


async def heard(there: Town) -> None:
    """Wait until the device has followed the newest trust document."""
    async with asyncio.timeout(LATER_S):
        while not (await there.run("authority", "list"))[0]["heard"]:
            pass


async def restart(there: Town) -> None:
    """Let the brokers and the cloud take the certificates that lie there now."""
    await there.stop()
    for broker in (there.doorstep, there.broker):
        await broker.stop()
        await broker.start()
    await there.serve()


async def link(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = (await status(site))["link"]
    return found


async def back(site: Site) -> None:
    """Wait until the device has heard its cloud since now."""
    since = time.monotonic()
    async with asyncio.timeout(LATER_S):
        while (await link(site))["fresh_s"] >= time.monotonic() - since:
            pass


async def kept_off(site: Site) -> None:
    """Wait until the device says that it does not know its broker."""
    async with asyncio.timeout(LATER_S):
        while (now := await link(site))["connected"] or "certificate" not in now["why"]:
            pass


async def test_a_device_follows_to_another_authority_and_leaves_the_old_one(
    site: Site, there: Town, folder: Path
) -> None:
    old = folder / "old"
    shutil.copytree(there.cloud / "pki", old)
    await site.start_daemon()
    await connected(site)
    before = (await identity(site))["authority_until"]
    (said,) = await there.run("authority", "prepare")
    assert said == {"trust": 2, "vouched": True}
    await restart(there)
    await heard(there)
    await there.run("authority", "switch")
    await restart(there)
    await back(site)
    await there.run("authority", "drop")
    await heard(there)
    assert (await identity(site))["authority_until"] > before
    for name in ("broker.crt", "broker.key", "ca.crt"):
        shutil.copy(old / name, there.cloud / "pki" / name)
    await there.broker.stop()
    await there.broker.start()
    await kept_off(site)


async def test_a_device_that_was_off_all_the_while_finds_its_broker(
    site: Site, there: Town
) -> None:
    await there.run("authority", "prepare")
    await there.run("authority", "switch")
    await restart(there)
    await site.start_daemon()
    assert (await connected(site))["connected"]
    await heard(there)
    await there.run("authority", "drop")
    await heard(there)
