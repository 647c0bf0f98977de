"""One door as the daemon wires it: everything real but the time, the bolt and the lights."""

import asyncio
import hashlib
import itertools
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from drivers.api import Scan, Signal
from edged import limits, translate
from edged.alarms.raised import Alarms
from edged.control.broadcast import Broadcast, Watcher
from edged.doors.emergency import Emergency
from edged.doors.gate import Gate
from edged.doors.terms import Fitting
from edged.ports import Ports
from edged.readers.feedback import Feedback
from edged.readers.passage import Passage
from edged.records.recorder import Recorder
from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from edged.settings.model import Language
from edged.store import audit, rules
from edged.store.journal import Journal, StoreFailed
from edged.store.ledger import Ledger
from edged.store.rules import RulesStore
from hil.issuer import Issuer
from hil.site.rules import PEOPLE, sample_rules, staff_issuer
from hil.site.rules import code as show
from policy.model import Reason, Rules, UsageKey
from tests.edged.fakes import NOON, WITHIN_S, FakeClock, FakeIndicator, FakeLock, settle, until

ISSUER = Issuer("acme", 1, b"\x07" * 32)
STAFF_ISSUER = staff_issuer(ISSUER)
DOORS = {"front": {"front-in": "IN", "front-out": "OUT"}}
MAX_PULSE_MS = 3_000


