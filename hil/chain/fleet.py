"""What a device costs a broker and a cloud, as the kernel counts it: many at one of each."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hil.chain.cost import Cost, cost
from hil.chain.drain import passage
from hil.chain.line import Line, connected, now
from hil.chain.site import Site, site

Act: TypeAlias = Callable[[Line], Awaitable[None]]

CONNECTING = 32
"""Devices that connect at the same time."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What broker, cloud and the devices themselves spent meanwhile, processor seconds."""

    wall_s: float
    broker_s: float
    cloud_s: float
    devices_s: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """What so many devices took. `rounds`: how often each did it; memory is bytes a device."""

    devices: int
    rounds: int
    connecting: Spent
    pulses: Spent
    passages: Spent
    broker_rss: float
    cloud_rss: float
    refused: int


async def measure(devices: int, rounds: int, period_s: float, workers: int) -> Fleet:
    """Connect the devices; then let each report and ask for a pulse, then let each pass somebody.

    Raises:
        TimeoutError: A round took ten periods.
    """
    names = [f"dev-{n:05}" for n in range(devices)]
    with tempfile.TemporaryDirectory() as folder:
        async with site(Path(folder), names, workers) as up:
            before, spending = _cost(up), _Spending(up)
            async with _connected(up) as lines:
                laps = [spending.lap()]
                for act in (_pulse, _pass):
                    await _each(lines, rounds, period_s, act)
                    laps.append(spending.lap())
                after = _cost(up)
                refused = sum(len(line.refused) for line in lines)
    rss = [(late.rss - early.rss) / devices for late, early in zip(after, before, strict=True)]
    connecting, pulses, passages = laps
    return Fleet(devices, rounds, connecting, pulses, passages, rss[0], rss[1], refused)


class _Spending:
    """A stopwatch for processor time."""

    def __init__(self, up: Site) -> None:
        self._up, self._begin, self._before = up, time.monotonic(), _cost(up)

    def lap(self) -> Spent:
        """Return what was spent since the start or the last lap."""
        begin, before = self._begin, self._before
        self._begin, self._before = time.monotonic(), _cost(self._up)
        pairs = zip(self._before, before, strict=True)
        return Spent(self._begin - begin, *(late.cpu_s - early.cpu_s for late, early in pairs))


def _cost(up: Site) -> tuple[Cost, Cost, Cost]:
    """Of the broker, the cloud, and this process alone."""
    if up.broker.process is None:
        raise OSError("the broker is gone")
    broker, cloud, all_of_it = map(cost, (up.broker.process.pid, up.serving.pid, os.getpid()))
    own = all_of_it.cpu_s - broker.cpu_s - cloud.cpu_s
    return broker, cloud, Cost(own, all_of_it.rss - broker.rss - cloud.rss)


@asynccontextmanager
async def _connected(up: Site) -> AsyncIterator[Sequence[Line]]:
    some = asyncio.Semaphore(CONNECTING)
    async with AsyncExitStack() as all_of_them:

        async def connect(number: int) -> Line:
            async with some:
                line = connected(up.devices[number], up.place)
                return await all_of_them.enter_async_context(line)

        yield await asyncio.gather(*map(connect, range(len(up.devices))))


async def _each(lines: Sequence[Line], rounds: int, period_s: float, act: Act) -> None:
    """Let every device do something once a period, spread over it."""

    async def one(number: int, line: Line) -> None:
        for _ in range(rounds):
            begin = asyncio.get_running_loop().time()
            await asyncio.sleep(period_s * number / len(lines))
            await act(line)
            left = begin + period_s - asyncio.get_running_loop().time()
            await asyncio.sleep(max(0, left))

    async with asyncio.timeout(10 * rounds * period_s), asyncio.TaskGroup() as tasks:
        for number, line in enumerate(lines):
            tasks.create_task(one(number, line))


async def _pulse(line: Line) -> None:
    device = line.device
    device.pulse = None
    await line.say([device.report(now()), device.ask_pulse()])
    await line.until(lambda: device.pulse)


async def _pass(line: Line) -> None:
    device = line.device
    number = passage(device, len(device.journal.records))
    await line.say([device.batch(number, number, now())])
    await line.until(lambda: device.journal.acked >= number)
