"""Small words for end-to-end tests: present, see the bolt, read the audit."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edged.store.audit import read_records
from hil.people import Observation, People
from hil.site.site import Site

SOON_S = 10.0


Fits = Callable[[Observation], bool]


def bolt(door: str, *, released: bool) -> Fits:
    """A predicate: the bolt of `door` moved so."""
    return lambda seen: (
        seen["what"] == "bolt" and seen["door"] == door and seen["released"] is released
    )


def shown(reader: str) -> Fits:
    """A predicate: the indicator beside `reader` shows something."""
    return lambda seen: seen["what"] == "indicator" and seen["name"] == reader


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
    program = [sys.executable, "-P", str(installed / "bin" / "edged")]
    return Site(folder, edged=program, env={"PYTHONPATH": str(installed)}, camera=camera)
