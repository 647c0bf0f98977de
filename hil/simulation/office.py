"""The cloud of the simulation: the reference cloud's desks, at a broker in memory.

What is of the reference cloud is all that it remembers and says (hil.cloud); a worker's life
around a desk is short and written here, on virtual time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from hil.cloud import commands, devices, folder, keys, limits, rulesets, trusts
from hil.cloud.desk import Desk, Heard
from hil.cloud.feed import Feed, Message
from hil.cloud.keys import Role
from hil.cloud.news import News
from hil.cloud.store import Store
from hil.cloud.worker import GROUP, KINDS, TOPIC_PARTS
from hil.simulation.rare import Rare
from hil.site.rules import TENANT
from hil.virtual.broker import Broker, Client, Gone
from hil.virtual.weather import Weather

WORKERS: Final = 2
"""What one hears first, another may handle first."""
_HANDLES_S: Final = (0.002, 0.2)
_SENDS_S: Final = (0.001, 0.05)
_AGAIN_S: Final = 2.0
_LOOK_S: Final = limits.HOLD_MS / 1_000
"""A batch that waits for the one before it is looked at again after this."""


class Office:
    """The cloud of one tenant, with its workers.

    Args:
        path: Where its folder will be.
        broker: Where its workers connect.
        weather: How long they take.
        rare: Told of states that are worth reaching.
        now: The time.
    """

    def __init__(
        self, path: Path, broker: Broker, weather: Weather, now: Callable[[], datetime], rare: Rare
    ) -> None:
        self.after_group: Callable[[], object] = lambda: None
        self.path = path
        self._broker, self._weather, self._now, self._rare = broker, weather, now, rare
        self._folder = folder.create(path, TENANT, "sqlite:///cloud.db", "localhost", 8_883)
        self.store = Store(self._folder.database)
        self._workers: list[Worker] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._found()

    def _found(self) -> None:
        """Make the first trust document, for an installer to pin, and the tables."""
        ring = self._folder.keys
        first = keys.first(ring, TENANT, 1, 1, self._now())
        envelope = keys.signed(ring, first, None)
        self.store.create()
        with self.store.transaction() as db:
            trusts.keep(db, first, envelope)
        (self.path / "trust.json").write_bytes(envelope)

    # --- its life

    def start(self) -> None:
        """Let its workers serve."""
        self._workers = [
            Worker(number, self._desk(), self._broker, self._weather, self)
            for number in range(1, WORKERS + 1)
        ]
        self._tasks = [
            asyncio.create_task(worker.run(), name=f"cloud {worker.name}")
            for worker in self._workers
        ]

    async def kill(self) -> None:
        """Cut its power: what is committed is there, what was not sent is not sent."""
        tasks, self._tasks = self._tasks, []
        workers, self._workers = self._workers, []
        self._rare.count("cloud cut while the broker was away", bool(tasks) and not self._broker.up)
        for worker in workers:
            self._rare.count("cloud cut between commit and answer", worker.owes)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    @property
    def serves(self) -> bool:
        """Whether it is up."""
        return bool(self._tasks)

    @property
    def owes(self) -> bool:
        """Whether one of its workers has committed, and not answered."""
        return any(worker.owes for worker in self._workers)

    @property
    def fault(self) -> BaseException | None:
        """What ended one of its workers, if anything did."""
        ended = [task for task in self._tasks if task.done() and not task.cancelled()]
        return ended[0].exception() if ended else None

    @property
    def rejected(self) -> Counter[str]:
        """What its workers of now took for no word of a device."""
        return sum((worker.desk.rejected for worker in self._workers), Counter())

    def _desk(self) -> Desk:
        return Desk(TENANT, self.store, self._folder.keys)

    # --- what its operator does

    def admit(self, device: str, key: bytes) -> None:
        """Enter a device."""
        with self.store.transaction() as db:
            devices.add(db, device, key, self._now())

    def publish(self, rules: Mapping[str, Any], confirm_s: int = 0) -> int:
        """Publish rules to everybody, on trial for `confirm_s`; return their version."""
        said = {key: value for key, value in rules.items() if key not in {"version", "issued_at"}}
        cut = rulesets.cut(said, [])
        with self.store.transaction() as db:
            version = rulesets.publish(db, cut, confirm_s, self._now())
            rulesets.give(db, version, None)
        self._prod()
        return version

    def order(self, device: str, verb: str, **args: object) -> str:
        """Sign a command for a device; return its id."""
        with self.store.transaction() as db:
            key = self._desk().keys(db, self._now())[Role.COMMANDS]
            whom, what = (TENANT, device), (verb, args)
            number = commands.issue(db, whom, what, "kim", key, self._now())
        self._prod()
        return number

    def result(self, number: str) -> str | None:
        """Tell what a device answered to a command."""
        with self.store.reading() as db:
            row = commands.found(db, number)
        return None if row is None else row["result"]

    def _prod(self) -> None:
        for worker in self._workers:
            worker.prod()

    def feed(self, db: Connection) -> Feed:
        """Return its voice in a transaction."""
        return Feed(db, TENANT, self._desk().keys(db, self._now()))

    def now(self) -> datetime:
        """Tell the time."""
        return self._now()


class Worker:
    """One worker: a client of the broker, and a desk. `owes`: it has committed, not answered."""

    def __init__(
        self, number: int, desk: Desk, broker: Broker, weather: Weather, office: Office
    ) -> None:
        self.name = f"cloud-{number}"
        self.desk = desk
        self.owes = False
        self._stirred = True
        self._news = News(number - 1, WORKERS)
        self._broker = broker
        self._weather = weather
        self._office = office
        self._inbox: list[Heard] = []
        self._some = asyncio.Event()

    def prod(self) -> None:
        """Let it look whether there is something to do."""
        self._some.set()

    async def run(self) -> None:
        """Serve for ever; a broker that is away is waited for."""
        self.desk.catch_up()
        base = f"edged/v1/{self.desk.tenant}/+/up"
        topics = [*(f"$share/{GROUP}/{base}/{kind}" for kind in KINDS), f"{base}/state"]
        while True:
            try:
                client = await self._broker.connect(self.name, topics, wants_retained=True)
            except Gone:
                await asyncio.sleep(_AGAIN_S)
                continue
            try:
                await self._serve(client)
            except* Gone:
                await asyncio.sleep(_AGAIN_S)
            finally:
                client.abort()

    async def _serve(self, client: Client) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(client), name="listen")
            tasks.create_task(self._work(client), name="work")

    async def _listen(self, client: Client) -> None:
        while True:
            post, _ = await client.receive()
            parts = post.topic.split("/")
            if len(parts) == TOPIC_PARTS:
                heard = Heard(parts[3], parts[5], post.payload, self._office.now())
                self._inbox.append(heard)
                self.prod()

    async def _work(self, client: Client) -> None:
        while True:
            await self._more()
            await self._pause("handles", _HANDLES_S)
            group, self._inbox = self._inbox[: limits.GROUP], self._inbox[limits.GROUP :]
            answers = self.desk.handle(group, self._office.now())
            self.owes = bool(answers)
            self._office.after_group()
            await self._pause("sends", _SENDS_S)
            await self._send(client, answers)
            self.owes = False
            while self.desk.unread:
                self.desk.study(self._office.now())
                self._office.after_group()
            await self._tell(client)

    async def _more(self) -> None:
        """Wait for something to do; once more not for long, for some news are held back."""
        look_s = _LOOK_S if self._stirred or self.desk.waiting else None
        self._stirred = bool(self._inbox)
        if not self._inbox:
            with suppress(TimeoutError):
                async with asyncio.timeout(look_s):
                    self._stirred = await self._some.wait()
        self._some.clear()

    async def _tell(self, client: Client) -> None:
        """Say what nobody has asked for."""
        at = self._office.now()
        with self._office.store.reading() as db:
            feed = self._office.feed(db)
            orders, changes = self._news.orders(feed, at), self._news.changes(feed, at)
        await self._send(client, [*orders.values()])
        with self._office.store.transaction() as db:
            commands.mark_sent(db, [*orders])
        await self._send(client, changes)

    async def _send(self, client: Client, messages: Sequence[Message]) -> None:
        for each in messages:
            topic = f"edged/v1/{TENANT}/{each.device}/down/{each.kind}"
            await client.send(topic, each.data)

    async def _pause(self, what: str, range_s: tuple[float, float]) -> None:
        await asyncio.sleep(self._weather.between(f"{self.name} {what}", *range_s))
