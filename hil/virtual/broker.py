"""A broker in memory: what MQTT promises at QoS 1, and all that it does not promise.

A message is acknowledged by whoever has it, and that says nothing of where it goes on to: it may
be lost with the broker, come twice, or be overtaken. Within one connection nothing is swapped
unless its fate is to be late; between two everything may be.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Final

from hil.virtual.loop import running
from hil.virtual.weather import Weather

GROUP: Final = "$share/"
_SILENT_S: Final = 30.0
"""A connection through which nothing comes ends after one and a half times its keep-alive."""
_RECEIPT_S: Final = 10.0
"""So long a sender waits for its receipt; then it goes on without."""
_AGAIN_S: Final = 1.0
"""What was not acknowledged is sent again after this."""
_CONNECT_S: Final = 20.0
"""So long somebody waits for a greeting."""
_UNREAD: Final = 64
"""So many messages wait at a client for being read; what is more is dropped."""
_LATE_S: Final = (0.5, 4.0)
"""A message that is late is overtaken by what is sent within this."""


class Gone(Exception):
    """The connection is gone, or none comes about. The text says why."""


class Fate(Enum):
    """What becomes of a message at the broker."""

    PASSED = auto()
    LOST = auto()
    TWICE = auto()
    LATE = auto()


@dataclass(frozen=True, slots=True)
class Post:
    """A message: `sender` is the client that it came from."""

    topic: str
    payload: bytes
    retain: bool
    sender: str


@dataclass(slots=True)
class Line:
    """Somebody's line to the broker. `lag_s`: how much slower than usual it is."""

    whole: bool = True
    lag_s: float = 0.0


@dataclass(slots=True)
class _Session:
    """What the broker keeps for a client. `waiting`: not acknowledged yet, the oldest first."""

    topics: Sequence[str] = ()
    waiting: list[Post] = field(default_factory=list)
    client: "Client | None" = None


