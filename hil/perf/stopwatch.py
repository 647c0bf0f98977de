"""Taking the time of several contestants side by side, so that a busy machine hits all alike."""

import gc
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from time import perf_counter_ns
from typing import TypeVar

T = TypeVar("T")

Laps = Callable[[], Sequence[int]]
"""One round of a contestant: the nanoseconds of each of its calls."""


@dataclass(frozen=True, slots=True)
class Times:
    """A contestant's times, in microseconds, an entry a round."""

    p50: list[float]
    p99: list[float]

    def ratio(self, other: "Times") -> float:
        """Return the median, over the rounds, of how many times as long it took as `other`."""
        return statistics.median(a / b for a, b in zip(self.p50, other.p50, strict=True))


def each(call: Callable[[T], object], inputs: Sequence[T], rounds: int = 1) -> Laps:
    """Make a contestant of a function: in a round it is called once with each of the inputs.

    Of more `rounds` each has its share of them, in their order, so that none is asked twice.
    """
    begun = count()

    def laps() -> list[int]:
        spent = []
        for value in inputs[next(begun) % rounds :: rounds]:
            start = perf_counter_ns()
            call(value)
            spent.append(perf_counter_ns() - start)
        return spent

    return laps


def race(contestants: Mapping[str, Laps], rounds: int) -> dict[str, Times]:
    """Let them all run `rounds` times in turn, another one first in each round."""
    times = {name: Times([], []) for name in contestants}
    order = [*contestants]
    for _ in range(rounds):
        for name in order:
            gc.collect()  # nobody pays for what another left behind
            spent = contestants[name]()
            times[name].p50.append(statistics.median(spent) / 1000)
            times[name].p99.append(statistics.quantiles(spent, n=100)[-1] / 1000)
        order.append(order.pop(0))
    return times
