"""The keeper's loop: take orders, drive the lines to where they belong now, wait, again."""

import select
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drivers.line_keeper import limits, plan, protocol
from drivers.line_keeper import lines as machine
from drivers.line_keeper.latch import Latch
from drivers.line_keeper.pins import Pins
from drivers.line_keeper.protocol import Answer, Fire, Kind, Request, Result, Sense, Use


def now_ms() -> int:
    """Give the monotonic clock, which the daemon's orders are dated by as well."""
    return time.monotonic_ns() // 1_000_000


@dataclass(slots=True)
class FireInput:
    """The fire input: polled, because what is polled can't go deaf."""

    line: int
    sense: Sense
    debounce_ms: int
    active: bool = False
    differs_since_ms: int | None = None

    @property
    def may_burn(self) -> bool:
        """Whether it says fire, or has not shown for long enough yet that it does not."""
        return self.active or self.differs_since_ms is not None

    def look(self, level: bool, at_ms: int) -> None:
        """Take a level; one that has lasted for `debounce_ms` counts."""
        if (level != (Sense.ACTIVE_LOW in self.sense)) == self.active:
            self.differs_since_ms = None
            return
        if self.differs_since_ms is None:
            self.differs_since_ms = at_ms
        if at_ms - self.differs_since_ms >= self.debounce_ms:
            self.active = not self.active
            self.differs_since_ms = None


class Keeper:
    """Owns `pins` for the daemon at the other end of `wire`, and writes the plan of `which`."""

    def __init__(
        self, wire: socket.socket, pins: Pins, latch: Latch, which: str, planned: Path
    ) -> None:
        self._wire = wire
        self._pins = pins
        self._latch = latch
        self._which = which
        self._planned = planned
        self._lines = machine.Lines(now_ms() + limits.SILENCE_MS)
        self._at: dict[int, bool] = {}
        self._fire: FireInput | None = None
        self._told = self._fire_now()

    def serve(self, until: socket.socket) -> None:
        """Keep the lines until the daemon hangs up, or `until` has something to read.

        At the end they are at rest, however it ends.

        Raises:
            Malformed: The daemon sent what is no message.
            OSError: A pin that was claimed does not take its level, or can't be read.
        """
        poller = select.poll()
        poller.register(self._wire, select.POLLIN)
        poller.register(until, select.POLLIN)
        try:
            ready = []
            while (until.fileno(), select.POLLIN) not in ready and self._take_waiting():
                self._turn(now_ms())
                ready = poller.poll(self._wait_ms(now_ms()))
        finally:
            for number, line in self._lines.lines.items():
                with suppress(OSError):  # the others still come to rest
                    self._pins.write(number, line.rest_level)

    def _turn(self, at_ms: int) -> None:
        if self._fire is not None:
            self._fire.look(self._pins.read(self._fire.line), at_ms)
            if self._fire.active:
                self._latch.is_set = True
        self._lines = machine.pass_time(self._lines, at_ms)
        self._drive(at_ms)
        self._latch.keep(at_ms)
        if self._fire_now() != self._told:
            self._tell(0, Result.DONE)

    def _drive(self, at_ms: int) -> None:
        for number, line in self._lines.lines.items():
            level = line.level(at_ms, latched=self._latch.is_set)
            if self._at[number] != level:
                self._pins.write(number, level)
                self._at[number] = level

    def _wait_ms(self, at_ms: int) -> int | None:
        due_ms = machine.due_ms(self._lines, at_ms)
        waits = [] if due_ms is None else [due_ms - at_ms]
        if self._fire is not None:
            waits.append(limits.FIRE_POLL_MS)
        return min(waits, default=None)

    def _take_waiting(self) -> bool:
        """Take what has come; False: the daemon is gone."""
        for _ in range(limits.BACKLOG):
            try:
                data = self._wire.recv(protocol.REQUEST_BYTES + 1, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return True
            except ConnectionError:
                return False
            if not data:
                return False
            request = protocol.parse_request(data)
            result = self._take(request, now_ms())
            self._tell(request.number, result)
        return True

    def _take(self, request: Request, at_ms: int) -> Result:
        self._lines, result = machine.take(self._lines, request, at_ms)
        if result is not Result.DONE:
            return result
        match request.kind:
            case Kind.CLAIM:
                result = self._claim(request)
            case Kind.WATCH:
                result = self._watch(request, at_ms)
            case Kind.FIRE:
                self._latch.is_set = True
            case Kind.RESET:
                if (self._fire is not None and self._fire.may_burn) or not self._latch.reset():
                    return Result.NOT_RESET
            case _:
                pass
        self._drive(at_ms)  # moved before it is answered
        self._latch.keep(at_ms)
        return result

    def _claim(self, request: Request) -> Result:
        line = machine.Line(Use(request.a), active_low=request.b == 1)
        known = self._lines.lines.get(request.line)
        if known is None:
            rest = {n: one.rest_level for n, one in self._lines.lines.items()}
            try:
                plan.write(self._planned, self._which, {**rest, request.line: line.rest_level})
                self._pins.claim_output(request.line, line.rest_level)
            except OSError as error:
                sys.stderr.write(f"line {request.line}: {error}\n")
                return Result.FAILED
            self._at[request.line] = line.rest_level
        elif (known.use, known.active_low) != (line.use, line.active_low):
            return Result.UNKNOWN_LINE
        self._lines = self._lines.claimed(request.line, line)
        return Result.DONE

    def _watch(self, request: Request, at_ms: int) -> Result:
        fire = FireInput(request.line, Sense(request.b), request.a)
        try:
            self._pins.claim_input(fire.line, fire.sense)
            fire.look(self._pins.read(fire.line), at_ms)  # nothing is reset before it was seen
        except OSError as error:
            sys.stderr.write(f"fire input {request.line}: {error}\n")
            return Result.FAILED
        self._fire = fire
        return Result.DONE

    def _fire_now(self) -> Fire:
        active = self._fire is not None and self._fire.active
        return (Fire.ACTIVE if active else Fire(0)) | (
            Fire.LATCHED if self._latch.is_set else Fire(0)
        )

    def _tell(self, number: int, result: Result) -> None:
        self._told = self._fire_now()
        answer = Answer(number, result, self._told)
        with suppress(BlockingIOError, ConnectionError):  # who does not listen is not waited for
            self._wire.send(protocol.pack_answer(answer), socket.MSG_DONTWAIT)
