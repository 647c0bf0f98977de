"""Commissioning from a phone on a ladder: the walk of `edged commission`, asked on the pages."""

import base64
import json
from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize

from hil.chain.broker import free_port
from hil.people import People
from hil.site.doors import YARD, complete_doors
from hil.site.installer import Hands
from hil.site.lockers import BANK, add_boards, confirm_empty, write_pepper
from hil.site.site import Site
from tests.e2e.consoles import DESK, PHONE, browser, consoled, fair, log_in, page_of
from tests.e2e.lockers import listed

pytestmark = pytest.mark.e2e

DOORS = {f"{kind}/front" for kind in ("secure", "lock", "contact", "exit_button", "way_out_frozen")}
BOARDS = {f"board/{BANK}.board{n}" for n in ("", 2, 3)}
NEWS = """last => {
  const asking = document.querySelector(".asking");
  return document.querySelector("[data-running=no]")
    || (asking && asking.dataset.key && asking.dataset.key !== last);
}"""


class Ladder(Hands):
    """Does what a page asks for in these steps; leaves all else for another day.

    `texts`: what stood on the page, by the question's last word; each kind is held to be fair.
    """

    def __init__(self, site: Site, people: People, page: Page, steps: set[str]) -> None:
        super().__init__(site, people)
        self.page, self.steps = page, steps
        self.texts: dict[str, str] = {}

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
            await self._read(last.rpartition("/")[2], await asking.locator(".big").inner_text())
            choices = [
                str(await one.get_attribute("value"))
                for one in await asking.locator("button[name=answer]").all()
            ]
            if last.endswith("/begin"):
                self.mark = self.people.last
                await self._press("go" if last.rpartition("/")[0] in self.steps else "skip")
            elif choices:
                await self._press(await self.reply(last, choices))
            elif last.endswith("/why"):
                await asking.locator("input[name=answer]").fill("not today")
                await asking.locator("button").click()
            else:
                await self.do(last)

    async def _read(self, what: str, text: str) -> None:
        if what not in self.texts and what != "out":  # with the daemon frozen there is no time
            self.texts[what] = text
            await fair(self.page)

    async def _press(self, choice: str) -> None:
        await self.page.click(f".asking button[value={choice}]")


async def walked(hands: Ladder) -> dict[str, Any]:
    """Begin a walk, and go it to its end; what the report says."""
    page = hands.page
    await page.goto("/commission")
    await page.click("button[value=begin]")
    await page.wait_for_selector(".asking[data-key]")
    await hands.walk_on()
    await fair(page)
    answer = await page.request.get("/commission/report/envelope")
    report: dict[str, Any] = json.loads(base64.b64decode((await answer.json())["payload"]))
    return report


def by_step(report: dict[str, Any]) -> dict[str, Any]:
    return {f"{one['kind']}/{one['subject']}": one for one in report["steps"]}


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
        hands = Ladder(site, people, page, DOORS)
        report = await walked(hands)
        assert not hands.daemon_is_stopped()
        await page.goto("/commission/report/page")
        assert "Not accepted" in await page.inner_text("body")
    verdicts = by_step(report)
    button = verdicts.pop("exit_button/front")
    swapped = f"the button of {YARD} was heard: it is swapped with this one"
    assert (button["verdict"], button["why"]) == ("failed", swapped)
    done = {key: verdicts[key]["verdict"] for key in DOORS - {"exit_button/front"}}
    assert done == dict.fromkeys(done, "passed")
    assert verdicts["power_cut/S1-FRONT"]["why"] == "not today"
    assert (report["by"], report["accepted"]) == ("install", False)
    assert "way_out_frozen/front/out" in hands.asked


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("size", "language", "which"),
    [
        (PHONE, "ko", "어느 사물함이 열렸습니까"),
        (DESK, "en", "L1 was ordered to open: which locker did?"),
    ],
)
async def test_boards_are_proven_while_the_daemon_runs_and_free_lockers_stay_free(
    site: Site, size: ViewportSize, language: str, which: str
) -> None:
    add_boards(site)
    write_pepper(site)
    port = free_port()
    async with (
        consoled(site, port) as people,
        browser() as chromium,
        page_of(chromium, size, language, port) as page,
    ):
        await confirm_empty(site)
        daemon = site.daemon.pid
        await log_in(page, "install")
        hands = Ladder(site, people, page, BOARDS)
        verdicts = by_step(await walked(hands))
        assert {key: verdicts[key]["verdict"] for key in BOARDS} == dict.fromkeys(BOARDS, "passed")
        assert await listed(site) == {f"L{n}": "FREE" for n in range(1, 7)}
        assert site.daemon.pid == daemon
    assert hands.texts["which"] == which