class Held:
    """A transaction that stays in its thread until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, _: object) -> None:
        self.begun.set()
        assert self.let_go.wait(WITHIN_S)


def _filler(size: int) -> Callable[[Ledger], int]:
    return lambda ledger: ledger.append({"kind": "filler", "text": "x" * size})


def load_rules(folder: Path, version: int = 1, **changes: Mapping[str, object]) -> None:
    """Make the sample rules, with other sections where said, the active ones."""
    document = sample_rules(ISSUER, NOON - timedelta(hours=1), DOORS, version=version) | changes
    found = rules_file.read(json.dumps(document).encode())
    assert isinstance(found, RuleSet), found
    folder.mkdir(exist_ok=True)
    rules.activate(folder, rules.build(found, folder))


def signal(reason: Reason) -> Signal:
    """What an indicator shows for a reason."""
    return translate.signal(reason, [Language.EN])


class Rig:
    """A door with a reader on each side. Made by `rig`, which runs its loops."""

    def __init__(self, folder: Path, rules_store: RulesStore) -> None:
        self.path = folder / "journal.db"
        self.clock = FakeClock()
        self.journal = Journal(self.path)
        self.rules = rules_store
        self.recorder = Recorder(self.journal, self.clock)
        self.witness = Broadcast(size=100_000)
        self.alarms = Alarms(self.clock, self.recorder, self.witness)
        numbers = itertools.count(1)
        self.ports = Ports(
            clock=self.clock,
            journal=self.journal,
            rules=self.rules,
            recorder=self.recorder,
            witness=self.witness,
            alarms=self.alarms,
            languages=[Language.EN],
            new_id=lambda: f"event-{next(numbers)}",
            digest=lambda text: hashlib.sha256(b"pepper" + text).digest(),
        )
        self.lock = FakeLock()
        fitted = Fitting(has_contact=True, max_pulse_ms=MAX_PULSE_MS)
        self.gate = Gate("front", self.lock, self.ports, fitted)
        self.emergency = Emergency(self.ports, [self.gate])
        self.light_in, self.light_out = FakeIndicator("in"), FakeIndicator("out")
        self.feedbacks = [Feedback(light, self.clock) for light in (self.light_in, self.light_out)]
        self.way_in = Passage("front-in", self.gate, self.feedbacks[0], self.ports)
        self.way_out = Passage("front-out", self.gate, self.feedbacks[1], self.ports)
        self.watcher: Watcher
        self._tasks: list[asyncio.Task[None]] = []
        self._nonces = itertools.count(1)
        self._serving: asyncio.Task[None] | None = None

    # --- codes

    def code(self, who: str = "aiko", *, ago: timedelta = timedelta(0)) -> bytes:
        """A person's code as it was shown on the phone `ago`, or the printed one."""
        person = next(person for person in PEOPLE if person.name == who)
        if person.kind != "M1":
            return show(ISSUER, person, self.clock.wall - ago).encode()
        issued_s = int((self.clock.wall - ago).timestamp())
        return ISSUER.m1(person.handle, issued_s, 30, next(self._nonces)).encode()

    # --- what was written and said

    def records(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The audit, as somebody beside the daemon reads it."""
        everything = [json.loads(found.data) for found in audit.read_records(self.path, 0, 100_000)]
        return [one for one in everything if kind in {None, one["kind"]}]

    def used(self, owner: str = "C-aiko") -> frozenset[UsageKey]:
        """The usage keys of a contract, read from beside the daemon."""
        today = NOON.date()
        return audit.read_used(self.path, [owner], today.replace(day=1), today)

    async def written(self) -> None:
        """Wait until all that was presented is decided, and all that happened is on disk.

        If the recorder has to wait for that, its time passes.
        """
        undecided = self.way_in._undecided, self.way_out._undecided
        found = -1
        async with asyncio.timeout(WITHIN_S):
            while self.recorder.failing or len(self.recorder) or found != len(self.records()):
                if self.recorder.failing:
                    await self.clock.advance(limits.RECORD_RETRY_MS)
                await until(lambda: not any(undecided))
                await settle()
                await self.journal.commit(lambda _: None)  # behind all that is being written
                await settle()
                found = len(self.records())
                await self.journal.commit(lambda _: None)  # and what was handed over after it
                await settle()

    async def released(self, times: int) -> None:
        """Wait until the bolt has been released so often."""
        await until(lambda: len(self.lock.releases) >= times)

    async def said(self, what: str) -> list[dict[str, Any]]:
        """What watchers heard of one kind since the last time."""
        self.witness.publish({"event": "mark"})
        _, heard = await self.watcher.take()
        return [dict(event) for event in heard if event["event"] == what]

    # --- people

    async def enter(self, text: bytes) -> Signal:
        """Present a code outside; what the light shows."""
        return await self._present(self.way_in, self.light_in, text)

    async def leave(self, text: bytes) -> Signal:
        """Present a code inside; what the light shows."""
        return await self._present(self.way_out, self.light_out, text)

    async def _present(self, way: Passage, light: FakeIndicator, text: bytes) -> Signal:
        before = len(light.shown)
        way.scanned(Scan(text))
        # A refusal is shown once more when it is known when to come again, which takes a while.
        await until(lambda: len(light.shown) > before and not way._undecided)
        await settle()
        return light.shown[before]

    async def hold_up(self, way: Passage, text: bytes) -> None:
        """Read a code once more that has been answered."""
        way.scanned(Scan(text))
        await settle()

    # --- the journal's lives

    async def start_journal(self) -> None:
        if self.journal.failed is not None:
            await self.journal.open()
        self._serving = asyncio.create_task(self.journal.serve())

    async def stop_journal(self) -> None:
        """End it as a stop does."""
        assert self._serving is not None
        self._serving.cancel()
        with suppress(asyncio.CancelledError):
            await self._serving
        await self.journal.close()

    async def break_journal(self) -> None:
        """End it as a failed fsync does."""
        await self.break_writing()
        await self.stop_journal()

    async def break_writing(self) -> None:
        """Let an fsync fail."""

        def failing(_: Ledger) -> None:
            error = sqlite3.OperationalError("said by the disk")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

        with suppress(StoreFailed):
            await self.journal.commit(failing)

    async def fill_journal(self) -> None:
        """Leave no room for another record."""
        await self._raw(lambda db: db.execute("PRAGMA max_page_count = 1"))
        for size in (4_000, 400, 40, 1):
            with suppress(StoreFailed):
                while True:
                    await self.journal.commit(_filler(size))

    async def empty_journal(self) -> None:
        """Make room again."""
        await self._raw(lambda db: db.execute("PRAGMA max_page_count = 1000000"))

    async def hold_journal(self) -> Held:
        """Keep the writer busy until it is let go."""
        return await self._hold(self.journal.commit)

    async def hold_rules(self) -> Held:
        """Keep whoever looks members up waiting until it is let go."""
        assert self.rules._opened is not None
        return await self._hold(self.rules._opened.db.run)

    async def lose_members(self) -> None:
        """Let nobody be looked up any more."""
        assert self.rules._opened is not None
        await self.rules._opened.close()

    async def _hold(self, run: Callable[[Held], Awaitable[None]]) -> Held:
        held = Held()
        self._run(run(held))
        assert await asyncio.to_thread(held.begun.wait, WITHIN_S)
        return held

    async def _raw(self, work: Callable[[sqlite3.Connection], object]) -> None:
        assert self.journal._db is not None
        await self.journal._db.run(work)

    def put_rules(self, changed: Rules) -> None:
        """Put other rules in force without building them."""
        assert self.rules._opened is not None
        self.rules._opened = replace(self.rules._opened, rules=changed)

    # --- its loops

    def _run(self, job: Awaitable[None]) -> None:
        self._tasks.append(asyncio.ensure_future(job))

    async def start(self) -> None:
        await self.start_journal()
        for job in (
            self.recorder.run,
            self.gate.run,
            self.way_in.run,
            self.way_in.run_delayed,
            self.way_out.run,
            *(feedback.run for feedback in self.feedbacks),
        ):
            self._run(job())
        await self.emergency.restore()
        await self.emergency.restored()
        await settle()

    async def stop(self) -> None:
        """End every loop; one that has ended by itself is a fault."""
        dead = [task for task in self._tasks if task.done() and task.exception()]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._serving is not None:
            await self.stop_journal()
        assert dead == []


@asynccontextmanager
async def running(folder: Path, **changes: Mapping[str, object]) -> AsyncIterator[Rig]:
    """Run a door whose rules have other sections where said."""
    load_rules(folder / "rules", 1, **changes)
    store = await RulesStore.open(folder / "rules")
    rig = Rig(folder, store)
    await rig.start()
    try:
        with rig.witness.watcher() as rig.watcher:
            yield rig
    finally:
        await rig.stop()
        await store.close()
