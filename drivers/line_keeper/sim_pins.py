"""Simulated pins: a file that other processes map, to see and to move the levels from outside.

They remember: a level stays when its process has died, as on a Raspberry Pi's kernel without
strict_gpiod (spec/hardware.md 6.4). A pin belongs to one process at a time and is let go when
that one ends.

The file is an array of native 64-bit integers, `SLOTS` for each of the 28 pins. A pin's first
slot counts its changes since the file was made of zeros; the others are a ring of the last ones,
each the nanoseconds of CLOCK_MONOTONIC times two plus the new level.
"""

import fcntl
import mmap
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from drivers.line_keeper import limits
from drivers.line_keeper.protocol import Sense

SLOTS: Final = 128
BYTES: Final = len(limits.LINES) * SLOTS * 8


class SimPins:
    """Pins (drivers.line_keeper.pins) in the file `path`. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("r+b")
        try:
            mapped = mmap.mmap(self._file.fileno(), BYTES)
        except ValueError as error:
            self._file.close()
            raise OSError(f"{path} holds no pins: {error}") from error
        self._slots = memoryview(mapped).cast("Q")

    def claim_output(self, line: int, level: bool) -> None:
        """See Pins."""
        self._claim(line)
        self.write(line, level)

    def claim_input(self, line: int, sense: Sense) -> None:
        """See Pins. A pull moves a pin that nobody has driven yet."""
        self._claim(line)
        if self._slots[line * SLOTS] == 0 and Sense.PULL_UP in sense:
            self.write(line, level=True)

    def write(self, line: int, level: bool) -> None:
        """See Pins. The same level again is no change."""
        if level == self.read(line):
            return
        first = line * SLOTS
        count = self._slots[first]
        self._slots[first + 1 + count % (SLOTS - 1)] = time.monotonic_ns() * 2 + level
        self._slots[first] = count + 1

    def read(self, line: int) -> bool:
        """See Pins."""
        first = line * SLOTS
        count = self._slots[first]
        return count > 0 and bool(self._slots[first + 1 + (count - 1) % (SLOTS - 1)] & 1)

    def count(self, line: int) -> int:
        """Give how often a pin has changed."""
        return self._slots[line * SLOTS]

    def changes(self, line: int, after: int) -> list[tuple[int, bool]]:
        """Give the changes after the first `after` of them: at which nanosecond, to which level.

        Of those that the ring has lost nothing is said.
        """
        first = line * SLOTS
        count = self.count(line)
        ring = range(max(after, count - (SLOTS - 1)), count)
        seen = (self._slots[first + 1 + n % (SLOTS - 1)] for n in ring)
        return [(slot // 2, slot % 2 == 1) for slot in seen]

    def is_there(self) -> bool:
        """Whether the file is still where it was opened."""
        with suppress(OSError):
            return os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        return False

    def close(self) -> None:
        """Let go of the pins; their levels stay."""
        self._file.close()

    def _claim(self, line: int) -> None:
        with suppress(OSError):
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 8, line * SLOTS * 8)
            return
        raise OSError(f"line {line} is taken")
