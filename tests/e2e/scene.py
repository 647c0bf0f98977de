"""Small words for end-to-end tests: present, see the bolt, read the audit."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from edged.store.audit import read_records
from hil.people import Observation, People
from hil.site.site import Site

SOON_S = 60.0

PROGRAM = "bin/edged-patient"
PATIENT = """\
import sys

from drivers import limits as drivers
from edged import limits
from edged.cli import main
from edged.commission import limits as commission

drivers.REPLY_MS = drivers.LOCK_REPLY_MS = 3_000
drivers.HOOK_MS = drivers.ANSWER_MS = 10_000
limits.LOOKUP_S = limits.TOLD_AT_ONCE_S = 10.0
commission.FSYNC_FAIL_MS = 60_000
if __name__ == "__main__":
    sys.exit(main())
"""
"""The wheel's program, patient with a disk and simulated devices that stand still for seconds."""


Fits = Callable[[Observation], bool]


def bolt(door: str, *, released: bool) -> Fits:
    """A predicate: the bolt of `door` moved so."""
    return lambda seen: (
        seen["what"] == "bolt" and seen["door"] == door and seen["released"] is released
    )


def shown(reader: str) -> Fits:
    """A predicate: the indicator beside `reader` shows something."""
    return lambda seen: seen["what"] == "indicator" and seen["name"] == reader


class Ears:
    """Somebody who watches the daemon."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    @classmethod
    @asynccontextmanager
    async def at(cls, site: Site) -> AsyncIterator[Self]:
        reader, writer = await asyncio.open_unix_connection(site.control_socket)
        writer.write(b'{"verb": "watch"}\n')
        await reader.readline()
        try:
            yield cls(reader)
        finally:
            writer.close()
            await writer.wait_closed()

    async def hear(self, **facts: object) -> dict[str, Any]:
        """Wait for the next event with these facts."""
        async with asyncio.timeout(SOON_S + 10):
            while True:
                event = json.loads(await self._reader.readline())["event"]
                if facts.items() <= event.items():
                    found: dict[str, Any] = event
                    return found


async def present(people: People, reader: str, text: str) -> Observation:
    """Hold a code before a scanner; give what the light beside it shows then."""
    before = people.last
    await people.scan(reader, text)
    return await people.wait_for(shown(reader), SOON_S, after=before)


async def let_through(people: People, door: str, reader: str, text: str) -> Observation:
    """Present a code that opens, and wait until the bolt is thrown again."""
    before = people.last
    feedback = await present(people, reader, text)
    released = await people.wait_for(bolt(door, released=True), SOON_S, after=before)
    await people.wait_for(bolt(door, released=False), SOON_S, after=released["n"])
    return feedback


def records(site: Site) -> list[dict[str, Any]]:
    """Everything in the audit."""
    return [json.loads(record.data) for record in read_records(journal(site), 0, 1_000_000)]


def journal(site: Site) -> Path:
    return site.folder / "state" / "journal.db"


def wheel_site(installed: Path, folder: Path, *, camera: bool = False) -> Site:
    """A site whose daemon is the built wheel; not up yet."""
    program = [sys.executable, "-P", str(installed / PROGRAM)]
    return Site(folder, edged=program, env={"PYTHONPATH": str(installed)}, camera=camera)
