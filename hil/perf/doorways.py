"""Doorways for measuring: all of the daemon between a read text and a bolt, and a pin for the bolt.

Journal, rules, readers' and doors' loops are the daemon's own, put together as its wiring does.
"""

import asyncio
import gc
import hashlib
import json
import os
import pty
import secrets
import tty
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from time import perf_counter_ns, time
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from drivers.api import Scan, Wanted, always, heed
from drivers.serial_line import LineScanner
from edged import clock as clocks
from edged import limits, log
from edged.alarms.raised import Alarms
from edged.control.broadcast import Broadcast
from edged.doors.emergency import Emergency
from edged.doors.gate import Gate
from edged.doors.terms import Fitting
from edged.ports import EventIds, Ports
from edged.readers.feedback import Feedback
from edged.readers.passage import Passage
from edged.records.recorder import Recorder
from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from edged.settings.model import Language
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from edged.store.rules import RulesStore, activate, build
from hil.issuer.codes import Issuer

T = TypeVar("T")

MEMBERS: Final = 1_000
PULSE_MS: Final = 500  # long past before the same door is asked again


class Pin:
    """A bolt (drivers.api.Lock): a byte in a pipe, and when it was written, `raised_ns`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.raised_ns = self.asked_ms = 0
        self.raised = asyncio.Event()
        self._ends = os.pipe2(os.O_NONBLOCK)

    def set(self) -> None:
        """Raise the pin."""
        os.write(self._ends[1], b"1")
        self.raised_ns = perf_counter_ns()
        self.raised.set()
        os.read(self._ends[0], 1)

    def close(self) -> None:
        """Let go of the pipe."""
        for end in self._ends:
            os.close(end)

    async def __aenter__(self) -> Self:
        """See Device."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See Device."""

    async def release(self, for_ms: int, wanted: Wanted = always) -> None:
        """See Lock. There is no timer: `asked_ms` is for how long it was to be."""
        heed(self.name, wanted)
        self.asked_ms = for_ms
        self.set()

    async def secure(self) -> None:
        """See Lock."""

    async def run(self) -> None:
        """See Lock."""
        await asyncio.Event().wait()


class Terminal:
    """A pseudo-terminal that a scanner would be at; `path` is the daemon's side."""

    def __init__(self) -> None:
        self.master, self._slave = pty.openpty()
        tty.setraw(self.master)
        self.path = os.ttyname(self._slave)

    def scan(self, text: bytes) -> None:
        """Send a text as a scanner does."""
        os.write(self.master, text + b"\r")

    def close(self) -> None:
        """Unplug it."""
        os.close(self.master)
        os.close(self._slave)


class TimedJournal(Journal):
    """The journal, and when the last commit was asked for and had its answer."""

    asked_ns = answered_ns = 0

    async def commit(self, write: Callable[[Ledger], T]) -> T:
        """See Journal."""
        self.asked_ns = perf_counter_ns()
        try:
            return await super().commit(write)
        finally:
            self.answered_ns = perf_counter_ns()


