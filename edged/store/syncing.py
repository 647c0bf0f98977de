"""Files brought to the disk beside entries that wait for it."""

import ctypes
import os
import select
import time
from pathlib import Path
from typing import Final

from edged.store import limits

_LIBC = ctypes.CDLL(None)
_WRITE_AND_WAIT: Final = 1 | 2 | 4
"""SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE and _WAIT_AFTER (Linux, sync_file_range(2))."""


def sync_file(path: Path) -> None:
    """Put a file's content on the disk, a piece at a time. Raises OSError.

    A sync of all of it at once holds up every other one, and with it every entry, until it ends.
    Behind each piece comes a rest as long as `limits.SYNC_REST` of it, so that most entries find
    the disk idle.
    """
    with path.open("rb") as file:
        number = file.fileno()
        for begin in range(0, os.fstat(number).st_size, limits.SYNC_PIECE):
            began_s = time.monotonic()
            # Whether this works is the same: it promises nothing, and the sync does the rest.
            _LIBC.sync_file_range(
                number,
                ctypes.c_int64(begin),
                ctypes.c_int64(limits.SYNC_PIECE),
                ctypes.c_uint(_WRITE_AND_WAIT),
            )
            _rest(limits.SYNC_REST * (time.monotonic() - began_s))
        os.fsync(number)


def _rest(for_s: float) -> None:
    """Sleep, also where a library turns the clock: `time.sleep` fails there with EINVAL."""
    select.select((), (), (), for_s)
