"""A phone's page and a door that agree for a day, without a network and with a wrong clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

import cv2
import numpy as np
import pytest
import segno
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Request, ViewportSize

from drivers.eye import decode
from drivers.eye.pictures import grey
from edged import limits
from policy.model import Reason
from tests.e2e.consoles import browser
from tests.edged.fakes import NOON
from tests.edged.readers.test_rotating import EPOCH, NUMBER, PHONE, rules
from tests.edged.readers.test_scene import HANDLE
from tests.edged.rig import Rig, running, signal

pytestmark = pytest.mark.e2e

PAGE = Path("hil/phone/rotating.html").absolute()
SIZE = ViewportSize(width=375, height=740)
OK = signal(Reason.OK)
SAID = {
    "tenant": "acme",
    "kid": EPOCH,
    "member": HANDLE.hex(),
    "key": PHONE.member_key.hex(),
    "stores": f"{NUMBER}:Main street,{NUMBER + 1}:Station",
}
VISITS, EVERY = 96, timedelta(minutes=15, seconds=7)  # a day, and every phase of a step


@asynccontextmanager
async def phone(ahead: timedelta) -> AsyncIterator[Page]:
    """The page on a phone without a network, whose clock is so far ahead at noon."""
    async with browser() as chromium:
        context = await chromium.new_context(viewport=SIZE, bypass_csp=True)
        await context.set_offline(True)
        page = await context.new_page()
        asked: list[str] = []

        def note(request: Request) -> None:
            if not request.url.startswith((PAGE.as_uri(), "about:")):
                asked.append(request.url)

        page.on("request", note)
        page.on("pageerror", lambda error: asked.append(str(error)))
        await page.clock.install(time=NOON + ahead)
        await page.clock.pause_at(NOON + ahead + timedelta(seconds=1))
        await page.goto(f"{PAGE.as_uri()}#{urlencode(SAID)}")
        yield page
        assert asked == []


async def step_shown(page: Page, at_s: float) -> None:
    """Wait until the page shows the step of the phone's time."""
    step = int(at_s) // 15
    await page.wait_for_selector(f"#code[data-step='{step}']")


async def seen(page: Page) -> bytes:
    """What the camera's decoder reads from the screen."""
    picture = cv2.imdecode(np.frombuffer(await page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    (text,) = decode.fast(grey(picture))
    return text


async def held_up(rig: Rig, text: bytes, seconds: float) -> bool:
    """Present a code so long after it was read from the screen; whether the door opened."""
    await rig.clock.advance(int(seconds * 1000))
    return await rig.enter(text) == OK


@pytest.mark.parametrize("ahead_s", [-25, 25])
async def test_a_phone_and_a_door_agree_for_a_day(
    tmp_path: Path, ahead_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOOKUP_S", 60)  # a machine that stood still refuses nobody
    ahead = timedelta(seconds=ahead_s)
    async with phone(ahead) as page, running(tmp_path, **rules()) as rig:
        await rig.clock.advance(1_000)
        opened = []
        for visit in range(VISITS):
            await step_shown(page, (rig.clock.wall + ahead).timestamp())
            code = await seen(page)
            assert (
                code == PHONE.r1(NUMBER, int((rig.clock.wall + ahead).timestamp()) // 15).encode()
            )
            opened.append(await held_up(rig, code, visit % 4))
            assert await rig.leave(code) == OK
            on = EVERY - timedelta(seconds=visit % 4)
            await rig.clock.advance(int(on.total_seconds() * 1000))
            await page.clock.fast_forward(int(EVERY.total_seconds() * 1000))
        assert rig.clock.wall - NOON >= timedelta(days=1)
        assert opened == [True] * VISITS
        granted = await rig.journal.commit(lambda ledger: ledger.granted_step(HANDLE.hex()))
        assert granted is not None
        assert granted.offset * ahead_s > 0  # and the door knows which way the phone is wrong


async def test_a_code_from_the_screen_opens_once_and_its_store_only(tmp_path: Path) -> None:
    async with phone(timedelta(0)) as page, running(tmp_path, **rules()) as rig:
        await step_shown(page, NOON.timestamp())
        code = await seen(page)
        assert await rig.enter(code) == OK
        await rig.clock.advance(6_000)
        assert await rig.enter(code) == signal(Reason.CODE_USED)
        await page.select_option("#store", label="Station")
        other = await until_other(page, code)
        assert await rig.enter(other) == signal(Reason.CODE_OTHER_STORE)


async def until_other(page: Page, code: bytes) -> bytes:
    while (text := await seen(page)) == code:
        pass
    return text


async def test_the_page_draws_what_another_encoder_does() -> None:
    asked = "([text, mask]) => drawn(codewords(text), mask).map((row) => row.map(Number))"
    async with phone(timedelta(0)) as page:
        for step, mask in product((0, 1, 118_333_440, 2**32 - 1), range(8)):
            text = PHONE.r1(NUMBER, step)
            modules = await page.evaluate(asked, [text, mask])
            other = segno.make_qr(text, error="m", boost_error=False, mask=mask)
            assert (other.version, modules) == (2, [list(row) for row in other.matrix])


async def test_what_is_wrong_is_said_and_no_code_is_shown() -> None:
    async with phone(timedelta(0)) as page:
        for name in SAID:
            await page.goto("about:blank")
            await page.goto(f"{PAGE.as_uri()}#{urlencode({**SAID, name: ''})}")
            await page.wait_for_selector(f"text={name} is missing or wrong")
            assert await page.get_attribute("#code", "data-step") is None


async def test_everybody_can_use_the_page() -> None:
    async with phone(timedelta(0)) as page:
        await step_shown(page, NOON.timestamp())
        await page.clock.resume()  # axe waits by it
        found = (await Axe().run(page)).response["violations"]
        assert [one["id"] for one in found] == []
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
