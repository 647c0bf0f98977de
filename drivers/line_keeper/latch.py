"""The fire latch: set in memory at once, and in a file so that it outlives every restart."""

import os
import sys
from pathlib import Path


class Latch:
    """Whether the latch is set; while its file is there it is.

    A file that can't be looked at counts as there: in doubt a magnet lets people out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = _there(path)
        self.is_set = self._kept

    def set(self) -> None:
        """Set the latch; the file comes after."""
        self.is_set = True
        self.keep()

    def keep(self) -> None:
        """Write the file if that has not been done; what fails is tried again at the next call."""
        if not self.is_set or self._kept:
            return
        try:
            with self._path.open("wb") as file:
                file.write(b"fire\n")
                file.flush()
                os.fsync(file.fileno())
            self._sync_folder()
        except OSError as error:
            sys.stderr.write(f"fire latch is not on disk: {error}\n")
            return
        self._kept = True

    def reset(self) -> bool:
        """End the latch; False: the file stays, and so does the latch."""
        try:
            self._path.unlink(missing_ok=True)
            self._sync_folder()
        except OSError as error:
            sys.stderr.write(f"fire latch can't be reset: {error}\n")
            return False
        self.is_set = self._kept = False
        return True

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
