"""The Unix socket: one JSON object a line each way (README.md)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from hil.building import limits, person
from hil.building.building import Building, Refused
from hil.building.config import fault_text
from hil.building.door import Change, Coil, Hold, LockType, Part, Release, Secure
from hil.building.lockers import NoSuchLocker
from hil.building.messages import (
    COIL_ORDER,
    HELLO,
    LOCK_ORDER,
    LOCKERS_ORDER,
    PERSON_REQUEST,
    SIGNAL,
    CoilHello,
    CoilOrder,
    Hello,
    IndicatorHello,
    LevelHello,
    LockersHello,
    LockersOrder,
    LockHello,
    LockOrder,
    PersonHello,
    PersonRequest,
    ReaderHello,
    Request,
    Signal,
    SwitchHello,
    Watch,
)

_Asked = TypeVar("_Asked", bound=Request)


class Line:
    """One peer and the lines to and from it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, message: dict[str, object]) -> None:
        """Send one object now. A peer that does not read is hung up, never skipped."""
        if self._writer.is_closing():
            return
        self._writer.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
        if self._writer.transport.get_write_buffer_size() > limits.BACKLOG_BYTES:
            self._writer.transport.abort()

    async def come(self) -> AsyncIterator[bytes]:
        """The lines that come in, until the peer hangs up or sends one that is too long."""
        while True:
            try:
                yield await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                error = f"a line has at most {limits.LINE_BYTES} bytes"
                self.send({"ok": False, "error": error})
                return


