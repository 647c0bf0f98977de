"""Commissioning from a phone on a ladder: the walk of `edged commission`, asked on the pages."""

import base64
import json

import pytest
from playwright.async_api import Page

from hil.people import People
from hil.site.doors import YARD, complete_doors
from hil.site.installer import Hands
from hil.site.site import Site
from tests.e2e.consoles import PHONE, browser, complaints, consoled, free_port, log_in, page_of

pytestmark = pytest.mark.e2e

DONE = {f"{kind}/front" for kind in ("secure", "lock", "contact", "exit_button", "way_out_frozen")}
NEWS = """last => {
  const asking = document.querySelector(".asking");
  return document.querySelector("[data-running=no]")
    || (asking && asking.dataset.key && asking.dataset.key !== last);
}"""


class Ladder(Hands):
    """Does what a page asks for, at one door; leaves all else for another day."""

    def __init__(self, site: Site, people: People, page: Page) -> None:
        super().__init__(site, people)
        self.page = page

    async def walk_on(self) -> None:
        """Do what the page asks for, to the end."""
        last = ""
        while True:
            await self.page.wait_for_function(NEWS, arg=last, timeout=60_000)
            if await self.page.locator("[data-running=no]").count():
                return
            asking = self.page.locator(".asking")
            last = str(await asking.get_attribute("data-key"))
            self.asked.append(last)
            choices = [
                str(await one.get_attribute("value"))
                for one in await asking.locator("button[name=answer]").all()
            ]
            if last.endswith("/begin"):
                self.mark = self.people.last
                await self._press("go" if last.rpartition("/")[0] in DONE else "skip")
            elif choices:
                await self._press(await self.reply(last, choices))
            elif last.endswith("/why"):
                await asking.locator("input[name=answer]").fill("not today")
                await asking.locator("button").click()
            else:
                await self.do(last)

    async def _press(self, choice: str) -> None:
        await self.page.click(f".asking button[value={choice}]")


@pytest.mark.slow
@pytest.mark.timeout(300)  # a walk waits for every lock's own time
async def test_a_door_is_proven_from_a_phone_and_a_swapped_button_is_named(site: Site) -> None:
    complete_doors(site)
    doors, port = site.settings["doors"], free_port()
    doors["front"]["exit_button"], doors[YARD]["exit_button"] = (
        doors[YARD]["exit_button"],
        doors["front"]["exit_button"],
    )
    async with (
        consoled(site, port) as people,
        browser() as chromium,
        page_of(chromium, PHONE, "ja", port) as page,
    ):
        await log_in(page, "install")
        await page.goto("/commission")
        await page.click("button[value=begin]")
        await page.wait_for_selector(".asking[data-key]")
        assert await complaints(page) == []
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        hands = Ladder(site, people, page)
        await hands.walk_on()
        assert not hands.daemon_is_stopped()
        assert await complaints(page) == []
        answer = await page.request.get("/commission/report/envelope")
        report = json.loads(base64.b64decode((await answer.json())["payload"]))
        await page.goto("/commission/report/page")
        assert "Not accepted" in await page.inner_text("body")
    verdicts = {f"{one['kind']}/{one['subject']}": one for one in report["steps"]}
    button = verdicts.pop("exit_button/front")
    swapped = f"the button of {YARD} was heard: it is swapped with this one"
    assert (button["verdict"], button["why"]) == ("failed", swapped)
    done = {key: verdicts[key]["verdict"] for key in DONE - {"exit_button/front"}}
    assert done == dict.fromkeys(done, "passed")
    assert verdicts["power_cut/S1-FRONT"]["why"] == "not today"
    assert (report["by"], report["accepted"]) == ("install", False)
    assert "way_out_frozen/front/out" in hands.asked
