"""What `make run` shows in a browser: the building's own pages, the console, a door's display."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from hil.chain.broker import free_port
from hil.pages.app import application
from hil.pages.house import House, Place
from hil.pages.serve import served
from hil.site.clock import TurnedClock
from hil.site.lockers import add_lockers, confirm_empty, write_pepper
from hil.site.processes import DidNotStart, Program
from hil.site.site import Site
from hil.stores.line import Line

USER = "owner"
_HOLDER = "aiko"


def furnish(site: Site) -> None:
    """Give the site a bank of lockers, a console and a clock to turn; before it is written."""
    site.folder.mkdir(parents=True, exist_ok=True)
    clock = TurnedClock.at(_clock_file(site))
    if clock is not None:
        command = [*site.edged, "run", "--config", site.config]
        site.daemon = Program(command, site.folder / "daemon.log", {**site.env, **clock.env})
    add_lockers(site, {"springs": True})
    write_pepper(site)
    site.settings["console"] = {
        "port": free_port(),
        "tls": False,  # a loopback address alone goes without
        "folder": str(site.folder / "console"),
    }


@asynccontextmanager
async def browsing(places: Sequence[Place], lines: Sequence[Line]) -> AsyncIterator[dict[str, str]]:
    """Serve the pages of stores that are up; gives what to open, by its name.

    Args:
        places: The stores; the first was furnished.
        lines: To the cloud.

    Raises:
        DidNotStart: with what the program said.
        OSError: there is no free port.
    """
    site = places[0].site
    await confirm_empty(site)
    await _assign(site)
    password = await _user(site)
    port = site.settings["console"]["port"]
    console = f"http://127.0.0.1:{port}"
    links = {"the console": console} | {
        f"the display of {name}": f"{console}/display/{name}" for name in site.settings["doors"]
    }
    house = House(places, TurnedClock.at(_clock_file(site)), lines)
    program = Program([*site.edged, "console", "run", "--config", site.config], _log(site))
    try:
        await program.start()
        await _listening(program, port)
        async with served(application(house, links), free_port()) as pages:
            yield {"the buildings": pages, f"the console ({USER}, {password})": console}
    finally:
        await program.stop()


def _clock_file(site: Site) -> Path:
    return site.folder / "clock"


def _log(site: Site) -> Path:
    return site.folder / "console.log"


async def _assign(site: Site) -> None:
    """Let a member have the first locker."""
    use = ("L1", "--member", _HOLDER, "--end", "2099-01-01", "--staff", "S9")
    code, out, err = await site.run_edged("lockers", "assign", *use, "--config", site.config)
    if code:
        raise DidNotStart(err or out)


async def _user(site: Site) -> str:
    """Make somebody who may do everything at the console, for as long as the building stands."""
    password = secrets.token_urlsafe(9)
    command = (*site.edged, "console", "user", USER, "--role", "install", "--config", site.config)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **site.env},
    )
    _, err = await process.communicate(password.encode())
    if process.returncode:
        raise DidNotStart(err.decode())
    return password


async def _listening(program: Program, port: int) -> None:
    while program.code is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)  # a port that opens can only be looked for
        else:
            writer.close()
            return
    raise DidNotStart(program.said())
