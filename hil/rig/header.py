"""The rig's own header: it drives what the device hears, and looks at what the device drives.

Straight wires: line N of the rig leads to line N of the device, so both have the same numbers.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

import gpiozero

LOOK_S: Final = 0.002
"""Between two looks at the device's outputs. A look can't go deaf, and costs microseconds."""


class Header:
    """The lines of the rig. Open with `async with`; they are let go at the end.

    Args:
        rest: The levels of the device's outputs while nobody drives them; they are pulled there.
        power_line: Of the relay that cuts the device's supply while the line is high.
        changed: Told each level of the device's outputs, at once and when it changes.
    """

    def __init__(
        self, rest: Mapping[int, bool], power_line: int, changed: Callable[[int, bool], None]
    ) -> None:
        self._rest = rest
        self._power_line = power_line
        self._changed = changed
        self._levels: dict[int, bool] = {}
        self._pulled: dict[int, Any] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Claim what it needs. Raises gpiozero.GPIOZeroError: no header, or a line is taken."""
        async with AsyncExitStack() as opening:
            enter = opening.enter_context
            self._power = enter(gpiozero.DigitalOutputDevice(self._power_line))
            self._outputs = {
                line: enter(gpiozero.DigitalInputDevice(line, pull_up=high))
                for line, high in self._rest.items()
            }
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let all go: the device has its supply, and nobody pulls at its inputs."""
        await self._open.aclose()

    def watch(self, lines: Collection[int]) -> None:
        """Begin to look at some of the device's outputs."""
        outputs = {line: self._outputs[line] for line in lines}
        looking = asyncio.create_task(self._look(outputs), name="rig's header")
        self._open.push_async_callback(asyncio.wait, [looking])
        self._open.callback(looking.cancel)

    def pull(self, line: int, *, level: bool) -> None:
        """Be the world at one of the device's inputs."""
        self._levels[line] = level
        if self._power.value:
            return
        if line in self._pulled:
            self._pulled[line].value = level
        else:
            made = gpiozero.DigitalOutputDevice(line, initial_value=level)
            self._pulled[line] = self._open.enter_context(made)

    def power(self, *, on: bool) -> None:
        """Give the device its supply, or cut it; then no input may feed it either."""
        self._power.value = not on
        if on:
            for line, level in self._levels.items():
                self.pull(line, level=level)
        else:
            for line in self._pulled.values():
                line.off()

    async def _look(self, outputs: Mapping[int, Any]) -> None:
        seen: dict[int, bool] = {}
        while True:
            for line, output in outputs.items():
                level = output.is_active is not self._rest[line]  # pulled up, it is active low
                if seen.get(line) is not level:
                    seen[line] = level
                    self._changed(line, level)
            await asyncio.sleep(LOOK_S)
