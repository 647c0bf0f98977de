"""A device's link and its cloud, with a wire of the test's own between them."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cloud_link.ports import Chance, Connection, Device, Incoming, LinkLost, Ports, Transport
from cloud_link.session import Link
from hil.byzantine.clock import Dice, WorldClock
from hil.byzantine.cloud import Cloud, Message
from hil.byzantine.house import House, Journal
from hil.byzantine.tenant import Tenant, made_key

DEVICE = "gate-1"
DEVICE_KEY = made_key("acme gate-1")


class Wire:
    """A transport in memory: each message goes to the cloud at once, its answers come back.

    `up` and `down` see each message first, and may return others in its place.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.wills: list[bytes] = []
        self.sent: list[Message] = []
        self.connections = 0
        self.is_up = True
        self.up: Callable[[str, bytes], list[Message]] = lambda kind, data: [(kind, data)]
        self.down: Callable[[str, bytes], list[Message]] = lambda kind, data: [(kind, data)]
        self._incoming: deque[Incoming] = deque()
        self._stir = asyncio.Event()
        self.dropped = 0

    @asynccontextmanager
    async def connect(self, will: bytes) -> AsyncIterator[Connection]:
        self.connections += 1
        if not self.is_up:
            raise LinkLost("no network")
        self.wills.append(will)
        yield self

    def cut(self) -> None:
        self.is_up = False
        self._stir.set()

    async def receive(self) -> Incoming:
        while not self._incoming:
            if not self.is_up:
                raise LinkLost("cut")
            self._stir.clear()
            await self._stir.wait()
        return self._incoming.popleft()

    async def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        if not self.is_up:
            raise LinkLost("cut")
        assert retain == topic.endswith("/state")
        for kind, data in self.up(topic.rpartition("/")[2], payload):
            self.sent.append((kind, data))
            for answer in self.cloud.hear(kind, data):
                self.tell(*answer)

    def overflowed(self) -> int:
        return self.dropped

    def tell(self, kind: str, data: bytes) -> None:
        for told, payload in self.down(kind, data):
            self.deliver(f"edged/v1/acme/{DEVICE}/down/{told}", payload)

    def deliver(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        self._incoming.append(Incoming(topic, payload, retained))
        self._stir.set()


@dataclass(slots=True)
class World:
    """A link and all that is about it. `speed` is that of its time."""

    folder: Path
    speed: int = 20
    fresh: bool = False
    clock: WorldClock = field(init=False)
    cloud: Cloud = field(init=False)
    journal: Journal = field(init=False)
    house: House = field(init=False)
    boots: "itertools.count[int]" = field(init=False)

    def __post_init__(self) -> None:
        self.clock = WorldClock(self.speed)
        self.cloud = Cloud(Tenant("acme"), DEVICE, DEVICE_KEY, self.clock.true)
        self.journal = Journal(fresh=self.fresh)
        times = self.clock.true, self.clock.monotonic_ms
        self.house = House(self.journal, self.cloud.trusts[0], self.folder, *times)
        self.boots = itertools.count(1)

    def link(self, transport: Transport, chance: Chance | None = None) -> Link:
        device = Device("acme", DEVICE, DEVICE_KEY, f"{next(self.boots):016x}", "0.1.0")
        ports = Ports(self.clock, chance or Dice(), transport, self.journal, self.house)
        return Link(device, ports)

    @asynccontextmanager
    async def running(self, transport: Transport) -> AsyncIterator[Link]:
        """Run the link until the block ends."""
        link = self.link(transport)
        task = asyncio.create_task(link.run())
        try:
            yield link
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
