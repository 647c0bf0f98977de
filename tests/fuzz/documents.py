"""What people and the cloud send: settings, rules, requests, orders, envelopes, payloads, parts."""

import asyncio
import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NoReturn, TypeVar, cast
from zoneinfo import ZoneInfo

import zstandard
from pydantic import SecretStr

from cloud_link import wire
from cloud_link.envelope import open_envelope
from cloud_link.fetch import is_whole
from cloud_link.shapes import Malformed, Shape, canonical, read
from cloud_link.trust import Distrusted, follow, pin
from cloud_link.verify import Unproven, opened, verify
from edged.cloud.orders import ARGUMENTS, Desk, Orders
from edged.cloud.parts import Store, Unfit
from edged.control import wire as control
from edged.control.client import ControlRefused
from edged.core import events
from edged.counters.loyalty import LoyaltyDesk
from edged.doors.desk import DoorDesk
from edged.errors import NotFound
from edged.lockers.desk import LockerDesk
from edged.lockers.order import Order
from edged.rulebook import file as rules_file
from edged.settings import file as settings_file
from edged.store.errors import StoreFailed
from edged.store.migrations import JOURNAL, migrate
from tests.edged.settings_files import GOOD
from tests.fuzz.target import Target

T = TypeVar("T")

ROOT: Final = Path(__file__).parents[2]
CLOUD: Final = json.loads((ROOT / "tests/vectors/cloud.json").read_text())
HELD: Final = pin(CLOUD["trust"].encode(), "acme")
AT: Final = datetime(2026, 11, 28, 15, 30, tzinfo=UTC)
SHAPES: Final[tuple[type[Shape], ...]] = (
    wire.Trust, wire.State, wire.Report, wire.AskPulse, wire.AskPart, wire.AskRestore, wire.Pulse,
    wire.Manifest, wire.Checkpoint, wire.Usage, wire.Restore, wire.Command, wire.Result,
)  # fmt: skip
PLAIN_BYTES: Final = 1_000
_FOLDER: Final = tempfile.TemporaryDirectory(prefix="edged-fuzz-")
_FILE: Final = Path(_FOLDER.name) / "given"


class Reached(Exception):
    """An order was good, and went on to where it has an effect."""


class Beyond:
    """Whatever stands behind a desk."""

    def __getattr__(self, name: str) -> object:
        raise Reached(name)


BEYOND: Final[Any] = Beyond()


class Bank:
    """A bank of one locker, for orders that get as far."""

    name = "hall"
    channels: Final[Mapping[str, int]] = {"L1": 1}

    def now(self) -> datetime:
        return AT

    async def order(self, order: Order) -> NoReturn:
        raise Reached(repr(order))

    async def release_all(self, command: object) -> NoReturn:
        raise Reached(repr(command))


_STORES: Final = {"S1": SimpleNamespace(tz=ZoneInfo("Asia/Tokyo"))}
_PORTS: Final[Any] = SimpleNamespace(rules=SimpleNamespace(rules=SimpleNamespace(stores=_STORES)))
_SETTINGS: Final[Any] = SimpleNamespace(
    lockers={"hall": SimpleNamespace(store="S1")}, store_pepper=SecretStr("p" * 32)
)
_BANKS: Final[Any] = {"hall": Bank()}
DESKS: Final[Mapping[control.Verb, Desk]] = {
    control.Verb.DOOR: DoorDesk(BEYOND, {}, BEYOND),
    control.Verb.LOCKER: LockerDesk(_SETTINGS, _PORTS, _BANKS),
    control.Verb.LOYALTY: LoyaltyDesk(BEYOND),
}


def settings(data: bytes) -> None:
    _FILE.write_bytes(data)
    found = settings_file.load(_FILE)
    for fault in found if isinstance(found, list) else []:
        str(fault).encode()  # it can be shown


def rules(data: bytes) -> None:
    found = rules_file.read(data)
    if isinstance(found, rules_file.RuleSet):
        assert rules_file.rules_of(found.base) == found.rules
    else:
        assert found
        for fault in found:
            f"{fault.path} {fault.message}".encode()


def request(data: bytes) -> None:
    """A line at the control socket, and the order that is in it."""
    try:
        asked = control.read_request(data)
        if desk := DESKS.get(asked.verb):
            ended(desk.order(asked.arguments))
    except (control.BadRequest, NotFound, Reached) as error:
        control.refused(1, [str(error)])
    except ControlRefused as error:
        control.refused(error.code, error.errors)


class Outbox:
    """A journal that holds nothing, and what would be written into it."""

    path = Path(_FOLDER.name) / "journal.db"

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self._db, self.path, JOURNAL)

    async def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        return look(self._db)

    async def commit(self, _: object) -> None: ...


_OUTBOX: Final[Any] = Outbox()
_KEPT: Final[Any] = SimpleNamespace(
    journal=_OUTBOX, recorder=BEYOND, stamp=lambda: events.Stamp(AT, "SYNCED")
)
_LOOP: Final = asyncio.new_event_loop()
ORDERS: Final = Orders(_KEPT, _OUTBOX, DESKS[control.Verb.DOOR], DESKS[control.Verb.LOCKER], dict)


def command(data: bytes) -> None:
    """A command of the cloud, after its envelope was believed; there is no journal to look into."""
    with suppress(Malformed, Reached, StoreFailed):
        answer = _LOOP.run_until_complete(ORDERS.command(read(wire.Command, data), None))
        json.dumps(answer.more).encode()


