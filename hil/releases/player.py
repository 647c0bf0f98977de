"""Lets people act at a store as a file says, by the code that is first on the path (README.md).

A script, because an earlier release has to play too: `PYTHONPATH=CHECKOUT python -P player.py
FOLDER FIRST LAST`, with `store.json` and `acts.jsonl` in the folder. It plays what lies in
[FIRST, LAST) seconds. Where a state directory is there it goes on with that one.

It may need nothing of `hil` and `edged` that the earliest release to be played has not.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import policy
from hil.people import People, Refused
from hil.scenarios.staff import Staff
from hil.site.site import Site
from hil.virtual.disk import DiskState
from hil.virtual.loop import VirtualLoop
from hil.virtual.site import MORNING, VirtualSite, virtual_site

_DISK_S: Final = 0.001


class Store:
    """A site whose people do as they are told. It is up."""

    def __init__(self, site: VirtualSite, people: People) -> None:
        self._site = site
        self._people = people

    async def act(self, what: str, how: list[Any]) -> None:
        """Do one thing: a request to the building, or what becomes of the device."""
        match what, how:
            case "order", (verb, do, facts):
                async with Staff(self._site.control_socket, []) as staff:
                    await staff.order(verb, do, **facts)
            case "clock", (error_s,):
                self._site.sky.error_s = error_s
            case "disk", (state,):
                self._site.disk.state = DiskState[state]
            case "off", ():
                await self._site.daemon.stop()
            case "on", ():
                await self._site.start_daemon()
            case "switch", (line, on):
                await self._people.switch(line, on=on)
            case _:
                with contextlib.suppress(Refused):  # a door that stays shut, a locker that is open
                    await getattr(self._people, what)(*how)


def _acts(folder: Path, first_s: int, last_s: int) -> Iterator[list[Any]]:
    with (folder / "acts.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            act = json.loads(line)
            if first_s <= act[0] < last_s:
                yield act


async def _play(folder: Path, first_s: int, last_s: int) -> None:
    said = json.loads((folder / "store.json").read_text().replace("{folder}", str(folder)))

    def furnish(site: Site) -> None:
        site.building, site.settings, site.rules = (
            said[part] for part in ("building", "settings", "rules")
        )
        pepper = folder / "secrets" / "store_pepper"
        pepper.parent.mkdir(mode=0o700, exist_ok=True)
        pepper.touch(mode=0o600)
        pepper.write_text(said["pepper"])

    begins = datetime.fromisoformat(said["begins"]) + timedelta(seconds=first_s)
    fresh = not (folder / "state").exists()
    async with virtual_site(folder, furnish, lambda: _DISK_S) as site:
        site.sky.began_s -= (begins - MORNING).total_seconds()
        site.write()
        await site.start_building()
        if fresh:
            await site.load_rules()
        async with site.people() as people:
            store, loop = Store(site, people), asyncio.get_running_loop()
            began_s = loop.time() - (site.sky.true() - begins).total_seconds()
            for at_s, what, *how in _acts(folder, first_s, last_s):
                await asyncio.sleep(began_s + at_s - first_s - loop.time())
                await store.act(what, how)
            await asyncio.sleep(began_s + last_s - first_s - loop.time())


def main() -> None:
    """Play; say whose code did."""
    folder, first_s, last_s = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_play(folder, first_s, last_s))
    print(policy.__file__)


if __name__ == "__main__":
    main()
