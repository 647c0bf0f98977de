"""A bank of lockers as the daemon wires it: everything real but the time and the board."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Self

from drivers.api import LockerLevel, Wanted, always, heed
from edged.core.events import LockerCommand
from edged.lockers.bank import Bank
from edged.lockers.order import Done, Order
from edged.store import audit
from edged.store.ledger import Ledger
from policy import locker_model as model
from tests.edged.fakes import NOON, settle, until
from tests.edged.rig import Rig

HOUR = timedelta(hours=1)
Asked = model.Command | model.Move
CHANNELS = {"L1": 1, "L2": 2}


class FakeBoard:
    """A board. `pulses` are the orders that it took; `refuses` is what it raises instead.

    `on_pulse` is called with the channel of each. While `answers` is clear it hangs, and while
    `turn` is, it has to wait before it may send anything.
    """

    def __init__(self, *, reports_doors: bool = True) -> None:
        self.name = "hall.board"
        self.reports_doors = reports_doors
        self.asked = 0
        self.pulses: list[int] = []
        self.refuses: Exception | None = None
        self.on_pulse: Callable[[int], None] = lambda _: None
        self.answers, self.turn = asyncio.Event(), asyncio.Event()
        self.answers.set()
        self.turn.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def run(self, report: Callable[[LockerLevel], None]) -> None: ...

    async def pulse(self, channel: int, wanted: Wanted = always) -> None:
        self.asked += 1
        await self.turn.wait()
        heed(self.name, wanted)
        self.pulses.append(channel)
        self.on_pulse(channel)
        await self.answers.wait()
        if self.refuses is not None:
            raise self.refuses


@dataclass
class Hall:
    """The bank `hall` beside a rig's journal; `begin` is a start of the daemon."""

    rig: Rig
    board: FakeBoard
    bank: Bank = field(init=False)
    _life: asyncio.Task[None] | None = None
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Make the bank anew: it knows nothing yet."""
        self.bank = Bank("hall", {1: self.board}, self.rig.ports, CHANNELS)

    async def begin(self) -> None:
        """Start anew, on what the journal holds."""
        await self.end()
        self.renew()
        await self.begin_again()

    async def begin_again(self) -> None:
        """Let the bank that was made run."""
        self._life = asyncio.create_task(self.bank.run())
        await until(lambda: bool(self.bank.lockers) and not self.undecided())
        await settle()

    def undecided(self) -> bool:
        """Whether a release is under way whose end nobody has thought about yet."""
        ways = {self.state(locker).partition("/")[2] for locker in self.bank.lockers}
        return bool(ways & {"RESETTING", "PULSING"})

    async def end(self) -> None:
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
            self._life = None

    # --- what is asked

    async def do(self, event: Asked, locker: str = "L1", to: str | None = None) -> Done:
        command = LockerCommand(event.command, locker, type(event).__name__, "S9")
        return await self.bank.order(Order(command, event, to))

    def new(self) -> str:
        return f"c{next(self._ids)}"

    async def assign(self, locker: str = "L1", member: str = "aiko", **facts: object) -> Done:
        use: dict[str, Any] = {
            "id": "O1",
            "member": member,
            "start": NOON - HOUR,
            "end": NOON + HOUR,
            **facts,
        }
        return await self.do(model.Assign(self.new(), model.Occupancy(**use)), locker)

    async def open(self, member: str = "aiko", locker: str = "L1") -> Done:
        return await self.do(model.Open(self.new(), model.Claim(member=member)), locker)

    async def force_end(self, locker: str = "L1", use: str = "O1") -> Done:
        return await self.do(model.ForceEnd(self.new(), use), locker)

    # --- what is seen

    def state(self, locker: str = "L1") -> str:
        found = self.bank.lockers[locker]
        progress = "" if found.release is None else f"/{found.release.progress.name}"
        return found.state.value + progress

    def swing(self, channel: int = 1, *, is_open: bool = True) -> None:
        self.bank.level(1, LockerLevel(channel, is_open))

    async def stands(self, state: str, locker: str = "L1") -> None:
        await until(lambda: self.state(locker) == state)

    def words(self) -> list[str]:
        """What the audit says of lockers: a word each, or what was asked and answered."""
        found = []
        for one in audit.read_records(self.rig.path, 0, 100_000):
            body = json.loads(one.data)
            if body["kind"] == "locker":
                found.append(body["word"])
            elif body["kind"] == "locker_command":
                found.append(f"{body['verb']} {body['result']}")
        return found

    def alarms(self) -> set[str]:
        return {up["alarm"] for up in self.rig.alarms.listing()}


@asynccontextmanager
async def hall(rig: Rig, *, reports_doors: bool = True, new: bool = False) -> AsyncIterator[Hall]:
    """Run the bank; `new`: nobody has ever said what is in its lockers."""
    made = Hall(rig, FakeBoard(reports_doors=reports_doors))
    for locker in () if new else map(model.Locker, CHANNELS):
        await rig.journal.commit(partial(_put, locker))
    await made.begin()
    try:
        yield made
    finally:
        await made.end()


def _put(locker: model.Locker, ledger: Ledger) -> None:
    ledger.put_locker(locker)


class Killed(Exception):
    """The process ended here."""


class Cut:
    """Runs a coroutine until it has waited `waits` times, and then never again.

    What it handed to others goes on, as a commit does that the kernel has already taken.
    """

    def __init__(self, life: Coroutine[Any, Any, None], waits: int) -> None:
        self._life = life
        self._waits = waits

    def __await__(self) -> Generator[Any, None, None]:
        for _ in range(self._waits):
            yield self._life.send(None)
        self._life.close()
        raise Killed