def commands() -> Iterator[bytes]:
    for verb, takes in ARGUMENTS.items():
        for names in takes:
            yield json.dumps(
                {
                    "v": 1,
                    "tenant": "acme",
                    "device": "gate-1",
                    "id": "c1",
                    "verb": verb,
                    "args": {name: True if name == "on" else "L1" for name in names},
                    "by": "s1",
                    "nonce": None,
                    "issued_at": "2026-11-28T15:30:00.000Z",
                    "expires_at": "2026-11-28T15:30:10.000Z",
                }
            ).encode()


def ended(job: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine that has nothing to wait for."""
    with suppress(StopIteration):
        job.send(None)
        raise AssertionError("it waits")


def envelope(data: bytes) -> None:
    with suppress(Unproven):
        found = opened(data)
        verify(found, HELD, "gate-1", AT)
    with suppress(Distrusted):
        follow(HELD, data)


def payload(data: bytes) -> None:
    """The first byte says which payload it is."""
    if data:
        shape = SHAPES[data[0] % len(SHAPES)]
        with suppress(Malformed):
            said = read(shape, data[1:])
            assert read(shape, canonical(said)) == said


def part(data: bytes) -> None:
    """A frame of the size that was announced, of a part of `PLAIN_BYTES`."""
    digest = hashlib.sha256(_plain()).hexdigest()
    announced = wire.Part(name="base", sha256=digest, bytes=PLAIN_BYTES, packed=max(1, len(data)))
    store = Store(Path(_FOLDER.name))
    file = store.whole(digest)
    file.write_bytes(data)
    good = is_whole(file, announced)
    try:
        assert store.unpack(announced) == _plain()
    except Unfit:
        assert not good


def _plain() -> bytes:
    return (b'{"rules":[]}' * PLAIN_BYTES)[:PLAIN_BYTES]


def requests() -> Iterator[bytes]:
    for verb, takes in control.ARGUMENTS.items():
        given = {name: kind() for name, kind in takes.items()}
        yield json.dumps({"verb": verb, **given}).encode()
    doors: list[dict[str, object]] = [
        {"do": "open", "door": "front"},
        {"do": "lockdown", "on": True},
        {"do": "fire_reset"},
        {"do": "passback_clear", "member": "M1"},
    ]
    yield from (spelled("door", order | {"command": "c1", "by": "s1"}) for order in doors)
    staff = {"command": "c1", "locker": "L1", "staff": "s1", "occupancy": "o1"}
    own = {"command": "c1", "locker": "L1", "occupancy": "o1", "pin": "1234"}
    lockers: list[dict[str, object]] = [
        {**staff, "do": "assign", "member": "M1", "start": "2026-11-28", "end": "2026-11-29T10:00"},
        {**staff, "do": "extend", "end": "2026-11-28T10:00:00+09:00"},
        {**staff, "do": "move", "to": "L2", "pin": "1234"},
        {**staff, "do": "force_end", "from_afar": True},
        {**staff, "do": "staff_open"},
        {**own, "do": "open"},
        {**own, "do": "return"},
    ]
    yield from (spelled("locker", order) for order in lockers)
    yield spelled("locker", {"do": "release_all", "command": "c", "bank": "hall", "staff": "s"})
    yield spelled("loyalty", {"do": "earn", "id": "e1", "member": "M1", "amount": 5})
    yield spelled("loyalty", {"do": "earn_cancel", "id": "e1"})


def spelled(verb: str, order: Mapping[str, object]) -> bytes:
    return json.dumps({"verb": verb, "order": order}).encode()


def envelopes() -> Iterator[bytes]:
    yield CLOUD["trust"].encode()
    for case in CLOUD["cases"]:
        yield case["envelope"].encode()


def payloads() -> Iterator[bytes]:
    for envelope in envelopes():
        with suppress(Malformed):
            inner = open_envelope(envelope).payload
            for number, shape in enumerate(SHAPES):
                with suppress(Malformed):
                    read(shape, inner)
                    yield bytes((number,)) + inner


def parts() -> Iterator[bytes]:
    for known in (True, False):
        made = zstandard.ZstdCompressor(write_content_size=known).compress(_plain())
        yield from (made, made + made, made[:-3])
    yield zstandard.ZstdCompressor().compress(bytes(100_000))


def small_rules() -> Iterator[bytes]:
    """The example, and each of its sections alone beside what a file can't be without."""
    whole = cast("dict[str, object]", json.loads((ROOT / "config/rules.example.json").read_text()))
    plain = {key: value for key, value in whole.items() if not isinstance(value, dict)}
    yield json.dumps(plain).encode()
    for key, value in whole.items():
        yield json.dumps({**plain, key: value}).encode()


TARGETS = (
    Target("settings", settings, lambda: (GOOD.encode(), *tables())),
    Target("rules", rules, small_rules),
    Target("request", request, requests),
    Target("command", command, commands),
    Target("envelope", envelope, envelopes),
    Target("payload", payload, payloads),
    Target("part", part, parts),
)


def tables() -> Iterator[bytes]:
    """Each table of the example alone."""
    example = (ROOT / "config/edged.example.toml").read_text()
    yield from (table.encode() for table in example.split("\n\n"))
