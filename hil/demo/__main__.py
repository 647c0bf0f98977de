"""`make run`: two living stores, and some members who come to their doors (README.md)."""

import argparse
import asyncio
import json
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from hil.demo.browse import browsing, furnish
from hil.demo.chain import Chain
from hil.demo.narrator import Narrator, headline, say
from hil.demo.story import Store, Story
from hil.issuer.codes import Issuer
from hil.pages.house import Place
from hil.people import Refused
from hil.site import rules as samples
from hil.site.processes import DidNotStart
from hil.site.site import Site
from hil.stores.cloud import Refused as CloudRefused
from hil.stores.stores import Stores

FOLDER = Path(".run/demo")
KEY = "issuer.json"
"""The sample tenant's key, kept so that `present` can show fresh codes. It opens nothing real."""


async def live(folder: Path) -> int:
    """Put the stores up, play the story, stay until Ctrl-C; 0 if all ended at rest."""
    shutil.rmtree(folder, ignore_errors=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    headline("edged: starting a broker, a cloud, and two stores with a daemon each")
    up = _stores(folder, samples.new_issuer(), furnish)
    async with up, AsyncExitStack() as there:
        key = up.sites[samples.STORE].issuer.private_key.hex()
        (folder / KEY).write_text(json.dumps({"seed": key}))
        stores = [await there.enter_async_context(_told(*one)) for one in up.sites.items()]
        places = [Place(store.name, store.site, store.people) for store in stores]
        pages = await there.enter_async_context(browsing(places, [*up.lines.values()]))
        story = Story(stores)
        playing = asyncio.create_task(_play(story, Chain(up, story)))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            playing.result()
            _say_how_to_go_on(up, pages)
            await stopping
        playing.cancel()
        headline("stopping")
        return max([await _ended(store) for store in stores])


def _stores(folder: Path, issuer: Issuer, equip: Callable[[Site], None] = lambda _: None) -> Stores:
    main = Site(folder / "s1", issuer=issuer, camera=True)
    equip(main)
    return Stores(folder, main, Site(folder / "s2"), tell=lambda what: say("up", what))


async def _play(story: Story, chain: Chain) -> None:
    await story.play()
    await chain.play()


@asynccontextmanager
async def _told(name: str, site: Site) -> AsyncIterator[Store]:
    """A store with somebody in it, who tells what happens there."""
    async with site.people() as people:
        narrator = Narrator(site.control_socket, people)
        narrator.start()
        seeing = asyncio.create_task(narrator.watch_building())
        try:
            yield Store(name, site, people, narrator)
        finally:
            seeing.cancel()


async def _ended(store: Store) -> int:
    """End a store's daemon; 0 if it went well and every output is at rest."""
    code = await store.site.daemon.stop()
    doors = (await store.people.state())["doors"]
    at_rest = not any(door["energised"] for door in doors.values())
    outputs = "every output is at rest" if at_rest else f"NOT at rest: {doors}"
    say("seen", f"store {store.name}: {outputs}")
    say("ended", f"store {store.name}: the daemon ended with {code}")
    return 0 if at_rest and code == 0 else 1


def _say_how_to_go_on(up: Stores, pages: dict[str, str]) -> None:
    names = " ".join(person.name for person in samples.PEOPLE)
    config = up.sites[samples.STORE].config
    headline("Both stores stay up until Ctrl-C. In a browser on this machine:")
    print()
    for name, address in pages.items():
        print(f"   {address:<26} {name}")
    headline("In a second terminal:")
    print(f"""
   make present NAME=aiko                     who: {names} forged
   make present NAME=aiko READER=south-in     in the other store
   make present NAME=aiko READER=front-out    or before the camera: READER=studio-cam
   .venv/bin/edged watch --config {config}
   .venv/bin/edged status --config {config}
   .venv/bin/edged why boram --config {config}
   .venv/bin/edged audit show --config {config}
   .venv/bin/python -m hil.cloud device list --folder {up.cloud.folder}
""")


async def present(folder: Path, name: str, reader: str) -> int:
    """Let a sample member come to a reader of the running stores."""
    try:
        seed = bytes.fromhex(json.loads((folder / KEY).read_text())["seed"])
    except OSError:
        print("no building is up: `make run` starts one", file=sys.stderr)
        return 1
    known = {person.name for person in samples.PEOPLE} | {"forged"}
    if name not in known:
        print(f"NAME: nobody is called {name!r}; there are {sorted(known)}", file=sys.stderr)
        return 2
    up = _stores(folder, Issuer(samples.TENANT, 1, seed))
    readers = {name: each for each in up.sites for name in up.sites[each].readers}
    if reader not in readers:
        print(f"READER: there is no {reader!r}; there are {sorted(readers)}", file=sys.stderr)
        return 2
    async with _told(readers[reader], up.sites[readers[reader]]) as store:
        try:
            await Story([store]).come(name, reader, "")
        except (Refused, TimeoutError) as failed:
            print(f"READER={reader}: {failed!r}", file=sys.stderr)
            return 1
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
    except (DidNotStart, OSError, CloudRefused) as failed:
        print(failed, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
