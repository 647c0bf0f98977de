"""The virtual building's pages in a real browser, as `make run` shows them."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Request, ViewportSize, async_playwright, expect

from hil.demo.browse import browsing, furnish
from hil.pages.house import Place
from hil.people import People
from hil.site.site import Site
from hil.stores.line import Line
from tests.e2e.scene import SOON_S

pytestmark = pytest.mark.e2e

JSON = {"content-type": "application/json"}
PHONE, DESK = ViewportSize(width=375, height=740), ViewportSize(width=1280, height=800)
FRONT, LOCKER = "[data-door=front]", "[data-bank=hall] [data-channel='1']"


@dataclass(frozen=True, slots=True)
class Shown:
    """A building that is up, and the addresses of its pages."""

    people: People
    line: Line
    pages: str
    console: str


@pytest.fixture
async def shown(site: Site) -> AsyncIterator[Shown]:
    furnish(site)
    site.rules["doors"]["front"]["pulse_ms"] = 20_000  # a slow visitor opens it in time
    async with (
        Line(1) as line,
        site,
        site.people() as people,
        browsing([Place("S1", site, people)], [line]) as links,
    ):
        yield Shown(people, line, *links.values())


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_a_visitor_lets_a_member_in_and_turns_the_clock(
    shown: Shown, size: ViewportSize
) -> None:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = await chromium.new_page(viewport=size)
        page.set_default_timeout(SOON_S * 1_000)
        strangers: list[str] = []

        def asked(request: Request) -> None:
            if not request.url.startswith((f"{shown.pages}/", "data:")):
                strangers.append(request.url)

        page.on("request", asked)
        page.on("pageerror", lambda error: strangers.append(str(error)))
        await page.goto(shown.pages)
        await page.wait_for_selector(".live.on")
        found = await Axe().run(page)
        assert found.response["violations"] == []
        await _comes_in(page)
        await _turns_the_clock(page)
        await page.click("[data-line=pull]")
        await expect(page.locator("#line")).to_have_text("pulled: the doors go on by themselves")
        assert shown.line.pulled
        await page.click("[data-line=plug]")
        await expect(page.locator("#line")).to_have_text("plugged in")
        assert strangers == []
        await chromium.close()


async def _comes_in(page: Page) -> None:
    await page.click(f"{FRONT} [data-do=open]")
    await expect(page.get_by_role("alert")).to_have_text("It is locked.", timeout=SOON_S * 1_000)
    await page.click("[data-reader=front-in]")
    await page.wait_for_selector(f"{FRONT}.released")
    await page.click(f"{FRONT} [data-do=open]")
    await page.wait_for_selector(f"{FRONT}.open")
    await page.click(f"{FRONT} [data-do=close]")
    await page.wait_for_selector(f"{FRONT}:not(.open):not(.released)")
    await page.click("[data-reader=hall-in]")
    await page.wait_for_selector(f"{LOCKER}.open")
    await page.click(LOCKER)
    await page.wait_for_selector(f"{LOCKER}:not(.open)")


async def _turns_the_clock(page: Page) -> None:
    reader = page.locator("[data-reader=front-in]")
    await page.click("[data-turn='60']")
    await expect(page.locator("#turned")).to_have_text("60 minutes ahead of the true time")
    await page.click("[data-reader=front-in]")
    await expect(reader).to_contain_text("Please refresh your code", timeout=SOON_S * 1_000)
    await page.click("[data-turn='0']")
    await expect(page.locator("#turned")).to_have_text("tells the true time")


async def test_a_visitor_asks_for_what_there_is(shown: Shown) -> None:
    async with httpx.AsyncClient(base_url=shown.pages) as visitor:
        for act, status, words in (
            ({"do": "open", "door": "front"}, 409, "locked"),
            ({"do": "open", "door": "nowhere"}, 400, "nowhere"),
            ({"do": "open", "door": "../x"}, 400, "door"),
            ({"do": "melt", "door": "front"}, 400, "do"),
            ({"do": "hold", "who": "nobody", "reader": "front-in"}, 400, "nobody"),
            ({"do": "turn", "minutes": 1_000_000}, 400, "minutes"),
        ):
            answer = await visitor.post("/do", json=act)
            assert answer.status_code == status, answer.text
            assert words in answer.json()["error"]
        body = json.dumps({"do": "press", "door": "front"})
        strange = await visitor.post("/do", content=body, headers={"content-type": "text/plain"})
        assert strange.status_code == 415
        assert (await visitor.post("/do", content=b"x" * 2_000, headers=JSON)).status_code == 413
        assert (await visitor.get("/", headers={"host": "elsewhere.example"})).status_code == 400
        assert (await visitor.get("/phone/nobody.png")).status_code == 404
        assert (await visitor.get("/static/../house.py")).status_code == 404
    assert not any(seen["what"] in {"bolt", "door", "scan"} for seen in shown.people.seen)


async def test_the_console_and_a_display_stand_beside_it(shown: Shown) -> None:
    async with httpx.AsyncClient(base_url=shown.console) as visitor:
        assert (await visitor.get("/display/front")).status_code == 200
        assert (await visitor.get("/login")).status_code == 200
