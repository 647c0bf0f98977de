"""Honest counterparts for the driver contracts: what is at the other end of the wire."""

import asyncio
import json
import os
import pty
import tty
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from hil.building.scanner import Device
from hil.building.waveshare import WaveshareBoard

PATIENCE_S = 60


async def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds; fail if it takes longer than any machine should need."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what a terminal does raises no event
            await asyncio.sleep(0.002)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


def now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)


class Terminal:
    """A pseudo-terminal behind a link that stays the same, like a udev name."""

    def __init__(self, link: Path, hear: Callable[[bytes], None] = lambda _: None) -> None:
        self.link = link
        self._hear = hear
        self._ends: tuple[int, int] | None = None

    def plug(self) -> None:
        self._ends = master, slave = pty.openpty()
        tty.setraw(master)
        os.set_blocking(master, False)
        self.link.symlink_to(os.ttyname(slave))
        asyncio.get_running_loop().add_reader(master, self._read)

    def unplug(self) -> None:
        if self._ends is None:
            return
        master, slave = self._ends
        self._ends = None
        asyncio.get_running_loop().remove_reader(master)
        self.link.unlink()
        os.close(slave)
        os.close(master)

    def write(self, data: bytes) -> None:
        if self._ends is not None:
            os.write(self._ends[0], data)

    def _read(self) -> None:
        if self._ends is not None:
            self._hear(os.read(self._ends[0], 4096))


class BoardAtTerminal:
    """The relay board's simulator at a pseudo-terminal, on the event loop's clock."""

    def __init__(self, link: Path, address: int = 1) -> None:
        self.board = WaveshareBoard(address, self._moved)
        self.terminal = Terminal(link, self._hear)
        self.heard: list[bytes] = []
        self.moves: list[tuple[int, bool]] = []
        self.overlaps = 0

    def _moved(self, relay: int, closed: bool) -> None:
        self.moves.append((relay, closed))

    def _hear(self, data: bytes) -> None:
        self.overlaps += any(True for _ in self.board._late)
        self.heard.append(data)
        self._send(self.board.feed(data, now_ms()))

    def _tick(self) -> None:
        self._send(self.board.tick(now_ms()))

    def _send(self, answers: list[bytes]) -> None:
        for answer in answers:
            self.terminal.write(answer)
        due_ms = self.board.due_ms()
        if due_ms is not None:
            wait_ms = max(1, due_ms - now_ms())
            asyncio.get_running_loop().call_later(wait_ms / 1000, self._tick)


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scanners' drivers wait for a simulator beside them, not for 9600 baud."""
    monkeypatch.setattr("drivers.limits.SCANNER_PATROL_MS", 20)
    monkeypatch.setattr("drivers.limits.SCANNER_REPLY_MS", 400)
    monkeypatch.setattr("drivers.limits.SCANNER_ANSWER_MS", 1_000)
    monkeypatch.setattr("drivers.limits.WAKE_MS", 1)


class Tapped:
    """A simulated scanner, and all that it was sent while this was there."""

    def __init__(self, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard = b""
        feed = device.feed

        def tap(data: bytes, now_ms: int) -> list[bytes]:
            self.heard += data
            return feed(data, now_ms)

        monkeypatch.setattr(device, "feed", tap)


class Bolt:
    """A door's bolt in the little building below, with the building's own timers."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.held = False
        self.releasing = False
        self.orders: list[int] = []
        self.holds: list[int] = []
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def energised(self) -> bool:
        return self.releasing if self.kind == "strike" else self.held and not self.releasing

    def release(self, for_ms: int) -> None:
        self.orders.append(for_ms)
        self.releasing = True
        self._later("releasing", for_ms)

    def hold(self, for_ms: int) -> None:
        self.holds.append(for_ms)
        self.held = True
        self._later("held", for_ms)

    def secure(self) -> None:
        self._end("releasing")

    def let_go(self) -> None:
        self._end("releasing")
        self._end("held")

    def _later(self, what: str, for_ms: int) -> None:
        if what in self._timers:
            self._timers[what].cancel()
        loop = asyncio.get_running_loop()
        self._timers[what] = loop.call_later(for_ms / 1000, self._end, what)

    def _end(self, what: str) -> None:
        setattr(self, what, False)
        if what in self._timers:
            self._timers.pop(what).cancel()


class LittleBuilding:
    """Just enough of the building's wire for one device at a time (hil/building/README.md)."""

    def __init__(self, socket: Path, bolt: Bolt | None = None) -> None:
        self.socket = socket
        self.bolt = bolt or Bolt("strike")
        self.level = False
        self.guests: list[_Guest] = []
        self.shown: list[dict[str, object]] = []
        self.pulses: list[object] = []
        self.lockers = {1: False, 2: True}
        self.reports_doors = True
        self.refusal = ""
        self.mute = False
        self._server: asyncio.Server | None = None

    async def plug(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Guest(self), self.socket)

    async def unplug(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for guest in self.guests:
            guest.transport.abort()
        await self._server.wait_closed()
        self._server = None
        self.socket.unlink()

    def report(self, line: object) -> None:
        self.raw(json.dumps(line).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        for guest in self.guests:
            guest.transport.write(data)


class _Guest(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, building: LittleBuilding) -> None:
        self.building = building
        self.rest = b""
        self.hello = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        if self in self.building.guests:
            self.building.guests.remove(self)
        if self.hello == "lock":
            self.building.bolt.let_go()

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if not self.building.mute:
                self.take(json.loads(line))

    def take(self, line: dict[str, Any]) -> None:
        if not self.hello:
            self.greet(line)
            return
        number = line.pop("id")
        if self.building.refusal:
            self.say({"id": number, "ok": False, "error": self.building.refusal})
            return
        match line:
            case {"release_ms": for_ms}:
                self.building.bolt.release(for_ms)
            case {"hold_ms": for_ms}:
                self.building.bolt.hold(for_ms)
            case {"pulse": channel}:
                self.building.pulses.append(channel)
            case {"secure": True}:
                self.building.bolt.secure()
            case _:
                self.building.shown.append(line)
        self.say({"id": number, "ok": True})

    def greet(self, line: dict[str, Any]) -> None:
        if "nobody" in (line.get("door"), line.get("name"), line.get("bank")):
            self.say({"ok": False, "error": "no such device"})
            self.transport.close()
            return
        self.hello = line["hello"]
        self.building.guests.append(self)
        facts = {"type": self.building.bolt.kind, "reports_doors": self.building.reports_doors}
        self.say({"ok": True, **facts})
        if self.hello == "lockers" and self.building.reports_doors:
            for channel, is_open in self.building.lockers.items():
                self.say({"channel": channel, "open": is_open})
        if self.hello in ("contact", "button", "fire"):
            self.say({"active": self.building.level})

    def say(self, line: object) -> None:
        self.transport.write(json.dumps(line).encode() + b"\n")
