"""Two stores at work, while everything between them and their cloud is broken again and again."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from signal import SIGKILL
from typing import Any

from hil.chain.line import now
from hil.people import Observation, People
from hil.people import Refused as PeopleRefused
from hil.site.processes import DidNotStart
from hil.site.site import Site
from hil.stores import verdict
from hil.stores.cloud import Refused
from hil.stores.mischief import Mischief
from hil.stores.stores import Stores

EVENTS_A_MEMBER = 20
"""Records for each member that there is: so entries that count come until the end."""
READERS = (("S1", "front-in"), ("S1", "front-out"), ("S2", "south-in"), ("S2", "south-out"))
ORDERED = ("S1", "studio")
"""The door that nobody comes to: its bolt moves by orders of the cloud only."""
ASKED = 10
"""Members whose count each device is asked for in the end."""
_ANSWER_S = 1.0
_BETWEEN_S = (0.5, 3.0)
_SETTLE_S = 300.0
"""A link is back within a minute of the network, and then has what waits to send."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to do. `delay_s`: of the slowest line; `pause_s`: between two people at a reader."""

    events: int
    seed: int
    delay_s: float = 30.0
    pause_s: float = 0.0

    @property
    def members(self) -> int:
        """How many there are who come."""
        return max(ASKED, self.events // EVENTS_A_MEMBER)


@dataclass
class Tally:
    """What was done, and what came of it. `violations`: everything that must not be, in words."""

    seed: int
    events: int = 0
    presented: int = 0
    let_in: int = 0
    excess: int = 0
    openings: int = 0
    movements: int = 0
    wall_s: float = 0.0
    settled_s: float = 0.0
    records: dict[str, int] = field(default_factory=dict)
    troubles: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def crowd(up: Stores, plan: Plan) -> None:
    """Fill the rules with members who may come one day a month; call before they are put up."""
    up.rules["members"] = {
        f"m{n}": {
            "handle": _handle(n).hex(),
            "contracts": [{"id": f"C{n}", "plan": "DAY1", "start": "2025-01-01"}],
        }
        for n in range(plan.members)
    }
    for door in up.rules["doors"].values():
        door["pulse_ms"] = 500


def harms(kinds: Sequence[str], dice: random.Random, enough: Callable[[], bool]) -> Iterator[str]:
    """Name all kinds of harm, in another order each round: once each, then until it is enough."""
    yield from dice.sample(kinds, len(kinds))
    while True:
        for kind in dice.sample(kinds, len(kinds)):
            if enough():
                return
            yield kind


class Chaos:
    """One campaign at two stores that are up.

    Args:
        up: The stores; `crowd` filled their rules.
        plan: How much to do.
        mischief: What becomes of messages; stopped in the end.
    """

    def __init__(self, up: Stores, plan: Plan, mischief: Mischief) -> None:
        self._up = up
        self._plan = plan
        self._dice = random.Random(plan.seed)
        self._mischief = mischief
        self._seqs = dict.fromkeys(up.sites, 0)
        self._orders, self._troubles = Counter[str](), Counter[str]()
        self.tally = Tally(plan.seed)

    async def run(self, tell: Callable[[str], None]) -> Tally:
        """Let people come, and break things, until there are so many records; then look."""
        loop, tally = asyncio.get_running_loop(), self.tally
        began = loop.time()
        async with self._people() as people:
            jobs = [self._stream(people[store], store, reader) for store, reader in READERS]
            jobs += [self._order(), self._watch(people[ORDERED[0]])]
            tasks = [asyncio.create_task(job) for job in jobs]
            try:
                await self._break(tasks, tell)
            finally:
                for task in tasks[:-1]:
                    task.cancel()
                await asyncio.gather(*tasks[:-1], return_exceptions=True)
            quiet = loop.time()
            await self._settle()
            tally.settled_s = round(loop.time() - quiet, 1)
            await people[ORDERED[0]].state()  # what was seen until now has been told
            tasks[-1].cancel()
            await asyncio.gather(tasks[-1], return_exceptions=True)
        await self._judge()
        tally.troubles, tally.orders = dict(self._troubles), dict(self._orders)
        tally.messages, tally.wall_s = dict(self._mischief.done), round(loop.time() - began, 1)
        return tally

    @asynccontextmanager
    async def _people(self) -> AsyncIterator[dict[str, People]]:
        one, other = (site.people() for site in self._up.sites.values())
        async with one, other:
            yield dict(zip(self._up.sites, (one, other), strict=True))

    async def _stream(self, people: People, store: str, reader: str) -> None:
        """Let members come to a reader, one after the other, for ever."""
        issuer = self._up.sites[store].issuer
        while True:
            handle = _handle(self._dice.randrange(self._plan.members))
            code = issuer.m1(handle, int(now().timestamp()), 30, self._dice.getrandbits(32))
            before = people.last
            with suppress(PeopleRefused, TimeoutError):
                await people.scan(reader, code)
                self.tally.presented += 1
                await people.wait_for(_shown(reader), _ANSWER_S, after=before)
            await asyncio.sleep(self._plan.pause_s)

    async def _order(self) -> None:
        """Let the cloud open a door now and then, for ever."""
        store, door = ORDERED
        device = self._up.sites[store].settings["device"]
        while True:
            try:
                (told,) = await self._up.cloud.run("command", device, "door_open", f"door={door}")
                self._orders[str(told["result"])] += 1
            except Refused:
                self._orders["no answer"] += 1

    async def _watch(self, people: People) -> None:
        """Count how often the bolt of the ordered door moved, for ever."""
        async for seen in people.watch(people.last):
            if seen["what"] == "bolt" and seen["door"] == ORDERED[1] and seen["released"]:
                self.tally.movements += 1

    async def _break(
        self, tasks: Sequence["asyncio.Task[None]"], tell: Callable[[str], None]
    ) -> None:
        """Do all kinds of harm in turn, until there are enough records."""
        delay_s, events = self._plan.delay_s, self._plan.events
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "line cut": self._cut,
            "line pulled": self._pull,
            "line slow": lambda: self._slow(self._dice.uniform(0.05, 2.0)),
            f"line {delay_s:g} s late": lambda: self._slow(delay_s),
            "broker killed": lambda: self._kill_broker(forget=False),
            "broker killed, its database deleted": lambda: self._kill_broker(forget=True),
            "daemon killed": self._kill_daemon,
            "cloud killed": self._kill_cloud,
        }
        for name in harms([*kinds], self._dice, lambda: sum(self._seqs.values()) >= events):
            await asyncio.sleep(self._dice.uniform(*_BETWEEN_S))
            await kinds[name]()
            self._troubles[name] += 1
            for task in tasks:
                if task.done():
                    task.result()
            await self._look()
            tell(f"{sum(self._seqs.values())}/{events} records, {name}")

    async def _cut(self) -> None:
        self._up.lines[self._store()].cut()

    async def _pull(self) -> None:
        line = self._up.lines[self._store()]
        line.pull()
        await asyncio.sleep(self._dice.uniform(1, 8))
        line.plug()

    async def _slow(self, delay_s: float) -> None:
        line = self._up.lines[self._store()]
        line.delay_s = delay_s
        await asyncio.sleep(delay_s + self._dice.uniform(1, 5))
        line.delay_s = 0

    async def _kill_broker(self, *, forget: bool) -> None:
        broker = self._up.broker
        await broker.stop(SIGKILL)
        if forget:
            (broker.folder / "mosquitto.db").unlink(missing_ok=True)
        await asyncio.sleep(self._dice.uniform(0, 3))
        await broker.start()

    async def _kill_daemon(self) -> None:
        site = self._up.sites[self._store()]
        site.daemon.kill()
        await site.daemon.wait()
        await asyncio.sleep(self._dice.uniform(0, 2))
        await site.start_daemon()

    async def _kill_cloud(self) -> None:
        await self._up.cloud.kill()
        await asyncio.sleep(self._dice.uniform(0, 3))
        await self._up.cloud.start()

    async def _look(self) -> None:
        """Ask the daemons how many records they have."""
        for store, site in self._up.sites.items():
            self._seqs[store] = (await _link(site))["records"]

    async def _settle(self) -> None:
        """Let the lines be whole, and wait until nobody has anything more to tell.

        Raises:
            TimeoutError: Something waits still.
        """
        self._mischief.stop()
        async with asyncio.timeout(_SETTLE_S):
            while not await self._quiet():
                pass

    async def _quiet(self) -> bool:
        """Whether the cloud has everything, and each device all that was used."""
        links = [await _link(site) for site in self._up.sites.values()]
        sent = all(each["records"] == each["acknowledged"] for each in links)
        positions = {each["usage"]["position"] for each in links}
        return sent and len(positions) == 1 and await self._reports_agree()

    async def _reports_agree(self) -> bool:
        cloud, *devices = await self._reports()
        return all(each == cloud for each in devices)

    async def _reports(self) -> list[set[tuple[str, int]]]:
        """The contracts over their limit, as the cloud and each store name them."""
        words = ("report", "over-limit", "--month", self._up.month)
        told = [await self._up.cloud.run(*words)]
        told += [await site.told(*words) for site in self._up.sites.values()]
        return [{(row["contract"], row["excess"]) for row in rows} for rows in told]

    async def _judge(self) -> None:
        """Hold both sides against each other and against the building."""
        tally, every = self.tally, []
        for store, site in self._up.sites.items():
            device = site.settings["device"]
            mine, kept = await _written(site), await self._kept(device)
            tally.violations += [*verdict.strays(device, mine, kept), *await self._walked(device)]
            records = verdict.read(mine)
            tally.violations += verdict.doubled(device, records)
            tally.records[device] = len(mine)
            if store == ORDERED[0]:
                tally.openings = verdict.openings(records)
            every += records
        if tally.movements > tally.openings:
            tally.violations.append(f"{tally.movements} movements, {tally.openings} orders")
        tally.events = len(every)
        tally.let_in = sum(each.get("decision") == "ALLOW" for each in every)
        await self._count(verdict.used(every))

    async def _count(self, right: verdict.Counts) -> None:
        """Hold what everybody counts against what the records say."""
        tally, excesses = self.tally, verdict.excesses(right, 1)
        tally.excess = len(excesses)
        shown = await self._up.cloud.run("usage", "show", "--month", self._up.month)
        tally.violations += verdict.miscounted("cloud", shown, right)
        for who, found in zip(("cloud", *self._up.sites), await self._reports(), strict=True):
            if found != excesses:
                tally.violations.append(f"{who}: reports {len(found)} of {len(excesses)} excesses")
        for n in self._dice.sample(range(self._plan.members), ASKED):
            own = {key: count for key, count in right.items() if key[0] == f"C{n}"}
            for store, site in self._up.sites.items():
                told = await site.told("usage", f"m{n}", "--month", self._up.month)
                tally.violations += verdict.miscounted(store, told, own)

    async def _kept(self, device: str) -> list[bytes]:
        """The cloud's copy of a device's records."""
        folder = ("--folder", str(self._up.cloud.folder))
        said = await self._up.cloud.said("audit", "show", device, "--count", "10000000", *folder)
        return [line.encode("ascii") for line in said.splitlines()]

    async def _walked(self, device: str) -> list[str]:
        """Let the cloud walk its copy; what is wrong with it."""
        copies = await self._up.cloud.run("audit", "verify", "--device", device)
        good = len(copies) == 1 and copies[0]["first"] == 1 and copies[0]["fault"] is None
        return [] if good else [f"{device}: {copies}"]

    def _store(self) -> str:
        return self._dice.choice([*self._up.sites])


async def _link(site: Site) -> dict[str, Any]:
    (link,) = await site.told("link")
    return link


async def _written(site: Site) -> list[bytes]:
    """A device's records, each as it was hashed."""
    file = site.folder / "audit.lines"
    words = ("audit", "export", "--lines", str(file), "--config", site.config)
    code, _, err = await site.run_edged(*words)
    if code:
        raise DidNotStart(err)
    return [line for line in file.read_bytes().splitlines() if not line.startswith(b'{"payload')]


def _shown(reader: str) -> Callable[[Observation], bool]:
    return lambda seen: seen["what"] == "indicator" and seen["name"] == reader


def _handle(member: int) -> bytes:
    return b"c" + member.to_bytes(7, "big")
