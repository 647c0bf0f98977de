"""A daemon's clock that can be turned: its time of day alone, as if somebody had set it."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Self

_FOLDER = Path("/usr/lib")  # of Debian's libfaketime, below the machine's own name


class TurnedClock:
    """A file by which libfaketime turns the clock of a program that was started with `env`.

    Time that runs on (monotonic, boot time) is left true, as a set clock leaves it.

    Args:
        file: Where the turn stands; it is made at once, with none.
        library: libfaketime, of several threads.
    """

    def __init__(self, file: Path, library: Path) -> None:
        self._file, self._library = file, library
        if not file.exists():
            self.turn(timedelta())

    @classmethod
    def at(cls, file: Path) -> Self | None:
        """Make one by the system's own libfaketime; None where it is not installed."""
        library = next(_FOLDER.glob("*/faketime/libfaketimeMT.so.1"), None)
        return None if library is None else cls(file, library)

    @property
    def env(self) -> Mapping[str, str]:
        """What the program's environment needs."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # It mends waits of an old C library, and makes threads that wait for a lock spin.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",
        }

    def turn(self, by: timedelta) -> None:
        """Set the clock so far ahead of the true time, or behind it. Raises OSError."""
        new = self._file.with_suffix(".new")  # whoever reads it never finds half of it
        new.write_text(f"{by // timedelta(seconds=1):+d}\n")
        new.replace(self._file)

    def turned(self) -> timedelta:
        """How far it is from the true time. Raises OSError."""
        return timedelta(seconds=int(self._file.read_text()))
