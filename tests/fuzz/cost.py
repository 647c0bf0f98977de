"""What one input may cost a parser: it is tried with anything that anybody sends."""

import os
from collections.abc import Callable
from time import thread_time_ns
from typing import Final

CPU_MS: Final = 50.0
"""Of one thread's processor, with every branch watched, which makes it several times slower."""
MEMORY_MB: Final = 64
TRIES: Final = 3
"""A first time may import or collect garbage: the parser is slow if it is each time."""

_FORGET_PEAK: Final = b"5"  # Linux: proc_pid_clear_refs(5)


class TooDear(Exception):
    """An input that a parser takes too long for, or too much memory; the text says which."""


def within_cost(run: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Return the same, which raises TooDear where an input costs more than it may."""
    forgets = os.open("/proc/self/clear_refs", os.O_WRONLY)
    status = os.open("/proc/self/status", os.O_RDONLY)

    def peak_mb() -> float:
        _, _, behind = os.pread(status, 4_096, 0).partition(b"VmHWM:")
        return int(behind.split(maxsplit=1)[0]) / 1_024

    def watched(data: bytes) -> None:
        os.pwrite(forgets, _FORGET_PEAK, 0)
        before_mb = peak_mb()
        took_ms = _took_ms(run, data)
        more_mb = peak_mb() - before_mb
        if more_mb > MEMORY_MB:
            raise TooDear(f"{more_mb:.0f} MB for {len(data)} bytes")
        if took_ms > CPU_MS:
            took_ms = min(took_ms, *(_took_ms(run, data) for _ in range(TRIES - 1)))
        if took_ms > CPU_MS:
            raise TooDear(f"{took_ms:.0f} ms for {len(data)} bytes")

    return watched


def _took_ms(run: Callable[[bytes], None], data: bytes) -> float:
    began = thread_time_ns()
    run(data)
    return (thread_time_ns() - began) / 1e6