async def talk(
    building: Building, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Serve one peer: what its first line says it is, until it hangs up."""
    line = Line(reader, writer)
    async for first in line.come():
        try:
            hello = HELLO.validate_json(first)
            await _as(hello, building, line)
        except ValidationError as error:
            line.send({"ok": False, "error": fault_text(error)})
        except Refused as error:
            line.send({"ok": False, "error": str(error)})
        return


async def _as(hello: Hello, building: Building, line: Line) -> None:
    match hello:
        case LockHello():
            await _lock(hello, building, line)
        case CoilHello():
            await _coil(hello, building, line)
        case LevelHello():
            await _level(hello, building, line)
        case SwitchHello():
            await _switch(hello, building, line)
        case IndicatorHello():
            await _indicator(hello, building, line)
        case ReaderHello():
            await _reader(hello, building, line)
        case LockersHello():
            await _lockers(hello, building, line)
        case PersonHello():
            await _person(building, line)


async def _lock(hello: LockHello, building: Building, line: Line) -> None:
    lock = building.take_lock(hello.door)

    def obey(order: LockOrder) -> dict[str, object]:
        if order.release_ms is not None:
            building.act(hello.door, Release(order.release_ms))
        elif order.hold_ms is None:
            building.act(hello.door, Secure())
        elif lock is LockType.MAGNET:
            building.act(hello.door, Hold(order.hold_ms))
        else:
            raise Refused("hold_ms: a strike has no hold")
        return {}

    try:
        with _connected(building, hello):
            line.send({"ok": True, "type": lock})
            await _answer(line, LOCK_ORDER, obey, out_of_range="range")
    finally:
        building.leave_lock(hello.door)


async def _coil(hello: CoilHello, building: Building, line: Line) -> None:
    building.take_lock(hello.door)

    def feed(order: CoilOrder) -> dict[str, object]:
        building.act(hello.door, Coil(order.energised))
        return {}

    try:
        with _connected(building, hello):
            line.send({"ok": True})
            await _answer(line, COIL_ORDER, feed)
    finally:
        building.act(hello.door, Coil(energised=False))
        building.leave_lock(hello.door)


async def _level(hello: LevelHello, building: Building, line: Line) -> None:
    door = building.door(hello.door)
    if hello.hello == "contact" and not building.has_contact(hello.door):
        raise Refused(f"door: {hello.door!r} has no contact")
    levels = {
        Part.BOLT: door.released,
        Part.DOOR: door.open,
        Part.BUTTON: door.pressed,
        Part.TAMPER: door.tampered,
    }

    def active() -> bool:
        match hello.hello:
            case "contact":
                return levels[Part.DOOR]
            case "button":
                return levels[Part.BUTTON]
            case "tamper":
                return levels[Part.TAMPER]
            case "bond":  # the bolt is thrown, and the leaf is there for it to hold
                return not levels[Part.BOLT] and not levels[Part.DOOR]

    def report(name: str, change: Change) -> None:
        if name != hello.door:
            return
        before = active()
        levels[change.part] = change.level
        if active() is not before:
            line.send({"active": active()})

    with _connected(building, hello):
        line.send({"ok": True})
        line.send({"active": active()})
        building.level_listeners.add(report)
        try:
            await _refuse_all(line)
        finally:
            building.level_listeners.remove(report)


async def _switch(hello: SwitchHello, building: Building, line: Line) -> None:
    def report(name: str, on: bool) -> None:
        if name == hello.hello:
            line.send({"active": on})

    with _connected(building, hello):
        line.send({"ok": True})
        report(hello.hello, building.switches[hello.hello])
        building.switch_listeners.add(report)
        try:
            await _refuse_all(line)
        finally:
            building.switch_listeners.remove(report)


async def _lockers(hello: LockersHello, building: Building, line: Line) -> None:
    bank = building.take_bank(hello.bank)

    def obey(order: LockersOrder) -> dict[str, object]:
        try:
            bank.pulse(order.pulse)
        except NoSuchLocker as error:
            raise Refused(str(error)) from error
        return {}

    def report(name: str, channel: int, is_open: bool) -> None:
        if name == hello.bank:
            line.send({"channel": channel, "open": is_open})

    try:
        with _connected(building, hello):
            line.send({"ok": True, "count": len(bank.lockers), "reports_doors": bank.reports_doors})
            if bank.reports_doors:
                for channel, locker in bank.lockers.items():
                    report(hello.bank, channel, locker.open)
                building.locker_listeners.add(report)
            try:
                await _answer(line, LOCKERS_ORDER, obey)
            finally:
                building.locker_listeners.discard(report)
    finally:
        building.leave_bank(hello.bank)


async def _indicator(hello: IndicatorHello, building: Building, line: Line) -> None:
    def show(signal: Signal) -> dict[str, object]:
        building.light(hello.name, signal.model_dump(exclude={"id"}))
        return {}

    with _connected(building, hello):
        line.send({"ok": True})
        await _answer(line, SIGNAL, show)


async def _reader(hello: ReaderHello, building: Building, line: Line) -> None:
    if hello.name in building.scanners:
        raise Refused(f"name: {hello.name!r} is a scanner at a pseudo-terminal")
    listeners = building.readers.setdefault(hello.name, set())

    def report(text: str) -> None:
        line.send({"scan": text})

    with _connected(building, hello):
        line.send({"ok": True})
        listeners.add(report)
        try:
            await _refuse_all(line)
        finally:
            listeners.remove(report)


async def _person(building: Building, line: Line) -> None:
    def act(request: PersonRequest) -> dict[str, object]:
        if isinstance(request, Watch):
            building.observations.watchers.add(line.send)
            return {}
        return person.act(building, request)

    line.send({"ok": True})
    try:
        await _answer(line, PERSON_REQUEST, act)
    finally:
        building.observations.watchers.discard(line.send)


@contextmanager
def _connected(
    building: Building,
    hello: LockHello
    | CoilHello
    | LevelHello
    | SwitchHello
    | IndicatorHello
    | ReaderHello
    | LockersHello,
) -> Iterator[None]:
    """Write down that a host connected, and that it hung up."""
    building.record("device", **hello.model_dump(), connected=True)
    try:
        yield
    finally:
        building.record("device", **hello.model_dump(), connected=False)


async def _answer(
    line: Line,
    requests: TypeAdapter[_Asked],
    obey: Callable[[_Asked], dict[str, object]],
    *,
    out_of_range: str | None = None,
) -> None:
    """Answer every request until the peer hangs up.

    Args:
        line: The peer.
        requests: What it may ask.
        obey: Carries out one request; gives what the answer says beyond "ok", or is Refused.
        out_of_range: The error of a number out of its range, if it has a word of its own.
    """
    async for text in line.come():
        try:
            request = requests.validate_json(text)
        except ValidationError as error:
            ranged = error.errors()[0]["type"] in {"greater_than_equal", "less_than_equal"}
            problem = out_of_range if out_of_range and ranged else fault_text(error)
            line.send({**_id_of(text), "ok": False, "error": problem})
            continue
        try:
            line.send({"id": request.id, "ok": True, **obey(request)})
        except Refused as error:
            line.send({"id": request.id, "ok": False, "error": str(error)})


async def _refuse_all(line: Line) -> None:
    """Answer every request of a peer that may only listen."""
    async for text in line.come():
        line.send({**_id_of(text), "ok": False, "error": "there is nothing to ask here"})


def _id_of(text: bytes) -> dict[str, object]:
    """The `id` of a line that may be anything, for an answer; empty if it has none."""
    try:
        message = from_json(text)
    except ValueError:
        return {}
    number = message.get("id") if isinstance(message, dict) else None
    return {"id": number} if type(number) is int else {}
