"""The stage: a site, who is in it, and what has been seen there since the last thing done."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from edged.store import audit
from hil.people import Observation, People
from hil.scenarios.staff import Event, OrderRefused, Staff
from hil.site.doors import complete_doors
from hil.site.lockers import BANK, add_lockers, write_pepper
from hil.site.rules import TZ
from hil.site.site import Site

BY: Final = "S9"
_LOOK_S: Final = 0.02
"""Between two looks at what can only be looked at: files and lists."""
_REST_S: Final = 60.0


class NotSeen(Exception):
    """What had to be seen was not, or what must not be was. The text says which."""


def furnish(site: Site) -> None:
    """Give a site what the scenarios need: two doors with all that can be wired, and lockers."""
    del site.settings["doors"]["studio"]
    del site.building["doors"]["studio"]
    del site.building["relays"]["panel"]
    del site.building["scanners"]["studio-in"]
    del site.rules["doors"]["studio"], site.rules["devices"]["studio-in"]
    complete_doors(site)
    add_lockers(site)
    tomorrow = site.wall().astimezone(ZoneInfo(TZ)) + timedelta(days=1)
    # A scenario's "24 h pass" may not begin a month, whatever day it is played on.
    anchor = {"month_anchor_day": 15 if tomorrow.day == 1 else 1}
    site.rules["settings"] = {"release_seen_s": 2, **anchor}


class Stage:
    """Where a scenario is played. Made by `staged`."""

    def __init__(self, site: Site, people: People) -> None:
        self.site = site
        self.people = people
        self.heard: list[Event] = []
        self.codes: dict[str, str] = {}
        self.staff: Staff
        self._up = AsyncExitStack()
        self._mark = self._ear = 0
        self._bolts: dict[str, int] = {}

    def begin(self) -> None:
        """Note where the next thing begins: what is seen before it is none of its doing."""
        self._mark, self._ear = self.people.last, len(self.heard)

    async def power_on(self) -> None:
        """Start the daemon, and listen to it."""
        await self.site.start_daemon()
        await self.listen()

    async def listen(self) -> None:
        """Listen to the daemon."""
        self.staff = await self._up.enter_async_context(Staff(self.site.control_socket, self.heard))

    async def power_off(self) -> None:
        """Kill the daemon."""
        self.site.daemon.kill()
        await self.site.daemon.wait()
        await self._up.aclose()

    async def close(self) -> None:
        """Let the staff go."""
        await self._up.aclose()

    # --- what the building saw

    async def sees(self, what: str, within_s: float, **facts: object) -> Observation:
        """Wait for an observation with these facts since `begin`. Raises NotSeen."""
        wanted = {"what": what, **facts}
        try:
            return await self.people.wait_for(
                lambda seen: wanted.items() <= seen.items(),
                within_s * self.site.pace,
                after=self._mark,
            )
        except TimeoutError:
            raise NotSeen(f"no {_told(wanted)} within {within_s:g} s") from None

    async def bolt(self, door: str, within_s: float, *, released: bool) -> None:
        """Wait for a movement of a bolt that was not seen before. Raises NotSeen."""
        began, self._mark = self._mark, max(self._mark, self._bolts.get(door, 0))
        try:
            seen = await self.sees("bolt", within_s, door=door, released=released)
        finally:
            self._mark = began
        self._bolts[door] = seen["n"]

    async def at_rest(self) -> None:
        """Wait until every device is open and every bolt thrown. Raises NotSeen.

        A daemon says that it is ready before it holds a magnet for the first time, and a fire
        until then lets nothing go that anybody could see.
        """

        async def resting() -> bool:
            doors = (await self.people.state())["doors"]
            released = any(door["released"] for door in doors.values())
            return not released and set(await self.staff.devices()) == {"open"}

        await self.until(resting, _REST_S, "rest of every bolt, with every device open")

    async def bolt_rests(self, door: str, for_s: float, *, released: bool) -> None:
        """Let time pass while a bolt has to stay as it is. Raises NotSeen."""
        await asyncio.sleep(for_s)
        stands = (await self.people.state())["doors"][door]["released"]
        moved = [one for one in self._since() if one["what"] == "bolt" and one["door"] == door]
        moved = [one for one in moved if one["n"] > self._bolts.get(door, 0)]
        if moved or stands is not released:
            raise NotSeen(f"the bolt of {door} moved" if moved else f"{door} was not so")

    def count(self, what: str, **facts: object) -> int:
        """Count what was seen with these facts since the beginning."""
        wanted = {"what": what, **facts}
        return sum(wanted.items() <= seen.items() for seen in self.people.seen)

    def _since(self) -> Iterator[Observation]:
        return (seen for seen in self.people.seen if seen["n"] > self._mark)

    # --- what the daemon says

    async def hears(self, within_s: float, **facts: object) -> None:
        """Wait for an event with these facts since `begin`. Raises NotSeen: what came instead."""

        async def heard() -> bool:
            return any(facts.items() <= event.items() for event in self.heard[self._ear :])

        try:
            await self.until(heard, within_s, _told(facts))
        except NotSeen as missing:
            others = (e for e in self.heard[self._ear :] if e["event"] == facts.get("event"))
            came = [_told({word: other.get(word) for word in facts}) for other in others]
            raise NotSeen(f"{missing}, but: {'; '.join(came) or 'nothing'}") from None

    async def until(self, holds: Callable[[], Awaitable[bool]], within_s: float, what: str) -> None:
        """Wait until something can be looked up. Raises NotSeen."""
        try:
            async with asyncio.timeout(within_s * self.site.pace):
                while True:
                    if await holds():
                        return
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise NotSeen(f"no {what} within {within_s:g} s") from None

    async def order(self, verb: str, do: str, **facts: object) -> str:
        """Give an order in the name of the staff. Raises NotSeen: it was refused."""
        try:
            return await self.staff.order(verb, do, **facts)
        except OrderRefused as refused:
            raise NotSeen(f"{do} was refused: {refused}") from None

    def records(self, **facts: object) -> list[dict[str, Any]]:
        """Read the records of the audit with these facts, from beside the daemon."""
        path = self.site.folder / "state" / "journal.db"
        found = [json.loads(one.data) for one in audit.read_records(path, 0, 1_000_000)]
        return [one for one in found if facts.items() <= one.items()]

    def verify(self) -> None:
        """See that nothing is amiss with the audit. Raises NotSeen."""
        verdict = audit.verify(self.site.folder / "state" / "journal.db")
        if not isinstance(verdict, audit.Verified):
            raise NotSeen(f"the audit is {verdict}")

    def counted(self, who: str) -> int:
        """Count the uses that a member's contract has, as the journal has them."""
        path = self.site.folder / "state" / "journal.db"
        return len(audit.read_used(path, [f"C-{who}"], date(2020, 1, 1), date(2199, 1, 1)))


def _told(facts: dict[str, object]) -> str:
    return " ".join(f"{key}={value}" for key, value in facts.items())


@asynccontextmanager
async def staged(site: Site) -> AsyncIterator[Stage]:
    """Put a furnished site up, with somebody in it and the lockers known to be empty."""
    write_pepper(site)
    async with site, site.people() as people:
        stage = Stage(site, people)
        await stage.listen()
        try:
            await stage.at_rest()
            for locker in site.settings["lockers"][BANK]["numbers"]:
                await stage.order(
                    "locker", "confirm_empty", locker=locker, staff=BY, occupancy=None
                )
            yield stage
        finally:
            await stage.close()