class Doorways:
    """So many doors, each with a reader, of one device with its data in `folder`.

    `codes` are good ones of different members, none shown yet; `scanned_ns`: when the daemon
    last had a whole text in hand.
    """

    def __init__(self, folder: Path, doors: int) -> None:
        self._folder = folder
        self._names = [f"d{n}" for n in range(doors)]
        self._issuer = Issuer("acme", 1, secrets.token_bytes(32))
        self._shown = 0
        self._open = AsyncExitStack()
        self.journal = TimedJournal(folder / "journal.db")
        self.pins = [Pin(name) for name in self._names]
        self.passages: list[Passage] = []
        self.ports: Ports
        self.scanned_ns = 0

    async def __aenter__(self) -> Self:
        """Load the rules and start every loop."""
        log.configure(_Nowhere())
        found = rules_file.read(json.dumps(self._rules()).encode())
        if not isinstance(found, RuleSet):
            raise TypeError(f"rules: {found}")
        rules = self._folder / "rules"
        rules.mkdir()
        activate(rules, build(found, rules))
        self.ports = ports = await self._ports(rules)
        await self.journal.open()
        self._open.push_async_callback(self.journal.close)
        await self.journal.make_room()  # once, at the start, and no part of what a scan takes
        gates = [
            Gate(name, pin, ports, Fitting(has_contact=False, max_pulse_ms=20_000))
            for name, pin in zip(self._names, self.pins, strict=True)
        ]
        Emergency(ports, gates)
        self.passages = [
            Passage(gate.name, gate, Feedback(None, ports.clock), ports) for gate in gates
        ]
        journal = self.journal
        for loop in (journal.serve, journal.keep_log_short, ports.recorder.run):
            self._start(loop())
        for gate in gates:
            self._start(gate.run())
        for passage in self.passages:
            self._start(passage.run())
        gc.freeze()  # as edged.runtime does, and the next line
        gc.set_threshold(limits.COLLECT_AFTER)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop them, and let go of everything."""
        await self._open.aclose()
        for pin in self.pins:
            pin.close()

    def code(self) -> bytes:
        """Return a code of the next member, as it was shown just now."""
        self._shown += 1
        handle = _handle(self._shown % MEMBERS)
        return self._issuer.m1(handle, int(time()), 30, self._shown).encode()

    def codes(self, count: int) -> Sequence[bytes]:
        """Return so many."""
        return [self.code() for _ in range(count)]

    async def plug(self, terminal: Terminal) -> None:
        """Let the first door's reader be a scanner at a terminal."""
        scanner = LineScanner(self._names[0], port=terminal.path)
        await self._open.enter_async_context(scanner)
        self._start(scanner.run(self._scanned))

    def _scanned(self, scan: Scan) -> None:
        self.scanned_ns = perf_counter_ns()
        self.passages[0].scanned(scan)

    def _start(self, loop: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(loop)

        async def stop() -> None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        self._open.push_async_callback(stop)

    async def _ports(self, rules: Path) -> Ports:
        store = await RulesStore.open(rules)
        self._open.push_async_callback(store.close)
        clock = clocks.SystemClock(clocks.host_error_s)
        recorder, witness = Recorder(self.journal, clock), Broadcast()
        return Ports(
            clock=clock,
            journal=self.journal,
            rules=store,
            recorder=recorder,
            witness=witness,
            alarms=Alarms(clock, recorder, witness),
            languages=[Language.EN],
            new_id=EventIds(),
            digest=lambda text: hashlib.sha256(text).digest(),
        )

    def _rules(self) -> dict[str, object]:
        return {
            "format": "edged-rules/1",
            "tenant": "acme",
            "version": 1,
            "issued_at": datetime.fromtimestamp(time(), UTC).isoformat(),
            "keys": {"1": {"role": "member", "public": self._issuer.public.hex()}},
            "stores": {"S1": {"tz": "UTC", "bands": {"FULL": "0:00-24:00"}}},
            "plans": {"P1": {"bands": [{"kind": "FULL"}]}},
            "doors": {name: {"store": "S1", "pulse_ms": PULSE_MS} for name in self._names},
            "devices": {name: {"store": "S1", "door": name, "side": "IN"} for name in self._names},
            "members": {
                f"M{n}": {
                    "handle": _handle(n).hex(),
                    "contracts": [{"id": f"C{n}", "plan": "P1", "start": "2025-01-01"}],
                }
                for n in range(MEMBERS)
            },
        }


class _Nowhere(StringIO):
    """Where the log goes: every line is made, as for the service, and none is kept."""

    def write(self, text: str) -> int:
        """Take it, and keep nothing."""
        return len(text)


def _handle(n: int) -> bytes:
    return hashlib.blake2b(n.to_bytes(8, "big"), digest_size=8).digest()
