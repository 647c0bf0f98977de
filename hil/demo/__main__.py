"""`make run`: a living building, and some members who come to its doors (README.md)."""

import argparse
import asyncio
import json
import shutil
import signal
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from edged.store.journal import Journal
from edged.store.state_dir import claim
from hil.demo.narrator import Narrator, headline, say
from hil.demo.story import Story
from hil.issuer.codes import Issuer
from hil.people import Refused
from hil.site import rules as samples
from hil.site.processes import DidNotStart
from hil.site.site import Site
from policy.model import UsageKey

FOLDER = Path(".run")
KEY = "issuer.json"
"""The sample tenant's key, kept so that `present` can show fresh codes. It opens nothing real."""


async def live(folder: Path) -> int:
    """Put the building up, play the story, stay until Ctrl-C; 0 if all ended at rest."""
    shutil.rmtree(folder, ignore_errors=True)
    site = Site(folder, camera=True)
    site.write()
    (folder / KEY).write_text(json.dumps({"seed": site.issuer.private_key.hex()}))
    await _use_up_elsewhere(site, "chen")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    headline("edged: starting the virtual building, the eye and the daemon")
    async with site, site.people() as people:
        narrator = Narrator(site.control_socket, people)
        narrator.start()
        seeing = asyncio.create_task(narrator.watch_building())
        playing = asyncio.create_task(_play(Story(site, people, narrator)))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            playing.result()
            _say_how_to_go_on(folder)
            await stopping
        playing.cancel()
        headline("stopping")
        code = await site.daemon.stop()
        doors = (await people.state())["doors"]
        seeing.cancel()
    at_rest = not any(door["energised"] for door in doors.values())
    say("seen", "every output is at rest" if at_rest else f"NOT at rest: {doors}")
    say("ended", f"the daemon ended with {code}")
    return 0 if at_rest and code == 0 else 1


async def _play(story: Story) -> None:
    await story.play()


async def _use_up_elsewhere(site: Site, name: str) -> None:
    """Let another store's entry of this month have used up the member's count."""
    day = samples.other_day(samples.service_date(datetime.now(UTC)))  # noqa: TID251 - real time
    with claim(site.folder / "state"):
        journal = Journal(site.folder / "state" / "journal.db")
        await journal.open()
        writing = asyncio.create_task(journal.serve())
        await journal.commit(lambda ledger: ledger.add_key(_key(name, day), "other-store-1"))
        writing.cancel()
        await asyncio.wait({writing})
        await journal.close()


def _key(name: str, day: date) -> UsageKey:
    return UsageKey(f"C-{name}", "NOW", day)


def _say_how_to_go_on(folder: Path) -> None:
    names = " ".join(person.name for person in samples.PEOPLE)
    config = folder / "edged.toml"
    headline("The building stays up until Ctrl-C. In a second terminal:")
    print(f"""
   make present NAME=aiko                     who: {names} forged
   make present NAME=aiko READER=front-out    or before the camera: READER=studio-cam
   .venv/bin/edged watch --config {config}
   .venv/bin/edged status --config {config}
   .venv/bin/edged why boram --config {config}
   .venv/bin/edged audit show --config {config}
""")


async def present(folder: Path, name: str, reader: str) -> int:
    """Let a sample member come to a reader of the running building."""
    try:
        seed = bytes.fromhex(json.loads((folder / KEY).read_text())["seed"])
    except OSError:
        print("no building is up: `make run` starts one", file=sys.stderr)
        return 1
    known = {person.name for person in samples.PEOPLE} | {"forged"}
    if name not in known:
        print(f"NAME: nobody is called {name!r}; there are {sorted(known)}", file=sys.stderr)
        return 2
    site = Site(folder, issuer=Issuer(samples.TENANT, 1, seed), camera=True)
    async with site.people() as people:
        narrator = Narrator(site.control_socket, people)
        narrator.start()
        seeing = asyncio.create_task(narrator.watch_building())
        try:
            await Story(site, people, narrator).come(name, reader, "")
        except (Refused, TimeoutError) as failed:
            print(f"READER={reader}: {failed!r}", file=sys.stderr)
            return 1
        finally:
            seeing.cancel()
    return 0


def main() -> int:
    """Run the demonstration, or present one code to it."""
    parser = argparse.ArgumentParser(prog="python -m hil.demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    commands = parser.add_subparsers(dest="command")
    presenting = commands.add_parser("present", help="let a sample member present a code")
    presenting.add_argument("name")
    presenting.add_argument("--reader", default="front-in")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    try:
        if arguments.command == "present":
            return asyncio.run(present(folder, arguments.name, arguments.reader))
        return asyncio.run(live(folder))
    except (DidNotStart, OSError) as failed:
        print(failed, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
