"""What two stores know of each other: at once, not at all, and again."""

import asyncio
from pathlib import Path

from edged.control import client
from edged.control.wire import Verb
from hil.demo.narrator import headline, say
from hil.demo.story import Story
from hil.site import rules as samples
from hil.stores.stores import Stores

_AGREE_S = 60.0
"""A link is back within a minute of the network; after seconds, it takes seconds."""


class Chain:
    """The part of the story that takes two stores, a broker and a cloud."""

    def __init__(self, stores: Stores, story: Story) -> None:
        self._stores = stores
        self._story = story

    async def play(self) -> None:
        """Play all of it."""
        began = asyncio.get_running_loop().time()
        _, known = await asyncio.gather(
            self._story.come("chen", "south-in", "one day a month, and this is it"),
            self._hears(samples.STORE),
        )
        say("counted", f"store {samples.STORE} knew of it after {known - began:.1f} s")
        await self._story.come("chen", "front-in", "the day is used up, as the other store said")
        headline("somebody pulls the line of both stores; nobody at a door notices")
        for line in self._stores.lines.values():
            line.pull()
        await self._story.come("hana", "south-in", "one day a month")
        await self._story.come("hana", "front-in", "this store can't know of that, and opens")
        headline("the line is back")
        for line in self._stores.lines.values():
            line.plug()
        await self._agree("hana", 2)
        await self._report()

    async def _hears(self, store: str) -> float:
        """Wait until a store is told of a use; return when that was, s. Raises TimeoutError."""
        socket = self._stores.sites[store].control_socket
        before = await asyncio.to_thread(_position, socket)
        async with asyncio.timeout(_AGREE_S):
            while await asyncio.to_thread(_position, socket) == before:
                pass
        return asyncio.get_running_loop().time()

    async def _agree(self, name: str, count: int) -> None:
        """Wait until the cloud and both stores count the same, and say so. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        began, said = loop.time(), None
        async with asyncio.timeout(_AGREE_S):
            while True:
                found = await self._stores.counts(f"C-{name}", name)
                if found != said:
                    after_s, said = loop.time() - began, found
                    words = ", ".join(f"{who} {number}" for who, number in found.items())
                    say("counted", f"{name}'s days: {words} (after {after_s:.1f} s)")
                if set(found.values()) == {count}:
                    return

    async def _report(self) -> None:
        headline("what nobody could know at the doors stands in the report")
        words = ("report", "over-limit", "--month", self._stores.month)
        rows = await self._stores.cloud.run(*words)
        for row in rows:
            used = f"{row['count']} of {row['limit']} used, {row['excess']} too many"
            say("report", f"{row['member']}  {row['contract']} {row['band']}: {used}")


def _position(socket: Path) -> object:
    """Return how much a daemon has taken of what was used anywhere."""
    link = client.ask(socket, Verb.STATUS)["link"]
    return link["usage"]["position"] if isinstance(link, dict) else None
