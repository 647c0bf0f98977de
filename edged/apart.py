"""Heavy work in a process of its own: beside the doors it would hold up every scan."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from edged import limits
from edged.control.client import ControlRefused
from edged.exits import explain
from edged.store.errors import FailKind, StoreFailed

T = TypeVar("T")


class Apart(Generic[T]):
    """Carries out `work` elsewhere, one at a time; one that nobody waits for any more counts.

    `work` and what it is given and returns can be pickled. `busy`: what whoever comes second is
    told.
    """

    def __init__(self, work: Callable[..., T], busy: str) -> None:
        self._work = work
        self._busy = busy
        self._last: asyncio.Task[T | _Failed] | None = None

    async def __call__(self, *given: object) -> T:
        """Do it.

        Raises:
            StoreFailed: BUSY: another one is under way.
            ControlRefused: It failed; as a command at this device would end.
        """
        if self._last is not None and not self._last.done():
            raise StoreFailed(FailKind.BUSY, self._busy)
        self._last = asyncio.create_task(self._elsewhere(*given))
        done = await asyncio.shield(self._last)
        if isinstance(done, _Failed):
            raise ControlRefused(done.code, done.lines)
        return done

    async def _elsewhere(self, *given: object) -> "T | _Failed":
        started = await asyncio.to_thread(self._start, *given)  # 4 to 32 ms, when a door may wait
        return await asyncio.wrap_future(started)

    def _start(self, *given: object) -> "Future[T | _Failed]":
        spawn = multiprocessing.get_context("spawn")
        worker = ProcessPoolExecutor(1, mp_context=spawn, initializer=_stand_back)
        started = worker.submit(_carry_out, self._work, *given)
        worker.shutdown(wait=False)
        return started


@dataclass(frozen=True, slots=True)
class _Failed:
    """How it ended, in words: most errors can't be pickled."""

    code: int
    lines: list[str]


def _stand_back() -> None:
    with suppress(OSError):  # a unit that forbids it: it is done all the same
        os.nice(limits.APART_NICE)


def _carry_out(work: Callable[..., T], *given: object) -> T | _Failed:
    try:
        return work(*given)
    except Exception as error:  # noqa: BLE001 - all of them are explained over there
        return _Failed(*explain(error))
