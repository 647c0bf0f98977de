"""Inputs at the header (kind "gpio"): a contact, an exit button, a tamper switch.

What lgpio reports is believed, and checked: its one thread can die and leave every input deaf
without a word (spec/hardware.md 6.3), so an input that has been quiet is read as well. Once one
was lost, nothing that lgpio reports is believed again in this process: a line that is opened anew
may take the descriptor at which lgpio's other thread, which reads the kernel's edges, is about to
read, and it waits there for a line that may never move. From then on the lines are looked at.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Protocol, Self

from drivers import limits
from drivers.api import DeviceLost, DeviceMissing, Header
from drivers.gpio_header import ChipInput, sense_of
from drivers.line_keeper.limits import DEBOUNCE_MS, LINES
from drivers.line_keeper.pins import SIM
from drivers.line_keeper.protocol import Sense
from drivers.line_keeper.sim_pins import SimPins


class GpioInput:
    """Input (drivers.api): a contact between a line and ground, or 3.3 V with `pull` down.

    Args:
        name: In the settings, such as `front.contact`.
        line: BCM number, 0..27.
        normally: The contact's position in which the input is not active.
        pull: The pin's own resistor; with `none` there is one outside.
        debounce_ms: How long a level has to stay before it counts, 0..2000.
        header: Whose line it is.

    Raises:
        ValueError: One of them is out of range; it is named.
    """

    def __init__(
        self,
        name: str,
        *,
        line: int,
        normally: Literal["open", "closed"],
        pull: Literal["up", "down", "none"] = "up",
        debounce_ms: int,
        header: Header,
    ) -> None:
        if line not in LINES:
            raise ValueError(f"line must be 0..{LINES[-1]}, got {line}")
        if debounce_ms not in DEBOUNCE_MS:
            raise ValueError(f"debounce_ms must be 0..{DEBOUNCE_MS[-1]}, got {debounce_ms}")
        self._name = name
        self._line = line
        self._sense = sense_of(normally, pull)
        self._debounce_ms = debounce_ms
        self._header = header
        self._levels: _Levels | None = None

    @property
    def name(self) -> str:
        """See Device."""
        return self._name

    async def __aenter__(self) -> Self:
        """See Device."""
        pins = self._header.pins
        try:
            if pins.startswith(SIM):
                simulated = SimPins(Path(pins.removeprefix(SIM)))
                self._levels = _SimLevels(simulated, self._line, self._sense, self._debounce_ms)
            else:
                folder = self._header.runtime_dir / "lgpio"
                self._levels = _ChipLevels(folder, self._line, self._sense, self._debounce_ms)
        except OSError as error:
            raise DeviceMissing(self._name, f"{pins}: {error}") from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See Device."""
        if self._levels is not None:
            self._levels.close()
            self._levels = None

    async def run(self, report: Callable[[bool], None]) -> None:
        """See Input."""
        levels = self._levels
        if levels is None:
            raise DeviceLost(self._name, "not open")
        try:
            level = levels.read()
            while True:
                report(level != (Sense.ACTIVE_LOW in self._sense))
                level = await self._next(levels, level)
        except OSError as error:
            levels.doubt()
            raise DeviceLost(self._name, str(error)) from error

    async def _next(self, levels: "_Levels", level: bool) -> bool:
        """Wait for a change from `level`. Raises OSError when one was not reported."""
        while not levels.doubted:
            heard = await _within(levels, limits.INPUT_CHECK_MS)
            if heard is None and levels.read() != level and not levels.doubted:
                heard = await _within(levels, self._debounce_ms + limits.INPUT_LAG_MS)
                if heard is None and levels.read() != level:
                    raise OSError(f"line {self._line} is deaf: no edge is reported")
            if heard is not None and heard != level:
                return heard
        return await self._look(levels, level)

    async def _look(self, levels: "_Levels", level: bool) -> bool:
        """Look until another level than `level` has lasted. Raises OSError."""
        began_s: float | None = None
        while True:
            await asyncio.sleep(limits.INPUT_LOOK_MS / 1000)
            now_s = time.monotonic()
            if levels.read() == level:
                began_s = None
            elif began_s is None:
                began_s = now_s
            elif now_s - began_s >= self._debounce_ms / 1000:
                return not level


async def _within(levels: "_Levels", wait_ms: int) -> bool | None:
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_ms / 1000):
            return await levels.heard()
    return None


_DOUBTED: Final[set[Path]] = set()
"""The folders of the headers at which an input was lost."""


class _Levels(Protocol):
    """A pin's level, and what is heard of its changes. Raises OSError."""

    @property
    def doubted(self) -> bool: ...
    def doubt(self) -> None: ...
    def read(self) -> bool: ...
    async def heard(self) -> bool: ...
    def close(self) -> None: ...


class _ChipLevels:
    """Of the header: events come from lgpio's thread and do nothing there but cross over."""

    def __init__(self, folder: Path, line: int, sense: Sense, debounce_ms: int) -> None:
        self._folder = folder
        self._loop = asyncio.get_running_loop()
        self._waiting = deque[bool](maxlen=limits.INPUT_EVENTS)
        self._event = asyncio.Event()
        self._input = ChipInput(folder, line, sense, debounce_ms, self._hear)

    @property
    def doubted(self) -> bool:
        return self._folder in _DOUBTED

    def doubt(self) -> None:
        _DOUBTED.add(self._folder)

    def read(self) -> bool:
        return self._input.read()

    async def heard(self) -> bool:
        while not self._waiting:
            self._event.clear()
            await self._event.wait()
        return self._waiting.popleft()

    def close(self) -> None:
        self._input.close()

    def _hear(self, level: bool) -> None:
        self._loop.call_soon_threadsafe(self._take, level)

    def _take(self, level: bool) -> None:
        self._waiting.append(level)
        self._event.set()


class _SimLevels:
    """Of simulated pins, looked at again and again."""

    doubted = False

    def __init__(self, pins: SimPins, line: int, sense: Sense, debounce_ms: int) -> None:
        pins.claim_input(line, sense)
        self._pins = pins
        self._line = line
        self._lasting_ns = debounce_ms * 1_000_000
        self._seen = pins.count(line)

    def doubt(self) -> None:
        """Nothing but its own eyes is believed anyway."""

    def read(self) -> bool:
        return self._pins.read(self._line)

    async def heard(self) -> bool:
        while True:
            if not self._pins.is_there():
                raise OSError("the simulated pins are gone")
            changes = self._pins.changes(self._line, self._seen)
            ends = [*(at_ns for at_ns, _ in changes[1:]), time.monotonic_ns()]
            for (at_ns, level), end_ns in zip(changes, ends, strict=False):
                if end_ns - at_ns < self._lasting_ns and end_ns == ends[-1]:
                    break  # it may still come to count
                self._seen += 1
                if end_ns - at_ns >= self._lasting_ns:
                    return level
            await asyncio.sleep(limits.SIM_LOOK_MS / 1000)

    def close(self) -> None:
        self._pins.close()
