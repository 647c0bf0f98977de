"""Provisioning from a phone on a ladder or at a desk: a claim is typed, a real cloud answers."""

import pytest
from playwright.async_api import Page, ViewportSize

from edged.console.words import speaker
from edged.settings.model import Language
from hil.chain.broker import free_port
from hil.chain.town import Town
from hil.site.site import Site
from tests.e2e.consoles import (
    DESK,
    PHONE,
    SOON_MS,
    browser,
    consoled,
    fair,
    log_in,
    page_of,
)

pytestmark = pytest.mark.e2e


async def give(page: Page, claim: str) -> None:
    await page.fill("input[name=claim]", claim)
    await page.click("form[action='/provision'] button")


@pytest.mark.threat("G1", "G2")
@pytest.mark.parametrize(("size", "language"), [(PHONE, "ja"), (PHONE, "ko"), (DESK, "en")])
async def test_a_typed_claim_makes_a_device_its_clouds_and_a_lost_link_is_said(
    boxed: Site, there: Town, size: ViewportSize, language: str
) -> None:
    say, port = speaker(Language(language)), free_port()
    async with (
        consoled(boxed, port),
        browser() as chromium,
        page_of(chromium, size, language, port) as page,
    ):
        await log_in(page, "install")
        await page.goto("/provision")
        await page.wait_for_selector(f"text={say('claim_waited')}", timeout=SOON_MS)
        await fair(page)
        serial = await page.inner_text("dd.facts >> nth=0")

        await give(page, "not a claim")
        await page.wait_for_selector(f"[role=alert]:has-text('{say('claim_BAD_CLAIM')}')")
        await fair(page)

        wrong = await there.claim("S1-FRONT", "SOMEBODY-ELSE")
        await give(page, wrong)
        await page.wait_for_selector("text=CLAIM_WRONG", timeout=SOON_MS)
        await page.wait_for_selector(f"text={say('claim_waited')}", timeout=SOON_MS)
        await fair(page)

        right = await there.claim("S1-FRONT", serial)
        await give(page, right)
        done = page.locator(".state.ok", has_text=say("phase_ACTIVE"))
        await done.wait_for(timeout=SOON_MS)
        up = page.locator("dd", has_text=f": {say('link_up')}")
        await up.wait_for(timeout=SOON_MS)
        assert (await there.listed("S1-FRONT"))["enabled"]
        await page.reload()
        await done.wait_for()
        assert await page.locator("input[name=claim]").count() == 0  # there is nothing to claim
        await fair(page)
        assert right not in await page.content()
        assert right not in page.url

        await page.goto("/")
        await page.locator("dd", has_text=f"✓ {say('link_up')}").first.wait_for(timeout=SOON_MS)
        await there.broker.stop()
        down = page.locator("dd .warning", has_text=say("link_down"))
        await down.wait_for(timeout=SOON_MS)
        await fair(page)
    secrets = [code for claim in (wrong, right) for code in (claim, claim.replace("-", ""))]
    assert not any(secret in boxed.daemon.said() for secret in secrets)
