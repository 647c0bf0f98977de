"""Heavy work on virtual time: done in this process, a while after it was asked for."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from edged import apart
from hil.virtual.wires import LIFE

T = TypeVar("T")

_TAKES_S: Final = 2.0
"""A process is started and rules are built in about this on a small computer."""


class _NoProcess:
    """What the daemon takes for a pool of processes; it is gone with the life that made it."""

    def __init__(self, *_: object, **__: object) -> None:
        """Take what a pool takes."""

    def submit(self, work: Callable[..., T], *given: object) -> "Future[T]":
        """Do it later, unless the life has ended by then."""
        future: Future[T] = Future()
        life = LIFE.get()

        def do() -> None:
            if (life is not None and life.cut) or not future.set_running_or_notify_cancel():
                return
            future.set_result(work(*given))  # it raises nothing: edged.apart tells in words

        asyncio.get_running_loop().call_later(_TAKES_S, do)
        return future

    def shutdown(self, **_: object) -> None:
        """Do nothing: there is no process."""


@contextmanager
def work_beside() -> Iterator[None]:
    """Let no process be started for heavy work in the block."""
    library: Any = apart
    before = library.ProcessPoolExecutor
    library.ProcessPoolExecutor = _NoProcess
    try:
        yield
    finally:
        library.ProcessPoolExecutor = before
