"""A console of a site that is up, and browsers before it."""

import asyncio
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Request, ViewportSize, async_playwright

from hil.people import People
from hil.site.site import Site

SAYING = "correct horse battery"
SOON_MS = 60_000
SCREENS = Path(__file__).parents[2] / ".run" / "screens"
_kept = Counter[str]()
PHONE, DESK = ViewportSize(width=375, height=740), ViewportSize(width=1280, height=800)


@asynccontextmanager
async def consoled(site: Site, port: int) -> AsyncIterator[People]:
    """Bring a site up, with its console and a user for two roles."""
    site.settings["console"] = {"port": port, "folder": str(site.folder / "console")}
    async with site, site.people() as people:
        for role in ("look", "install"):
            command = [*site.edged, "console", "user", role, "--role", role]
            await asyncio.to_thread(
                subprocess.run,
                [*command, "--config", site.config],
                input=SAYING.encode(),
                check=True,
                env={**os.environ, **site.env},
                stdout=subprocess.DEVNULL,
            )
        console = await asyncio.create_subprocess_exec(
            *(*site.edged, "console", "run", "--config", site.config),
            env={**os.environ, **site.env},
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await listening(port, console)
            yield people
        finally:
            if console.returncode is None:
                console.terminate()
            _, said = await console.communicate()
            assert console.returncode == -signal.SIGTERM, said.decode()


async def listening(port: int, console: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60):
        while True:
            assert console.returncode is None
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield chromium
        await chromium.close()


@asynccontextmanager
async def page_of(
    chromium: Browser, size: ViewportSize, language: str, port: int
) -> AsyncIterator[Page]:
    """A page that asks nobody but the console for anything, and complains of nothing."""
    context = await chromium.new_context(
        viewport=size,
        locale=language,
        ignore_https_errors=True,
        bypass_csp=True,  # for axe, which is put into the page
        base_url=f"https://127.0.0.1:{port}",
    )
    page = await context.new_page()
    page.set_default_timeout(SOON_MS)
    strangers: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((f"https://127.0.0.1:{port}/", "data:")):
            strangers.append(request.url)

    page.on("request", asked)
    page.on("pageerror", lambda error: strangers.append(str(error)))
    yield page
    assert strangers == []
    await context.close()


async def log_in(page: Page, user: str) -> None:
    await page.goto("/")
    await page.fill("input[name=user]", user)
    await page.fill("input[name=password]", SAYING)
    await page.click("main button")
    await page.wait_for_selector(".live.on")


async def kept(page: Page) -> None:
    """Keep a picture of the page, named by the test and a number: what tools can't judge."""
    test = re.sub(r"[^A-Za-z0-9]+", "-", os.environ["PYTEST_CURRENT_TEST"].partition("::")[2])
    _kept[test] += 1
    SCREENS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENS / f"{test}{_kept[test]}.png", full_page=True)


async def complaints(page: Page) -> list[str]:
    """What axe says of a page, of which a picture is kept."""
    await kept(page)
    found = await Axe().run(page)
    return [f"{one['id']}: {one['help']}" for one in found.response["violations"]]


async def fair(page: Page) -> None:
    """Hold a page to what everybody needs: axe content, nothing beside the screen."""
    assert await complaints(page) == []
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
