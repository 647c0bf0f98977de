"""The console and a door's display in a real browser, before the daemon in its building."""

import time
from collections.abc import AsyncIterator

import cv2
import numpy as np
import pytest
import zxingcpp
from playwright.async_api import ViewportSize

from edged.console.words import speaker
from edged.core.limits import LOGIN_GAP_MS
from edged.settings.model import Language
from hil.chain.broker import free_port
from hil.people import People
from hil.site.site import Site
from tests.e2e.consoles import (
    DESK,
    PHONE,
    browser,
    complaints,
    consoled,
    fair,
    log_in,
    page_of,
)
from tests.e2e.scene import SOON_S, bolt, present, records
from tests.edged.fakes import until

pytestmark = pytest.mark.e2e

PAGES = (
    "/",
    "/events",
    "/why?member=boram",
    "/bookings",
    "/lockers",
    "/wiring",
    "/provision",
    "/commission",
)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def building(site: Site, port: int) -> AsyncIterator[People]:
    """The site is up, with its console and one user of each role."""
    site.rules["staff"]["fumi"]["roles"] = ["open", "operate"]
    site.rules["doors"]["front"] |= {
        "pulse_ms": 20_000,  # opening the door ends it
        "held_open_s": 6,
        "pre_alarm_s": 2,
    }
    async with consoled(site, port) as people:
        yield people


@pytest.mark.parametrize(("size", "language"), [(PHONE, "ja"), (PHONE, "ko"), (DESK, "en")])
async def test_every_page_can_be_used_by_everybody(
    building: People, port: int, size: ViewportSize, language: str, site: Site
) -> None:
    await present(building, "front-in", site.code("boram"))
    async with browser() as chromium, page_of(chromium, size, language, port) as page:
        await page.goto("/login")
        assert await complaints(page) == []
        await log_in(page, "install")
        for path in PAGES:
            await page.goto(path)
            assert await page.get_attribute("html", "lang") == language
            assert await complaints(page) == [], path
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, path
        await page.goto("/why?member=boram&place=front-in")
        assert "OUT_OF_BAND" in await page.inner_text("main")
        await page.goto("/display/front")
        assert await complaints(page) == []


async def test_what_happens_is_seen_at_once(building: People, port: int, site: Site) -> None:
    async with browser() as chromium, page_of(chromium, DESK, "en", port) as page:
        await log_in(page, "look")
        await building.force("front")  # nobody was let through
        await page.wait_for_selector(".phase-forced", timeout=SOON_S * 1000)
        await page.wait_for_selector("text=Door forced open")
        assert await page.locator("main .acts button").count() == 0  # a role that only looks
        await site.daemon.stop()
        await page.wait_for_selector("text=The door program does not answer")


@pytest.mark.parametrize(("size", "language"), [(PHONE, "ko"), (DESK, "en")])
async def test_a_door_that_is_held_open_is_said(
    building: People, port: int, site: Site, size: ViewportSize, language: str
) -> None:
    say = speaker(Language(language))
    async with browser() as chromium, page_of(chromium, size, language, port) as page:
        await log_in(page, "look")
        mark = building.last
        await present(building, "front-in", site.code("aiko"))
        await building.wait_for(bolt("front", released=True), SOON_S, after=mark)
        await building.open("front")
        await page.wait_for_selector(".phase-held", timeout=SOON_S * 1000)
        alarm = page.locator("li.alarm", has_text=say("DOOR_HELD_OPEN"))
        await alarm.wait_for(timeout=SOON_S * 1000)
        await fair(page)
        await building.close("front")
        await alarm.wait_for(state="detached", timeout=SOON_S * 1000)


async def test_a_door_is_opened_from_a_phone_and_only_when_asked_twice(
    building: People, port: int
) -> None:
    async with browser() as chromium, page_of(chromium, PHONE, "en", port) as page:
        await log_in(page, "install")
        mark = building.last
        button = page.get_by_role("button", name="Open: front")
        await button.click()
        await page.get_by_role("button", name="Press again to do it").click()
        await page.wait_for_selector("text=Done: OK")
        seen = await building.wait_for(
            lambda o: o["what"] == "bolt" and o["door"] == "front" and o["released"],
            SOON_S,
            after=mark,
        )
    assert seen


async def test_the_display_says_what_the_member_has_to_know(
    building: People, port: int, site: Site
) -> None:
    async with browser() as chromium, page_of(chromium, DESK, "ja", port) as page:
        await page.goto("/display/front")
        await page.wait_for_selector(".face.idle")
        await present(building, "front-in", site.code("aiko"))
        await page.wait_for_selector(".face.welcome")
        await page.wait_for_selector("text=7 of 8 left")
        assert "aiko" not in await page.content()
        await present(building, "front-in", site.code("boram"))
        await page.wait_for_selector(".face.refused")
        await page.wait_for_selector(".more")
        await present(building, "front-in", "not a code of ours")
        await page.wait_for_selector("text=Code not recognised")
        await page.wait_for_selector(".face.idle", timeout=SOON_S * 1000)


@pytest.mark.threat("D11")
@pytest.mark.parametrize(("size", "language"), [(PHONE, "ja"), (PHONE, "ko"), (DESK, "en")])
async def test_somebody_who_works_here_logs_in_by_a_code_shown_to_the_reader(
    building: People, port: int, site: Site, size: ViewportSize, language: str
) -> None:
    async with browser() as chromium, page_of(chromium, size, language, port) as page:
        await page.goto("/login")
        await page.select_option("select[name=reader]", "front-in")
        await page.click("button[value=begin]")
        await fair(page)
        shot = np.frombuffer(await page.locator(".qr").screenshot(), np.uint8)
        [seen] = zxingcpp.read_barcodes(cv2.imdecode(shot, cv2.IMREAD_GRAYSCALE))
        assert seen.text == f"EDGED-LOGIN:{await page.inner_text('.digits')}"
        mark = building.last

        await present(building, "front-in", site.code("fumi"))  # comes in by it, and no more
        await building.wait_for(bolt("front", released=True), SOON_S, after=mark)
        await page.wait_for_selector("li[aria-current] >> nth=0")
        await present(building, "front-in", seen.text)
        put_down_s = time.monotonic() + LOGIN_GAP_MS / 1000
        await page.wait_for_selector("li:nth-child(2)[aria-current]")
        await present(building, "front-in", site.code("fumi"))
        await page.wait_for_selector("li:nth-child(3)[aria-current]")
        assert await complaints(page) == []
        await until(lambda: time.monotonic() > put_down_s)
        await present(building, "front-in", seen.text)
        await page.wait_for_url("**/")
        await page.wait_for_selector(".live.on")
        assert await page.locator("main .acts button").count() > 0  # the role that the rules give
        assert "staff-fumi" in await page.inner_text("header")
    assert [one["staff"] for one in records(site) if one["kind"] == "passage"] == ["fumi"]
    logins = [one for one in records(site) if one["kind"] == "login"]
    assert [(one["staff"], one["role"], one["result"]) for one in logins] == [
        ("fumi", "operate", "SHOWN"),
        ("fumi", "operate", "CONFIRMED"),
    ]
