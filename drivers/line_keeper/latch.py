"""The fire latch: set in memory at once, and in a file so that it outlives every restart.

A card that is dying can hold a write up for ever, and no pulse may wait for it: the file is
written and removed on a thread of its own, which is waited for a moment only.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from drivers.line_keeper import limits


class Latch:
    """Whether the latch is set; while its file is there it is.

    A file that can't be looked at counts as there: in doubt a magnet lets people out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = _there(path)
        self._worker: Thread | None = None
        self._again_ms = 0
        self.is_set = self._kept

    def keep(self, at_ms: int) -> None:
        """See that the file is there if the latch is set; what fails is tried again later."""
        if self.is_set and not self._kept and at_ms >= self._again_ms:
            self._again_ms = at_ms + limits.LATCH_RETRY_MS
            self._work("kept", self._write)

    def reset(self) -> bool:
        """End the latch; False: the file stays, and so does the latch."""
        self._kept = False  # what is too slow may remove the file all the same
        if self._work("reset", self._remove) and not _there(self._path):
            self.is_set = False
        return not self.is_set

    def _work(self, what: str, work: Callable[[], None]) -> bool:
        """Do it on a thread; False: it hangs, or another one does."""

        def attempt() -> None:
            try:
                work()
            except OSError as error:
                sys.stderr.write(f"the fire latch can't be {what}: {error}\n")

        if self._worker is None or not self._worker.is_alive():
            self._worker = Thread(target=attempt, daemon=True)
            self._worker.start()
            self._worker.join(limits.LATCH_MS / 1000)
            return not self._worker.is_alive()
        return False

    def _write(self) -> None:
        with self._path.open("wb") as file:
            file.write(b"fire\n")
            file.flush()
            os.fsync(file.fileno())
        self._sync_folder()
        self._kept = True

    def _remove(self) -> None:
        self._path.unlink(missing_ok=True)
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _there(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