class Client:
    """One end of a connection, that of whoever connected. Made by `Broker.connect`."""

    def __init__(self, broker: "Broker", name: str, will: Post | None) -> None:
        self.name = name
        self.will = will
        self.dropped = 0
        self._broker = broker
        self._unread: deque[tuple[Post, bool]] = deque()
        self._some = asyncio.Event()
        self._end: asyncio.Future[str] = running().create_future()
        self._due_s = {"up": 0.0, "down": 0.0}
        self._under_way = 0
        self.line = broker.line(name)

    @property
    def gone(self) -> bool:
        """Whether the connection has ended."""
        return self._end.done()

    async def receive(self) -> tuple[Post, bool]:
        """Wait for a message; whether it had been retained. Raises Gone."""
        while not self._unread:
            if self._end.done():
                raise Gone(self._end.result())
            self._some.clear()
            await self._some.wait()
        return self._unread.popleft()

    async def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand a message over; wait for the receipt, for the end, or long enough. Raises Gone."""
        if self._end.done():
            raise Gone(self._end.result())
        receipt: asyncio.Future[str] = running().create_future()
        post = Post(topic, payload, retain, self.name)

        def acknowledged() -> None:
            if not receipt.done():
                receipt.set_result("")

        def there() -> None:
            self._broker.take(post)
            self.travel("down", acknowledged)

        self.travel("up", there)
        await asyncio.wait(
            {receipt, self._end}, timeout=_RECEIPT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if not receipt.done():
            receipt.cancel()
            if self._end.done():
                raise Gone(self._end.result())

    def hand(self, post: Post, *, retained: bool) -> None:
        """Take a message that has come all the way."""
        if len(self._unread) >= _UNREAD:
            self.dropped += 1
        else:
            self._unread.append((post, retained))
            self._some.set()

    def travel(self, way: str, then: Callable[[], object]) -> None:
        """Do something when what is sent now has come to the other end, if it comes there."""
        lag_s = self._broker.lag_s(f"{self.name} {way}") + self.line.lag_s
        due_s = max(self._due_s[way], running().time() + lag_s)
        self._due_s[way] = due_s

        def arrive() -> None:
            if self._end.done():
                return
            if self.line.whole:
                then()
            else:  # sent again and again until the line is whole, or given up
                running().call_later(_AGAIN_S, arrive)

        running().call_at(due_s, arrive)

    def abort(self) -> None:
        """End as a process that is killed does: the broker finds out, and tells the will."""
        self.end("killed")

    def end(self, why: str, *, graceful: bool = False) -> None:
        """End the connection; without a goodbye the broker tells the will."""
        if not self._end.done():
            self._end.set_result(why)
            self._some.set()
            self._broker.ended(why)
            self._broker.left(self, graceful=graceful)

    def watch(self) -> None:
        """End a connection whose line has been pulled for too long."""
        pulled_s: list[float] = []

        def look() -> None:
            if self._end.done():
                return
            if self.line.whole:
                pulled_s.clear()
            else:
                pulled_s.append(running().time())
                if pulled_s[-1] - pulled_s[0] >= _SILENT_S:
                    self.end("nothing comes through")
            running().call_later(_SILENT_S / 3, look)

        look()


class Broker:
    """The broker of a tenant.

    Args:
        weather: What lags and fates are drawn from.
        rough: Of a thousand messages, how many meet each fate but PASSED.

    `told` hears what becomes of each message, `taken_up` how many wait for a client that comes,
    `ended` why a connection did.
    """

    def __init__(self, weather: Weather, rough: dict[Fate, int]) -> None:
        self.up = True
        self.rough = rough
        self.told: Callable[[Post, Fate], object] = lambda *_: None
        self.taken_up: Callable[[int], object] = lambda _: None
        self.ended: Callable[[str], object] = lambda _: None
        self._weather = weather
        self._lines: dict[str, Line] = {}
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, Post] = {}
        self._saved: dict[str, list[Post]] = {}

    def line(self, name: str) -> Line:
        """Return a client's line."""
        return self._lines.setdefault(name, Line())

    def lag_s(self, what: str) -> float:
        """Draw how long a packet travels, s."""
        return self._weather.between(what, 0.002, 0.06)

    async def connect(
        self, name: str, topics: Iterable[str], will: Post | None = None, *, wants_retained: bool
    ) -> Client:
        """Connect and subscribe. Whoever has this name already is hung up on. Raises Gone."""
        line = self.line(name)
        await asyncio.sleep(3 * (self.lag_s(name) + line.lag_s))
        if not line.whole:
            await asyncio.sleep(_CONNECT_S)
            raise Gone("no greeting comes")
        if not self.up:
            raise Gone("the broker is away")
        session = self._sessions.setdefault(name, _Session())
        if session.client is not None:
            session.client.end("somebody came with our name")
        self.taken_up(len(session.waiting))
        client = session.client = Client(self, name, will)
        session.topics = tuple(topics)
        client.watch()
        if wants_retained:
            for post in self._retained.values():
                if _wanted(session, post.topic):
                    client.travel("down", partial(client.hand, post, retained=True))
        for post in tuple(session.waiting):
            self._carry(session, post)
        return client

    def take(self, post: Post) -> None:
        """Take a message that came; the receipt is on its way already."""
        fate, drawn = Fate.PASSED, self._weather.draw(f"fate {post.topic}") * 1_000
        for each, share in self.rough.items():
            if 0 <= drawn < share:
                fate = each
            drawn -= share
        self.told(post, fate)
        match fate:
            case Fate.LOST:
                return
            case Fate.LATE:
                running().call_later(self._weather.between(post.topic, *_LATE_S), self._route, post)
            case Fate.TWICE:
                self._route(post)
                self._route(post)
            case Fate.PASSED:
                self._route(post)

    def save(self) -> None:
        """Write down what waits, as a broker does now and then."""
        self._saved = {name: [*one.waiting] for name, one in self._sessions.items()}

    def cut_power(self, *, forgets: bool) -> bool:
        """End it. It comes back with what it had saved, or with nothing.

        Returns whether it will bring something again that has been delivered.
        """
        self.up = False
        for session in self._sessions.values():
            if session.client is not None:
                session.client.will = None  # nobody is left to tell it
                session.client.end("the broker lost its power")
        if forgets:
            self._sessions, self._retained, self._saved = {}, {}, {}
        again = False
        for name, session in self._sessions.items():
            saved = self._saved.get(name, [])
            again = again or any(post not in session.waiting for post in saved)
            session.waiting = [*saved]
        return again

    def wipe(self, name: str) -> int:
        """Forget a client's session, and how many messages waited there."""
        session = self._sessions.pop(name, _Session())
        if session.client is not None:
            session.client.end("the session was taken away")
        return len(session.waiting)

    def cut(self, name: str) -> None:
        """Cut a client's connection; its line is whole."""
        session = self._sessions.get(name)
        if session is not None and session.client is not None:
            session.client.end("cut")

    def left(self, client: Client, *, graceful: bool) -> None:
        """Take that a connection is gone."""
        session = self._sessions.get(client.name)
        if session is not None and session.client is client:
            session.client = None
        if client.will is not None and not graceful and self.up:
            running().call_later(self.lag_s("will"), self._route, client.will)

    def _route(self, post: Post) -> None:
        if not self.up:
            return
        if post.retain:
            self._retained[post.topic] = post
        groups: dict[str, list[_Session]] = {}
        for name, session in self._sessions.items():
            for topic in session.topics:
                if _matches(topic, post.topic):
                    shared = topic.startswith(GROUP)
                    groups.setdefault(topic if shared else name, []).append(session)
        for members in groups.values():
            there = [one for one in members if one.client is not None] or members
            session = self._weather.choice(f"share {post.topic}", there)
            session.waiting.append(post)
            self._carry(session, post)

    def _carry(self, session: _Session, post: Post) -> None:
        client = session.client
        if client is None:
            return

        def there() -> None:
            client.hand(post, retained=False)
            client.travel("up", acknowledged)

        def acknowledged() -> None:
            for n, waits in enumerate(session.waiting):
                if waits is post:
                    del session.waiting[n]
                    return

        client.travel("down", there)


def _wanted(session: _Session, topic: str) -> bool:
    return any(_matches(each, topic) for each in session.topics if not each.startswith(GROUP))


def _matches(wanted: str, topic: str) -> bool:
    if wanted.startswith(GROUP):
        wanted = wanted.split("/", 2)[2]
    parts, found = wanted.split("/"), topic.split("/")
    return len(parts) == len(found) and all(
        part in {"+", other} for part, other in zip(parts, found, strict=True)
    )
